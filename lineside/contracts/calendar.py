"""Shifts, breaks and days: wall time of a plant as microseconds UTC (R4 to R7 of the OEE sheet).

Wall times are what people agreed on; everything after this file knows only UTC. A wall time that
exists twice means the first one; one that does not exist is taken with the offset before the gap,
so that 02:30 becomes 03:30. Lengths follow: a night shift has 7 or 9 hours when the clocks change.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from lineside.contracts.clock import US_PER_SECOND, Microseconds, from_datetime, to_datetime
from lineside.contracts.commands import Calendar, ShiftRule
from lineside.contracts.errors import LinesideError

Interval = tuple[Microseconds, Microseconds]
"""Half-open `[start, end)`, microseconds UTC."""

_ONE_DAY = timedelta(days=1)
_US_PER_MINUTE = 60 * US_PER_SECOND


class CalendarError(LinesideError):
    """A calendar names a time zone, shift or wall time that does not exist."""

    code = "calendar.invalid"
    status = 422


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of a shift.

    Attributes:
        id: Of its rule.
        date: Local date on which it starts; the occurrence belongs to it.
        start_us, end_us: Half-open, microseconds UTC. Equal where a gap of the clock swallows it.
        breaks: Half-open, microseconds UTC, as the calendar places them: not cut to the shift, not
            merged.
    """

    id: str
    date: date
    start_us: Microseconds
    end_us: Microseconds
    breaks: tuple[Interval, ...] = ()


def wall_time(text: str) -> time:
    """`HH:MM` as a time of day.

    Raises:
        CalendarError: Not such a text.
    """
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall time has no zone
    except ValueError as problem:
        raise CalendarError(
            f"{text!r} is not a wall time.", hint="Write it as HH:MM, 00:00 to 23:59."
        ) from problem


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        CalendarError: No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise CalendarError(
            f"There is no time zone {name!r}.", hint="Use an IANA name such as Asia/Shanghai."
        ) from problem


def instant(day: date, at: time, zone: ZoneInfo) -> Microseconds:
    """The instant of a wall time by R4: the first of two, or by the offset before a gap."""
    return from_datetime(datetime.combine(day, at, tzinfo=zone).replace(fold=0).astimezone(UTC))


@lru_cache(maxsize=4096)
def occurrence(rule: ShiftRule, day: date, zone: str) -> Shift:
    """The occurrence of a shift that starts on a local date, whatever its weekdays are.

    Args:
        rule: Wall times of the shift and its breaks.
        day: Local date of its start.
        zone: IANA name.

    Returns:
        The occurrence by R4 and R5. A break starts at the first such wall time at or after the
        shift's start, compared by HH:MM, and lasts its minutes by the clock of physics.

    Raises:
        CalendarError: Unknown zone, or a text that is no wall time.
    """
    where = zone_of(zone)
    begin, finish = wall_time(rule.local_start), wall_time(rule.local_end)
    start = instant(day, begin, where)
    end = instant(day + _ONE_DAY if finish <= begin else day, finish, where)
    breaks: list[Interval] = []
    for text, minutes in rule.breaks:
        at = wall_time(text)
        pause = instant(day + _ONE_DAY if at < begin else day, at, where)
        breaks.append((pause, pause + minutes * _US_PER_MINUTE))
    return Shift(id=rule.id, date=day, start_us=start, end_us=max(start, end), breaks=tuple(breaks))


def named_occurrence(calendar: Calendar, shift: str, day: date) -> Shift:
    """The occurrence of a shift by its id.

    Raises:
        CalendarError: The calendar has no such shift.
    """
    for rule in calendar.shifts:
        if rule.id == shift:
            return occurrence(rule, day, calendar.time_zone)
    known = ", ".join(rule.id for rule in calendar.shifts) or "none"
    raise CalendarError(f"The calendar has no shift {shift!r}.", hint=f"It has: {known}.")


def shifts_on(calendar: Calendar, day: date) -> list[Shift]:
    """Shifts that belong to a local date, by start; those of other weekdays are left out."""
    found = [
        occurrence(rule, day, calendar.time_zone)
        for rule in calendar.shifts
        if day.isoweekday() in rule.days
    ]
    return sorted(found, key=lambda shift: (shift.start_us, shift.end_us, shift.id))


def shifts_overlapping(calendar: Calendar, start: Microseconds, end: Microseconds) -> list[Shift]:
    """Shifts that share time with `[start, end)`, by start."""
    found: list[Shift] = []
    # A shift ends at most on the date after its start, and a break of the clock moves it by hours.
    day = local_date(calendar, start) - 2 * _ONE_DAY
    last = local_date(calendar, end) + _ONE_DAY
    while day <= last:
        found += [
            shift
            for shift in shifts_on(calendar, day)
            if shift.start_us < end and start < shift.end_us
        ]
        day += _ONE_DAY
    return sorted(found, key=lambda shift: (shift.start_us, shift.end_us, shift.id))


def shift_at(calendar: Calendar, at: Microseconds) -> Shift | None:
    """The shift that runs at an instant; of two the one that started last; None between shifts."""
    running = shifts_overlapping(calendar, at, at + 1)
    return running[-1] if running else None


def local_date(calendar: Calendar, at: Microseconds) -> date:
    """The local date of an instant."""
    return to_datetime(at).astimezone(zone_of(calendar.time_zone)).date()


def day_of(calendar: Calendar, day: date) -> Interval:
    """A local date from midnight to midnight, half-open; 23 or 25 hours when the clocks change."""
    zone = zone_of(calendar.time_zone)
    return instant(day, time(), zone), instant(day + _ONE_DAY, time(), zone)
