"""What a projection is: figures and states computed from the journal, and nothing else."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.side_files import Database


class Projection(Protocol):
    """Keeps its state in memory and hands it out as bytes.

    Attributes:
        name: Stable name, the key of its snapshot.
        version: Raised when `apply` changes its meaning; the runner then replays the journal.
    """

    name: str
    version: int

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in. Same events in the same order give the same state."""
        ...

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        ...

    def restore(self, snapshot: bytes | None) -> None:
        """Take a state over; None: begin empty."""
        ...


@runtime_checkable
class TableProjection(Protocol):
    """Keeps its state in tables of its own in `figures.db`, named `<name>` or `<name>_...`.

    The runner moves its cursor in the same transaction as what `apply` writes.
    """

    name: str
    version: int

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        ...

    def attach(self, figures: Database) -> None:
        """Create missing tables and indexes, and keep the database for `apply` and for queries."""
        ...


AnyProjection = Projection | TableProjection
