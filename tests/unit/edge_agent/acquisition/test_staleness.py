"""A device that repeats its last values for ever is not believed, where a signal shows it."""

from decimal import Decimal

import pytest

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.samples import DriverNotice, Quality, SignalSample
from lineside.edge_agent.acquisition.staleness import Staleness
from lineside.edge_agent.config import StationSection

SECOND = US_PER_SECOND


class Device:
    """Polled once a second."""

    def __init__(self, **after_s: int) -> None:
        seconds = {name: Decimal(after) for name, after in after_s.items()}
        station = StationSection(id="TURN", device="plc", stale_after_s=seconds)
        self.staleness, self.at = Staleness(station), 0

    def poll(self, **values: int) -> set[str]:
        """Signals that are believed."""
        self.at += SECOND
        samples = [
            SignalSample(signal=name, value=value, quality=Quality.GOOD, read_at=self.at)
            for name, value in values.items()
        ]
        judged = self.staleness.judge("plc", samples, self.at)
        return {
            one.signal
            for one in judged
            if isinstance(one, SignalSample) and one.quality is Quality.GOOD
        }


@pytest.mark.fault("F-31")
def test_a_heartbeat_that_stands_makes_the_whole_device_unknown_until_it_beats_again():
    device = Device(heartbeat=3)
    assert all(device.poll(heartbeat=n, state=6) == {"heartbeat", "state"} for n in range(10))

    believed = [bool(device.poll(heartbeat=9, state=6)) for _ in range(5)]
    assert believed == [True, True, False, False, False]

    assert device.poll(heartbeat=10, state=6) == {"heartbeat", "state"}


@pytest.mark.fault("F-31")
def test_a_value_of_which_nobody_said_that_it_moves_may_rest():
    device = Device(heartbeat=3)

    assert all("state" in device.poll(heartbeat=n, state=6) for n in range(100))
    assert all(Device().poll(state=6) == {"state"} for _ in range(100))


def test_notices_and_other_devices_are_not_judged():
    device = Device(heartbeat=1)
    device.poll(heartbeat=1)
    notice = DriverNotice(kind="gap", detail="-", read_at=9)
    sample = SignalSample(signal="x", value=1, quality=Quality.GOOD, read_at=9)

    assert device.staleness.judge("plc", [notice], 9 * SECOND) == [notice]
    assert device.staleness.judge("other", [sample], 9 * SECOND) == [sample]
