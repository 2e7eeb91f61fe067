"""Central and a line as their own tests start them, for faults that need either."""

# ruff: noqa: TID252 - fixtures of the neighbours, which have no package name
from __future__ import annotations

from ..central.conftest import (
    app,
    at,
    client,
    clock,
    database,
    engine,
    report,
    server_dsn,
    token_of,
)
from ..edge_agent.conftest import line, line_at
from ..sync.conftest import authority, embedded, files, mosquitto

__all__ = [
    "app",
    "at",
    "authority",
    "client",
    "clock",
    "database",
    "embedded",
    "engine",
    "files",
    "line",
    "line_at",
    "mosquitto",
    "report",
    "server_dsn",
    "token_of",
]
