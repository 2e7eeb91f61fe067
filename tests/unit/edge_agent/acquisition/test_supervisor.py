"""One device fails, others go on; loss and return are told once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import (
    DriverConfigurationError,
    DriverTrustError,
    DriverUnavailableError,
)
from lineside.contracts.samples import DriverNotice, Reading, ScanRead
from lineside.edge_agent.acquisition.backoff import PERSON_PAUSE_S, Backoff
from lineside.edge_agent.acquisition.supervisor import DeviceTask
from lineside.edge_agent.journal.errors import JournalFailedError, JournalFullError


class FakeRecorder:
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.full = 0

    async def record(self, events, **_):
        if self.full:
            self.full -= 1
            raise JournalFullError
        self.events += events


class FastClock(SystemClock):
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class FakeDriver:
    """Each connection is a list of batches, or an error to raise."""

    def __init__(self, *connections: Any) -> None:
        self.connections = list(connections)
        self.closed = 0

    async def connect(self) -> None:
        if self.connections and isinstance(self.connections[0], Exception):
            raise self.connections.pop(0)

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        if not self.connections:
            await asyncio.Event().wait()
        for batch in self.connections.pop(0):
            if isinstance(batch, Exception):
                raise batch
            yield batch
        raise DriverUnavailableError("gone")

    async def write(self, signal, value) -> None: ...

    async def close(self) -> None:
        self.closed += 1


def notice(kind: str) -> DriverNotice:
    return DriverNotice(kind=kind, detail="", read_at=2_000, since=1_000)


async def follow(driver: Any, recorder: Any, scans: list[ScanRead]) -> FastClock:
    clock = FastClock()

    async def on_scan(_: str, scan: ScanRead) -> None:
        scans.append(scan)

    task = DeviceTask(
        "plc", driver, lines=[], recorder=recorder, clock=clock, on_scan=on_scan,
        backoff=Backoff(random.Random(1)),
    )  # fmt: skip
    running = asyncio.create_task(task.run())
    for _ in range(200):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return clock


@pytest.mark.fault("F-22")
async def test_loss_and_return_are_told_once_however_often_it_is_tried():
    recorder = FakeRecorder()
    unavailable = DriverUnavailableError("nobody answers")
    driver = FakeDriver(unavailable, unavailable, ValueError("a fault of the driver"), [[]])
    await follow(driver, recorder, [])
    assert [type(event).__name__ for event in recorder.events] == [
        "DeviceLost",
        "DeviceBack",
        "DeviceLost",
        "DeviceBack",
    ]
    assert driver.closed >= 4


async def test_gaps_restarts_and_scans_are_handed_on():
    recorder = FakeRecorder()
    scans: list[ScanRead] = []
    scan = ScanRead(raw=b"WO-1", read_at=5)
    driver = FakeDriver([[notice("gap"), notice("restarted"), notice("connected"), scan]])
    await follow(driver, recorder, scans)
    assert scans == [scan]
    gap, back = recorder.events[:2]
    assert (gap.occurred_at, gap.occurred_until, gap.device) == (1_000, 2_000, "plc")
    assert back.restarted


async def test_a_full_disk_is_waited_for():
    recorder = FakeRecorder()
    recorder.full = 2
    await follow(FakeDriver(DriverUnavailableError("x")), recorder, [])
    assert [type(event).__name__ for event in recorder.events] == ["DeviceLost", "DeviceBack"]


async def test_a_journal_that_stopped_ends_the_task():
    class Broken(FakeRecorder):
        async def record(self, events, **_):
            raise JournalFailedError("fsync")

    async def no_scan(_: str, __: ScanRead) -> None: ...

    broken: Any = Broken()
    driver: Any = FakeDriver([[notice("gap")]])
    task = DeviceTask("plc", driver, lines=[], recorder=broken, clock=FastClock(), on_scan=no_scan)
    with pytest.raises(JournalFailedError):
        await asyncio.wait_for(task.run(), 5)


@pytest.mark.fault("F-37")
def test_pauses_grow_with_jitter_and_wait_for_people_where_retries_cannot_help():
    backoff = Backoff(random.Random(7))
    gone = DriverUnavailableError("x")
    pauses = [backoff.next(gone) for _ in range(10)]
    assert all(0.25 <= pause <= 30 for pause in pauses)
    assert pauses[-1] >= 15
    assert backoff.next(DriverTrustError("x")) == PERSON_PAUSE_S
    assert backoff.next(DriverConfigurationError("x")) == PERSON_PAUSE_S
    backoff.worked(61)
    assert backoff.next(gone) <= 0.5
