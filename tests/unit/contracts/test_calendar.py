"""Shift occurrences against a scan of every minute, and the cases that people argue about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.contracts.calendar import (
    CalendarError,
    Shift,
    day_of,
    named_occurrence,
    occurrence,
    shift_at,
    shifts_on,
    shifts_overlapping,
)
from lineside.contracts.clock import format_rfc3339, from_datetime, parse_rfc3339
from lineside.contracts.commands import Calendar, ShiftRule

MINUTE = 60_000_000
ZONES = (
    "Europe/Berlin",
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
    "UTC",
)
CHANGES = (date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1))


def scanned(zone: str, day: date, text: str) -> int:
    """The first minute of UTC with that wall time; in a gap what the offset before makes of it."""
    wall = datetime.combine(day, time.fromisoformat(text))
    where = ZoneInfo(zone)
    before = None
    at = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=30)
    for _ in range(60 * 60 + 60 * 24):
        local = at.astimezone(where).replace(tzinfo=None)
        if local == wall:
            return from_datetime(at)
        if local < wall:
            before = at.astimezone(where).utcoffset()
        at += timedelta(minutes=1)
    assert before is not None
    return from_datetime((wall - before).replace(tzinfo=UTC))


@st.composite
def walls(draw):
    return f"{draw(st.integers(0, 23)):02}:{draw(st.sampled_from((0, 1, 15, 30, 59))):02}"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.one_of(st.sampled_from(CHANGES), st.dates(date(2024, 1, 1), date(2027, 12, 31))),
    st.integers(-1, 1),
    st.tuples(walls(), walls(), walls()),
)
def test_shifts_and_breaks_are_where_a_scan_of_the_wall_clock_finds_them(
    zone, day, shift_by, texts
):
    start, end, pause = texts
    day += timedelta(days=shift_by)
    rule = ShiftRule(id="s", local_start=start, local_end=end, breaks=((pause, 30),))
    found = occurrence(rule, day, zone)
    tomorrow = day + timedelta(days=1)
    begin = scanned(zone, day, start)
    assert found.start_us == begin
    assert found.end_us == max(begin, scanned(zone, tomorrow if end <= start else day, end))
    at = scanned(zone, tomorrow if pause < start else day, pause)
    assert found.breaks == ((at, at + 30 * MINUTE),)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 6, 1), 8)]
)
@pytest.mark.fault("F-19")
def test_a_night_shift_has_the_hours_that_pass(day, hours):
    night = ShiftRule(id="night", local_start="22:00", local_end="06:00")
    found = occurrence(night, day, "Europe/Berlin")
    assert found.end_us - found.start_us == hours * 60 * MINUTE


def test_a_wall_time_that_does_not_exist_is_taken_with_the_offset_before_the_gap():
    rule = ShiftRule(id="s", local_start="02:30", local_end="06:00")
    found = occurrence(rule, date(2026, 3, 29), "Europe/Berlin")
    assert format_rfc3339(found.start_us) == "2026-03-29T01:30:00Z"  # 03:30 by the new clock


@pytest.mark.fault("F-19")
def test_a_wall_time_that_exists_twice_means_the_first_one():
    rule = ShiftRule(id="s", local_start="02:30", local_end="06:00")
    found = occurrence(rule, date(2026, 10, 25), "Europe/Berlin")
    assert format_rfc3339(found.start_us) == "2026-10-25T00:30:00Z"


def test_a_shift_that_a_gap_swallows_has_no_length():
    rule = ShiftRule(id="s", local_start="02:30", local_end="03:15")
    found = occurrence(rule, date(2026, 3, 29), "Europe/Berlin")
    assert found.end_us == found.start_us


CALENDAR = Calendar(
    time_zone="Asia/Shanghai",
    shifts=(
        ShiftRule(id="late", local_start="14:00", local_end="22:00"),
        ShiftRule(id="early", local_start="06:00", local_end="14:00", days=(1, 2, 3, 4, 5)),
        ShiftRule(id="night", local_start="22:00", local_end="06:00"),
    ),
)


def names(shifts: list[Shift]) -> list[str]:
    return [f"{shift.id} {shift.date.isoformat()}" for shift in shifts]


def test_shifts_of_a_date_come_by_start_and_only_on_their_weekdays():
    assert names(shifts_on(CALENDAR, date(2026, 3, 6))) == [
        "early 2026-03-06",
        "late 2026-03-06",
        "night 2026-03-06",
    ]
    assert names(shifts_on(CALENDAR, date(2026, 3, 7))) == ["late 2026-03-07", "night 2026-03-07"]


def test_a_night_belongs_to_the_date_on_which_it_starts():
    at = parse_rfc3339("2026-03-06T20:00:00Z")  # 04:00 on the 7th in Shanghai
    found = shift_at(CALENDAR, at)
    assert found is not None
    assert names([found]) == ["night 2026-03-06"]


def test_at_a_shift_change_the_new_shift_runs():
    found = shift_at(CALENDAR, parse_rfc3339("2026-03-06T06:00:00Z"))
    assert found is not None
    assert found.id == "late"


def test_between_shifts_none_runs():
    assert shift_at(CALENDAR, parse_rfc3339("2026-03-07T00:00:00Z")) is None  # a Saturday, 08:00


def test_shifts_overlapping_an_interval_share_time_with_it():
    start, end = day_of(CALENDAR, date(2026, 3, 6))
    assert names(shifts_overlapping(CALENDAR, start, end)) == [
        "night 2026-03-05",
        "early 2026-03-06",
        "late 2026-03-06",
        "night 2026-03-06",
    ]


@pytest.mark.fault("F-19")
def test_a_day_has_as_many_hours_as_pass():
    berlin = Calendar(time_zone="Europe/Berlin", shifts=())
    spring, autumn = day_of(berlin, date(2026, 3, 29)), day_of(berlin, date(2026, 10, 25))
    assert spring[1] - spring[0] == 23 * 60 * MINUTE
    assert autumn[1] - autumn[0] == 25 * 60 * MINUTE


@pytest.mark.parametrize("text", ["24:00", "6", "06:00:00", "", "ab:cd"])
def test_a_text_that_is_no_wall_time_is_refused(text):
    rule = ShiftRule(id="s", local_start=text, local_end="14:00")
    with pytest.raises(CalendarError, match="wall time"):
        occurrence(rule, date(2026, 3, 2), "UTC")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(zone):
    rule = ShiftRule(id="s", local_start="06:00", local_end="14:00")
    with pytest.raises(CalendarError, match="time zone"):
        occurrence(rule, date(2026, 3, 2), zone)


def test_an_unknown_shift_names_those_that_exist():
    with pytest.raises(CalendarError, match="late, early, night"):
        named_occurrence(CALENDAR, "midday", date(2026, 3, 2))
