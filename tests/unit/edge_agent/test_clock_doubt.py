"""Marks on what is recorded while nobody can believe the wall clock."""

import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.host import ClockDoubt, PlantClock
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.recorder import Recorder

SECOND = US_PER_SECOND
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
NOW = 1_790_000_000 * SECOND


class Clocks:
    """A wall clock that can be set, beside one that only runs."""

    def __init__(self, believed: int = 0) -> None:
        self.wall, self.running = NOW, 5 * HOUR
        self.doubt = ClockDoubt(believed)

    def after(self, span: int, *, step: int = 0) -> bool:
        self.running += span
        self.wall += span + step
        return self.doubt.unsure(self.wall, self.running)


def test_a_clock_that_runs_and_is_slewed_is_believed():
    clocks = Clocks()

    assert not any(clocks.after(MINUTE, step=step * SECOND // 10) for step in range(-9, 10))


@pytest.mark.fault("F-16", "F-18")
@pytest.mark.parametrize("step", [-MINUTE, -HOUR, MINUTE, DAY])
def test_a_step_is_doubted_until_it_is_taken_back(step):
    clocks = Clocks()
    assert not clocks.after(MINUTE)

    assert clocks.after(SECOND, step=step)
    assert clocks.after(SECOND)

    assert not clocks.after(SECOND, step=-step)


@pytest.mark.fault("F-17")
def test_a_clock_that_was_set_forward_for_good_is_believed_in_the_end():
    clocks = Clocks()
    clocks.after(MINUTE)
    assert clocks.after(SECOND, step=HOUR)

    assert clocks.after(14 * MINUTE)
    assert not clocks.after(2 * MINUTE)


@pytest.mark.fault("F-16")
def test_a_dead_battery_is_doubted_until_the_time_is_back():
    clocks = Clocks(believed=NOW)
    assert clocks.after(MINUTE, step=-NOW)
    assert clocks.after(3 * HOUR)

    assert not clocks.after(SECOND, step=NOW)


def test_a_clock_that_stays_behind_for_a_day_was_right():
    """What was recorded before it came from a clock that was ahead."""
    clocks = Clocks(believed=NOW + 30 * DAY)
    assert clocks.after(MINUTE)
    assert clocks.after(23 * HOUR)

    assert not clocks.after(2 * HOUR)
    assert not clocks.after(MINUTE)


@pytest.mark.fault("F-16")
async def test_a_restart_knows_what_was_believed_before(tmp_path):
    """A fact under a dead clock is marked, and does not count for what is believed."""
    clock = ManualClock(NOW)

    async def recorded(at: int) -> tuple[str, ...]:
        clock.set(at)
        with Journal.open(tmp_path / "journal.db", clock=clock) as journal:
            plant = PlantClock(clock)
            recorder = Recorder(journal, clock=plant, follow=lambda: 0, changed=lambda _: None)
            await recorder.record([SignedOn(occurred_at=at, recorded_at=at)])
            return journal.read(journal.head() - 1, 1)[0].event.flags

    assert await recorded(NOW) == ()
    assert await recorded(0) == ("clock_unsure",)
    assert await recorded(10 * SECOND) == ("clock_unsure",)
    assert await recorded(NOW + HOUR) == ()


class Computer:
    """A wall clock that can be set, one that only runs, and a sleep that only the second misses."""

    def __init__(self) -> None:
        self.wall, self.running, self.slept = NOW, 5 * HOUR, 0

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> int:
        return self.running

    def suspended(self) -> int:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def after(self, span: int, *, step: int = 0) -> None:
        self.running += span
        self.wall += span + step

    def sleeps(self, span: int) -> None:
        self.slept += span
        self.wall += span


class Plant:
    """Business time on such a computer, looked at each second as the upkeep does."""

    def __init__(self, *, synchronised: bool | None = None, believed: int = 0) -> None:
        self.computer, self.truth = Computer(), NOW
        self.synchronised = synchronised
        self.clock = PlantClock(self.computer, synchronised=lambda: self.synchronised)
        self.clock.believe(believed)
        self.clock.unsure()

    def after(self, span: int, *, step: int = 0) -> int:
        """Microseconds by which business time is from a clock that was never set."""
        self.computer.after(span, step=step)
        self.truth += span
        self.clock.unsure()
        return self.clock.now() - self.truth


@pytest.mark.fault("F-16", "F-17", "F-18")
@pytest.mark.parametrize("step", [-DAY, -HOUR, -SECOND, SECOND, HOUR, 10 * 365 * DAY])
def test_a_step_that_is_taken_back_moves_no_business_time(step):
    plant = Plant()

    assert plant.after(MINUTE, step=step) == 0
    assert plant.after(14 * MINUTE) == 0
    assert plant.after(SECOND, step=-step) == 0


@pytest.mark.fault("F-18")
def test_a_clock_that_is_slewed_is_followed():
    plant = Plant()

    assert [plant.after(MINUTE, step=SECOND // 2) for _ in range(3)] == [
        SECOND // 2,
        SECOND,
        3 * SECOND // 2,
    ]


@pytest.mark.fault("F-18")
def test_a_step_of_the_time_service_is_followed_at_once():
    plant = Plant(synchronised=True)

    assert plant.after(SECOND, step=-MINUTE) == -MINUTE
    assert not plant.clock.unsure()


@pytest.mark.fault("F-17", "F-18")
@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_a_step_that_central_confirms_is_followed(step):
    plant = Plant()
    assert plant.after(SECOND, step=step) == 0

    plant.clock.heard(plant.computer.wall + SECOND)  # it travelled for a second

    assert plant.after(SECOND) == step
    assert not plant.clock.unsure()


@pytest.mark.fault("F-17")
def test_what_central_said_before_a_step_or_otherwise_confirms_nothing():
    plant = Plant()
    plant.clock.heard(plant.truth + HOUR)
    assert plant.after(SECOND, step=HOUR) == 0

    plant.clock.heard(plant.truth)

    assert plant.after(SECOND) == 0
    assert plant.clock.unsure()


@pytest.mark.fault("F-17", "F-18")
def test_a_step_forward_that_stays_is_followed_in_the_end():
    plant = Plant()
    plant.after(SECOND, step=HOUR)

    assert plant.after(14 * MINUTE) == 0
    assert plant.after(2 * MINUTE) == HOUR


@pytest.mark.fault("F-16")
def test_a_step_back_is_followed_only_after_a_day():
    """Times before the last fact would double a part of the shift."""
    plant = Plant()
    plant.after(SECOND, step=-HOUR)

    assert plant.after(23 * HOUR) == 0
    assert plant.after(2 * HOUR) == -HOUR


@pytest.mark.fault("F-16")
def test_a_clock_that_was_dead_at_the_start_is_followed_when_it_comes_back():
    """There is no better time to carry on, and none to hold back for."""
    plant = Plant(believed=NOW + DAY)

    assert plant.after(SECOND) == 0
    assert plant.after(SECOND, step=2 * DAY) == 2 * DAY


@pytest.mark.fault("F-20")
def test_a_computer_that_sleeps_makes_no_step():
    plant = Plant()

    plant.computer.sleeps(HOUR)

    assert not plant.clock.unsure()
    assert plant.clock.now() == NOW + HOUR
