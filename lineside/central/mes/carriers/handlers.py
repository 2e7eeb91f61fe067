"""What edges put into carriers and took out of them; and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.carriers import service
from lineside.central.mes.carriers.entities import carrier_move
from lineside.central.projections.base import StoredEvent, identity, targets_of
from lineside.contracts import events as ev

MOVES: tuple[type[ev.Event], ...] = (
    ev.PutInCarrier,
    ev.TakenOutOfCarrier,
    ev.EventVoided,
    ev.EventCorrected,
)


class CarrierMoves:
    """Keeps every putting-in and taking-out."""

    name = "mes_carriers"
    version = 1
    tables: tuple[Table, ...] = (carrier_move,)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = MOVES

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Write the moves, then take back what was taken back."""
        rows = [row for stored in events for row in _rows(stored)]
        if rows:
            work.connection.execute(insert(carrier_move).on_conflict_do_nothing(), rows)
        table = carrier_move
        for stored in events:
            for ref in targets_of(stored.event):
                work.connection.execute(
                    update(table)
                    .where(
                        table.c.edge == ref.edge,
                        table.c.epoch == ref.epoch,
                        table.c.seq == ref.seq,
                    )
                    .values(voided=True)
                )


def _rows(stored: StoredEvent) -> list[dict[str, Any]]:
    event = stored.event
    if not isinstance(event, ev.PutInCarrier | ev.TakenOutOfCarrier):
        return []
    content, carrier = event.content, event.carrier
    order = event.order or (event.jobs[0].order if len(event.jobs) == 1 else "")
    return [
        identity(stored)
        | {
            "direction": "in" if isinstance(event, ev.PutInCarrier) else "out",
            "carrier_item": carrier.item,
            "carrier": carrier.id,
            "issuer": carrier.issuer,
            "content_kind": content.kind.value,
            "content_item": content.item,
            "content": content.id,
            "content_issuer": content.issuer,
            "quantity": event.quantity.value,
            "unit": event.quantity.unit,
            "order_no": order,
            "operation": event.jobs[0].operation if len(event.jobs) == 1 else "",
            "occurred_at": event.occurred_at,
        }
    ]


class CarrierPassports:
    """Sends contents of carriers where they are needed; whole documents, so again is the same."""

    name = "mes_carrier_passports"
    version = 1
    tables: tuple[Table, ...] = ()
    follows: tuple[str, ...] = ("mes_carriers",)
    event_types: tuple[type[ev.Event], ...] = MOVES

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Tell of every carrier that these events are about."""
        carriers: set[str] = set()
        voided: list[tuple[str, str, int]] = []
        for stored in events:
            event = stored.event
            if isinstance(event, ev.PutInCarrier | ev.TakenOutOfCarrier):
                carriers.add(event.carrier.id)
            voided += [(ref.edge, ref.epoch, ref.seq) for ref in targets_of(event)]
        table = carrier_move
        if voided:
            key = tuple_(table.c.edge, table.c.epoch, table.c.seq)
            carriers |= set(work.connection.scalars(select(table.c.carrier).where(key.in_(voided))))
        if carriers:
            service.tell_edges(work, carriers)
