"""A few clock scripts of each kind; `python -m tests.simulation --clock-scripts 300` for more."""

import pytest

from lineside.edge_agent.host import PlantClock

from .clock_scripts import SCRIPTS, ClockScript
from .ledger import InvariantError

SEEDS = {kind: (number, number + len(SCRIPTS)) for number, kind in enumerate(SCRIPTS)}


@pytest.mark.fault("F-16", "F-17", "F-18", "F-19", "F-20", "F-21")
@pytest.mark.parametrize("kind", SCRIPTS)
def test_order_durations_and_marks_are_right_whatever_clocks_do(kind):
    for seed in SEEDS[kind]:
        seen = ClockScript(seed, kind).run()

        assert seen["pieces_in_order"] == 1
        assert seen["partitions"] > 0
        assert kind != "dst" or seen["dst_night"] == 0 or seen["odd_shifts"] == 1


@pytest.mark.fault("F-16")
def test_a_recorder_that_does_not_doubt_its_clock_is_found(monkeypatch):
    """The scripts notice when facts under a dead clock carry no mark."""
    monkeypatch.setattr(PlantClock, "unsure", lambda _: False)

    with pytest.raises(InvariantError, match="nothing says so"):
        _run_until_found(1, "dead_clock")


@pytest.mark.fault("F-16", "F-17", "F-18")
def test_business_time_that_follows_every_step_at_once_is_found(monkeypatch):
    """The scripts notice when the times of facts jump with the computer's clock."""
    monkeypatch.setattr(PlantClock, "now", PlantClock.wall)

    with pytest.raises(InvariantError, match="followed a step"):
        _run_until_found(0, "steps")


def _run_until_found(first: int, kind: str) -> None:
    for seed in range(first, 60, len(SCRIPTS)):
        ClockScript(seed, kind).run()
