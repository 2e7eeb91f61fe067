"""A damaged journal is set aside, and what can be proven of it goes on in a fresh one.

A commit group whose hash agrees with its events is kept under its numbers. In the place of every
lost fact stands a certificate, a `gap_found` event of device `journal`, so that numbers go on
without hole, and people and central are told. What central has not confirmed is chained anew under
a new epoch, which central takes as after a rollback. The damaged file is kept:
`journal.db.damaged-1`, `-2`, ...
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.clock import Clock, Microseconds
from lineside.contracts.codec import GENESIS_HASH, SCHEMA, chain_hash, encode_event
from lineside.contracts.events import GapFound, Source
from lineside.edge_agent.journal import maintenance, schema, segment_table, segments
from lineside.edge_agent.journal.groups import GROUP_EVENTS_MAX
from lineside.edge_agent.journal.records import StoredGroup
from lineside.edge_agent.journal.schema import sqlite

DAMAGE = "damage"  # rule of the rows in `pruning` that tell of lost facts
JOURNAL = "journal"  # device of the certificates
_COPIED = ("telemetry", "telemetry_gap", "act", "baseline", "cursor", "epoch", "pruning")
_GROUP = "SELECT first_seq, last_seq, schema, previous, hash, committed_at FROM event_group"
# A page that leads to many others can make every number unreadable; then the search ends.
TRIES_MAX = 2_000
READABLE_CODES = frozenset({11, 267, 779})  # SQLITE_CORRUPT and its kinds: a page, not the table
_NUMBER_MAX = 1 << 40
log = structlog.get_logger("edge.journal")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged journal.

    Attributes:
        set_aside: The damaged file.
        lost: Ranges of facts that are gone here, inclusive; central may have them.
        unconfirmed: How many of them central had not confirmed: those are lost for good.
        epoch, base: The new epoch, and the last fact before it.
    """

    set_aside: Path
    lost: tuple[tuple[int, int], ...]
    unconfirmed: int
    epoch: str
    base: int


def salvage(path: Path, *, clock: Clock) -> Salvaged:
    """Put a fresh journal in the place of a damaged one. The caller holds the lock.

    Args:
        path: The damaged journal.
        clock: Gives the time of the certificates.

    Raises:
        OSError, sqlite.Error: There is no room, or the disk does not let us; nothing has changed.
    """
    aside = _aside(path)
    making = path.with_name(path.name + ".salvaging")
    for leftover in (making, Path(f"{making}-wal"), Path(f"{making}-shm")):
        leftover.unlink(missing_ok=True)
    connection = schema.connect_writer(making)
    try:
        schema.create(connection, clock.now())
        found = _fill(connection, path, aside, clock.now())
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
    making.rename(_ready(path))
    _sync_folder(path)
    finish(path)
    log.critical(
        "journal_salvaged", set_aside=str(aside), lost=found.lost, unconfirmed=found.unconfirmed
    )
    return found


def finish(path: Path) -> None:
    """Put a salvaged journal in place, also after a power cut in the midst of it."""
    ready = _ready(path)
    if not ready.exists():
        return
    aside = _aside(path) if path.exists() else path.with_name(_numbered(path, _count(path)))
    for suffix in ("", "-wal"):
        damaged = Path(f"{path}{suffix}")
        if damaged.exists():
            damaged.rename(f"{aside}{suffix}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    ready.rename(path)
    _sync_folder(path)


def _ready(path: Path) -> Path:
    return path.with_name(path.name + ".salvaged")


def _numbered(path: Path, number: int) -> str:
    return f"{path.name}.damaged-{number}"


def _count(path: Path) -> int:
    number = 0
    while path.with_name(_numbered(path, number + 1)).exists():
        number += 1
    return number


def _aside(path: Path) -> Path:
    return path.with_name(_numbered(path, _count(path) + 1))


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(connection: sqlite.Connection, path: Path, aside: Path, now: Microseconds) -> Salvaged:
    """Copy what can be proven, certify what cannot, and open the new epoch: one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    tables, groups = _read(path)
    if tables["epoch"]:
        connection.execute("DELETE FROM epoch")
    for table, rows in tables.items():
        if rows:
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)  # noqa: S608
    kept = [(row, events) for row, events in groups if events]
    packed = _copy_segments(connection, path)
    cursor = dict(tables["cursor"])
    there = [(row[0], row[1]) for row, _ in groups] + [(first, last) for first, last, _ in packed]
    oldest = min((first for first, _ in there), default=1)
    head = max((last for _, last in there), default=0)
    whole = [(first, last) for first, last, proven in packed if proven]
    lost = list(_holes(oldest, head, [*whole, *((row[0], row[1]) for row, _ in kept)]))
    durable = cursor.get("durable_through")
    if not isinstance(durable, int):
        # Not known what central has: what it misses it will say; to book twice would be worse.
        durable = lost[0][0] - 1 if lost else head
    durable = max(oldest - 1, min(durable, head))
    for row, events in kept:
        maintenance.insert_events(connection, "facts", row[0], events, row[2])
        connection.execute("INSERT INTO event_group VALUES (?, ?, ?, ?, ?, ?)", row)
    for first, last in lost:
        _certify(connection, first, last, durable, aside, now)
    connection.execute("DELETE FROM cursor WHERE name = 'verified'")
    ends = [end for end in (row[1] for row, _ in kept) if end <= durable]
    ends += [min(last, durable) for first, last in lost if first <= durable]
    ends += segment_table.ends_through(connection, durable)
    base = max(ends, default=oldest - 1)
    epoch = maintenance.begin_epoch(connection, base, now)
    connection.execute("COMMIT")
    unconfirmed = sum(max(0, last - max(first - 1, durable)) for first, last in lost)
    return Salvaged(aside, tuple(lost), unconfirmed, epoch, base)


def _copy_segments(connection: sqlite.Connection, path: Path) -> list[tuple[int, int, bool]]:
    """Copy the segments that are proven, one by one: there may be more than fits into memory.

    Returns:
        First and last fact of each that was found, and whether it is proven.
    """
    found: list[tuple[int, int, bool]] = []
    try:
        damaged = schema.connect_reader(path)
    except sqlite.Error:
        return found
    try:
        firsts = _all(damaged, "SELECT first_seq, last_seq FROM segment", "first_seq")
        for first, last in sorted(firsts):
            row: Row = ()
            try:
                (row,) = damaged.execute(
                    "SELECT * FROM segment WHERE first_seq = ?", (first,)
                ).fetchall()
            except sqlite.Error as problem:
                log.warning("segment_not_readable", first_seq=first, why=str(problem))
            proven = bool(row) and segments.unpack(row[0], row[1], row[3], row[4]).whole
            if proven:
                connection.execute(segment_table.INSERT, row)
            found.append((first, last, proven))
    finally:
        damaged.close()
    if found:
        connection.execute(f"PRAGMA user_version={schema.FORMAT}")
    return found


def _holes(oldest: int, head: int, kept: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    expected = oldest
    for first, last in sorted(kept):
        if first > expected:
            yield expected, first - 1
        expected = last + 1
    if expected <= head:
        yield expected, head


def _certify(
    connection: sqlite.Connection,
    first: int,
    last: int,
    durable: int,
    aside: Path,
    now: Microseconds,
) -> None:
    """A certificate in the place of each lost fact; a group ends where central's knowledge does."""
    connection.execute("INSERT INTO pruning VALUES (?, ?, ?, ?)", (now, first, last, DAMAGE))
    before = connection.execute(
        "SELECT hash FROM event_group WHERE last_seq = ?1"
        " UNION ALL SELECT hash FROM segment WHERE last_seq = ?1",
        (first - 1,),
    ).fetchone()
    previous = before[0] if before is not None else GENESIS_HASH
    groups: list[StoredGroup] = []
    at = first
    while at <= last:
        end = min(last, at + GROUP_EVENTS_MAX - 1, durable if at <= durable else last)
        events = tuple(
            encode_event(
                GapFound(
                    occurred_at=now,
                    recorded_at=now,
                    source=Source.SYSTEM,
                    device=JOURNAL,
                    signal=str(seq),
                    detail=f"Fact {seq} was damaged on the disk; the file is kept as {aside.name}.",
                )
            )
            for seq in range(at, end + 1)
        )
        own = chain_hash(previous, events)
        groups.append(StoredGroup(at, end, SCHEMA, previous, own, now, events))
        previous, at = own, end + 1
    # Rows never stand before a segment.
    if connection.execute("SELECT 1 FROM segment WHERE first_seq > ?", (first,)).fetchone():
        connection.execute(segment_table.INSERT, segment_table.row(groups, {}))
        return
    for group in groups:
        maintenance.insert_events(connection, "facts", group.first_seq, group.events)
        connection.execute(
            "INSERT INTO event_group VALUES (?, ?, ?, ?, ?, ?)",
            (group.first_seq, group.last_seq, SCHEMA, group.previous, group.hash, now),
        )


def _read(path: Path) -> tuple[dict[str, list[Row]], list[tuple[Row, list[bytes]]]]:
    """What can be read: tables, and groups with their events; none where they are not proven."""
    tables: dict[str, list[Row]] = {table: [] for table in _COPIED}
    try:
        damaged = schema.connect_reader(path)
    except sqlite.Error:
        return tables, []
    try:
        for table in _COPIED:
            key = "" if table in _KEYED else "rowid"
            tables[table] = _all(damaged, f"SELECT * FROM {table}", key)  # noqa: S608
        rows = [row for row in _all(damaged, _GROUP, "first_seq") if _is_group(row)]
        return tables, [(row, _proven(damaged, row)) for row in sorted(rows)]
    finally:
        damaged.close()


_KEYED = frozenset({"act", "baseline", "cursor"})  # without rowid


def _all(connection: sqlite.Connection, query: str, key: str) -> list[Row]:
    """Rows of a table; where the whole cannot be read, those that can, by halving their numbers."""
    try:
        return connection.execute(query).fetchall()
    except sqlite.Error as problem:
        if not key or getattr(problem, "sqlite_errorcode", 0) not in READABLE_CODES:
            return []  # not even the table can be found
    found: list[Row] = []
    waiting = [(0, _NUMBER_MAX)]
    tries = TRIES_MAX
    while waiting and tries:
        low, high = waiting.pop()
        try:
            found += connection.execute(
                f"{query} WHERE {key} BETWEEN ? AND ?", (low, high)
            ).fetchall()
        except sqlite.Error:
            tries -= 1
            if low < high:
                middle = (low + high) // 2
                waiting += [(middle + 1, high), (low, middle)]
    return found


def _is_group(row: Row) -> bool:
    first, last, version, previous, hashed, at = row
    numbers = all(isinstance(number, int) for number in (first, last, version, at))
    return numbers and isinstance(previous, bytes) and isinstance(hashed, bytes) and first <= last


def _proven(connection: sqlite.Connection, row: Row) -> list[bytes]:
    """The events of a group; none where its hash does not vouch for them."""
    first, last, _, previous, hashed, _ = row
    try:
        events = [
            data
            for (data,) in connection.execute(
                "SELECT data FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last)
            ).fetchall()
        ]
    except sqlite.Error:
        return []
    if len(events) != last - first + 1 or any(type(event) is not bytes for event in events):
        return []
    return events if chain_hash(previous, events) == hashed else []
