# pyright: basic
"""Several reads in one round trip (the pipeline of psycopg), for pages that must be fast."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection

from lineside.contracts.clock import Microseconds


class Reads(Protocol):
    """What a read needs of its transaction; a `UnitOfWork` has it."""

    @property
    def connection(self) -> Connection:
        """Where it reads."""
        ...

    def now(self) -> Microseconds:
        """The time of the request, microseconds UTC."""
        ...


Statement = tuple[str, dict[str, Any]]
"""SQL with `%(name)s` places, and their values; our own text only."""


def read_together(connection: Connection, statements: Sequence[Statement]) -> list[list[Any]]:
    """Rows of each statement, in order; the statements travel together and are kept prepared.

    Args:
        connection: Within a transaction; sees what it has written.
        statements: None depends on another's result.

    Returns:
        For each statement its rows, as named tuples.
    """
    driver: Any = connection.connection.driver_connection
    cursors: list[Any] = []
    with driver.pipeline():
        for sql, values in statements:
            cursor = driver.cursor(row_factory=namedtuple_row)
            cursor.execute(sql, values, prepare=True)
            cursors.append(cursor)
    found = [cursor.fetchall() for cursor in cursors]
    for cursor in cursors:
        cursor.close()
    return found


def read_as_one(
    connection: Connection,
    statements: Sequence[Statement],
    rows: Sequence[type],
    shared: Statement = ("", {}),
) -> list[list[Any]]:
    """Rows of each statement, as one statement that PostgreSQL answers in JSON.

    For answers that must be quick: the driver's work a statement and a row is saved, and what comes
    has types. Numbers keep every digit.

    Args:
        connection: Sees what its transaction has written.
        statements: Reads with named columns; none depends on another's result.
        rows: What each statement's rows are: a struct with fields like its columns. One that is
            `array_like` travels without names, twice as fast; it needs a column for each field.
        shared: Tables that the statements share, `name AS (...)` as behind WITH, and their values.

    Returns:
        For each statement its rows, in its order.
    """
    driver: Any = connection.connection.driver_connection
    values = {
        f"s{number}_{name}": value
        for number, (_, wanted) in enumerate(statements)
        for name, value in wanted.items()
    }
    values |= shared[1]
    together = _as_one(
        tuple((sql, _columns(row)) for (sql, _), row in zip(statements, rows, strict=True)),
        shared[0],
    )
    with driver.cursor() as cursor:
        found = cursor.execute(together, values, prepare=True).fetchone()
    return [
        [] if text is None else _decoder(row).decode(text)
        for text, row in zip(found, rows, strict=True)
    ]


@functools.lru_cache(maxsize=100)
def _as_one(statements: tuple[tuple[str, tuple[str, ...]], ...], shared: str = "") -> str:
    columns: list[str] = []
    for number, (sql, names) in enumerate(statements):
        own = sql.replace("%(", f"%(s{number}_")
        row = f"json_build_array({', '.join(f'r.{name}' for name in names)})" if names else "r"
        columns.append(f"(SELECT json_agg({row})::text FROM ({own}) AS r)")  # noqa: S608 - our own
    return (f"WITH {shared} " if shared else "") + "SELECT " + ", ".join(columns)


def _columns(row: type) -> tuple[str, ...]:
    """Names in order where rows travel without them; empty: each row is an object."""
    config = row.__struct_config__
    return tuple(row.__struct_fields__) if config.array_like else ()


@functools.cache
def _decoder(row: type) -> msgspec.json.Decoder[list[Any]]:
    return msgspec.json.Decoder(list[row])
