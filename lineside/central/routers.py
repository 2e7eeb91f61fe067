"""All routes of central's API, in one list."""

from __future__ import annotations

from fastapi import APIRouter

from lineside.central.mes.figures.routes import router as figures
from lineside.central.mes.master_data.routes import router as master_data
from lineside.central.mes.orders.routes import router as orders
from lineside.central.mes.printing.routes import router as prints
from lineside.central.mes.things.routes import router as things
from lineside.central.platform.identity.routes import auth, persons
from lineside.central.trace.routes import router as trace

ROUTERS: tuple[APIRouter, ...] = (
    auth,
    persons,
    master_data,
    orders,
    things,
    figures,
    prints,
    trace,
)
