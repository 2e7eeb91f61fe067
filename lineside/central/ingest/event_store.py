"""Facts in PostgreSQL: raw, in one order, written with COPY."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.ingest import models
from lineside.central.ingest.incarnation import current_incarnation, ensure_identity
from lineside.central.ingest.storage import BootRecord, EdgeRecord, Gap, LaneState, NewEvent
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import Microseconds
from lineside.contracts.envelope import Live

REFUSAL_TEXT_MAX = 500
_COLUMNS = (
    "position, edge, lane, epoch, seq, schema, type, station, occurred_at, received_at,"
    " group_hash, data"
)
_COPY = f"COPY raw_event ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = (
    *("int8", "text", "text", "text", "int8", "int2", "text", "text", "int8", "int8"),
    *("bytea", "bytea"),
)


class PostgresEventStore:
    """The event store of production."""

    def __init__(self, engine: Engine, *, now: Microseconds) -> None:
        self._engine = engine
        with transaction(engine) as connection:
            self._incarnation = ensure_identity(connection, now)

    @property
    def incarnation(self) -> str:
        """`counter-random` of this database."""
        return self._incarnation

    @contextmanager
    def transaction(self) -> Generator[PostgresTransaction]:
        """A transaction; its events are written just before the commit.

        Raises:
            ReadOnlySqlTransaction: This server only repeats another one.
        """
        with transaction(self._engine) as connection:
            self._incarnation = current_incarnation(connection)
            work = PostgresTransaction(connection)
            yield work
            work.flush()


class PostgresTransaction:
    """See `storage.StorageTransaction`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._added: list[NewEvent] = []
        self._lanes: dict[tuple[str, str, str], LaneState] = {}
        self._dirty: dict[tuple[str, str, str], tuple[LaneState, Microseconds]] = {}
        self._edges: dict[str, EdgeRecord | None] = {}
        self._refusals: dict[tuple[str, str], tuple[str, Microseconds, int]] = {}

    def edge(self, identity: str) -> EdgeRecord | None:
        """An enrolled edge."""
        if identity not in self._edges:
            row = self.connection.execute(
                select(models.edge).where(models.edge.c.id == identity)
            ).one_or_none()
            self._edges[identity] = None if row is None else _edge_record(row)
        return self._edges[identity]

    def edges_heard(self) -> list[EdgeRecord]:
        """Edges that may send and have said hello before."""
        table = models.edge
        rows = self.connection.execute(
            select(table).where(table.c.epoch != "", table.c.revoked_at.is_(None))
        )
        return [_edge_record(row) for row in rows]

    def lease(self, edge: str, owner: str, now: Microseconds, until: Microseconds) -> bool:
        """Take or renew the lease of an edge; False: another process holds it still."""
        table = models.edge_lease
        taken = self.connection.execute(
            upsert(table)
            .values(edge=edge, owner=owner, until=until)
            .on_conflict_do_update(
                index_elements=["edge"],
                set_={"owner": owner, "until": until},
                where=(table.c.owner == owner) | (table.c.until < now),
            )
            .returning(table.c.edge)
        )
        return taken.first() is not None

    def release(self, owner: str) -> None:
        """Give all leases of a process back."""
        table = models.edge_lease
        self.connection.execute(delete(table).where(table.c.owner == owner))

    def save_edge(self, record: EdgeRecord) -> None:
        """Write what an edge said."""
        self.connection.execute(
            update(models.edge)
            .where(models.edge.c.id == record.id)
            .values(
                boot=record.boot,
                epoch=record.epoch,
                software=record.software,
                cursor=record.cursor,
                desired_hash=record.desired_hash,
                heard_at=record.heard_at,
                clock_offset=record.clock_offset,
            )
        )

    def boot(self, edge: str, boot: str) -> BootRecord | None:
        """A run of an edge's agent."""
        table = models.edge_boot
        row = self.connection.execute(
            select(table).where(table.c.edge == edge, table.c.boot == boot)
        ).one_or_none()
        return (
            None
            if row is None
            else BootRecord(row.edge, row.boot, row.first_sent_at, row.last_sent_at, row.fenced)
        )

    def save_boot(self, record: BootRecord) -> None:
        """Write a run."""
        values = {
            "first_sent_at": record.first_sent_at,
            "last_sent_at": record.last_sent_at,
            "fenced": record.fenced,
        }
        self.connection.execute(
            upsert(models.edge_boot)
            .values(edge=record.edge, boot=record.boot, **values)
            .on_conflict_do_update(index_elements=["edge", "boot"], set_=values)
        )

    def fenced_since(self, edge: str, sent_at: Microseconds) -> bool:
        """Whether a fenced run of an edge's agent has spoken since a time of its clock."""
        table = models.edge_boot
        found = self.connection.execute(
            select(table.c.boot).where(
                table.c.edge == edge, table.c.fenced, table.c.last_sent_at > sent_at
            )
        )
        return found.first() is not None

    def save_live(self, live: Live, now: Microseconds) -> None:
        """Write the newest state of an edge's stations."""
        values = {
            "sent_at": live.sent_at,
            "received_at": now,
            "head_seq": live.head_seq,
            "stations": live.stations,
        }
        self.connection.execute(
            upsert(models.edge_live)
            .values(edge=live.edge, **values)
            .on_conflict_do_update(index_elements=["edge"], set_=values)
        )

    def lane(self, edge: str, lane: str, epoch: str) -> LaneState | None:
        """How far a lane is stored; its row is locked."""
        key = (edge, lane, epoch)
        if key not in self._lanes:
            table = models.lane_watermark
            row = self.connection.execute(
                select(table)
                .where(table.c.edge == edge, table.c.lane == lane, table.c.epoch == epoch)
                .with_for_update()
            ).one_or_none()
            if row is None:
                return None
            self._lanes[key] = _lane_state(row)
        return self._lanes[key]

    def lanes(self, edge: str, lane: str) -> list[LaneState]:
        """All epochs of a lane of an edge, locked."""
        table = models.lane_watermark
        rows = self.connection.execute(
            select(table.c.epoch).where(table.c.edge == edge, table.c.lane == lane)
        )
        found = [self.lane(edge, lane, row.epoch) for row in rows.all()]
        return [state for state in found if state is not None]

    def save_lane(self, state: LaneState, now: Microseconds) -> None:
        """Write how far a lane is stored, at the end of the transaction."""
        key = (state.edge, state.lane, state.epoch)
        if key not in self._lanes:
            # The row is there from the first moment, so that two processes meet at its lock.
            self.connection.execute(
                upsert(models.lane_watermark)
                .values(_lane_values(state) | {"opened_at": now})
                .on_conflict_do_nothing()
            )
        self._lanes[key] = state
        self._dirty[key] = (state, now)

    def hashes(self, edge: str, lane: str, epoch: str, seqs: Sequence[int]) -> dict[int, bytes]:
        """Hashes of the stored groups that end at these numbers."""
        table = models.raw_event
        rows = self.connection.execute(
            select(table.c.seq, table.c.group_hash).where(
                table.c.edge == edge,
                table.c.lane == lane,
                table.c.epoch == epoch,
                table.c.seq.in_(seqs),
                table.c.group_hash.is_not(None),
            )
        )
        found = {row.seq: bytes(row.group_hash) for row in rows}
        wanted = set(seqs)
        for event in self._added:
            identity = (event.edge, event.lane, event.epoch)
            if event.seq in wanted and event.group_hash and identity == (edge, lane, epoch):
                found[event.seq] = event.group_hash
        return found

    def add(self, events: Sequence[NewEvent]) -> None:
        """Store events; they get their positions in this order."""
        self._added.extend(events)

    def declare(self, gap: Gap) -> None:
        """Write a hole down."""
        self.connection.execute(
            upsert(models.event_gap)
            .values(
                edge=gap.edge,
                lane=gap.lane,
                epoch=gap.epoch,
                first_seq=gap.first_seq,
                last_seq=gap.last_seq,
                why=gap.why,
                declared_at=gap.declared_at,
            )
            .on_conflict_do_nothing()
        )

    def refuse(self, edge: str, code: str, text: str, now: Microseconds) -> None:
        """Count a refusal. Unknown senders share one row, so that names cannot fill the table."""
        sender = edge if self.edge(edge) is not None else "?"
        text = text.replace("\x00", "")[:REFUSAL_TEXT_MAX]
        _, _, count = self._refusals.get((sender, code), ("", now, 0))
        self._refusals[sender, code] = (text, now, count + 1)

    def flush(self) -> None:
        """Write watermarks and events; the sequencer's row stays locked until the commit."""
        table = models.lane_watermark
        for state, now in self._dirty.values():
            self.connection.execute(
                update(table)
                .where(
                    table.c.edge == state.edge,
                    table.c.lane == state.lane,
                    table.c.epoch == state.epoch,
                )
                .values(_lane_values(state) | ({"closed_at": now} if state.closed else {}))
            )
        self._flush_refusals()
        if not self._added:
            return
        positions = self._positions(len(self._added))
        copy_events(self.connection, list(zip(positions, self._added, strict=True)))
        unreadable = [
            (position, event)
            for position, event in zip(positions, self._added, strict=True)
            if event.unreadable is not None
        ]
        if unreadable:
            self.connection.execute(
                insert(models.quarantine),
                [_quarantine_row(position, event) for position, event in unreadable],
            )

    def _flush_refusals(self) -> None:
        table = models.ingest_refusal
        for (sender, code), (text, now, count) in sorted(self._refusals.items()):
            self.connection.execute(
                upsert(table)
                .values(edge=sender, code=code, text=text, first_at=now, last_at=now, count=count)
                .on_conflict_do_update(
                    index_elements=["edge", "code"],
                    set_={"text": text, "last_at": now, "count": table.c.count + count},
                )
            )

    def _positions(self, count: int) -> range:
        table = models.ingest_sequencer
        last = self.connection.execute(
            update(table).values(position=table.c.position + count).returning(table.c.position)
        ).scalar_one()
        return range(last - count + 1, last + 1)


def copy_events(connection: Connection, events: Sequence[tuple[int, NewEvent]]) -> None:
    """Write events with one binary COPY into their table; a doubled identity fails all of it.

    The watermark's lock lets no known event come this far, so there is nothing to skip.
    """
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for position, event in events:
            copy.write_row(
                (
                    position,
                    event.edge,
                    event.lane,
                    event.epoch,
                    event.seq,
                    event.schema,
                    event.type,
                    event.station,
                    event.occurred_at,
                    event.received_at,
                    event.group_hash,
                    event.data,
                )
            )


def _lane_values(state: LaneState) -> dict[str, Any]:
    return {
        "edge": state.edge,
        "lane": state.lane,
        "epoch": state.epoch,
        "durable_through": state.durable_through,
        "head_hash": state.head_hash,
        "reported_head": state.reported_head,
    }


def _lane_state(row: Any) -> LaneState:  # noqa: ANN401 - a row has no type
    return LaneState(
        row.edge,
        row.lane,
        row.epoch,
        row.durable_through,
        None if row.head_hash is None else bytes(row.head_hash),
        row.backed_up_through,
        row.reported_head,
        row.closed_at is not None,
    )


def _edge_record(row: Any) -> EdgeRecord:  # noqa: ANN401 - a row has no type
    return EdgeRecord(
        id=row.id,
        revoked=row.revoked_at is not None,
        boot=row.boot,
        epoch=row.epoch,
        software=row.software,
        cursor=row.cursor,
        desired_hash=row.desired_hash,
        heard_at=row.heard_at,
        clock_offset=row.clock_offset,
    )


def _quarantine_row(position: int, event: NewEvent) -> dict[str, Any]:
    code, why = event.unreadable or ("", "")
    return {
        "position": position,
        "edge": event.edge,
        "type": event.type,
        "code": code,
        "why": why.replace("\x00", ""),
        "since": event.received_at,
    }
