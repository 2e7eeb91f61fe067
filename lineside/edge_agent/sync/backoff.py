"""Growing pauses with full jitter, so that a thousand edges do not come back at once."""

from __future__ import annotations

import random

BASE_S = 1.0
CAP_S = 300.0
STABLE_S = 60.0


class Backoff:
    """Pauses between attempts.

    Source: full jitter, a random pause between 0 and min(cap, base * 2^attempt).
    """

    def __init__(
        self, *, base_s: float = BASE_S, cap_s: float = CAP_S, chance: random.Random | None = None
    ) -> None:
        self._base_s, self._cap_s = base_s, cap_s
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._attempt = 0

    def next_s(self) -> float:
        """The pause before the next attempt, seconds."""
        span = min(self._cap_s, self._base_s * 2.0 ** min(self._attempt, 32))
        self._attempt += 1
        return self._chance.uniform(0, span)

    def reset(self) -> None:
        """The last attempt held."""
        self._attempt = 0
