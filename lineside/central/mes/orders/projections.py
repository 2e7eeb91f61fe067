"""What the edges reported about orders; rebuildable."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, or_, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.orders.entities import applied_document, order_quantity, unit_step
from lineside.central.projections.base import StoredEvent, identity, targets_of
from lineside.contracts import events as ev
from lineside.contracts.units import EventRef, Outcome, Quantity, Thing, ThingKind

Row = dict[str, Any]
OUTCOME_KINDS: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("produced",),
    Outcome.SCRAP: ("produced", "scrap"),
    Outcome.STARTUP_SCRAP: ("produced", "scrap"),
    Outcome.REWORK: ("produced", "rework"),
    Outcome.SUSPECT: ("produced", "suspect"),
    Outcome.SAMPLE: ("produced", "scrap"),
}
REWORK_KINDS: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("rework_good",),
    Outcome.SCRAP: ("rework_scrap",),
    Outcome.STARTUP_SCRAP: ("rework_scrap",),
    Outcome.SAMPLE: ("rework_scrap",),
}


class OrderProgress:
    """Units and quantities by order operation, and what each edge has applied."""

    name = "mes_orders"
    version = 1
    tables: tuple[Table, ...] = (order_quantity, unit_step, applied_document)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.UnitStarted,
        ev.UnitFinished,
        ev.UnitDisposed,
        ev.ComponentFitted,
        ev.ComponentRemoved,
        ev.CounterRead,
        ev.QuantityDeclared,
        ev.OrderFinished,
        ev.SpanDeclared,
        ev.BookingMoved,
        ev.EventVoided,
        ev.EventCorrected,
        ev.IntentionApplied,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Add the rows of these events; moves and voids are applied in their place."""
        amounts: list[Row] = []
        steps: list[Row] = []

        def write() -> None:
            for table, rows in ((order_quantity, amounts), (unit_step, steps)):
                if rows:
                    work.connection.execute(insert(table).on_conflict_do_nothing(), rows)
                    rows.clear()

        for stored in events:
            event = stored.event
            if targets_of(event) or isinstance(event, ev.BookingMoved):
                write()
                _take_back(work, targets_of(event))
            match event:
                case ev.BookingMoved():
                    _move(work, event)
                case ev.IntentionApplied():
                    _answered(work, stored, event)
                case _:
                    amounts += _amounts(stored, event)
                    steps += _steps(stored, event)
        write()


def _steps(stored: StoredEvent, event: ev.Event) -> list[Row]:
    match event:
        case ev.UnitStarted():
            return [_step(stored, "started", event.unit, event.order, event.operation)]
        case ev.UnitFinished():
            row = _step(stored, "finished", event.unit, event.order, event.operation)
            return [row | {"result": event.result, "last_operation": event.last_operation}]
        case ev.UnitDisposed():
            row = _step(stored, "disposed", event.unit, event.order, event.operation)
            return [row | {"result": event.disposition}]
        case ev.ComponentFitted() | ev.ComponentRemoved() if (
            event.component.kind is not ThingKind.UNIT
        ):
            return []  # a lot has no steps
        case ev.ComponentFitted():
            row = _step(stored, "fitted", event.component, event.order, event.operation)
            return [row | {"result": event.into.id}]
        case ev.ComponentRemoved():
            return [_step(stored, "removed", event.component, event.order, event.operation)]
        case _:
            return []


def _step(stored: StoredEvent, kind: str, unit: Thing, order: str, operation: str) -> Row:
    return identity(stored) | {
        "kind": kind,
        "item": unit.item,
        "unit": unit.id,
        "issuer": unit.issuer,
        "order_no": order,
        "operation": operation,
        "station": stored.event.station,
        "occurred_at": stored.event.occurred_at,
        "result": "",
        "last_operation": False,
    }


def _amounts(stored: StoredEvent, event: ev.Event) -> list[Row]:
    at = event.occurred_at
    match event:
        case ev.CounterRead() if event.increment > 0:
            pieces = event.increment * event.pieces_per_count
            return [
                _amount(
                    stored,
                    n,
                    order=job.order,
                    operation=job.operation,
                    source="counter",
                    kind=event.role.value,
                    amount=pieces * job.share,
                    unit="pcs",
                    at=at,
                )
                for n, job in enumerate(event.jobs)
            ]
        case ev.QuantityDeclared():
            order, operation = event.order, event.operation
            if not order and len(event.jobs) == 1:
                order, operation = event.jobs[0].order, event.jobs[0].operation
            if not order:
                return []
            return [
                _amount(
                    stored,
                    0,
                    order=order,
                    operation=operation,
                    source="declaration",
                    kind=event.kind,
                    amount=event.quantity.value,
                    unit=event.quantity.unit,
                    at=at,
                )
            ]
        case ev.OrderFinished():
            return _booked(stored, event.order, event.operation, event.quantities, event.rework)
        case ev.SpanDeclared():
            return _booked(stored, event.order, event.operation, event.quantities, event.rework)
        case _:
            return []


def _booked(
    stored: StoredEvent,
    order: str,
    operation: str,
    quantities: tuple[Quantity, ...],
    rework: bool,
) -> list[Row]:
    event = stored.event
    at = event.occurred_at if event.occurred_until is None else event.occurred_until
    rows: list[Row] = []
    for quantity in quantities:
        kinds = (
            REWORK_KINDS.get(quantity.outcome, ()) if rework else OUTCOME_KINDS[quantity.outcome]
        )
        rows += [
            _amount(
                stored,
                len(rows) + n,
                order=order,
                operation=operation,
                source="declaration",
                kind=kind,
                amount=quantity.value,
                unit=quantity.unit,
                at=at,
            )
            for n, kind in enumerate(kinds)
        ]
    return rows


def _amount(
    stored: StoredEvent,
    n: int,
    *,
    order: str,
    operation: str,
    source: str,
    kind: str,
    amount: Decimal,
    unit: str,
    at: int,
) -> Row:
    return identity(stored) | {
        "n": n,
        "order_no": order,
        "operation": operation,
        "station": stored.event.station,
        "occurred_at": at,
        "source": source,
        "kind": kind,
        "amount": amount,
        "unit": unit,
    }


def _take_back(work: UnitOfWork, targets: tuple[EventRef, ...]) -> None:
    for ref in targets:
        for table in (order_quantity, unit_step):
            work.connection.execute(
                update(table)
                .where(table.c.edge == ref.edge, table.c.epoch == ref.epoch, table.c.seq == ref.seq)
                .values(voided=True)
            )


def _move(work: UnitOfWork, event: ev.BookingMoved) -> None:
    """What was made in the span belongs to the other order (R14: its end is inside)."""
    until = event.occurred_at if event.occurred_until is None else event.occurred_until
    for table in (order_quantity, unit_step):
        statement = update(table).where(
            table.c.station == event.station,
            table.c.order_no == event.from_order,
            table.c.occurred_at > event.occurred_at,
            table.c.occurred_at <= until,
        )
        if event.from_operation:
            statement = statement.where(table.c.operation == event.from_operation)
        values: Row = {"order_no": event.to_order}
        if event.to_operation:
            values["operation"] = event.to_operation
        work.connection.execute(statement.values(**values))


def _answered(work: UnitOfWork, stored: StoredEvent, event: ev.IntentionApplied) -> None:
    table = applied_document
    statement = insert(table).values(
        edge=stored.edge,
        kind=event.kind,
        id=event.id,
        revision=event.revision,
        refused=event.refused,
        applied_at=event.occurred_at,
    )
    newer = or_(
        statement.excluded.revision > table.c.revision,
        tuple_(statement.excluded.revision, statement.excluded.applied_at)
        >= tuple_(table.c.revision, table.c.applied_at),
    )
    work.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["edge", "kind", "id"],
            set_={
                "revision": statement.excluded.revision,
                "refused": statement.excluded.refused,
                "applied_at": statement.excluded.applied_at,
            },
            where=newer,
        )
    )
