"""Who asked a moment ago, so that a page of many reads looks its caller up once."""

from __future__ import annotations

import hashlib
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Microseconds

KEPT = 2 * US_PER_SECOND
CALLERS_MAX = 1_000


class KnownCallers:
    """Principals by the hash of their header; one a process, from one thread (the event loop).

    Attributes:
        generation: Grows with `forget`; what was looked up before is not kept after.
    """

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[Any, Microseconds]] = {}
        self.generation = 0

    def get(self, authorization: str, now: Microseconds) -> Any | None:  # noqa: ANN401
        """The principal behind a header, where it was looked up within `KEPT`.

        Args:
            authorization: The header.
            now: Monotonic microseconds.
        """
        principal, until = self._found.get(_key(authorization), (None, 0))
        return principal if now < until else None

    def keep(
        self, authorization: str, principal: object, now: Microseconds, generation: int
    ) -> None:
        """Remember a principal that was looked up in a generation."""
        if generation != self.generation:
            return
        if len(self._found) >= CALLERS_MAX:
            self._found.clear()
        self._found[_key(authorization)] = (principal, now + KEPT)

    def forget(self) -> None:
        """Something was written: who may what is looked up again."""
        self.generation += 1
        self._found.clear()


def _key(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode()).digest()  # no token stays in memory in clear
