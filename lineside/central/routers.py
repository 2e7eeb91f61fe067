"""All routes of central's API, in one list."""

from __future__ import annotations

from fastapi import APIRouter

from lineside.central.mes.carriers.routes import router as carriers
from lineside.central.mes.edge_configuration.routes import router as edge_configurations
from lineside.central.mes.exceptions.routes import router as exceptions
from lineside.central.mes.figures.routes import router as figures
from lineside.central.mes.live.receipts import router as receipts
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

# Tried in this order for each request: those that must be quick come first.
ROUTERS: tuple[APIRouter, ...] = (
    trace,
    live,
    auth,
    persons,
    enrolment,
    master_data,
    numbers,
    carriers,
    orders,
    things,
    figures,
    receipts,
    exceptions,
    prints,
    edge_configurations,
    neighbours,
)
