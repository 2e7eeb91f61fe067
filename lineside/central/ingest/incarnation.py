"""Which life of its database central is in, and what of it is in a backup."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.ingest import models
from lineside.contracts.clock import Microseconds


def ensure_identity(connection: Connection, now: Microseconds) -> str:
    """The incarnation of this database, minted on the first call."""
    connection.execute(
        upsert(models.central_identity)
        .values(id=1, counter=1, chance=secrets.token_hex(4), minted_at=now)
        .on_conflict_do_nothing()
    )
    connection.execute(
        upsert(models.ingest_sequencer).values(id=1, position=0).on_conflict_do_nothing()
    )
    row = connection.execute(select(models.central_identity)).one()
    return f"{row.counter}-{row.chance}"


def mint_incarnation(connection: Connection, now: Microseconds, *, above: int = 0) -> str:
    """A new incarnation: called once after a restore from a backup, before ingest starts.

    Args:
        connection: Within a transaction.
        now: Microseconds UTC.
        above: The highest counter that anybody remembers, where it is above the backup's.
    """
    ensure_identity(connection, now)
    table = models.central_identity
    counter = connection.execute(select(table.c.counter)).scalar_one()
    connection.execute(
        update(table).values(
            counter=max(counter, above) + 1, chance=secrets.token_hex(4), minted_at=now
        )
    )
    return ensure_identity(connection, now)


def mark_backed_up(connection: Connection, through_position: int) -> None:
    """A verified backup holds everything up to a position: edges may prune what is old enough.

    Args:
        connection: Within a transaction.
        through_position: `head_position` as it was when the backup began.
    """
    connection.exec_driver_sql(
        "UPDATE lane_watermark AS w SET backed_up_through = greatest(w.backed_up_through, s.last)"
        " FROM (SELECT edge, lane, epoch, max(seq) AS last FROM raw_event WHERE position <= %s"
        " GROUP BY edge, lane, epoch) AS s"
        " WHERE w.edge = s.edge AND w.lane = s.lane AND w.epoch = s.epoch",
        (through_position,),
    )
