"""Events that are stored and acknowledged but could not be read: shown, and tried again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from lineside.central.ingest import models
from lineside.central.ingest.arriving import TIME_MAX
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


def settle_readable(
    connection: Connection, now: Microseconds, *, after_position: int = 0, limit: int = 1_000
) -> tuple[list[int], int | None]:
    """After an update: settle what this program can read now.

    Returns:
        Positions of the events that became readable, and up to where was looked; None: to the end.
        Readers that have passed them must be given them.
    """
    table, stored = models.quarantine, models.raw_event
    rows = connection.execute(
        select(table.c.position, stored.c.schema, stored.c.data)
        .join(stored, stored.c.position == table.c.position)
        .where(table.c.settled_at.is_(None), table.c.position > after_position)
        .order_by(table.c.position)
        .limit(limit)
        .with_for_update(of=table, skip_locked=True)  # another process may look as well
    ).all()
    readable: list[int] = []
    for position, schema, data in rows:
        try:
            event = decode_event(bytes(data), schema=schema)
        except LinesideError:
            continue  # stays where people see it
        if -TIME_MAX < event.occurred_at < TIME_MAX:
            readable.append(position)  # else it could always be read, and its time is none
    if readable:
        connection.execute(
            update(table).where(table.c.position.in_(readable)).values(settled_at=now)
        )
    return readable, rows[-1].position if len(rows) == limit else None
