"""Values that no longer move although their device calls them good (F-31).

A gateway, or a PLC whose program stands still, answers every poll with its last values. Only a
signal of which somebody said that it always moves shows that; any other may rest for hours.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.samples import Quality, Reading, SignalSample, SignalValue
from lineside.edge_agent.config import StationSection

STALE = "stale"


class Staleness:
    """Remembers when each declared signal moved last, by the clock that never steps.

    While one of them stands, nothing that the station reads of its device is believed. It is asked
    with each batch, so it watches devices that are polled; a silent subscription is the matter of
    its driver.
    """

    def __init__(self, station: StationSection) -> None:
        self._after: dict[tuple[str, str], Microseconds] = {
            station.located(signal): round(seconds * US_PER_SECOND)
            for signal, seconds in station.stale_after_s.items()
        }
        self._moved: dict[tuple[str, str], tuple[SignalValue, Microseconds]] = {}

    def judge(
        self, device: str, readings: Sequence[Reading], monotonic: Microseconds
    ) -> Sequence[Reading]:
        """The same readings; all bad, with the reason, while a declared signal stands still.

        Args:
            device: Whose they are.
            readings: In order, of one batch.
            monotonic: Now, by a clock that never steps.
        """
        if not self._after:
            return readings
        for one in readings:
            if isinstance(one, SignalSample) and one.quality is not Quality.BAD:
                self._look(device, one, monotonic)
        if not self._stands(device, monotonic):
            return readings
        return [
            msgspec.structs.replace(one, value=None, quality=Quality.BAD, status=STALE)
            if isinstance(one, SignalSample)
            else one
            for one in readings
        ]

    def _look(self, device: str, sample: SignalSample, monotonic: Microseconds) -> None:
        key = (device, sample.signal)
        if key in self._after and self._moved.get(key, (None, 0))[0] != sample.value:
            self._moved[key] = (sample.value, monotonic)

    def _stands(self, device: str, monotonic: Microseconds) -> bool:
        return any(
            monotonic - self._moved[key][1] >= after
            for key, after in self._after.items()
            if key[0] == device and key in self._moved
        )
