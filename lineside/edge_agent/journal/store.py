"""The journal itself: one writer thread owns the connection, everybody else posts to its queue."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self, TypeVar

from lineside.contracts.clock import Clock
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event
from lineside.edge_agent.journal import maintenance, schema
from lineside.edge_agent.journal.errors import (
    JournalBusyError,
    JournalDamagedError,
    JournalFailedError,
    JournalLockedError,
)
from lineside.edge_agent.journal.groups import Lane, pending
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.records import Appended, StoredEvent, StoredGroup, Watermarks
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.writer import CommitListener, Task, Writer

Result = TypeVar("Result")

QUEUE_WAIT_S = 5.0
TELEMETRY_EVENTS_MAX = 1_000_000


class Journal:
    """An open journal; made by `Journal.open`, let go by `close`. All methods from any thread."""

    def __init__(self, path: Path, *, clock: Clock, telemetry_events_max: int) -> None:
        self.path = path
        self.clock = clock
        self._lock_file = _take_lock(path)
        self._closed = False
        try:
            self._connection = schema.connect_writer(path)
            schema.create(self._connection, clock.now())
            self.reader = JournalReader(path)
            _refuse_damage(self.reader)
        except BaseException:
            os.close(self._lock_file)
            raise
        self._writer = Writer(
            self._connection, path=path, clock=clock, telemetry_events_max=telemetry_events_max
        )

    @classmethod
    def open(
        cls, path: Path, *, clock: Clock, telemetry_events_max: int = TELEMETRY_EVENTS_MAX
    ) -> Journal:
        """Open a journal, creating it on the first call, and verify what was not verified before.

        Args:
            path: Its file; `-wal`, `-shm` and `.lock` stand beside it.
            clock: Gives the time of commits.
            telemetry_events_max: Size of the ring of lane telemetry.

        Raises:
            JournalLockedError: Another agent has it open.
            JournalSqliteError: SQLite is too old.
            JournalDamagedError: The tail is not what was committed.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        journal = cls(path, clock=clock, telemetry_events_max=telemetry_events_max)
        journal._writer.start()
        return journal

    def close(self) -> None:
        """Commit what waits and let go of the files. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self.reader.close()
        self._connection.close()
        os.close(self._lock_file)

    def __enter__(self) -> Self:
        """The journal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def append(
        self,
        events: Sequence[Event],
        *,
        baselines: Mapping[str, bytes] | None = None,
        lane: Lane = "facts",
        wait: bool = True,
        answer: bytes | None = None,
    ) -> Future[Appended]:
        """Append events and baselines in one transaction.

        Args:
            events: In order. Those with an act are one act: committed once, however often asked.
            baselines: Counter baselines that stand after these events.
            lane: `facts`, or the ring `telemetry`.
            wait: Somebody waits for the commit, so the group closes now; else within 20 ms.
            answer: Kept with the act; whoever asks again gets it.

        Returns:
            A future that is done after the commit; it cannot be cancelled. In asyncio:
            `await asyncio.wrap_future(...)`. It raises JournalFullError or JournalFailedError.

        Raises:
            JournalUsageError, InvalidMessageError: The events break a rule.
            JournalBusyError: The queue stayed full for 5 s.
            JournalFailedError: The journal is stopped.
        """
        item = pending(events, baselines=baselines or {}, lane=lane, wait=wait, answer=answer)
        if not self._writer.post(item, patience_s=QUEUE_WAIT_S):
            raise JournalBusyError
        return item.future

    def append_now(
        self,
        events: Sequence[Event],
        *,
        baselines: Mapping[str, bytes] | None = None,
        lane: Lane = "facts",
        answer: bytes | None = None,
    ) -> Appended:
        """As `append`, and wait for the commit in the calling thread."""
        return self.append(events, baselines=baselines, lane=lane, answer=answer).result()

    async def append_async(
        self,
        events: Sequence[Event],
        *,
        baselines: Mapping[str, bytes] | None = None,
        lane: Lane = "facts",
        wait: bool = True,
        answer: bytes | None = None,
    ) -> Appended:
        """As `append`, and wait for the commit without holding the event loop up."""
        item = pending(events, baselines=baselines or {}, lane=lane, wait=wait, answer=answer)
        patient_until = time.monotonic() + QUEUE_WAIT_S
        while not self._writer.post(item, patience_s=0):
            if time.monotonic() > patient_until:
                raise JournalBusyError
            await asyncio.sleep(0.01)
        return await asyncio.wrap_future(item.future)

    def run(self, work: Callable[[sqlite.Connection], Result]) -> Future[Result]:
        """Let the writer do something in a transaction of its own; for this folder only."""
        task = Task(work)
        self._writer.post(task, patience_s=None)
        return task.future

    def set_watermarks(self, **changes: int | str) -> Future[None]:
        """Remember what central told; names as in `Watermarks`. Readable after the commit."""
        known = Watermarks.__slots__
        assert set(changes) <= set(known), changes

        def work(connection: sqlite.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)", changes.items())

        return self.run(work)

    def begin_epoch(self, base: int) -> Future[str]:
        """Seal the present epoch at `base` and go on with a new one; its id when committed.

        Facts after `base` keep their numbers and bytes and are chained anew under the new epoch.

        Args:
            base: Last fact on which this journal and central agree; the end of a commit group.
        """
        now = self.clock.now()

        def work(connection: sqlite.Connection) -> str:
            return maintenance.begin_epoch(connection, base, now)

        return self.run(work)

    @property
    def epoch(self) -> str:
        """Id of the present epoch."""
        return self._writer.state.epoch

    @property
    def epoch_base(self) -> int:
        """Last sequence number before the present epoch; 0 unless the journal was restored."""
        return self._writer.state.base

    def head(self, lane: Lane = "facts") -> int:
        """Last committed sequence number of a lane; 0 when there is none."""
        return self._writer.heads()[lane]

    @property
    def head_hash(self) -> bytes:
        """Hash of the last committed group of lane facts."""
        return self._writer.state.head_hash

    def read(self, after_seq: int, limit: int, lane: Lane = "facts") -> list[StoredEvent]:
        """Committed events after a sequence number, rising."""
        return self.reader.read(after_seq, limit, lane)

    def groups(
        self, after_seq: int, max_events: int, max_bytes: int, lane: Lane = "facts"
    ) -> list[StoredGroup]:
        """Committed groups after a sequence number: see `JournalReader.groups`."""
        return self.reader.groups(after_seq, max_events, max_bytes, lane)

    def oldest(self) -> int:
        """First fact that is still here; `head + 1` when there is none."""
        return self.reader.oldest()

    def hash_at(self, seq: int) -> bytes:
        """Hash of the group that ends at `seq`: see `JournalReader.hash_at`."""
        return self.reader.hash_at(seq)

    def baselines(self) -> dict[str, bytes]:
        """Counter baselines as of the last commit."""
        return self.reader.baselines()

    def act_answer(self, act: str) -> bytes | None:
        """The stored answer of an act; None: unknown act, or none stored."""
        return self.reader.act_answer(act)

    def watermarks(self) -> Watermarks:
        """What central has told."""
        return self.reader.watermarks()

    def on_commit(self, listener: CommitListener) -> None:
        """Call `listener(lane, head)` in the writer's thread after a commit; it must be quick."""
        self._writer.commit_listeners.append(listener)

    def on_fatal(self, listener: Callable[[LinesideError], None]) -> None:
        """Call `listener(error)` from the writer's thread when the journal stops for good."""
        self._writer.fatal_listeners.append(listener)

    @property
    def failure(self) -> JournalFailedError | None:
        """Why the journal is stopped; None while it runs."""
        return self._writer.failure


def _refuse_damage(reader: JournalReader) -> None:
    """Verify what was not verified before."""
    try:
        for seq, why in reader.verify(reader.verified_through()):
            raise JournalDamagedError(reader.path, seq, why)
    except sqlite.DatabaseError as damage:
        raise JournalDamagedError(reader.path, reader.verified_through(), str(damage)) from damage


def _take_lock(path: Path) -> int:
    """A lock that lives as long as this process has it open; a lock file itself means nothing."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(descriptor)
        raise JournalLockedError(path) from taken
    return descriptor
