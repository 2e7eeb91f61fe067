"""Facts about lots and holds that become rows here, each once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.things import service
from lineside.central.mes.things.entities import HoldRecord
from lineside.central.projections.base import StoredEvent
from lineside.contracts import events as ev


class Things:
    """Lots that edges created, and holds that people set or released there."""

    name = "mes_things"
    version = 1
    tables: tuple[Table, ...] = ()
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (ev.LotCreated, ev.Held, ev.Released)

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Write lots and holds; what stands already is left as it is."""
        for stored in events:
            event = stored.event
            match event:
                case ev.LotCreated():
                    service.lot_created(
                        work,
                        event.lot,
                        quantity=event.quantity.value,
                        unit=event.quantity.unit,
                        edge=stored.edge,
                        order=event.order,
                        at=event.occurred_at,
                    )
                case ev.Held():
                    service.held_at_edge(
                        work,
                        event.thing,
                        hold=event.hold,
                        reason=event.reason,
                        by=event.by[0] if event.by else "",
                        edge=stored.edge,
                        at=event.occurred_at,
                    )
                case ev.Released():
                    self._released(work, event)
                case _:
                    continue

    @staticmethod
    def _released(work: UnitOfWork, event: ev.Released) -> None:
        if work.session.get(HoldRecord, event.hold) is not None:
            by = event.by[0] if event.by else ""
            service.release_hold(work, event.hold, by=by, at=event.occurred_at)
