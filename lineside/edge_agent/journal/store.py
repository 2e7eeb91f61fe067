"""The journal itself: one writer thread owns the connection, everybody else posts to its queue."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self, TypeVar

import structlog

from lineside.contracts.clock import Clock
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event
from lineside.edge_agent.journal import maintenance, medium, opening
from lineside.edge_agent.journal.background import PACK_AFTER_S, Packing, Verification
from lineside.edge_agent.journal.errors import (
    JournalBusyError,
    JournalDamagedError,
    JournalFailedError,
    JournalFullError,
)
from lineside.edge_agent.journal.groups import Lane, pending
from lineside.edge_agent.journal.medium import BALLAST_BYTES, Ballast, Medium
from lineside.edge_agent.journal.packing import pack_oldest
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.records import Appended, StoredEvent, StoredGroup, Watermarks
from lineside.edge_agent.journal.salvage import Salvaged
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.writer import CommitListener, Task, Writer

Result = TypeVar("Result")

QUEUE_WAIT_S = 5.0
VERIFY_AFTER_S = 5.0
TELEMETRY_EVENTS_MAX = 1_000_000
log = structlog.get_logger("edge.journal")


class Journal:
    """An open journal; made by `Journal.open`, let go by `close`. All methods from any thread."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        telemetry_events_max: int,
        ballast_bytes: int,
        lock_file: int,
    ) -> None:
        self.path = path
        self.clock = clock
        self.medium = Medium()
        self.salvaged: Salvaged | None = None
        self._lock_file = lock_file
        self._closed = False
        self._verification: Verification | None = None
        self._packing: Packing | None = None
        ballast = Ballast(path.with_name(path.name + ".ballast"), ballast_bytes)
        with ExitStack() as opened:
            self._connection = opening.connect(path, clock, opened)
            self.reader = JournalReader(path)
            opened.callback(self.reader.close)
            opening.refuse_damage(self.reader)
            self._writer = Writer(
                self._connection,
                path=path,
                clock=clock,
                telemetry_events_max=telemetry_events_max,
                ballast=ballast,
            )
            opened.pop_all()
        ballast.take()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        telemetry_events_max: int = TELEMETRY_EVENTS_MAX,
        ballast_bytes: int = BALLAST_BYTES,
        examine: Callable[[Path], Medium] = medium.examine,
        verify_after_s: float = VERIFY_AFTER_S,
        pack_after_s: float = PACK_AFTER_S,
    ) -> Journal:
        """Open a journal, creating it on the first call, and verify what was not verified before.

        A damaged one is set aside, and what can be proven of it goes on: see `salvage`. What was
        verified before is verified again in the background.

        Args:
            path: Its file; `-wal`, `-shm`, `.lock` and `.ballast` stand beside it.
            clock: Gives the time of commits.
            telemetry_events_max: Size of the ring of lane telemetry.
            ballast_bytes: Room that is kept for a full disk; 0: none.
            examine: Judges the folder; a test may say what it wants.
            verify_after_s: How long after the start the verification in the background begins.
            pack_after_s: How long after the start old facts are left as rows.

        Raises:
            JournalLockedError: Another agent has it open.
            JournalSqliteError: SQLite is too old.
            JournalPlaceError: The folder lies on another computer.
            JournalDamagedError: It is not what was committed, and there is no room to salvage it.
            JournalFailedError: The disk does not let us write.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = examine(path.parent)
            lock_file = opening.take_lock(path)
        except OSError as problem:
            raise JournalFailedError(str(problem)) from problem

        def once() -> Journal:
            return cls(
                path,
                clock=clock,
                telemetry_events_max=telemetry_events_max,
                ballast_bytes=ballast_bytes,
                lock_file=lock_file,
            )

        try:
            journal, saved = opening.open_or_salvage(path, clock, once)
        except BaseException:
            os.close(lock_file)
            raise
        journal.salvaged = saved
        journal.start(found, verify_after_s, pack_after_s)
        return journal

    def start(self, medium: Medium, verify_after_s: float, pack_after_s: float) -> None:
        """Begin to write, to verify, and to pack; `open` has done it."""
        self.medium = medium
        self._writer.start()
        self._verification = Verification(
            self.path, after_s=verify_after_s, on_damage=self._stop_damaged
        )
        self._verification.start()
        self._packing = Packing(
            lambda: pack_oldest(self),
            name=self.path.name,
            after_s=pack_after_s,
            on_damage=self._stop_damaged,
        )
        self._packing.start()

    def _stop_damaged(self, damage: JournalDamagedError) -> None:
        """Damage before the verified mark: the next start begins there, finds it, and salvages."""
        log.critical("journal_damaged", path=str(self.path), why=str(damage))
        before = self._writer.good_through = max(0, damage.first_bad_seq - 1)

        def work(connection: sqlite.Connection) -> None:
            maintenance.mark_verified(connection, before)

        with suppress(LinesideError):  # it is stopped already: the next start looks anyway
            self.run(work).result()
        self._writer.stop(JournalFailedError(str(damage)))

    def close(self) -> None:
        """Commit what waits and let go of the files. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for beside in (self._packing, self._verification):
            if beside is not None:
                beside.close()
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
        self._refuse_telemetry(lane)
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
        self._refuse_telemetry(lane)
        item = pending(events, baselines=baselines or {}, lane=lane, wait=wait, answer=answer)
        patient_until = time.monotonic() + QUEUE_WAIT_S
        while not self._writer.post(item, patience_s=0):
            if time.monotonic() > patient_until:
                raise JournalBusyError
            await asyncio.sleep(0.01)
        return await asyncio.wrap_future(item.future)

    def _refuse_telemetry(self, lane: Lane) -> None:
        if lane == "telemetry" and self._writer.pressed:
            raise JournalFullError  # what room there is belongs to the facts

    def run(self, work: Callable[[sqlite.Connection], Result], *, size: int = 0) -> Future[Result]:
        """Let the writer do something in a transaction of its own; for this folder only.

        Args:
            work: What it does.
            size: About how many bytes of rows it writes or deletes, so that the log stays short.
        """
        task = Task(work, size=size)
        self._writer.post(task, patience_s=None)
        return task.future

    def answers(self, within_s: float) -> None:
        """Wait until the writer has done nothing, in turn and in a transaction of its own.

        Raises:
            JournalFailedError: The journal is stopped or closed.
            TimeoutError: The writer did not come to it within so many seconds.
        """
        self.run(lambda _: None).result(within_s)

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
    def waiting_s(self) -> float:
        """Seconds that the oldest append has waited for its commit; people must see more than 1."""
        return self._writer.waiting_s()

    @property
    def pressed(self) -> bool:
        """Whether the disk was full and room is not back: the ballast is used up."""
        return self._writer.pressed

    @property
    def held_back(self) -> bool:
        """Whether some reader holds the write-ahead log back beyond its cap."""
        return self._writer.wal_over_cap

    @property
    def failure(self) -> JournalFailedError | None:
        """Why the journal is stopped; None while it runs."""
        return self._writer.failure
