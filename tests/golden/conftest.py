"""Central as its own tests start it."""

# ruff: noqa: TID252 - fixtures of the neighbours, which have no package name
from __future__ import annotations

from ..integration.central.conftest import app, client, clock, database, engine, server_dsn
from ..integration.edge_agent.conftest import line_at
from ..integration.sync.conftest import embedded

__all__ = ["app", "client", "clock", "database", "embedded", "engine", "line_at", "server_dsn"]
