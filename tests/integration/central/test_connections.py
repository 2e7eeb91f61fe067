"""Connections that the server dropped while they rested."""

from __future__ import annotations

from sqlalchemy import text

from lineside.central import db


def test_a_connection_that_was_dropped_while_it_rested_is_replaced(engine, monkeypatch):
    """A restarted server shows itself before the first statement, not as a failed request."""
    monkeypatch.setattr(db, "TRUSTED_S", 0.0)
    process = text("SELECT pg_backend_pid()")
    with engine.connect() as one, engine.connect() as other:
        held, resting = one.scalar(process), other.scalar(process)
        one.rollback()
        other.close()
        one.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": resting})

        with engine.connect() as connection:
            assert connection.scalar(process) not in {held, resting}
