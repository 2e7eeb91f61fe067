import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.clock import (
    ManualClock,
    format_rfc3339,
    from_datetime,
    parse_rfc3339,
    to_datetime,
)


@given(st.integers(min_value=-(10**15), max_value=4 * 10**15))
def test_instants_survive_text(at):
    assert parse_rfc3339(format_rfc3339(at)) == at
    assert from_datetime(to_datetime(at)) == at


def test_times_without_zone_are_refused():
    with pytest.raises(ValueError, match="no time zone"):
        parse_rfc3339("2026-03-02T05:00:00")


def test_manual_clock_steps_back_without_moving_monotonic_time():
    clock = ManualClock(100)
    clock.set(50)
    clock.advance(10)
    assert (clock.now(), clock.monotonic()) == (60, 10)
