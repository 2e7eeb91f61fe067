"""Moves readers over the accepted events, each by its own cursor."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import DBAPIError

from lineside.central.ingest.quarantine import settle_readable
from lineside.central.kit.notices import NOBODY, Listeners
from lineside.central.kit.unit_of_work import UnitOfWork, unit_of_work
from lineside.central.projections.base import Reader, StoredEvent
from lineside.contracts.clock import Clock
from lineside.contracts.codec import decode_event
from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.events import Event

BATCH_EVENTS_MAX = 1000
IDLE_S = 0.5
PAUSE_AFTER_ERROR_S = 2.0
PROBLEM_CHARACTERS_MAX = 1000
REPLAYED = "replayed"

log = structlog.get_logger("central.projections")

_CURSOR = text("""
    INSERT INTO reader_cursor (reader, version, position) VALUES (:reader, :version, 0)
    ON CONFLICT (reader) DO NOTHING
""")
_LOCK = text("""
    SELECT version, position FROM reader_cursor WHERE reader = :reader FOR UPDATE SKIP LOCKED
""")
_FOLLOWED = text("SELECT min(position) FROM reader_cursor WHERE reader = ANY(:readers)")
_LAST = text("""
    SELECT max(position) FROM (
        SELECT position FROM raw_event WHERE position > :after
        ORDER BY position LIMIT :most
    ) AS next
""")
_READ = text("""
    SELECT position, edge, epoch, seq, schema, received_at, data FROM raw_event
    WHERE position > :after AND position <= :through AND lane = 'facts' AND type = ANY(:types)
    ORDER BY position
""")
_MOVE = text("""
    UPDATE reader_cursor SET version = :version, position = :position WHERE reader = :reader
""")
_KNOWN = text("""
    INSERT INTO reader_edge (reader, edge, epoch, seq, occurred_at, received_at)
    SELECT DISTINCT ON (edge, epoch) :reader, edge, epoch, seq, occurred_at, received_at
    FROM raw_event
    WHERE position > :after AND position <= :through AND lane = 'facts'
    ORDER BY edge, epoch, seq DESC
    ON CONFLICT (reader, edge, epoch) DO UPDATE
    SET seq = excluded.seq, occurred_at = excluded.occurred_at, received_at = excluded.received_at
    WHERE reader_edge.seq < excluded.seq
""")
_WAIT = text("SELECT position FROM reader_cursor WHERE reader = :reader FOR UPDATE")
_READ_AT = text("""
    SELECT position, edge, epoch, seq, schema, received_at, data FROM raw_event
    WHERE position = ANY(:positions) AND position <= :through
        AND lane = 'facts' AND type = ANY(:types)
    ORDER BY position
""")
_FORGET = text("DELETE FROM reader_problem WHERE reader = :reader AND position = ANY(:positions)")
_REBUILD = text("UPDATE reader_cursor SET version = 0 WHERE reader = :reader")
_PROBLEM = text("""
    INSERT INTO reader_problem (reader, position, edge, epoch, seq, problem, since)
    VALUES (:reader, :position, :edge, :epoch, :seq, :problem, :since)
    ON CONFLICT (reader, position) DO UPDATE SET problem = excluded.problem
""")


def type_tags(types: Sequence[type[Event]]) -> list[str]:
    """The names under which these types stand in the journal."""
    return [str(found.__struct_config__.tag) for found in types]


class Runner:
    """Runs readers in turn, in one thread.

    Several processes may run the same readers: a cursor is locked while its reader works, and the
    others pass it by.

    Args:
        engine: The database.
        clock: The time it uses.
        readers: In an order in which each comes after those that it follows.
        listeners: Who hears the readers' notices.
        simulation: Events marked `replayed` are read; in a real plant they are set aside, since
            their times are not those of this plant.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        readers: Sequence[Reader],
        listeners: Listeners = NOBODY,
        *,
        simulation: bool = False,
    ) -> None:
        self._engine, self._clock, self._listeners = engine, clock, listeners
        self._simulation = simulation
        self._readers = tuple(readers)
        self._wake = threading.Event()

    def wake(self) -> None:
        """Say that events have arrived; callable from any thread."""
        self._wake.set()

    def run_until_idle(self) -> int:
        """Read everything that is there.

        Returns:
            Number of positions that readers moved over.
        """
        moved = 0
        while True:
            step = sum(self.step(reader) for reader in self._readers)
            if not step:
                return moved
            moved += step

    def take_up_again(self) -> int:
        """After an update: let the readers have what this program can read now.

        A projection that passed such an event is computed again; a reader that books gets the
        event late, and once.

        Returns:
            Number of events that left quarantine.
        """
        taken, looked = 0, 0
        while True:
            with unit_of_work(self._engine, self._clock, self._listeners) as work:
                positions, through = settle_readable(
                    work.connection, work.now(), after_position=looked
                )
                for reader in self._readers if positions else ():
                    self._again(work, reader, positions)
            taken += len(positions)
            if through is None:
                return taken
            looked = through

    def _again(self, work: UnitOfWork, reader: Reader, positions: Sequence[int]) -> None:
        connection, name = work.connection, {"reader": reader.name}
        through: int | None = connection.execute(_WAIT, name).scalar()
        if through is None:
            return  # it has read nothing yet
        among = {"positions": list(positions)}
        span = among | {"through": through, "types": type_tags(reader.event_types)}
        rows = connection.execute(_READ_AT, span).all()
        if not rows:
            return  # it will come to them, or they are not for it
        log.info("events_readable_again", reader=reader.name, events=len(rows))
        if reader.tables:
            connection.execute(_REBUILD, name)
            return
        connection.execute(_FORGET, name | among)
        self._apply(work, reader, _decoded(work, reader, rows, simulation=self._simulation))

    def step(self, reader: Reader) -> int:
        """Let one reader read at most `BATCH_EVENTS_MAX` events, in one transaction."""
        with unit_of_work(self._engine, self._clock, self._listeners) as work:
            connection = work.connection
            after = _take_cursor(connection, reader)
            if after is None:
                return 0
            through: int | None = connection.execute(
                _LAST, {"after": after, "most": BATCH_EVENTS_MAX}
            ).scalar()
            if reader.follows and through is not None:
                followed = connection.execute(_FOLLOWED, {"readers": list(reader.follows)}).scalar()
                through = min(through, followed or 0)
            if through is None or through <= after:
                return 0
            span = {"after": after, "through": through}
            rows = connection.execute(_READ, span | {"types": type_tags(reader.event_types)}).all()
            events = _decoded(work, reader, rows, simulation=self._simulation)
            self._apply(work, reader, events)
            connection.execute(_KNOWN, span | {"reader": reader.name})
            connection.execute(
                _MOVE, {"reader": reader.name, "version": reader.version, "position": through}
            )
            return through - after

    def _apply(self, work: UnitOfWork, reader: Reader, events: list[StoredEvent]) -> None:
        if not events:
            return
        if _tried(work, reader, events) is None:
            return
        for stored in events:  # one of them is the culprit; the others shall not wait for it
            problem = _tried(work, reader, [stored])
            if problem is not None:
                _note(work, reader, stored, problem)

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped; woken by `wake`, or every half second."""
        taken_up = False
        while not stop.is_set():
            try:
                if not taken_up:
                    await asyncio.to_thread(self.take_up_again)
                    taken_up = True
                await asyncio.to_thread(self.run_until_idle)
                self._wake.clear()
                await asyncio.to_thread(self._wake.wait, IDLE_S)
            except Exception as problem:  # noqa: BLE001 - whatever it is, readers that stop would
                # show old figures as new ones.
                log.error(  # noqa: TRY400 - plain text, without local variables
                    "readers_paused", traceback="".join(traceback.format_exception(problem))
                )
                await asyncio.sleep(PAUSE_AFTER_ERROR_S)


def _take_cursor(connection: Connection, reader: Reader) -> int | None:
    """Lock the reader's cursor and return it; None while another process works for the reader."""
    connection.execute(_CURSOR, {"reader": reader.name, "version": reader.version})
    row = connection.execute(_LOCK, {"reader": reader.name}).first()
    if row is None:
        return None
    if row.version == reader.version or not reader.tables:
        return int(row.position)
    log.info("projection_rebuilt", reader=reader.name, old=row.version, new=reader.version)
    for table in reader.tables:
        connection.execute(table.delete())
    for statement in (
        "DELETE FROM reader_edge WHERE reader = :reader",
        "DELETE FROM reader_problem WHERE reader = :reader",
    ):
        connection.execute(text(statement), {"reader": reader.name})
    return 0


def _decoded(
    work: UnitOfWork,
    reader: Reader,
    rows: Sequence[Row[tuple[object, ...]]],
    *,
    simulation: bool,
) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    for row in rows:
        try:
            event = decode_event(bytes(row.data), schema=row.schema)
        except InvalidMessageError as problem:
            _note(work, reader, row, str(problem))
            continue
        if REPLAYED in event.flags and not simulation:
            _note(work, reader, row, "Replayed, and this central does not run with simulation.")
            continue
        events.append(
            StoredEvent(
                position=row.position,
                edge=row.edge,
                epoch=row.epoch,
                seq=row.seq,
                received_at=row.received_at,
                event=event,
            )
        )
    return events


def _tried(work: UnitOfWork, reader: Reader, events: list[StoredEvent]) -> Exception | None:
    """Apply within a savepoint; the exception that it failed with, else None."""
    try:
        with work.session.begin_nested():
            reader.apply(work, events)
            work.session.flush()
    except DBAPIError as problem:
        if problem.connection_invalidated:
            raise
        return problem
    except Exception as problem:  # noqa: BLE001 - one bad event must not stop all later ones
        return problem
    return None


def _note(
    work: UnitOfWork, reader: Reader, where: StoredEvent | Row[tuple[object, ...]], problem: object
) -> None:
    """Write down that a reader could not take an event in; people see it, nothing waits for it."""
    said = (
        f"{type(problem).__name__}: {problem}" if isinstance(problem, Exception) else str(problem)
    )
    log.error(
        "event_not_read", reader=reader.name, edge=where.edge, seq=where.seq, problem=said[:300]
    )
    work.connection.execute(
        _PROBLEM,
        {
            "reader": reader.name,
            "position": where.position,
            "edge": where.edge,
            "epoch": where.epoch,
            "seq": where.seq,
            "problem": said[:PROBLEM_CHARACTERS_MAX].replace("\x00", ""),
            "since": work.now(),
        },
    )
