"""The ledger's own figures, by hand; and how states are compared."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.sim import scenario
from lineside.sim.compare_edges import compare_states, disagreements
from lineside.sim.compare_figures import ratios_of
from lineside.sim.true_figures import (
    POLLED_US,
    lag_us,
    micro_stops,
    spans_of,
    true_elements,
)
from lineside.sim.truth import TrueStep, Truth

S = 1_000_000
TURN = next(s for s in scenario.STATIONS if s.id == "L1-TURN-1")
GRIND = next(s for s in scenario.STATIONS if s.id == "L1-GRIND")
TEST = next(s for s in scenario.STATIONS if s.id == "L2-TEST-1")


def shift(station=TURN.id):
    """RUN with a micro-stop, a failure and a stop that is none, 60 s with an order from 10 s on."""
    truth = Truth()
    for at, state in (
        (0, "IDLE"),
        (12, "RUN"),
        (20, "STOP"),
        (21, "RUN"),
        (30, "FAIL"),
        (34, "RUN"),
        (40, "STOP"),
        (41, "IDLE"),
    ):
        truth.state(station, state, at * S)
    truth.order_on(station, "WO-1", "10", 10 * S)
    for at in (25, 36, 39):
        truth.counts[station].append((at * S, "produced", 1))
    truth.counts[station].append((39 * S, "scrap", 1))
    return truth


def test_elements_of_the_sheet_are_counted_from_the_ledger():
    found = true_elements(shift(), TURN, 0, 60 * S)
    assert found.times["ADOT_s"] == 10 * S
    assert found.times["APT_s"] == (8 + 9 + 6) * S
    assert found.times["ADET_s"] == (2 + 1 + 4 + 1 + 19) * S
    assert found.times["micro_stop_s"] == S
    assert found.times["TTR_sum_s"] == 4 * S
    assert found.times["AUBT_s"] + found.times["ADOT_s"] == found.times["PBT_s"] == 60 * S
    assert found.amounts["micro_stop_count"] == 1
    assert found.amounts["FE"] == found.amounts["repairs"] == 1
    assert found.amounts["PQ"] == 3
    assert found.amounts["GQ"] == 2
    assert found.amounts["ideal_s"] == 3 * Fraction("1.6")


def test_a_failure_across_the_window_is_whole_where_it_ends():
    early, late = (
        true_elements(shift(), TURN, *window) for window in ((0, 32 * S), (32 * S, 60 * S))
    )
    assert (early.amounts["FE"], early.amounts["repairs"], early.times["TTR_sum_s"]) == (1, 0, 0)
    assert (late.amounts["FE"], late.amounts["repairs"]) == (0, 1)
    assert late.times["TTR_sum_s"] == 4 * S


def test_only_the_first_inspection_of_a_unit_counts():
    truth = Truth()
    for at, result in ((1, "fail"), (2, "pass")):
        truth.steps.append(
            TrueStep(
                serial="SP18-1",
                item=GRIND.item,
                order="WO-1",
                operation=GRIND.operation,
                station=GRIND.id,
                person="P-1",
                started_at=0,
                finished_at=at * S,
                result=result,
            )
        )
    found = true_elements(truth, GRIND, 0, 10 * S).amounts
    assert (found["IP"], found["GP"]) == (1, 0)
    assert true_elements(truth, TURN, 0, 10 * S).amounts["IP"] == 0


def test_micro_stops_are_listed_one_by_one():
    assert micro_stops(shift(), TURN.id) == [(20 * S, 21 * S, "STOP")]


def test_a_polled_machine_is_judged_by_when_it_was_really_read():
    truth = shift(TEST.id)
    assert lag_us(truth, TURN.id, 20 * S) == 1_000
    assert lag_us(truth, TEST.id, 20 * S) == POLLED_US
    truth.noticed[TEST.id][20 * S] = 20 * S + 400_000
    assert lag_us(truth, TEST.id, 20 * S) == 402_000


@pytest.mark.parametrize(
    ("read_at", "booked", "lines"),
    [
        (0, 20.1, 0),  # within the poll
        (0, 20.4, 1),
        (20.5, 20.4, 0),  # nobody could know it earlier
        (20.3, 20.4, 1),
    ],
)
def test_a_late_boundary_of_a_polled_machine(read_at, booked, lines):
    truth = shift(TEST.id)
    if read_at:
        truth.noticed[TEST.id][20 * S] = round(read_at * S)
    states = [
        (round(booked * S) if at == 20 * S else at, state) for at, state in truth.states[TEST.id]
    ]
    found = list(compare_states(truth, TEST.id, states, start=0, end=60 * S, who="it is booked as"))
    assert len(found) == lines


def test_a_state_too_many_is_found_however_short_it_is():
    truth = shift()
    states = [*truth.states[TURN.id], (50 * S, "STOP"), (50 * S + 1, "IDLE")]
    found = list(compare_states(truth, TURN.id, states, start=0, end=60 * S, who="it is booked as"))
    assert found == [f"{TURN.id}: it is booked as 10 changes of state, really 8"]


changes = st.lists(
    st.tuples(st.integers(0, 100), st.sampled_from(["RUN", "STOP", "IDLE"])), max_size=12
).map(lambda found: sorted(found, key=lambda one: one[0]))


@given(changes)
def test_spans_tile_the_window_and_neighbours_differ(found):
    spans = spans_of(found, 10, 90)
    assert sum(until - at for at, until, _ in spans) == 80
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert all(one[2] != other[2] for one, other in pairwise(spans))
    assert list(disagreements(spans, spans)) == []


@given(changes, changes)
def test_disagreements_are_where_two_tilings_differ(one, other):
    left, right = spans_of(one, 0, 100), spans_of(other, 0, 100)

    def state_at(spans, at):
        return next(state for begin, until, state in spans if begin <= at < until)

    differ = {at for at in range(100) if state_at(left, at) != state_at(right, at)}
    found = {at for begin, until, _, _ in disagreements(left, right) for at in range(begin, until)}
    assert found == differ


def test_ratios_of_nothing_are_null_and_of_no_pieces_zero():
    names = ("PBT_s", "APT_s", "AUST_s", "AUPT_s", "ADET_s", "AUBT_s", "operating_s", "TTR_sum_s")
    counts = ("ideal_s", "PQ", "GQ", "SQ", "RQ", "IP", "GP", "FE", "repairs")
    empty: dict[str, float] = dict.fromkeys((*names, *counts), 0.0)
    assert set(ratios_of(empty).values()) == {None}
    found = ratios_of(empty | {"PBT_s": 60.0})
    assert (found["oee"], found["nee"], found["effectiveness"]) == (0, 0, None)
    without_time = ratios_of(empty | {"PBT_s": 60.0, "PQ": 2.0, "GQ": 2.0, "ideal_s": 3.0})
    assert without_time["oee"] is None
