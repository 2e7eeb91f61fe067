"""Every table of central: importing this fills `db.metadata`, for migrations and their test."""

from __future__ import annotations

import importlib

from lineside.central.db import metadata

# Modules that declare tables; each domain names its own.
MODULES = (
    "lineside.central.kit.idempotency",
    "lineside.central.ingest.models",
    "lineside.central.projections.models",
    "lineside.central.platform.identity.entities",
    "lineside.central.platform.enrolment.entities",
    "lineside.central.mes.master_data.entities",
    "lineside.central.mes.carriers.entities",
    "lineside.central.mes.edge_configuration.entities",
    "lineside.central.mes.exceptions.entities",
    "lineside.central.mes.numbers.entities",
    "lineside.central.mes.orders.entities",
    "lineside.central.mes.things.entities",
    "lineside.central.mes.figures.tables",
    "lineside.central.trace.tables",
    "lineside.central.downlink.models",
)


def load() -> None:
    """Import every module that declares tables."""
    for module in MODULES:
        importlib.import_module(module)


load()

__all__ = ["load", "metadata"]
