"""What a reader of events is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Table

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.contracts.clock import Microseconds
from lineside.contracts.events import Event
from lineside.contracts.units import EventRef


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An accepted event with its place in central's one sequence.

    Attributes:
        position: Rises with commit order; a cursor over it skips nothing.
        edge, epoch, seq: Its identity in the journal of its edge.
        received_at: When central committed it, microseconds UTC.
        event: The event itself.
    """

    position: int
    edge: str
    epoch: str
    seq: int
    received_at: Microseconds
    event: Event


class Reader(Protocol):
    """Reads accepted events in order of position, each exactly once.

    Attributes:
        name: Stable; its cursor is kept under it.
        version: Raised when `apply` changes its meaning; a projection is then computed again.
        tables: Tables that it owns wholly and that may be emptied; none for a reader that books
            (its
            effects stay, so it is never replayed).
        follows: Names of readers that must have read an event before this one does.
        event_types: Only these reach `apply`.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    follows: tuple[str, ...]
    event_types: tuple[type[Event], ...]

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Take some events in, within the transaction that also moves the cursor."""
        ...


def targets_of(event: Event) -> tuple[EventRef, ...]:
    """The events that this one takes back or replaces."""
    return tuple(ref for ref in (event.voids, event.corrects) if ref is not None)


def identity(stored: StoredEvent) -> dict[str, object]:
    """The columns by which a row names the event that proves it."""
    return {"edge": stored.edge, "epoch": stored.epoch, "seq": stored.seq}
