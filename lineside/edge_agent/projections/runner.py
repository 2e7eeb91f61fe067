"""Follows the journal by cursor and keeps the projections current.

Everything in `figures.db` can be deleted: what is missing, of another version, or of another
journal is computed again from the journal.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.errors import LinesideError
from lineside.contracts.events import SignalChanged
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.schema import connect_side_file, sqlite
from lineside.edge_agent.journal.side_files import Database
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.base import AnyProjection, TableProjection

BATCH_EVENTS = 1_000
TABLES_FORGET_EVERY_EVENTS = 10_000
SNAPSHOT_EVERY_EVENTS = 5_000
LARGE_SNAPSHOT_BYTES = 1024 * 1024
CHECKED_BYTES_MAX = 16 * 1024 * 1024
CURSORS = "projection"

log = structlog.get_logger("edge.projections")


@dataclass(slots=True)
class _Follower:
    projection: AnyProjection
    cursor: int
    saved: int
    tables: TableProjection | None = None  # asked once: a protocol is slow to ask for each event
    failed: str = ""
    large: bool = False


class ProjectionRunner:
    """Applies committed facts to projections, in order, once each.

    A projection that raises is set aside with its reason and tried again at the next start; the
    others and the line go on. An event that no decoder here can read is counted, not hidden.
    """

    def __init__(self, journal: Journal, path: Path, projections: Sequence[AnyProjection]) -> None:
        self._journal = journal
        self._lock = threading.RLock()
        self.unreadable = 0
        # The first epoch: it stays when a restored journal opens further ones.
        self._journal_id = journal.reader.epochs()[0].id
        self.figures = _open(path)
        self._followers = self._restore(projections)

    def catch_up(self) -> int:
        """Apply everything that is committed, in the calling thread; cheap when nothing is new.

        Returns:
            How many events were read.
        """
        head = self._journal.head("facts")
        if all(follower.cursor >= head for follower in self._followers):
            return 0
        read = 0
        with self._lock:
            while True:
                running = [follower for follower in self._followers if not follower.failed]
                after = min((follower.cursor for follower in running), default=head)
                if after >= head:
                    break
                # Not past `head`, so that a journal under load cannot keep a caller here for ever.
                events = [
                    stored
                    for stored in self._journal.read(after, BATCH_EVENTS)
                    if stored.seq <= head
                ]
                if not events:
                    break
                read += len(events)
                self._take(running, events)
        return read

    @property
    def seq(self) -> int:
        """The last fact that every running projection knows."""
        return min((f.cursor for f in self._followers if not f.failed), default=0)

    @property
    def failures(self) -> dict[str, str]:
        """Projections that were set aside, with the reason."""
        return {f.projection.name: f.failed for f in self._followers if f.failed}

    def save(self, *, large: bool = False) -> None:
        """Write the snapshots of what changed since the last one.

        Args:
            large: Also those that are so large that they are written with every 5,000 events only.
        """
        with self._lock, self.figures.atomic():
            for follower in self._followers:
                if follower.cursor == follower.saved or follower.failed:
                    continue
                if large or not follower.large:
                    self._keep(follower)

    def close(self) -> None:
        """Save, and let go of the file."""
        self.save(large=True)
        with self._lock:
            self.figures.close()

    def _take(self, running: list[_Follower], events: list[Any]) -> None:
        readable: list[Any] = []
        for stored in events:
            try:
                _ = stored.event
            except LinesideError as problem:
                self.unreadable += 1
                log.warning("event_not_readable", seq=stored.seq, why=str(problem))
                continue
            readable.append(stored)
        last = events[-1].seq
        told = [stored for stored in readable if _concerns_tables(stored)]
        for follower in running:
            if follower.cursor >= last:
                continue
            try:
                self._apply(follower, readable if follower.tables is None else told, last)
            except sqlite.Error:
                raise
            except Exception as fault:  # the others and the line go on
                follower.failed = f"{type(fault).__name__}: {fault}"
                log.exception("projection_failed", projection=follower.projection.name)

    def _apply(self, follower: _Follower, events: list[Any], last: int) -> None:
        projection, after = follower.projection, follower.cursor
        if follower.tables is not None:
            with self.figures.atomic():
                for stored in events:
                    if stored.seq > after:
                        projection.apply(stored)
                follower.cursor = last
                self._keep(follower)
            return
        for stored in events:
            if stored.seq > after:
                projection.apply(stored)
        follower.cursor = last
        if last - follower.saved >= SNAPSHOT_EVERY_EVENTS:
            with self.figures.atomic():
                self._keep(follower)

    def _keep(self, follower: _Follower) -> None:
        projection = follower.projection
        state = None if isinstance(projection, TableProjection) else projection.snapshot()
        follower.large = state is not None and len(state) > LARGE_SNAPSHOT_BYTES
        # Plainly, as it happens with every commit.
        self.figures.execute(  # pyright: ignore[reportUnknownMemberType]
            f"INSERT OR REPLACE INTO {CURSORS} (name, version, journal, cursor, state)"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?)",
            [projection.name, projection.version, self._journal_id, follower.cursor, state],
        )
        follower.saved = follower.cursor

    def _restore(self, projections: Sequence[AnyProjection]) -> list[_Follower]:
        self.figures.table(CURSORS).create(
            {"name": str, "version": int, "journal": str, "cursor": int, "state": bytes},
            pk="name",
            if_not_exists=True,
        )
        kept = {row["name"]: row for row in self.figures.table(CURSORS).rows}
        head = self._journal.head("facts")
        followers: list[_Follower] = []
        for projection in projections:
            row = kept.get(projection.name)
            usable = (
                row is not None
                and row["version"] == projection.version
                and row["journal"] == self._journal_id
                and row["cursor"] <= head
            )
            cursor = row["cursor"] if usable and row is not None else 0
            if isinstance(projection, TableProjection):
                if not usable:
                    self._drop_tables(projection.name)
                projection.attach(self.figures)
            else:
                projection.restore(row["state"] if usable and row is not None else None)
            tables = projection if isinstance(projection, TableProjection) else None
            followers.append(_Follower(projection, cursor, cursor, tables))
        return followers

    def _drop_tables(self, name: str) -> None:
        for table in self.figures.table_names():
            if table != CURSORS and (table == name or table.startswith(f"{name}_")):
                self.figures.table(table).drop()


def _concerns_tables(stored: StoredEvent) -> bool:
    """Whether a table may have to know of an event.

    The tables are about orders, pieces, numbers and carriers: what a signal shows is in none of
    them, and a machine may show thousands a second. By every 10,000th event they forget.
    """
    event = stored.event
    return (
        type(event) is not SignalChanged
        or stored.seq % TABLES_FORGET_EVERY_EVENTS == 0
        or event.voids is not None
        or event.corrects is not None
    )


def _open(path: Path) -> Database:
    mark = _damage_mark(path)
    if mark.exists():
        _give_up(path, mark.read_text(encoding="utf-8"))
        mark.unlink()
    try:
        return _checked(path)
    except sqlite.DatabaseError as damage:
        _give_up(path, str(damage))
        return _checked(path)


def _give_up(path: Path, why: str) -> None:
    log.warning("figures_computed_again", path=str(path), why=why)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _checked(path: Path) -> Database:
    large = path.exists() and path.stat().st_size > CHECKED_BYTES_MAX
    connection = connect_side_file(path, synchronous="NORMAL")
    if large:  # it would hold the start up
        threading.Thread(
            target=_check_beside, args=(path,), name="check figures", daemon=True
        ).start()
    else:
        _check(connection)
    return Database(connection)


def _check(connection: sqlite.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite.DatabaseError(found)


def _check_beside(path: Path) -> None:
    """Check a large file while the agent works; one that is damaged is given up at the next start.

    Until then what cannot be read raises, as with a damage of this moment.
    """
    connection = sqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        _check(connection)
    except sqlite.OperationalError as problem:
        log.warning("figures_not_checked", path=str(path), why=str(problem))
    except sqlite.DatabaseError as damage:
        log.critical("figures_damaged", path=str(path), why=str(damage))
        _damage_mark(path).write_text(str(damage), encoding="utf-8")
    finally:
        connection.close()


def _damage_mark(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")
