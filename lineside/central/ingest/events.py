"""Reading what edges have sent, in central's one order."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from lineside.central.ingest import models
from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import decode_event
from lineside.contracts.events import Event

READ_EVENTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A stored fact.

    Attributes:
        position: Its place in central's one order; a cursor over it skips nothing.
        received_at: When central took it, microseconds UTC.
    """

    position: int
    edge: str
    lane: str
    epoch: str
    seq: int
    schema: int
    type: str
    station: str
    occurred_at: Microseconds
    received_at: Microseconds
    data: bytes

    def event(self) -> Event:
        """The fact, decoded.

        Raises:
            UnsupportedVersionError, InvalidMessageError: It is in quarantine.
        """
        return decode_event(self.data, schema=self.schema)


def read_events(
    connection: Connection, after_position: int, limit: int, *, lane: str = "facts"
) -> list[RawEvent]:
    """Stored facts after a position, in order, at most `limit` (and never more than 10,000)."""
    table = models.raw_event
    rows = connection.execute(
        select(
            table.c.position,
            table.c.edge,
            table.c.lane,
            table.c.epoch,
            table.c.seq,
            table.c.schema,
            table.c.type,
            table.c.station,
            table.c.occurred_at,
            table.c.received_at,
            table.c.data,
        )
        .where(table.c.position > after_position, table.c.lane == lane)
        .order_by(table.c.position)
        .limit(min(limit, READ_EVENTS_MAX))
    )
    return [RawEvent(*row[:-1], data=bytes(row.data)) for row in rows]


def head_position(connection: Connection) -> int:
    """The last committed position; 0 when nothing is stored."""
    found = connection.execute(select(models.ingest_sequencer.c.position)).scalar_one_or_none()
    return found or 0
