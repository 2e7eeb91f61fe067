"""Events that are stored and acknowledged but could not be read: shown, and tried again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from lineside.central.ingest import models
from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import decode_event
from lineside.contracts.errors import LinesideError


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that waits.

    Attributes:
        type: Its type as far as it could be seen.
        code, why: What stood in the way.
    """

    position: int
    edge: str
    type: str
    code: str
    why: str
    since: Microseconds


def waiting(
    connection: Connection, *, after_position: int = 0, limit: int = 200
) -> list[Quarantined]:
    """Events in quarantine by position."""
    table = models.quarantine
    rows = connection.execute(
        select(
            table.c.position,
            table.c.edge,
            table.c.type,
            table.c.code,
            table.c.why,
            table.c.since,
        )
        .where(table.c.settled_at.is_(None), table.c.position > after_position)
        .order_by(table.c.position)
        .limit(limit)
    )
    return [Quarantined(*row) for row in rows]


def count_waiting(connection: Connection) -> int:
    """How many events wait."""
    table = models.quarantine
    return connection.execute(
        select(func.count()).select_from(table).where(table.c.settled_at.is_(None))
    ).scalar_one()


def hold(
    connection: Connection,
    *,
    position: int,
    edge: str,
    event_type: str,
    problem: LinesideError,
    now: Microseconds,
) -> None:
    """Put a readable event aside because a reader could not take it."""
    connection.execute(
        models.quarantine.insert().values(
            position=position,
            edge=edge,
            type=event_type,
            code=problem.code,
            why=str(problem).replace("\x00", "")[:500],
            since=now,
        )
    )


def settle_readable(connection: Connection, now: Microseconds, *, limit: int = 1_000) -> list[int]:
    """After an update: settle what this program can read now.

    Returns:
        Positions of the events that are readable now; the readers take them from there.
    """
    table, stored = models.quarantine, models.raw_event
    rows = connection.execute(
        select(table.c.position, stored.c.schema, stored.c.data)
        .join(stored, stored.c.position == table.c.position)
        .where(table.c.settled_at.is_(None))
        .order_by(table.c.position)
        .limit(limit)
    )
    readable: list[int] = []
    for position, schema, data in rows.all():
        try:
            decode_event(bytes(data), schema=schema)
        except LinesideError:
            continue  # stays where people see it
        readable.append(position)
    if readable:
        connection.execute(
            update(table).where(table.c.position.in_(readable)).values(settled_at=now)
        )
    return readable
