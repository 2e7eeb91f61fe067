"""The stations' lines and the devices' tasks of the running configuration.

Parts of it are exchanged while the rest goes on: a device that is not touched keeps its connection
and its task, a station that is not touched keeps its interpreter and what that remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from lineside.contracts.clock import Clock, Microseconds
from lineside.drivers.base import Driver
from lineside.edge_agent.acquisition.line import StationLine
from lineside.edge_agent.acquisition.supervisor import DeviceTask, OnScan
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.config.difference import Difference
from lineside.edge_agent.errors import PartEndedError
from lineside.edge_agent.recorder import Recorder

CHANGED = "Its configuration was changed."
REMOVED = "It was taken out of the configuration."
MakeLine = Callable[[StationSection], StationLine]
Settle = Callable[[frozenset[str]], Awaitable[Mapping[str, bytes]]]


class Connectors:
    """Runs what reads.

    Attributes:
        lines: Of the stations, in order of the configuration.
        devices: By id.
    """

    def __init__(
        self,
        stations: Iterable[StationSection],
        drivers: Mapping[str, Driver],
        *,
        make_line: MakeLine,
        recorder: Recorder,
        clock: Clock,
        on_scan: OnScan,
    ) -> None:
        """Nothing runs yet.

        Args:
            stations: All of the configuration.
            drivers: Of its devices, not connected.
            make_line: Makes a station's line, which has not begun.
            recorder: For facts about devices.
            clock: Business time.
            on_scan: Takes what scanners read.
        """
        self._make_line = make_line
        self._recorder, self._clock, self._on_scan = recorder, clock, on_scan
        self.lines: list[StationLine] = [make_line(station) for station in stations]
        self.devices: dict[str, DeviceTask] = {}
        for name, driver in drivers.items():
            self._add(name, driver, lost=False)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._runs = False

    async def run(self) -> None:
        """Follow all devices until cancelled.

        Raises:
            JournalFailedError: Nothing can be recorded any more.
            PartEndedError: The task of a device ended by itself.
        """
        self._runs = True
        for name in self.devices:
            self._start(name)
        try:
            while True:
                self._news.clear()
                waits = asyncio.create_task(self._wait_for_news())
                try:
                    await asyncio.wait(
                        [waits, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    waits.cancel()
                for name, task in list(self._tasks.items()):
                    if task.done():
                        task.result()
                        raise PartEndedError(name)
        finally:
            self._runs = False
            tasks = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def exchange(
        self,
        found: Difference,
        stations: Sequence[StationSection],
        drivers: Mapping[str, Driver],
        *,
        settle: Settle,
    ) -> None:
        """Make the running parts those of another configuration; only what differs is touched.

        Args:
            found: What differs.
            stations: All stations of the other configuration.
            drivers: Of its changed and added devices, not connected.
            settle: Called once nobody writes marks of the touched stations any more, with the names
                of marks that say nothing about what is read next; gives the marks to begin with.

        Raises:
            JournalFailedError: The journal is stopped.
        """
        for name in (*found.devices.changed, *found.devices.removed):
            await self._remove(name, CHANGED if name in found.devices.changed else REMOVED)
        before = {line.station: line for line in self.lines}
        ending = {*found.stations.removed, *found.interpreted}
        for name in ending:
            await before[name].end()
        fresh = {
            station.id: self._make_line(station)
            for station in stations
            if station.id in found.interpreted or station.id not in before
        }
        marks = await settle(_foreign(before, fresh, found))
        now = self._clock.now()
        for name in found.stations.removed:
            await before[name].forget()
        for line in fresh.values():
            await line.begin(marks, now)
        self.lines[:] = [fresh.get(station.id) or before[station.id] for station in stations]
        for name, device in self.devices.items():
            device.serve(self._lines_of(name))
            for line in fresh.values():
                if name in line.devices:
                    await device.show(line)
        for name, driver in drivers.items():
            self._add(name, driver, lost=name in found.devices.changed)
            self._start(name)

    def missing(self, wanted: Iterable[str], *, quiet_us: Microseconds) -> tuple[str, ...]:
        """Which of these devices do not answer.

        A device that has only just answered and has not said anything is not there yet: some take a
        connection and then have nothing to tell.

        Args:
            wanted: Their ids.
            quiet_us: A device that says nothing is believed after so long.
        """
        now = self._clock.monotonic()

        def answers(device: DeviceTask) -> bool:
            if device.since is None:
                return False
            read = device.read_at is not None and device.read_at >= device.since
            return read or now - device.since >= quiet_us

        return tuple(name for name in sorted(wanted) if not answers(self.devices[name]))

    def _add(self, name: str, driver: Driver, *, lost: bool) -> None:
        self.devices[name] = DeviceTask(
            name,
            driver,
            lines=self._lines_of(name),
            recorder=self._recorder,
            clock=self._clock,
            on_scan=self._on_scan,
            lost=lost,
        )

    def _start(self, name: str) -> None:
        if self._runs:
            self._tasks[name] = asyncio.create_task(self.devices[name].run())
            self._news.set()

    async def _remove(self, name: str, why: str) -> None:
        device, task = self.devices.pop(name), self._tasks.pop(name, None)
        self._news.set()
        if task is not None:
            await device.leave(task, why)

    def _lines_of(self, device: str) -> list[StationLine]:
        return [line for line in self.lines if device in line.devices]

    async def _wait_for_news(self) -> None:
        await self._news.wait()


def _foreign(
    before: Mapping[str, StationLine], fresh: Mapping[str, StationLine], found: Difference
) -> frozenset[str]:
    """Marks that stand for another signal than the one that is read under their name from now on.

    With them the difference between two counters would be booked as pieces.
    """
    return frozenset(
        mark
        for name, line in fresh.items()
        if name in before
        for mark, signal in line.marks.items()
        if before[name].marks.get(mark, signal) != signal or signal in found.other_signals
    )
