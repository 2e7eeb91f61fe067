"""Time, the only place that asks the operating system for it.

Everything else receives a clock as an argument, so that a test or a replay can run a day in a
second.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

Microseconds = int
"""UTC since 1970-01-01T00:00:00Z in whole microseconds, or a span of them."""

US_PER_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_TEXT = _EPOCH.replace(tzinfo=None)  # written without an offset, in half the time


class Clock(Protocol):
    """What the house asks of time."""

    def now(self) -> Microseconds:
        """Wall time, microseconds UTC."""
        ...

    def monotonic(self) -> Microseconds:
        """Microseconds since an arbitrary start; never steps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a replay clock may return at once."""
        ...


@runtime_checkable
class SleepingClock(Protocol):
    """A clock of a computer that may be suspended."""

    def suspended(self) -> Microseconds:
        """How long the computer was suspended since it was started; `monotonic` stood meanwhile."""
        ...


class SystemClock:
    """The computer's clocks."""

    def now(self) -> Microseconds:
        """Wall time, microseconds UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> Microseconds:
        """Microseconds since an arbitrary start; never steps."""
        return time.monotonic_ns() // 1000

    def suspended(self) -> Microseconds:
        """How long the computer was suspended since it was started; 0 where it does not say."""
        if not hasattr(time, "CLOCK_BOOTTIME"):
            return 0
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return max(0, boot - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands until somebody moves it; for replays and tests."""

    def __init__(self, now: Microseconds = 0) -> None:
        self._now = now
        self._monotonic = 0

    def now(self) -> Microseconds:
        """The time last set."""
        return self._now

    def monotonic(self) -> Microseconds:
        """Microseconds that this clock was moved forward."""
        return self._monotonic

    def set(self, now: Microseconds) -> None:
        """Set wall time; the monotonic clock follows only forward moves."""
        self._monotonic += max(0, now - self._now)
        self._now = now

    def advance(self, span: Microseconds) -> None:
        """Move both clocks forward."""
        self.set(self._now + span)

    async def sleep(self, seconds: float) -> None:
        """Move forward instead of waiting."""
        self.advance(round(seconds * US_PER_SECOND))
        await asyncio.sleep(0)


def sleep_blocking(seconds: float) -> None:
    """Block the calling thread in real time; only for command line tools and worker threads."""
    time.sleep(seconds)


def to_datetime(at: Microseconds) -> datetime:
    """Microseconds UTC as an aware datetime."""
    return _EPOCH + timedelta(microseconds=at)


def from_datetime(at: datetime) -> Microseconds:
    """An aware datetime as microseconds UTC.

    Raises:
        ValueError: The datetime has no time zone, so nobody can know when it was.
    """
    if at.tzinfo is None:
        message = f"{at.isoformat()} has no time zone"
        raise ValueError(message)
    return (at - _EPOCH) // timedelta(microseconds=1)


def parse_rfc3339(text: str) -> Microseconds:
    """RFC 3339 text as microseconds UTC; finer digits are cut off.

    Raises:
        ValueError: Not a date and time with an offset.
    """
    return from_datetime(datetime.fromisoformat(text))


def format_rfc3339(at: Microseconds) -> str:
    """RFC 3339 UTC with `Z`; fractions only where there are any."""
    text = (_EPOCH_TEXT + timedelta(microseconds=at)).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"
