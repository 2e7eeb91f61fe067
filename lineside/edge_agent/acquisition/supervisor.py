"""One task a device: connect, read, hand on, try again for ever; no device hurts another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec
import structlog

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import DriverError, DriverUnavailableError
from lineside.contracts.events import DeviceBack, DeviceLost, Event, GapFound
from lineside.contracts.samples import (
    DriverNotice,
    Reading,
    ScanRead,
    SignalSample,
    SignalValue,
)
from lineside.drivers.base import Driver
from lineside.edge_agent.acquisition.backoff import Backoff
from lineside.edge_agent.acquisition.line import RETRY_S, StationLine
from lineside.edge_agent.interpretation.shapes import Write
from lineside.edge_agent.journal.errors import JournalBusyError, JournalError, JournalFullError
from lineside.edge_agent.recorder import Recorder

DETAIL_CHARS_MAX = 500
log = structlog.get_logger("edge.acquisition")

OnScan = Callable[[str, ScanRead], Awaitable[None]]


class DeviceTask:
    """Follows one device.

    Attributes:
        connected: It answers.
        read_at: When something was last read of it, by the clock that never steps.
        since: Since when it answers, by the same clock; None: it does not.
    """

    def __init__(
        self,
        device: str,
        driver: Driver,
        *,
        lines: Sequence[StationLine],
        recorder: Recorder,
        clock: Clock,
        on_scan: OnScan,
        backoff: Backoff | None = None,
        lost: bool = False,
    ) -> None:
        """Nothing is opened yet.

        Args:
            device: Its id.
            driver: Its driver, not yet connected; connected again after every loss.
            lines: Stations that use its signals.
            recorder: For facts about the device itself.
            clock: Business time of facts; pauses are real.
            on_scan: Takes what a scanner read.
            backoff: Pauses between connections.
            lost: It was said to be lost; once it answers, it is said to be back.
        """
        self.device = device
        self._driver = driver
        self._lines = lines
        self._recorder = recorder
        self._clock = clock
        self._on_scan = on_scan
        self._backoff = backoff or Backoff()
        self._lost = lost
        self._ending = self._busy = False
        self._last: dict[str, SignalSample] = {}
        self._heard_at: Microseconds | None = None
        self._waits: asyncio.Task[object] | None = None
        self._slept_since: Microseconds | None = None
        self.read_at: Microseconds | None = None
        self.since: Microseconds | None = None
        self.connected = False

    async def run(self) -> None:
        """Follow the device until cancelled.

        Raises:
            JournalFailedError: Nothing can be recorded any more.
        """
        while not self._ending:
            problem = await self._connection()
            if self._ending:
                return
            self._busy = True
            await self._lose(problem)
            self._busy = False
            if not self._ending:
                await self._clock.sleep(self._backoff.next(problem))

    async def leave(self, task: asyncio.Task[None], why: str) -> None:
        """End `run`, which `task` is, by our own will: the device is unknown from now on.

        What was read is committed first: a station that goes on must know what it has booked.
        """
        self._ending = True
        if not self._busy:
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        if self._lost:
            return
        now = self._clock.now()
        await self._record(
            [DeviceLost(occurred_at=now, recorded_at=now, device=self.device, detail=why)]
        )
        notice = DriverNotice(kind="lost", detail=why, read_at=now, since=now)
        await asyncio.gather(*(line.take(self.device, [notice]) for line in self._lines))

    def serve(self, lines: Sequence[StationLine]) -> None:
        """Hand what is read to these stations from now on; the connection goes on."""
        self._lines = lines

    async def show(self, line: StationLine) -> None:
        """Tell a station that has just begun what the device said last: it is still so."""
        now = self._clock.now()
        readings = [
            msgspec.structs.replace(sample, read_at=now, source_at=None, initial=True)
            for sample in self._last.values()
        ]
        if self.connected and readings:
            try:
                await self._hand(await line.take(self.device, readings))
            except DriverError as problem:
                log.info("device_did_not_take", device=self.device, why=str(problem))

    async def write(self, signal: str, value: SignalValue) -> None:
        """Write a signal of this device.

        Raises:
            DriverError: It is away, or did not take it.
        """
        if not self.connected:
            raise DriverUnavailableError(
                f"{self.device} is away.", hint="It is tried again by itself."
            )
        await self._driver.write(signal, value)

    def slept(self, since: Microseconds) -> None:
        """The computer was suspended; nobody watched since then. The device is asked anew."""
        if not self.connected:
            return  # its state is unknown already, and is read anew once it answers
        self._slept_since = since
        if self._waits is not None:
            self._waits.cancel()

    async def _connection(self) -> Exception:
        """One connection from beginning to end; what ended it."""
        began = self._clock.monotonic()
        try:
            await self._driver.connect()
            self.connected, self.since = True, self._clock.monotonic()
            self._backoff.reached()
            self._busy = True
            await self._find()
            self._busy = False
            readings = self._driver.readings()
            while self._slept_since is None and not self._ending:
                batch = await self._next(readings)
                if batch is None:
                    return DriverError(f"{self.device} has nothing more to say.")
                self._heard_at, self.read_at = self._clock.now(), self._clock.monotonic()
                self._busy = True
                await self._take(batch)
                self._busy = False
            return DriverUnavailableError(SLEPT)
        except JournalError:
            raise
        except asyncio.CancelledError:
            if _asked_to_end():
                raise
            return DriverError(f"{self.device}: its driver ended itself.")
        except Exception as problem:  # a driver's fault must not end the agent
            if not isinstance(problem, DriverError):
                log.exception("driver_fault", device=self.device)
            return problem
        finally:
            self.connected, self.since, self._busy = False, None, False
            self._last.clear()
            self._backoff.worked((self._clock.monotonic() - began) / US_PER_SECOND)
            with suppress(DriverError, OSError):
                await self._driver.close()

    async def _next(self, readings: AsyncIterator[Sequence[Reading]]) -> Sequence[Reading] | None:
        """The next batch; None where there are no more. Ends when the computer has slept.

        Only this waiting is broken off: what was read is committed in any case.
        """
        self._waits = task = asyncio.current_task()
        try:
            return await anext(readings, None)
        except asyncio.CancelledError:
            if self._slept_since is None or task is None or task.uncancel():
                raise
            raise DriverUnavailableError(SLEPT) from None
        finally:
            self._waits = None

    async def _take(self, batch: Sequence[Reading]) -> None:
        scans = [reading for reading in batch if isinstance(reading, ScanRead)]
        rest = [reading for reading in batch if not isinstance(reading, ScanRead)]
        notices = [reading for reading in rest if isinstance(reading, DriverNotice)]
        if notices:
            await self._tell(notices)
        if rest:
            # Together, so that the stations of one device share a commit.
            self._last.update((one.signal, one) for one in rest if isinstance(one, SignalSample))
            written = await asyncio.gather(*(line.take(self.device, rest) for line in self._lines))
            for writes in written:
                await self._hand(writes)
        for scan in scans:
            await self._on_scan(self.device, scan)

    async def _hand(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.device == self.device:
                await self.write(write.signal, write.value)
            else:
                log.warning("write_to_other_device", device=self.device, to=write.device)

    async def _tell(self, notices: Sequence[DriverNotice]) -> None:
        events: list[Event] = []
        for notice in notices:
            log.info("device_notice", device=self.device, kind=notice.kind, detail=notice.detail)
            if notice.kind == "gap":
                since = notice.since if notice.since is not None else notice.read_at
                events.append(
                    GapFound(
                        occurred_at=min(since, notice.read_at),
                        occurred_until=notice.read_at,
                        recorded_at=notice.read_at,
                        device=self.device,
                        signal=notice.signal,
                        detail=notice.detail[:DETAIL_CHARS_MAX],
                    )
                )
            elif notice.kind == "restarted":
                events.append(
                    DeviceBack(
                        occurred_at=notice.read_at,
                        recorded_at=notice.read_at,
                        device=self.device,
                        restarted=True,
                    )
                )
        if events:
            await self._record(events)

    async def _find(self) -> None:
        if self._lost:
            self._lost = False
            now = self._clock.now()
            log.info("device_back", device=self.device)
            await self._record([DeviceBack(occurred_at=now, recorded_at=now, device=self.device)])

    async def _lose(self, problem: Exception) -> None:
        """Say once that the device is lost; its stations are unknown since it was heard."""
        slept_since, self._slept_since = self._slept_since, None
        if self._lost:
            return
        self._lost = True
        now = self._clock.now()
        since = self._heard_at if self._heard_at is not None else now
        since = max(since, self._horizon(now))
        if slept_since is not None:
            since = min(since, slept_since)
        detail = str(problem)[:DETAIL_CHARS_MAX]
        log.warning("device_lost", device=self.device, why=detail)
        await self._record(
            [DeviceLost(occurred_at=now, recorded_at=now, device=self.device, detail=detail)]
        )
        notice = DriverNotice(kind="lost", detail=detail, read_at=now, since=since)
        await asyncio.gather(*(line.take(self.device, [notice]) for line in self._lines))

    def _horizon(self, now: Microseconds) -> Microseconds:
        # A device that only speaks when something changes was silent and well until shortly ago.
        return now - QUIET_US

    async def _record(self, events: Sequence[Event]) -> None:
        while True:
            try:
                await self._recorder.record(events)
            except (JournalFullError, JournalBusyError):
                await self._clock.sleep(RETRY_S)
            else:
                return


def _asked_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


QUIET_US = 5 * US_PER_SECOND
SLEPT = "This computer was suspended."
