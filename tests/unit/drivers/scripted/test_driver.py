"""The scripted device does what its list says."""

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.errors import (
    ConfigurationError,
    DriverConfigurationError,
    DriverUnavailableError,
)
from lineside.contracts.samples import DriverNotice, ScanRead, SignalSample
from lineside.drivers.scripted.config import StepSettings
from lineside.drivers.scripted.driver import build, scripted


async def test_steps_come_in_order_with_their_pauses():
    clock = ManualClock()
    driver = build(
        {
            "at_end": "lost",
            "steps": [
                {"values": {"a": 1, "b": "x"}},
                {"after_s": 1.5, "scan": "\x1dA\xff"},
                {"notice": "gap", "detail": "d"},
            ],
        },
        clock=clock,
        file="f",
    )
    await driver.connect()
    stream = driver.readings()
    values, [scan], [notice] = [await anext(stream) for _ in range(3)]
    with pytest.raises(DriverUnavailableError, match="end"):
        await anext(stream)
    assert [(s.signal, s.value, s.sequence) for s in values if isinstance(s, SignalSample)] == [
        ("a", 1, 1),
        ("b", "x", 1),
    ]
    assert scan == ScanRead(raw=b"\x1dA\xff", read_at=1_500_000)
    assert notice == DriverNotice(kind="gap", detail="d", read_at=1_500_000)


async def test_after_a_loss_the_script_goes_on():
    driver = scripted(
        [StepSettings(lost=True), StepSettings(scan="A")], clock=ManualClock(), at_end="lost"
    )
    await driver.connect()
    with pytest.raises(DriverUnavailableError, match="lost"):
        await anext(driver.readings())
    await driver.close()
    await driver.connect()
    assert [r.raw for r in await anext(driver.readings()) if isinstance(r, ScanRead)] == [b"A"]


async def test_writes_are_kept():
    driver = scripted([], clock=ManualClock(), writable=["ack"])
    with pytest.raises(DriverUnavailableError):
        await driver.write("ack", 1)
    await driver.connect()
    await driver.write("ack", 2)
    assert driver.written == [("ack", 2)]
    with pytest.raises(DriverConfigurationError):
        await driver.write("other", 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": [{}]},
        {"steps": [{"scan": "a", "lost": True}]},
        {"steps": [{"scan": "测"}]},
        {"steps": [{"scan": "a"}], "repeat": True},
    ],
)
def test_a_script_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ConfigurationError):
        build(settings, clock=ManualClock(), file="f")


async def test_a_repeated_script_begins_again():
    driver = build(
        {"repeat": True, "steps": [{"after_s": 1, "scan": "A"}]}, clock=ManualClock(), file="f"
    )
    await driver.connect()
    stream = driver.readings()
    assert [(await anext(stream))[0].read_at for _ in range(3)] == [1_000_000, 2_000_000, 3_000_000]
