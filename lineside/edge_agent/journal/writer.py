"""The writer: one thread that owns the journal's connection, and the bounded queue before it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.clock import Clock
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal import maintenance
from lineside.edge_agent.journal.errors import JournalFailedError, JournalFullError
from lineside.edge_agent.journal.groups import GROUP_EVENTS_MAX, Lane, Pending, form_groups
from lineside.edge_agent.journal.medium import Ballast
from lineside.edge_agent.journal.schema import WAL_BYTES_MAX, sqlite

CommitListener = Callable[[Lane, int], None]

GROUP_OPEN_S = 0.02
QUEUE_EVENTS_MAX = 20_000
QUEUE_BYTES_MAX = 64 * 1024 * 1024
CHECKPOINT_BYTES = 4 * 1024 * 1024
BALLAST_EVERY_S = 5.0
PAGE_BYTES = 4096
FULL_CODES = frozenset(
    {13, 4874}
)  # SQLITE_FULL, SQLITE_IOERR_SHMSIZE (no room for the WAL's index)

log = structlog.get_logger("edge.journal")


@dataclass(slots=True)
class Task:
    """Something else that the writer does, in a transaction of its own; `size` in bytes, about."""

    work: Callable[[sqlite.Connection], Any]
    future: Future[Any] = field(default_factory=Future[Any])
    size: int = 0
    wait: bool = True
    events: tuple[bytes, ...] = ()


class Writer:
    """Takes appends in order, commits them in groups, and answers after the commit.

    On a full disk it gives up its ballast and half of the telemetry and tries again; when that is
    used up it refuses what it held and goes on with the next. Any other fault stops it for good,
    because what the disk has after a failed write is not known before the journal is opened anew.

    Attributes:
        failure: Why it is stopped; None while it runs.
        pressed: The disk was full and the ballast is not back: telemetry is refused.
        wal_over_cap: Some reader has held the WAL back beyond its cap.
    """

    def __init__(
        self,
        connection: sqlite.Connection,
        *,
        path: Path,
        clock: Clock,
        telemetry_events_max: int,
        ballast: Ballast,
    ) -> None:
        self._ballast = ballast
        self._connection = connection
        self._path = path
        self._clock = clock
        self._telemetry_events_max = telemetry_events_max
        self._changed = threading.Condition()
        self._queue: deque[Pending | Task] = deque()
        self._queued_events = 0
        self._queued_bytes = 0
        self._queued_waiting = 0
        self._opened_at = 0.0  # when the first of the queue came, monotonic seconds
        self._closing = False
        self._unchecked_bytes = 0
        self._writing_since: float | None = None  # monotonic seconds
        self.good_through: int | None = None  # damage was found behind it
        self.pressed = False
        self._ballast_at = 0.0
        self.wal_over_cap = False
        self.failure: JournalFailedError | None = None
        self.commit_listeners: list[CommitListener] = []
        self.fatal_listeners: list[Callable[[LinesideError], None]] = []
        self.state = maintenance.state(connection)
        self._told: dict[Lane, int] = self.heads()
        self._thread = threading.Thread(target=self._run, name=f"journal {path.name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Commit what waits and end the thread. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def heads(self) -> dict[Lane, int]:
        """Last committed sequence number of each lane."""
        return {"facts": self.state.facts_head, "telemetry": self.state.telemetry_head}

    def stop(self, failure: JournalFailedError) -> None:
        """Stop for a reason that somebody else has found; what waits is told."""
        self._fail(failure, [])

    def waiting_s(self) -> float:
        """How long the oldest append has waited for its commit; 0 when nothing waits."""
        since = self._writing_since
        with self._changed:
            if since is None and self._queue:
                since = self._opened_at
        return 0.0 if since is None else max(0.0, time.monotonic() - since)

    def post(self, item: Pending | Task, *, patience_s: float | None) -> bool:
        """Queue an item.

        Returns:
            False when the queue stayed full for `patience_s`.

        Raises:
            JournalFailedError: The journal is stopped or closed.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(item), timeout=patience_s):
                return False
            if self.failure is not None:
                raise self.failure
            if self._closing:
                raise JournalFailedError("it is closed")
            # Running from now on: cancelling an awaiting task must not look like an unsaved event.
            item.future.set_running_or_notify_cancel()
            if not self._queue:
                self._opened_at = time.monotonic()
            self._queue.append(item)
            self._count(item, 1)
            self._changed.notify_all()
        return True

    def _has_room(self, item: Pending | Task) -> bool:
        return (
            self.failure is not None
            or self._closing
            or not self._queue
            or (
                self._queued_events + len(item.events) <= QUEUE_EVENTS_MAX
                and self._queued_bytes + item.size <= QUEUE_BYTES_MAX
            )
        )

    def _count(self, item: Pending | Task, sign: int) -> None:
        self._queued_events += sign * len(item.events)
        self._queued_bytes += sign * item.size
        self._queued_waiting += sign * item.wait

    def _next(self) -> list[Pending | Task]:
        """Wait until a group closes (20 ms, 200 events, somebody waits); empty: no more come."""
        with self._changed:
            while not self._changed.wait_for(
                lambda: self._queue or self._closing, BALLAST_EVERY_S if self.pressed else None
            ):
                self._take_ballast_back()
            self._changed.wait_for(
                lambda: (
                    self._queued_waiting or self._queued_events >= GROUP_EVENTS_MAX or self._closing
                ),
                timeout=self._opened_at + GROUP_OPEN_S - time.monotonic(),
            )
            taken: list[Pending | Task] = []
            events = 0
            while self._queue and not (taken and isinstance(taken[0], Task)):
                item = self._queue[0]
                if taken and (
                    isinstance(item, Task) or events + len(item.events) > GROUP_EVENTS_MAX
                ):
                    break
                taken.append(self._queue.popleft())
                events += len(item.events)
                self._count(item, -1)
            self._changed.notify_all()
            return taken

    def _run(self) -> None:
        while items := self._next():
            self._writing_since = time.monotonic()
            goes_on = self._write(items)
            self._writing_since = None
            if not goes_on:
                return
            if self.pressed:
                self._take_ballast_back()
            if self._unchecked_bytes >= CHECKPOINT_BYTES and not self._checkpoint("PASSIVE"):
                return
        if self.failure is None:
            self._checkpoint("TRUNCATE")

    def _write(self, items: list[Pending | Task]) -> bool:
        """Commit items and answer them; False: the journal is stopped."""
        try:
            done = self._transact(items)
        except sqlite.Error as problem:
            return self._recover(items, problem)
        except LinesideError as refusal:  # of a task; appends are checked before they are queued
            self._connection.execute("ROLLBACK")
            for item in items:
                item.future.set_exception(refusal)
            return True
        except Exception as fault:  # a writer that is gone must not look like a slow one
            self._fail(f"{type(fault).__name__}: {fault}", items)
            raise
        for item, result in done:
            item.future.set_result(result)
        self._tell()
        return True

    def _transact(self, items: list[Pending | Task]) -> list[tuple[Pending | Task, Any]]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        if isinstance(items[0], Task):
            done: list[tuple[Pending | Task, Any]] = [(items[0], items[0].work(connection))]
            connection.execute("COMMIT")
            self.state = maintenance.state(connection)
            self._unchecked_bytes += items[0].size + PAGE_BYTES
            return done
        appends = [item for item in items if isinstance(item, Pending)]
        results, fresh = maintenance.known_acts(connection, appends)
        groups = form_groups(
            (item for item in fresh if item.lane == "facts"),
            head=self.state.facts_head,
            head_hash=self.state.head_hash,
        )
        now = self._clock.now()
        for group in groups:
            maintenance.insert_events(connection, "facts", group.first_seq, group.events)
            connection.execute(
                "INSERT INTO event_group VALUES (?, ?, ?, ?, ?, ?)", (*group.row, now)
            )
        heads = maintenance.number(connection, appends, fresh, self.heads(), results)
        if heads["telemetry"] != self.state.telemetry_head:
            maintenance.thin_telemetry(
                connection, heads["telemetry"], self._telemetry_events_max, now
            )
        connection.execute("COMMIT")
        self.state = self.state.after(heads, groups[-1].hash if groups else self.state.head_hash)
        self._unchecked_bytes += sum(item.size for item in fresh) + PAGE_BYTES
        return [(item, results[id(item)]) for item in appends]

    def _recover(self, items: list[Pending | Task], problem: sqlite.Error) -> bool:
        """Roll back; True: the disk is full and the journal goes on, False: it is stopped."""
        full = getattr(problem, "sqlite_errorcode", 0) in FULL_CODES
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite.Error as second:
            full, problem = False, second
        if not full:
            self._fail(str(problem), items)
            return False
        log.error("journal_disk_full", path=str(self._path))
        if self._make_room():
            return self._write(items)  # once more: there is no ballast left for a third time
        if self.failure is not None:
            for item in items:
                item.future.set_exception(self.failure)
            return False
        for item in items:
            item.future.set_exception(JournalFullError())
        return self._checkpoint("PASSIVE")  # makes the WAL's room usable again

    def _make_room(self) -> bool:
        """Give up the ballast, and half of the telemetry; whether there was a ballast."""
        self.pressed = True
        self._ballast_at = time.monotonic() + BALLAST_EVERY_S
        if not self._ballast.release():
            return False
        if not self._checkpoint("PASSIVE"):
            return False
        telemetry = self.state.telemetry_head
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            maintenance.thin_telemetry(
                self._connection, telemetry, self._telemetry_events_max // 2, self._clock.now()
            )
            self._connection.execute("COMMIT")
        except sqlite.Error as problem:
            if getattr(problem, "sqlite_errorcode", 0) not in FULL_CODES:
                self._fail(str(problem), [])
                return False
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return True

    def _checkpoint(self, mode: str) -> bool:
        """Remember how far the chain is known to be good and move the WAL into the database.

        Returns:
            False when that failed and the journal is stopped.
        """
        self._unchecked_bytes = 0
        try:
            known_good = self.state.facts_head if self.good_through is None else self.good_through
            maintenance.mark_verified(self._connection, known_good)
            (told,) = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except sqlite.Error as problem:
            if getattr(problem, "sqlite_errorcode", 0) not in FULL_CODES:
                self._fail(str(problem), [])
                return False
            return True
        self._watch_wal(frames=told[1], moved=told[2])
        return True

    def _take_ballast_back(self) -> None:
        if time.monotonic() < self._ballast_at:
            return
        self._ballast_at = time.monotonic() + BALLAST_EVERY_S
        self._ballast.take()
        self.pressed = not self._ballast.held

    def _watch_wal(self, *, frames: int, moved: int) -> None:
        # Everything was moved: the next write begins the WAL anew, however long it has become.
        over = moved < frames and frames * PAGE_BYTES > WAL_BYTES_MAX
        if over and not self.wal_over_cap:
            log.error("journal_held_back", path=str(self._path), wal_bytes=frames * PAGE_BYTES)
        self.wal_over_cap = over

    def _fail(self, why: str | JournalFailedError, items: list[Pending | Task]) -> None:
        failure = JournalFailedError(why) if isinstance(why, str) else why
        log.critical("journal_stopped", path=str(self._path), why=str(why))
        with self._changed:
            self.failure = failure
            waiting = [*items, *self._queue]
            self._queue.clear()
            self._changed.notify_all()
        for item in waiting:
            item.future.set_exception(failure)
        for listener in self.fatal_listeners:
            listener(failure)

    def _tell(self) -> None:
        for lane, head in self.heads().items():
            if head == self._told[lane]:
                continue
            self._told[lane] = head
            for listener in self.commit_listeners:
                try:
                    listener(lane, head)
                except Exception:
                    # The commit stands, whatever a listener does; it is logged, not hidden.
                    log.exception("commit_listener_failed")
