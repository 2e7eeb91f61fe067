"""Marks on what is recorded while nobody can believe the wall clock."""

import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.recorder import ClockDoubt, Recorder

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
            recorder = Recorder(journal, clock=clock, follow=lambda: 0, changed=lambda _: None)
            await recorder.record([SignedOn(occurred_at=at, recorded_at=at)])
            return journal.read(journal.head() - 1, 1)[0].event.flags

    assert await recorded(NOW) == ()
    assert await recorded(0) == ("clock_unsure",)
    assert await recorded(10 * SECOND) == ("clock_unsure",)
    assert await recorded(NOW + HOUR) == ()
