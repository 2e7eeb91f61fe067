"""R15 to R17, reading by reading."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from lineside.contracts.kpi import CounterState, KpiInputError, Reading, apply_reading

S = 1_000_000


def read(seconds, value, *, most: int | str = 60, modulus=65_536, **more: bool):
    return Reading(
        at=round(seconds * S), value=value, modulus=modulus, max_per_min=Decimal(most), **more
    )


def follow(*readings):
    state, found = None, []
    for reading in readings:
        state, increment, anomaly = apply_reading(state, reading)
        state = msgspec.json.decode(msgspec.json.encode(state), type=CounterState)
        found.append((increment, anomaly))
    return found


def test_the_first_reading_counts_nothing():
    assert follow(read(0, 5000)) == [(0, "")]


def test_an_increase_counts_itself():
    assert follow(read(0, 5), read(60, 25), read(61, 25)) == [(0, ""), (20, ""), (0, "")]


def test_a_reset_event_counts_nothing_and_sets_the_baseline():
    assert follow(read(0, 500), read(30, 7, is_reset=True), read(60, 9))[1:] == [(0, ""), (2, "")]


@pytest.mark.fault("F-23")
def test_a_rollover_counts_across_the_modulus():
    assert follow(read(0, 65_530), read(60, 10))[1] == (16, "rollover")


def test_a_counter_that_restarts_books_only_what_it_shows():
    assert follow(read(0, 30_000), read(60, 9))[1] == (9, "reset")


@pytest.mark.parametrize(("value", "found"), [(61, (61, "")), (62, (0, "implausible"))])
def test_the_bound_is_the_rate_over_the_time_and_one_more(value, found):
    assert follow(read(0, 0), read(60, value))[1] == found


def test_the_bound_is_rounded_down_exactly():
    """0.1 a minute for 29.999999 minutes is 2.9999999 pieces, so at most 3 with the one more."""
    slow: Any = {"most": "0.1"}
    assert follow(read(0, 0, **slow), read(1799.999999, 3, **slow))[1] == (3, "")
    assert follow(read(0, 0, **slow), read(1799.999999, 4, **slow))[1] == (0, "implausible")
    assert follow(read(0, 0, **slow), read(1800, 4, **slow))[1] == (4, "")


@pytest.mark.fault("F-23")
def test_a_restart_that_shows_too_much_is_implausible():
    assert follow(read(0, 30_000), read(60, 9_000))[1] == (0, "implausible")


@pytest.mark.parametrize("seconds", [1, 10])
def test_a_zero_read_once_by_mistake_costs_nothing(seconds):
    found = follow(read(0, 1000), read(60, 0), read(60 + seconds, 1050))
    assert found[1:] == [(0, "reset"), (50, "glitch")]


@pytest.mark.fault("F-23")
def test_a_jump_read_once_by_mistake_costs_nothing():
    found = follow(read(0, 1000), read(60, 9000), read(65, 1020))
    assert found[1:] == [(0, "implausible"), (20, "glitch")]


def test_after_more_than_ten_seconds_a_glitch_was_a_restart():
    found = follow(read(0, 1000), read(60, 0), read(70.000001, 1050))
    assert found[1:] == [(0, "reset"), (0, "implausible")]


def test_a_glitch_must_come_back_to_the_old_baseline_within_its_bound():
    assert follow(read(0, 1000), read(60, 0), read(62, 999))[2] == (0, "implausible")
    assert follow(read(0, 1000), read(60, 0), read(62, 1064))[2] == (0, "implausible")
    assert follow(read(0, 1000), read(60, 0), read(62, 1063))[2] == (63, "glitch")


def test_a_reset_that_counted_is_no_glitch():
    found = follow(read(0, 1000), read(60, 3), read(62, 1050))
    assert found[1:] == [(3, "reset"), (0, "implausible")]


def test_a_reset_event_ends_the_doubt():
    found = follow(
        read(0, 10), read(60, 0, modulus=10**6), read(61, 10, is_reset=True), read(62, 11)
    )
    assert found[3] == (1, "")


def test_a_counter_that_its_machine_resets_counts_itself_and_never_rolls_over():
    own: Any = {"resetting": True, "modulus": 1000}
    found = follow(read(0, 990, **own), read(60, 5, **own), read(120, 30, **own))
    assert found[1:] == [(5, "reset"), (25, "")]


def test_two_readings_at_one_instant_may_differ_by_one_piece():
    assert follow(read(0, 5), read(0, 6), read(0, 8))[1:] == [(1, ""), (0, "implausible")]


@pytest.mark.parametrize("wrong", [{"modulus": 0}, {"most": -1}])
def test_a_counter_that_cannot_be_is_refused(wrong):
    with pytest.raises(KpiInputError, match="cannot be"):
        follow(read(0, 0, **wrong))
