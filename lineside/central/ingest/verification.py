"""Whether a copy of the database is what edges may rely on: every fact, every hash, every number.

Run against a restored backup before it moves what edges may forget, and after a restore.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.contracts.errors import LinesideError

ROWS_AT_ONCE = 5_000


class CopyDamagedError(LinesideError):
    """A copy of the database does not hold what it says to hold."""

    code = "backup.damaged"
    status = 500

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The copy cannot be relied on: {what}.",
            hint="Keep it aside, look at the disk it was written to, and make another one.",
        )


class ForeignCopyError(LinesideError):
    """A copy of another database, or of another life of this one."""

    code = "backup.foreign"
    status = 409

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The copy does not belong to this database: {what}.",
            hint="Name a copy that was restored from a backup of the database that runs now.",
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """What a verified copy holds.

    Attributes:
        incarnation: Life of the database that it was taken from.
        position: Last position in central's one order; everything up to it is in the copy.
        events: How many facts and telemetry events.
        heads: (edge, lane, epoch) to the last number and the hash of its group.
    """

    incarnation: str
    position: int
    events: int
    heads: dict[tuple[str, str, str], tuple[int, bytes]]


@dataclass(slots=True)
class _Lane:
    edge: str
    lane: str
    epoch: str
    last: int
    previous: bytes | None
    group: list[bytes]


def verify_copy(engine: Engine) -> Copy:
    """Read every stored event of a database once, in order of its numbers.

    Raises:
        CopyDamagedError: A hash is wrong, a number is missing without a declared gap, a watermark
            says something else than there is.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        gaps = _declared(connection)
        heads: dict[tuple[str, str, str], tuple[int, bytes]] = {}
        events = 0
        lane: _Lane | None = None
        for row in _events(connection):
            key = (row.edge, row.lane, row.epoch)
            if lane is None or key != (lane.edge, lane.lane, lane.epoch):
                _close(lane, heads)
                lane = _Lane(*key, row.seq - 1, GENESIS_HASH, [])
                if row.seq > 1 and (*key, row.seq - 1) in gaps:
                    lane.previous = None
            _next(lane, row.seq, bytes(row.data), row.group_hash, gaps)
            events += 1
        _close(lane, heads)
        _check_watermarks(connection, heads)
        position = connection.execute(
            text("SELECT coalesce(max(position), 0) FROM ingest_sequencer")
        ).scalar_one()
        return Copy(_incarnation(connection), position, events, heads)


def _events(connection: Connection) -> Iterator[Any]:
    return iter(
        connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            text(
                "SELECT edge, lane, epoch, seq, data, group_hash FROM raw_event"
                " ORDER BY edge, lane, epoch, seq"
            )
        )
    )


def _next(
    lane: _Lane,
    seq: int,
    data: bytes,
    group_hash: bytes | None,
    gaps: set[tuple[str, str, str, int]],
) -> None:
    where = f"{lane.epoch} of {lane.edge}"
    if seq != lane.last + 1:
        if (lane.edge, lane.lane, lane.epoch, seq - 1) not in gaps:
            raise CopyDamagedError(f"numbers {lane.last + 1} to {seq - 1} are missing in {where}")
        lane.previous = None  # what stood before the gap is not known
    lane.last = seq
    if lane.lane != "facts":
        return
    lane.group.append(data)
    if group_hash is None:
        return
    hashed = bytes(group_hash)
    if lane.previous is not None and chain_hash(lane.previous, lane.group) != hashed:
        raise CopyDamagedError(f"the chain breaks at {seq} in {where}")
    lane.previous, lane.group = hashed, []


def _close(lane: _Lane | None, heads: dict[tuple[str, str, str], tuple[int, bytes]]) -> None:
    if lane is None:
        return
    if lane.group:
        raise CopyDamagedError(f"the last commit group of {lane.epoch} of {lane.edge} is not whole")
    heads[lane.edge, lane.lane, lane.epoch] = (lane.last, lane.previous or b"")


def _declared(connection: Connection) -> set[tuple[str, str, str, int]]:
    rows = connection.execute(text("SELECT edge, lane, epoch, last_seq FROM event_gap"))
    return {(row.edge, row.lane, row.epoch, row.last_seq) for row in rows}


def _check_watermarks(
    connection: Connection, heads: dict[tuple[str, str, str], tuple[int, bytes]]
) -> None:
    rows = connection.execute(
        text("SELECT edge, lane, epoch, durable_through, head_hash FROM lane_watermark")
    )
    for row in rows:
        last, hashed = heads.get((row.edge, row.lane, row.epoch), (0, b""))
        where = f"{row.epoch} of {row.edge}"
        # A watermark may stand beyond the last event: at the base of an epoch, or behind a gap.
        if last and row.durable_through < last:
            raise CopyDamagedError(f"the watermark of {where} is below its last event")
        known = row.head_hash is not None and len(row.head_hash) > 0
        same = row.durable_through == last and bytes(row.head_hash or b"") == hashed
        if row.lane == "facts" and known and last and not same:
            raise CopyDamagedError(f"the watermark of {where} stands at {row.durable_through}")


def _incarnation(connection: Connection) -> str:
    row = connection.execute(text("SELECT counter, chance FROM central_identity")).one_or_none()
    if row is None:
        raise CopyDamagedError("it has no identity")
    return f"{row.counter}-{row.chance}"


def check_belongs(connection: Connection, copy: Copy) -> None:
    """Refuse a copy that is not an earlier state of this database.

    Raises:
        ForeignCopyError: Another incarnation, or other facts under the same numbers.
        CopyDamagedError: It has not as many events as there were here at its position.
    """
    incarnation = _incarnation(connection)
    if copy.incarnation != incarnation:
        raise ForeignCopyError(f"it is of incarnation {copy.incarnation}, this is {incarnation}")
    position = connection.execute(text("SELECT max(position) FROM ingest_sequencer")).scalar_one()
    if copy.position > (position or 0):
        raise ForeignCopyError(f"it has {copy.position} events, this has {position or 0}")
    events = connection.execute(
        text("SELECT count(*) FROM raw_event WHERE position <= :position"),
        {"position": copy.position},
    ).scalar_one()
    if events != copy.events:
        raise CopyDamagedError(f"it has {copy.events} of {events} events")
    for (edge, lane, epoch), (last, hashed) in copy.heads.items():
        if lane != "facts" or not hashed:
            continue
        here = connection.execute(
            text(
                "SELECT group_hash FROM raw_event WHERE edge = :edge AND lane = :lane"
                " AND epoch = :epoch AND seq = :seq"
            ),
            {"edge": edge, "lane": lane, "epoch": epoch, "seq": last},
        ).scalar_one_or_none()
        if here is None or bytes(here) != hashed:
            raise ForeignCopyError(f"fact {last} in {epoch} of {edge} is another one here")


def record_run(
    connection: Connection,
    *,
    run: str,
    kind: str,
    place: str,
    started_at: Microseconds,
    finished_at: Microseconds,
    copy: Copy | None,
    problem: str = "",
) -> None:
    """Write down that a backup was tried, and how it went."""
    connection.execute(
        text(
            "INSERT INTO backup_run (id, kind, place, started_at, finished_at, position, events,"
            " problem) VALUES (:id, :kind, :place, :started_at, :finished_at, :position, :events,"
            " :problem)"
        ),
        {
            "id": run,
            "kind": kind,
            "place": place[:500],
            "started_at": started_at,
            "finished_at": finished_at,
            "position": 0 if copy is None else copy.position,
            "events": 0 if copy is None else copy.events,
            "problem": problem[:500].replace("\x00", ""),
        },
    )
