"""History lines, genealogy links and carrier contents out of events; rebuildable."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.projections.base import StoredEvent, identity
from lineside.central.trace.removals import apply_removals
from lineside.central.trace.tables import (
    carrier_content,
    component_removal,
    genealogy_link,
    thing,
    thing_line,
)
from lineside.central.trace.things_in import TRACE_EVENTS, detail_of, order_of, things_in, type_of
from lineside.contracts import events as ev
from lineside.contracts.units import Certainty, EventRef, Quantity, Thing

Row = dict[str, Any]
ONE = Quantity(value=Decimal(1))


class Trace:
    """Everything that a trace answers."""

    name = "trace"
    version = 2
    tables: tuple[Table, ...] = (
        thing,
        thing_line,
        genealogy_link,
        component_removal,
        carrier_content,
    )
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = TRACE_EVENTS

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Write the rows of these events, then end and take back what they end and take back."""
        lines: list[Row] = []
        links: list[Row] = []
        removals: list[Row] = []
        contents: list[Row] = []
        for stored in events:
            lines += _lines(stored)
            links += _link(stored)
            removals += _removal(stored)
            contents += _content(stored)
        things = {found for stored in events for _, found in things_in(stored.event)}
        registered = [
            {"id": found.id, "kind": found.kind.value, "item": found.item, "issuer": found.issuer}
            for found in things
        ]
        for table, rows in (
            (thing, registered),
            (thing_line, lines),
            (genealogy_link, links),
            (component_removal, removals),
            (carrier_content, contents),
        ):
            if rows:
                work.connection.execute(insert(table).on_conflict_do_nothing(), rows)
        if links or removals:
            pairs = [(row["product_id"], row["source_id"]) for row in links + removals]
            apply_removals(work.connection, pairs)
        for stored in events:
            if stored.event.voids is not None:
                _take_back(work, stored.event.voids, replaced=False)
            if stored.event.corrects is not None:
                _take_back(work, stored.event.corrects, replaced=True)


def _lines(stored: StoredEvent) -> list[Row]:
    event = stored.event
    order, operation = order_of(event)
    return [
        identity(stored)
        | {
            "n": n,
            "kind": found.kind.value,
            "item": found.item,
            "id": found.id,
            "issuer": found.issuer,
            "type": type_of(event),
            "occurred_at": event.occurred_at,
            "occurred_until": event.occurred_until,
            "recorded_at": event.recorded_at,
            "received_at": stored.received_at,
            "time_source": event.time_source.value,
            "source": event.source.value,
            "station": event.station,
            "position": event.position,
            "by": list(event.by),
            "order_no": order,
            "operation": operation,
            "detail": detail_of(event, role),
            "flags": list(event.flags),
            "reason": event.reason,
        }
        for n, (role, found) in enumerate(things_in(event))
        if (type(event), role) != (ev.Consumed, "material")  # thousands a lot; the link tells
    ]


def _link(stored: StoredEvent) -> list[Row]:
    event = stored.event
    match event:
        case ev.Consumed():
            return [
                _link_row(
                    stored,
                    "consumed",
                    product=event.into,
                    source=event.material,
                    quantity=event.quantity,
                    into=event.into_quantity,
                    certainty=event.certainty,
                )
            ]
        case ev.ComponentFitted():
            return [
                _link_row(
                    stored,
                    "fitted",
                    product=event.into,
                    source=event.component,
                    quantity=event.quantity,
                    into=ONE,
                )
            ]
        case ev.LotSplit() | ev.LotMerged():
            relation = "split" if isinstance(event, ev.LotSplit) else "merged"
            return [
                _link_row(
                    stored,
                    relation,
                    product=event.into,
                    source=event.lot,
                    quantity=event.quantity,
                    into=event.quantity,
                )
            ]
        case ev.SerialAssigned(lot=lot) if lot is not None:
            return [
                _link_row(
                    stored,
                    "serialised",
                    product=event.unit,
                    source=lot,
                    quantity=ONE,
                    into=ONE,
                )
            ]
        case _:
            return []


def _link_row(
    stored: StoredEvent,
    relation: str,
    *,
    product: Thing,
    source: Thing,
    quantity: Quantity,
    into: Quantity,
    certainty: Certainty = Certainty.THIS_ONE,
) -> Row:
    order, operation = order_of(stored.event)
    return identity(stored) | {
        "relation": relation,
        "product_kind": product.kind.value,
        "product_item": product.item,
        "product_id": product.id,
        "product_issuer": product.issuer,
        "source_kind": source.kind.value,
        "source_item": source.item,
        "source_id": source.id,
        "source_issuer": source.issuer,
        "quantity": quantity.value,
        "unit": quantity.unit,
        "into_quantity": into.value,
        "into_unit": into.unit,
        "certainty": certainty.value,
        "valid_from": stored.event.occurred_at,
        "station": stored.event.station,
        "position": stored.event.position,
        "order_no": order,
        "operation": operation,
    }


def _removal(stored: StoredEvent) -> list[Row]:
    event = stored.event
    if not isinstance(event, ev.ComponentRemoved):
        return []
    return [
        identity(stored)
        | {
            "product_item": event.out_of.item,
            "product_id": event.out_of.id,
            "source_item": event.component.item,
            "source_id": event.component.id,
            "source_issuer": event.component.issuer,
            "quantity": None if event.quantity is None else event.quantity.value,
            "occurred_at": event.occurred_at,
        }
    ]


def _content(stored: StoredEvent) -> list[Row]:
    event = stored.event
    if not isinstance(event, ev.PutInCarrier | ev.TakenOutOfCarrier):
        return []
    return [
        identity(stored)
        | {
            "direction": "in" if isinstance(event, ev.PutInCarrier) else "out",
            "content_kind": event.content.kind.value,
            "content_item": event.content.item,
            "content_id": event.content.id,
            "content_issuer": event.content.issuer,
            "carrier_item": event.carrier.item,
            "carrier_id": event.carrier.id,
            "quantity": event.quantity.value,
            "occurred_at": event.occurred_at,
            "station": event.station,
        }
    ]


def _take_back(work: UnitOfWork, ref: EventRef, *, replaced: bool) -> None:
    for table in (thing_line, genealogy_link, component_removal, carrier_content):
        values: Row = {"voided": True}
        if replaced and table is thing_line:
            values["replaced"] = True
        work.connection.execute(
            update(table)
            .where(table.c.edge == ref.edge, table.c.epoch == ref.epoch, table.c.seq == ref.seq)
            .values(**values)
        )
    gone = work.connection.execute(
        select(component_removal.c.product_id, component_removal.c.source_id).where(
            component_removal.c.edge == ref.edge,
            component_removal.c.epoch == ref.epoch,
            component_removal.c.seq == ref.seq,
        )
    ).all()
    apply_removals(work.connection, [(row.product_id, row.source_id) for row in gone])
