"""How long to wait before a device is tried again: growing, with jitter, bounded."""

from __future__ import annotations

import random

from lineside.contracts.errors import DriverConfigurationError, DriverTrustError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
PERSON_PAUSE_S = 60.0
STABLE_AFTER_S = 60.0


class Backoff:
    """Pauses of one device: jittered, doubled each time, short again after a good minute."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()  # noqa: S311 pauses need no secrets
        self._tries = 0

    def worked(self, seconds: float) -> None:
        """The connection lasted this long."""
        if seconds >= STABLE_AFTER_S:
            self._tries = 0

    def reached(self) -> None:
        """The device answered; the next loss is tried again soon."""
        self._tries = min(self._tries, 1)

    def next(self, problem: BaseException) -> float:
        """Seconds to wait after a problem.

        A wrong configuration or a refused certificate waits for a person: quick retries help
            nobody,
        and lock accounts.
        """
        if isinstance(problem, DriverConfigurationError | DriverTrustError):
            return PERSON_PAUSE_S
        ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._tries)
        self._tries = min(self._tries + 1, 16)
        return self._rng.uniform(ceiling / 2, ceiling)
