# pyright: basic
"""Several reads in one round trip (the pipeline of psycopg), for pages that must be fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import namedtuple_row
from sqlalchemy import Connection

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
