"""What was sent and is not acknowledged yet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from lineside.contracts.clock import Microseconds

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class _Sent:
    lane: str
    last: int
    at: Microseconds


class Flight:
    """Batches on their way; `lane` is a lane, or `sealed` for facts of a sealed epoch."""

    def __init__(self) -> None:
        self._sent: deque[_Sent] = deque()

    def __len__(self) -> int:
        """How many batches are on their way."""
        return len(self._sent)

    def add(self, lane: str, last: int, at: Microseconds) -> None:
        """A batch that ends at `last` was sent, monotonic microseconds."""
        self._sent.append(_Sent(lane, last, at))

    def settle(self, lane: str, through: int) -> None:
        """Central has everything of a lane up to a number."""
        self._sent = deque(sent for sent in self._sent if sent.lane != lane or sent.last > through)

    def clear(self) -> None:
        """All of it is in doubt, and is sent again."""
        self._sent.clear()

    @property
    def oldest_at(self) -> Microseconds:
        """When the oldest was sent; `NEVER` when nothing is on its way."""
        return self._sent[0].at if self._sent else NEVER
