"""What edges tell of their numbers: which they took, and from which journal they take them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.numbers import service
from lineside.central.projections.base import StoredEvent
from lineside.contracts import events as ev


class Numbers:
    """Keeps the blocks of the edges topped up."""

    name = "mes_numbers"
    version = 1
    tables: tuple[Table, ...] = ()
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.SerialAssigned,
        ev.LotCreated,
        ev.LabelPrinted,
        ev.AgentStarted,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Note what was taken, then give what is missing."""
        highest: dict[str, tuple[int, int]] = {}
        edges: set[str] = set()
        for stored in events:
            match stored.event:
                case (
                    ev.SerialAssigned(taken=taken)
                    | ev.LotCreated(taken=taken)
                    | ev.LabelPrinted(taken=taken)
                ) if taken is not None:
                    found = (taken.number, stored.event.recorded_at)
                    highest[taken.block] = max(found, highest.get(taken.block, found))
                    edges.add(stored.edge)
                case ev.AgentStarted():
                    edges.add(stored.edge)
                case _:
                    continue
        for block, (number, at) in sorted(highest.items()):
            service.used(work, block, number, at=at)
        for edge in sorted(edges):
            service.stock(work, edge)
