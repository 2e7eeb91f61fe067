"""The simulation itself: seeds that must stay clean, and that a seed is a replay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .faults import RATES, Faults
from .ledger import InvariantError, Ledger
from .plant import PlcCounter
from .store import CentralKilledError, SimulatedStore
from .world import simulate

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.fault("F-12", "F-36", "F-37", "F-38", "F-39", "F-45", "F-47", "F-52", "F-56")
@pytest.mark.parametrize("seed", [1, 3])
def test_a_plant_with_all_faults_loses_and_doubles_nothing(seed):
    report = simulate(seed, hours=8, edges=2, faults=Faults(scale=2))

    assert report.events_committed > 1_000
    assert report.faults.total() > 100
    assert report.windows_compared > 0


@pytest.mark.fault("F-02", "F-05", "F-06", "F-13", "F-16", "F-32", "F-57", "F-58", "F-59")
@pytest.mark.parametrize("seed", [2, 7, 20])
def test_three_edges_stay_right_with_faults_as_in_a_plant(seed):
    simulate(seed, hours=4, edges=3, faults=Faults())


def test_the_same_seed_is_the_same_run():
    """In two processes, byte for byte: a failing seed replays exactly."""
    command = [sys.executable, "-m", "tests.simulation", "--hours", "1.5", "--edges", "2"]
    environment = {**os.environ, "PYTHONHASHSEED": "random"}

    def trace(seed: int) -> str:
        done = subprocess.run(
            [*command, "--seed", str(seed), "--scale", "3"], cwd=ROOT, env=environment,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        (line,) = [line for line in done.stdout.splitlines() if '"trace"' in line]
        return line

    first = trace(5)

    assert first == trace(5)
    assert first != trace(6)


def test_every_kind_of_fault_strikes():
    """Nobody takes a fault out of the table without being seen."""
    names = {strike.__name__ for strike in RATES}

    assert len(names) == len(RATES) >= 28
    assert all(rate > 0 for rate in RATES.values())


def test_a_killed_central_has_all_of_a_transaction_or_nothing():
    store = SimulatedStore()
    store.enrol("edge-1")
    for kill, refusals in (("before", {}), ("after", {("edge-1", "x"): 1})):
        store.kill = kill
        with pytest.raises(CentralKilledError), store.transaction() as work:
            work.refuse("edge-1", "x", "text", 0)
        assert store.tables.refusals == refusals


def test_the_truth_of_a_counter_is_not_what_it_shows():
    counter = PlcCounter(face=65_530)
    counter.count(10)
    assert (counter.made, counter.shown(), counter.disturbed) == (10, 4, 0)

    counter.wrong_once = 999
    assert (counter.shown(), counter.shown(), counter.made, counter.disturbed) == (999, 4, 10, 2)


def test_a_ledger_that_does_not_add_up_is_told():
    ledger = Ledger()
    ledger.sums["M1", "total"] = 5
    ledger.show({"total": (7, 0)}, 0)
    ledger.began["M1", "total"] = 0
    ledger.booked["M1", "total"] = _booked(7)

    with pytest.raises(InvariantError, match="7 made, 5 booked"):
        ledger.check_sums()


def _booked(made: int):
    from .ledger import Booked

    return Booked((made, 0), 0)
