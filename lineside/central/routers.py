"""All routes of central's API, in one list."""

from __future__ import annotations

from fastapi import APIRouter

from lineside.central.mes.carriers.routes import router as carriers
from lineside.central.mes.figures.routes import router as figures
from lineside.central.mes.live.routes import router as live
from lineside.central.mes.master_data.routes import router as master_data
from lineside.central.mes.numbers.routes import router as numbers
from lineside.central.mes.orders.routes import router as orders
from lineside.central.mes.printing.routes import router as prints
from lineside.central.mes.things.routes import router as things
from lineside.central.platform.enrolment.routes import router as enrolment
from lineside.central.platform.identity.routes import auth, persons
from lineside.central.trace.neighbours import router as neighbours
from lineside.central.trace.routes import router as trace

ROUTERS: tuple[APIRouter, ...] = (
    auth,
    persons,
    enrolment,
    master_data,
    numbers,
    carriers,
    orders,
    things,
    figures,
    live,
    prints,
    neighbours,
    trace,
)
