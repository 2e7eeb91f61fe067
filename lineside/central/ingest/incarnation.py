"""Which life of its database central is in (restores, failovers), and what of it is in a backup."""

from __future__ import annotations

import secrets

import psycopg
import structlog
from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.ingest import models
from lineside.contracts.clock import Microseconds

_SERVER = text("""
    SELECT CASE WHEN pg_is_in_recovery() THEN ''
           ELSE (SELECT system_identifier FROM pg_control_system()) || '/'
                || left(pg_walfile_name(pg_current_wal_lsn()), 8) END
""")
_IDENTITY = text("SELECT counter, chance, server FROM central_identity")
_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
_ADOPT = text("UPDATE central_identity SET server = :server WHERE server = ''")
_LOCK = text("SELECT counter, chance, server FROM central_identity FOR UPDATE")
log = structlog.get_logger("central.ingest")


def ensure_identity(connection: Connection, now: Microseconds) -> str:
    """The incarnation of this database, minted on the first call.

    Raises:
        ReadOnlySqlTransaction: See `current_incarnation`.
    """
    connection.execute(
        upsert(models.central_identity)
        .values(id=1, counter=1, chance=secrets.token_hex(4), minted_at=now)
        .on_conflict_do_nothing()
    )
    connection.execute(
        upsert(models.ingest_sequencer).values(id=1, position=0).on_conflict_do_nothing()
    )
    return current_incarnation(connection)


def current_incarnation(connection: Connection) -> str:
    """The incarnation to answer with; a new one where another server has taken over.

    A replica that became the server may lack what the one before had committed and acknowledged.
    A promotion always begins a new timeline, another cluster has another identifier: with a new
    incarnation every edge says hello again and sends what this database lacks, if anything.

    Args:
        connection: Within the transaction whose work is acknowledged under it.

    Raises:
        ReadOnlySqlTransaction: This server only repeats another one; nothing may be acknowledged.
    """
    server: str = connection.execute(_SERVER).scalar_one()
    if not server:
        raise psycopg.errors.ReadOnlySqlTransaction(
            "This PostgreSQL is a replica (in recovery): nothing can be stored here. Point"
            " [database] dsn to the primary, or promote this one."
        )
    row = connection.execute(_IDENTITY).one()
    if row.server == server:
        return f"{row.counter}-{row.chance}"
    if not row.server:  # of a program that did not look
        connection.execute(_ADOPT, {"server": server})
        return f"{row.counter}-{row.chance}"
    row = connection.execute(_LOCK).one()
    if row.server != server:  # else another process was faster
        log.warning("database_server_changed", before=row.server, now=server)
        return mint_incarnation(connection, connection.execute(_NOW).scalar_one())
    return f"{row.counter}-{row.chance}"


def mint_incarnation(connection: Connection, now: Microseconds, *, above: int = 0) -> str:
    """A new incarnation: once after a restore from a backup, before ingest starts, or a failover.

    Args:
        connection: Within a transaction.
        now: Microseconds UTC.
        above: The highest counter that anybody remembers, where it is above the backup's.
    """
    connection.execute(
        upsert(models.central_identity)
        .values(id=1, counter=1, chance="", minted_at=now)
        .on_conflict_do_nothing()
    )
    table = models.central_identity
    counter = connection.execute(select(table.c.counter)).scalar_one()
    connection.execute(
        update(table).values(
            counter=max(counter, above) + 1,
            chance=secrets.token_hex(4),
            minted_at=now,
            server=connection.execute(_SERVER).scalar_one(),
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
