"""When ingest takes messages, when it asks edges to wait, and how much it lets them send."""

from __future__ import annotations

import time

from lineside.contracts.envelope import CREDIT_BATCHES

CLOSED_FIRST_S = 1
CLOSED_MAX_S = 30
SAID_EVERY_S = 1.0
SENDERS_MAX = 10_000


def credit(filled: float) -> int:
    """Batches that an edge may have on their way, by how full the inbox is (0 to 1).

    A central that cannot follow fills its inbox; edges that send less keep the broker empty.
    """
    if filled < 0.25:  # noqa: PLR2004
        return CREDIT_BATCHES
    if filled < 0.5:  # noqa: PLR2004
        return max(1, CREDIT_BATCHES // 2)
    return 1


class Doors:
    """Closed for a growing while each time the database cannot take anything.

    Attributes:
        retry_after_s: How long edges are asked to wait.
    """

    def __init__(self) -> None:
        self.retry_after_s = CLOSED_FIRST_S
        self._next_s = CLOSED_FIRST_S
        self._closed_until = 0.0
        self._said: dict[str, float] = {}

    @property
    def open(self) -> bool:
        """Whether messages are taken; after a while one is tried."""
        return time.monotonic() >= self._closed_until

    def close(self) -> int:
        """Take nothing for a while; how many seconds edges shall wait."""
        self.retry_after_s = self._next_s
        self._next_s = min(CLOSED_MAX_S, 2 * self._next_s)
        self._closed_until = time.monotonic() + self.retry_after_s
        return self.retry_after_s

    def opened(self) -> None:
        """The database has taken something."""
        self.retry_after_s = self._next_s = CLOSED_FIRST_S
        self._closed_until = 0.0

    def may_say_busy(self, topic: str) -> bool:
        """Whether this sender is told now; once a second is enough."""
        now = time.monotonic()
        if now - self._said.get(topic, -SAID_EVERY_S) < SAID_EVERY_S:
            return False
        if len(self._said) >= SENDERS_MAX:
            self._said.clear()
        self._said[topic] = now
        return True
