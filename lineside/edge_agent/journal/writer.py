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
from lineside.contracts.codec import SCHEMA
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal import maintenance
from lineside.edge_agent.journal.errors import JournalFailedError, JournalFullError
from lineside.edge_agent.journal.groups import GROUP_EVENTS_MAX, Lane, Pending, form_groups
from lineside.edge_agent.journal.schema import sqlite

CommitListener = Callable[[Lane, int], None]

GROUP_OPEN_S = 0.02
QUEUE_EVENTS_MAX = 20_000
QUEUE_BYTES_MAX = 64 * 1024 * 1024
CHECKPOINT_BYTES = 4 * 1024 * 1024
PAGE_BYTES = 4096
FULL_CODES = frozenset(
    {13, 4874}
)  # SQLITE_FULL, SQLITE_IOERR_SHMSIZE (no room for the WAL's index)

log = structlog.get_logger("edge.journal")


@dataclass(slots=True)
class Task:
    """Something else that the writer does, in a transaction of its own."""

    work: Callable[[sqlite.Connection], Any]
    future: Future[Any] = field(default_factory=Future[Any])
    size: int = 0
    wait: bool = True
    events: tuple[bytes, ...] = ()


class Writer:
    """Takes appends in order, commits them in groups, and answers after the commit.

    A full disk refuses what it held and goes on with the next; any other fault stops it for good,
    because what the disk has after a failed write is not known before the journal is opened anew.
    """

    def __init__(
        self,
        connection: sqlite.Connection,
        *,
        path: Path,
        clock: Clock,
        telemetry_events_max: int,
    ) -> None:
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
            self._changed.wait_for(lambda: self._queue or self._closing)
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
            try:
                done = self._transact(items)
            except sqlite.Error as problem:
                if not self._recover(items, problem):
                    return
                continue
            except (
                LinesideError
            ) as refusal:  # of a task; appends are checked before they are queued
                self._connection.execute("ROLLBACK")
                for item in items:
                    item.future.set_exception(refusal)
                continue
            except Exception as fault:  # a writer that is gone must not look like a slow one
                self._fail(f"{type(fault).__name__}: {fault}", items)
                raise
            for item, result in done:
                item.future.set_result(result)
            self._tell()
            if self._unchecked_bytes >= CHECKPOINT_BYTES and not self._checkpoint("PASSIVE"):
                return
        self._checkpoint("TRUNCATE")

    def _transact(self, items: list[Pending | Task]) -> list[tuple[Pending | Task, Any]]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        if isinstance(items[0], Task):
            done: list[tuple[Pending | Task, Any]] = [(items[0], items[0].work(connection))]
            connection.execute("COMMIT")
            self.state = maintenance.state(connection)
            self._unchecked_bytes += PAGE_BYTES
            return done
        appends = [item for item in items if isinstance(item, Pending)]
        results, fresh = maintenance.known_acts(connection, appends)
        groups = form_groups(
            (item for item in fresh if item.lane == "facts"),
            head=self.state.facts_head,
            head_hash=self.state.head_hash,
        )
        now = self._clock.now()
        connection.executemany(
            "INSERT INTO event VALUES (?, ?, ?)",
            [
                (group.first_seq + number, SCHEMA, data)
                for group in groups
                for number, data in enumerate(group.events)
            ],
        )
        connection.executemany(
            "INSERT INTO event_group VALUES (?, ?, ?, ?, ?, ?)",
            [(*group.row, now) for group in groups],
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
        for item in items:
            item.future.set_exception(JournalFullError())
        return self._checkpoint("PASSIVE")  # makes the WAL's room usable again

    def _checkpoint(self, mode: str) -> bool:
        """Remember how far the chain is known to be good and move the WAL into the database.

        Returns:
            False when that failed and the journal is stopped.
        """
        self._unchecked_bytes = 0
        try:
            maintenance.mark_verified(self._connection, self.state.facts_head)
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except sqlite.Error as problem:
            if getattr(problem, "sqlite_errorcode", 0) not in FULL_CODES:
                self._fail(str(problem), [])
                return False
        return True

    def _fail(self, why: str, items: list[Pending | Task]) -> None:
        failure = JournalFailedError(why)
        log.critical("journal_stopped", path=str(self._path), why=why)
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
