"""Forgotten sign-offs: closed at the end of the shift, never a 16-hour shift."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineside.contracts.calendar import Shift
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.events import SignedOff, Source

EARLY_US = 60 * 60 * US_PER_SECOND
LONGEST_US = 12 * 3600 * US_PER_SECOND

ShiftAt = Callable[[Microseconds], Shift | None]


def end_of_work(since: Microseconds, shift_at: ShiftAt) -> Microseconds:
    """When a person who signed on then goes home at the latest.

    Whoever comes up to an hour before the change belongs to the shift that follows. Where no shift
    runs, it is twelve hours.
    """
    shift = shift_at(since)
    if shift is None:
        later = shift_at(since + EARLY_US)
        return later.end_us if later is not None else since + LONGEST_US
    if shift.end_us - since <= EARLY_US:
        following = shift_at(shift.end_us)
        if following is not None:
            return following.end_us
    return shift.end_us


def forgotten_sign_offs(
    people: Mapping[str, Microseconds], shift_at: ShiftAt, now: Microseconds
) -> list[tuple[str, Microseconds]]:
    """People who should have gone, with the time at which they are signed off."""
    ends = ((person, end_of_work(since, shift_at)) for person, since in people.items())
    return [(person, end) for person, end in ends if end <= now]


def sign_off_events(
    station: str, people: Mapping[str, Microseconds], shift_at: ShiftAt, now: Microseconds
) -> list[SignedOff]:
    """What is recorded for people who should have gone."""
    return [
        SignedOff(
            occurred_at=at,
            recorded_at=now,
            source=Source.SYSTEM,
            station=station,
            by=(person,),
            forgotten=True,
        )
        for person, at in forgotten_sign_offs(people, shift_at, now)
    ]
