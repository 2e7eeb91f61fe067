"""Hand-written SQL of number series."""

from __future__ import annotations

from sqlalchemy import Connection, text

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


def lock_series(connection: Connection, what: str) -> None:
    """Hold a series until the end of the transaction, whether it has rows or not."""
    connection.execute(_LOCK, {"what": what})
