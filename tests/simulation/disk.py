"""The real journal on a disk that fails: one thread, kills between statements, refused commits.

The writer's own loop runs when something is posted, in the caller's thread, until nothing waits.
Its connection counts statements, so that the edge can be killed, the disk be full, or a sync fail
at any one of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.journal.writer import Writer

SQLITE_FULL = 13
SQLITE_IOERR_FSYNC = 1034


class KilledError(BaseException):
    """The process is gone; nothing after this line happened."""


class _NothingWaits(Exception):  # noqa: N818 - a signal between two lines of this file
    """The writer's queue is empty."""


class DoneNow(Future[Any]):
    """A future that is done when it is handed out, and may be awaited without an event loop."""

    _asyncio_future_blocking = False

    def __await__(self) -> Generator[None, None, Any]:
        return self.result(timeout=0)
        yield


class Disk:
    """What the disk of one edge does to the statements of its journal.

    Attributes:
        kill_in: Statements until the process is killed; None: not planned.
        kill_after: The statement that kills is carried out before.
        full: Writing is refused for lack of room.
        sync_fails: The next commit reports a failed sync.
        sync_done: The commit whose sync failed is on the disk nevertheless.
    """

    def __init__(self) -> None:
        self.kill_in: int | None = None
        self.kill_after = False
        self.full = False
        self.sync_fails = False
        self.sync_done = False
        self.hits: dict[str, int] = {}

    def hit(self, what: str) -> None:
        self.hits[what] = self.hits.get(what, 0) + 1


class FaultyConnection:
    """The writer's connection as the disk lets it be."""

    def __init__(self, connection: sqlite.Connection, disk: Disk) -> None:
        self._connection = connection
        self._disk = disk

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, statement: str, *arguments: Any) -> Any:
        return self._run(statement, lambda: self._connection.execute(statement, *arguments))

    def executemany(self, statement: str, rows: Any) -> Any:
        return self._run(statement, lambda: self._connection.executemany(statement, rows))

    def close(self) -> None:
        self._connection.close()

    def _run(self, statement: str, work: Any) -> Any:
        disk = self._disk
        word = statement.split(None, 1)[0].upper()
        if disk.kill_in is not None:
            disk.kill_in -= 1
            if disk.kill_in < 0:
                disk.kill_in = None
                if disk.kill_after:
                    work()
                disk.hit(f"kill_{'after' if disk.kill_after else 'before'}_{word.lower()}")
                raise KilledError
        if disk.full and word in {"INSERT", "UPDATE", "COMMIT"}:
            disk.hit("disk_full")
            raise _failure("database or disk is full", SQLITE_FULL)
        if disk.sync_fails and word == "COMMIT":
            disk.sync_fails = False
            if disk.sync_done:
                work()
            disk.hit("sync_failed")
            raise _failure("disk I/O error", SQLITE_IOERR_FSYNC)
        return work()


def _failure(text: str, code: int) -> sqlite.OperationalError:
    problem = sqlite.OperationalError(text)
    problem.sqlite_errorcode = code
    return problem


class SteppedWriter(Writer):
    """The writer without its thread: it works off the queue whenever something is posted."""

    def _next(self) -> Any:
        if not self._queue and not self._closing:
            raise _NothingWaits
        return super()._next()

    def post(self, item: Any, *, patience_s: float | None) -> bool:
        item.future.__class__ = DoneNow
        taken = super().post(item, patience_s=patience_s)
        with contextlib.suppress(_NothingWaits):
            self._run()
        return taken


class SimulatedJournal(Journal):
    """The production journal with a stepped writer and a disk that may fail."""

    disk_of: dict[str, Disk] = {}  # noqa: RUF012 - by the folder of the journal

    @classmethod
    def open(cls, path: Path, **more: Any) -> Journal:
        """As in production, without the parts that look at a real disk or run beside."""
        settings: Any = more | {"ballast_bytes": 0, "examine": lambda _: Medium()}
        return super().open(path, **settings)

    def start(self, medium: Medium, verify_after_s: float, pack_after_s: float = 0) -> None:
        """Nothing runs beside the simulation; from now on the disk may fail."""
        self.medium = medium
        self.disk = self.disk_of.setdefault(str(self.path.parent), Disk())
        writer = self._writer
        writer.__class__ = SteppedWriter
        writer._connection = FaultyConnection(self._connection, self.disk)  # pyright: ignore[reportAttributeAccessIssue]
