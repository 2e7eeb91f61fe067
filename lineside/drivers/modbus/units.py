"""One breaker a unit: a dead unit behind a gateway must not slow the others down."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.contracts.clock import US_PER_SECOND, Microseconds

_FIRST_PAUSE_S = 1.0


@dataclass(slots=True)
class UnitBreaker:
    """Whether a unit may be asked now.

    Attributes:
        pause_max_s: Longest pause between two attempts, seconds.
        failures: Consecutive failed attempts.
        silent: The unit gave no answer at all; False also when a gateway answered for it.
        status: Why it may not be asked, for the samples.
        retry_at: Monotonic time of the next attempt while the breaker is open.
    """

    pause_max_s: float
    failures: int = 0
    silent: bool = False
    status: str = ""
    retry_at: Microseconds = 0

    def blocks(self, now: Microseconds) -> bool:
        """Whether the unit must be left alone at this monotonic time."""
        return self.failures > 0 and now < self.retry_at

    def fail(self, now: Microseconds, *, silent: bool, status: str) -> None:
        """An attempt failed: leave the unit alone, twice as long as last time."""
        self.failures += 1
        self.silent, self.status = silent, status
        pause_s = min(self.pause_max_s, _FIRST_PAUSE_S * 2 ** min(self.failures - 1, 16))
        self.retry_at = now + round(pause_s * US_PER_SECOND)

    def recover(self) -> None:
        """The unit answered."""
        self.failures, self.silent, self.status = 0, False, ""

    def try_again(self) -> None:
        """Forget the pause, keep its length: a new connection may have cured it."""
        self.silent, self.retry_at = False, 0
