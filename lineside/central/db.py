"""The database: one engine, one set of table definitions, one session a transaction.

Everything that writes goes through `kit/unit_of_work.py`, which holds the only commit.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, ClassVar

from psycopg import OperationalError
from sqlalchemy import BigInteger, Engine, MetaData, Numeric, Text, create_engine, event
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase

POOL_CONNECTIONS = 10
POOL_OVERFLOW = 20
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 10_000
TRUSTED_S = 1.0
"""A connection that worked so lately is used without asking the server whether it is there."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of central stands here as soon as `lineside.central.tables` is imported."""


class Base(DeclarativeBase):
    """Root of the mapped entities.

    Text has no length (limits belong to the schemas at the rim), numbers of things are exact,
    integers hold microseconds.
    """

    metadata: ClassVar[MetaData] = metadata
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        Decimal: Numeric(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }


def open_engine(dsn: str, *, pool_connections: int = POOL_CONNECTIONS) -> Engine:
    """An engine for a DSN.

    Args:
        dsn: `postgresql://...`; the driver psycopg 3 is put in where none is named.
        pool_connections: Connections kept open; `POOL_OVERFLOW` more may open for a moment.

    Returns:
        A synchronous engine; its connections speak UTC and give up a statement after 30 s.
    """
    url = make_url(dsn)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        pool_size=pool_connections,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=10,
        connect_args={
            "application_name": "lineside-central",
            "connect_timeout": 10,
            "options": (
                f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c lock_timeout={LOCK_TIMEOUT_MS}"
            ),
        },
    )
    event.listen(engine, "before_cursor_execute", _count_statement)
    _ask_before_use(engine)
    return engine


def _ask_before_use(engine: Engine) -> None:
    """Ask a connection that has rested whether its server is there; one in use costs nothing.

    As `pool_pre_ping`, which asks each time: a round trip a request.
    """

    def taken(driver: Any, record: Any, _: object) -> None:  # noqa: ANN401 - SQLAlchemy's
        if time.perf_counter() - record.info.get("returned_at", -TRUSTED_S) < TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(driver)
        except OperationalError as problem:
            raise InvalidatePoolError from problem

    def returned(_: object, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        record.info["returned_at"] = time.perf_counter()

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", returned)


def _count_statement(
    connection: Any,  # noqa: ANN401 - the signature is SQLAlchemy's
    cursor: Any,  # noqa: ANN401, ARG001
    statement: str,  # noqa: ARG001
    parameters: Any,  # noqa: ANN401, ARG001
    context: Any,  # noqa: ANN401, ARG001
    executemany: bool,  # noqa: ARG001
) -> None:
    """Count statements per connection, so that tests can bound the queries of a request."""
    connection.info["statements"] = connection.info.get("statements", 0) + 1
