"""Devices that go silently, stand still, or shout; a computer that sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import httpx
import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock, SystemClock
from lineside.contracts.events import ClockStepped, DeviceBack, DeviceLost, StateChanged
from lineside.contracts.samples import Quality, Reading, SignalSample
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.errors import PartEndedError
from lineside.edge_agent.host import PlantClock

DEADLINE_S = 30.0
REAL = SystemClock()
HOUR = 3_600 * US_PER_SECOND
EDGE_TOML = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[[device]]
id = "plc"
driver = "scripted"
steps = []
[[station]]
id = "TURN"
device = "plc"
state_from = "signals"
[station.state]
signal = "state"
profile = "packml"
"""


class Plc:
    """Shows its state on every connection, and then does what the test wants.

    Attributes:
        connections: How often it was connected.
        asked: Batches that were asked for.
    """

    def __init__(self, after_first: Any = None) -> None:
        self.connections = self.asked = 0
        self.state = 6
        self.now = REAL.now
        self._after_first = after_first

    async def connect(self) -> None:
        self.connections += 1

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        yield [self.sample(self.state)]
        if self._after_first is not None and self.connections == 1:
            async for batch in self._after_first(self):
                self.asked += 1
                yield batch
            return
        await asyncio.Event().wait()

    def sample(self, value: int) -> SignalSample:
        return SignalSample(
            signal="state", value=value, quality=Quality.GOOD, read_at=self.now(), initial=True
        )

    async def write(self, signal: str, value: Any) -> None: ...

    async def close(self) -> None: ...


class SleepyClock:
    """The computer's clocks; `sleep_for` is a lid that is closed: only the wall clock goes on."""

    def __init__(self) -> None:
        self.slept = 0

    def now(self) -> int:
        return REAL.now() + self.slept

    def monotonic(self) -> int:
        return REAL.monotonic()

    def suspended(self) -> int:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))


def agent_with(folder, plc: Plc, clock: Any = None) -> Agent:
    checked = configuration.parse(EDGE_TOML.encode(), file="edge.toml", folder=folder)
    clock = clock or SleepyClock()
    plc.now = clock.now
    agent = Agent(checked, clock=PlantClock(clock))
    device: Any = agent.devices["plc"]
    device._driver = plc
    return agent


class Running:
    """An agent that runs; at the end it is stopped."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.agent.run())
        await asyncio.wait_for(self.agent.ready.wait(), DEADLINE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def facts(self, *kinds: type) -> list[Any]:
        events = [one.event for one in self.agent.journal.read(0, 10_000)]
        return [event for event in events if isinstance(event, kinds)]

    async def until(self, condition, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert not self.task.done(), "the agent ended by itself"
            assert time.monotonic() < deadline, what
            await asyncio.sleep(0.02)


@pytest.mark.fault("F-20")
async def test_a_computer_that_slept_knows_that_nobody_watched_and_invents_no_stop(tmp_path):
    """The monotonic clock stood, the boot clock did not: that is neither a step nor a stop."""
    clock, plc = SleepyClock(), Plc()
    async with Running(agent_with(tmp_path, plc, clock)) as run:
        await run.until(lambda: len(run.facts(StateChanged)) >= 1, "the machine runs")
        await asyncio.sleep(0.2)  # the upkeep has seen the clocks once
        fell_asleep = clock.now()
        clock.slept += HOUR
        await run.until(lambda: plc.connections == 2, "the device is asked anew")
        await run.until(lambda: run.facts(DeviceBack), "it answers")
        await run.until(lambda: run.facts(StateChanged)[-1].state == "RUN", "it is known")
        states = [(one.state, one.occurred_at) for one in run.facts(StateChanged)]
        assert [state for state, _ in states][-2:] == ["UNKNOWN", "RUN"]
        assert not [state for state, _ in states if state == "STOP"]
        unknown_since = states[-2][1]
        assert fell_asleep - 5 * US_PER_SECOND <= unknown_since <= fell_asleep
        assert "suspended" in run.facts(DeviceLost)[-1].detail
        assert run.facts(ClockStepped) == []


@pytest.mark.fault("F-30")
@pytest.mark.parametrize("end", ["raises", "ends", "cancels itself"])
async def test_a_connector_that_dies_is_started_again(tmp_path, end):
    """However it ends: with a fault of its own, without a word, or by ending its own task."""

    async def die(plc: Plc) -> AsyncIterator[Sequence[Reading]]:
        if end == "raises":
            raise ZeroDivisionError
        if end == "cancels itself":
            raise asyncio.CancelledError
        return
        yield

    plc = Plc(die)
    async with Running(agent_with(tmp_path, plc)) as run:
        await run.until(lambda: plc.connections == 2, "it is connected again")
        await run.until(lambda: run.facts(DeviceBack), "its return is a fact")
        assert [type(one) for one in run.facts(DeviceLost, DeviceBack)] == [DeviceLost, DeviceBack]


@pytest.mark.fault("F-30")
async def test_a_connector_that_hangs_shows_the_age_of_its_last_reading(tmp_path):
    """It says nothing, and nothing says that it is dead: only the age grows."""
    clock = SleepyClock()
    async with Running(agent_with(tmp_path, Plc(), clock)) as run:
        await run.until(lambda: run.facts(StateChanged), "it was read once")
        address = f"http://127.0.0.1:{run.agent.port}"
        async with httpx.AsyncClient(base_url=address) as http:
            first = (await http.get("/healthz")).json()["devices_silent_s"]["plc"]
            await asyncio.sleep(0.3)
            second = (await http.get("/healthz")).json()["devices_silent_s"]["plc"]
            assert second >= first + 0.3
            assert (
                'lineside_edge_device_silent_seconds{device="plc"}'
                in (await http.get("/metrics")).text
            )


@pytest.mark.fault("F-30")
async def test_a_part_of_the_agent_that_ends_without_a_word_ends_the_agent(tmp_path):
    """The service manager starts it again; half an agent would look like a whole one."""
    agent = agent_with(tmp_path, Plc())

    async def ends() -> None:
        return

    agent.devices["plc"].run = ends
    with pytest.raises(PartEndedError, match="plc"):
        await asyncio.wait_for(agent.run(), DEADLINE_S)


@pytest.mark.fault("F-31")
async def test_a_storm_of_values_is_taken_as_fast_as_it_is_committed(tmp_path, monkeypatch):
    """The device shouts as fast as it can: it waits for each commit, nothing piles up."""
    total, behind = 1_000, []

    async def storm(plc: Plc) -> AsyncIterator[Sequence[Reading]]:
        for number in range(total):
            behind.append(plc.asked - 1 - committed())
            yield [plc.sample((6, 4)[number % 2])]

    plc = Plc(storm)
    agent = agent_with(tmp_path, plc)
    real, done = agent.journal.append_async, []

    async def counting(events, **more):
        written = await real(events, **more)
        done.extend(one for one in events if isinstance(one, StateChanged))
        return written

    def committed() -> int:
        return len(done)

    monkeypatch.setattr(agent.journal, "append_async", counting)
    async with Running(agent) as run:
        await run.until(lambda: plc.connections == 2, "the storm is over")
        states = [one.state for one in run.facts(StateChanged)]
    assert max(behind) <= 1, "more than one batch was taken before it was committed"
    assert len(states) >= total


@pytest.mark.fault("F-31")
async def test_equal_values_at_any_rate_are_one_fact(line):
    """A value that is repeated a thousand times a second fills no journal."""
    for _ in range(2_000):
        await line.signals(state=6, total=10, scrap=0)
    assert len([one for one in line.events("state_changed") if one.state == "RUN"]) == 1
    assert len(line.events("counter_read")) == 2


def test_the_manual_clock_is_never_suspended():
    """A replay's computer does not sleep."""
    assert PlantClock(ManualClock(5)).suspended() == 0
    assert PlantClock().suspended() >= 0


@pytest.mark.fault("F-31")
async def test_a_controller_whose_program_stands_still_is_unknown_and_not_running(tmp_path):
    """It answers every poll with its last values, all good; its heartbeat stands."""
    text = EDGE_TOML.replace("steps = []", REPEATED).replace(
        'state_from = "signals"', 'state_from = "signals"\nstale_after_s = { heartbeat = 0.4 }'
    )
    checked = configuration.parse(text.encode(), file="edge.toml", folder=tmp_path)
    async with Running(Agent(checked)) as run:
        await run.until(
            lambda: (
                [one.state for one in run.facts(StateChanged)][-3:] == ["UNKNOWN", "RUN", "UNKNOWN"]
            ),
            "the state is unknown while the heartbeat stands",
        )


REPEATED = (
    "steps = ["
    + ",".join(
        f"{{ after_s = 0.1, values = {{ state = 6, heartbeat = {min(5, n)} }} }}"
        for n in range(200)
    )
    + "]"
)
