"""One ingest process answers an edge; another takes over when it is silent."""

from __future__ import annotations

from lineside.central.ingest.storage import StorageTransaction
from lineside.contracts.clock import US_PER_SECOND, Microseconds

LEASE = 15 * US_PER_SECOND
RENEW_AFTER = 5 * US_PER_SECOND


class Leases:
    """What this process holds.

    Row locks alone keep facts from being stored twice; the lease keeps two processes from doing all
    work and sending all answers twice.

    Args:
        owner: Unique name of the process; empty: there is no other, and no lease is taken.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._fresh_until: dict[str, Microseconds] = {}
        self._taken: dict[str, Microseconds] = {}

    def holds(self, work: StorageTransaction, edge: str, now: Microseconds) -> bool:
        """Whether this process answers the edge; takes the lease where it is free."""
        if not self._owner or now < self._fresh_until.get(edge, 0) or edge in self._taken:
            return True
        self._fresh_until.pop(edge, None)
        if not work.lease(edge, self._owner, now, now + LEASE):
            return False
        self._taken[edge] = now + RENEW_AFTER
        return True

    def committed(self) -> None:
        """The transaction of the last `holds` is durable."""
        self._fresh_until.update(self._taken)
        self._taken.clear()

    def rolled_back(self) -> None:
        """It is not."""
        self._taken.clear()

    def release(self, work: StorageTransaction) -> None:
        """Give everything back, so that another process takes over at once."""
        self._fresh_until.clear()
        if self._owner:
            work.release(self._owner)
