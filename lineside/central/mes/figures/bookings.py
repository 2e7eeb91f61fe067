"""Bookings out of events: started, finished, declared afterwards; rebuildable.

The rows that a batch of events touches are read once, changed in memory, and written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.figures.tables import booking
from lineside.central.projections.base import StoredEvent, identity, targets_of
from lineside.contracts import events as ev
from lineside.contracts.clock import Microseconds
from lineside.contracts.units import EventRef, Outcome, Quantity

Row = dict[str, Any]
Key = tuple[str, str, int]
ZERO = Decimal(0)
_COLUMN_OF: dict[Outcome, str] = {
    Outcome.GOOD: "completed",
    Outcome.SCRAP: "rejected",
    Outcome.STARTUP_SCRAP: "rejected",
    Outcome.SUSPECT: "mrb",
}


class Bookings:
    """One row a booking, never merged."""

    name = "mes_bookings"
    version = 1
    tables: tuple[Table, ...] = (booking,)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.OrderStarted,
        ev.OrderPaused,
        ev.OrderFinished,
        ev.SpanDeclared,
        ev.QuantityDeclared,
        ev.BookingMoved,
        ev.EventVoided,
        ev.EventCorrected,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Begin, end, correct bookings in the order of these events."""
        book = _Book(_touched(work.connection, events))
        for stored in events:
            book.take(stored)
        rows = book.changed_rows()
        if rows:
            statement = insert(booking)
            keys = ["edge", "epoch", "seq"]
            values = {
                column.name: statement.excluded[column.name]
                for column in booking.columns
                if column.name not in keys
            }
            work.connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=values), rows
            )


def _touched(connection: Connection, events: Sequence[StoredEvent]) -> Iterator[Row]:
    """Rows that these events may change: by booking, open at their stations, taken back, moved."""
    named: set[tuple[str, str]] = set()
    stations: set[tuple[str, str]] = set()
    refs: set[Key] = set()
    conditions: list[ColumnElement[bool]] = []
    for stored in events:
        event = stored.event
        number: str = getattr(event, "booking", "")
        if number:
            named.add((stored.edge, number))
        stations.add((stored.edge, event.station))
        refs |= {(ref.edge, ref.epoch, ref.seq) for ref in targets_of(event)}
        if isinstance(event, ev.BookingMoved):
            conditions.append(
                (booking.c.station == event.station)
                & (booking.c.started_at < _until(event))
                & (booking.c.ended_at > event.occurred_at)
            )
    conditions.append(
        tuple_(booking.c.edge, booking.c.station).in_(stations) & booking.c.ended_at.is_(None)
    )
    if named:
        conditions.append(tuple_(booking.c.edge, booking.c.booking).in_(named))
    if refs:
        conditions.append(tuple_(booking.c.edge, booking.c.epoch, booking.c.seq).in_(refs))
        conditions.append(tuple_(booking.c.edge, booking.c.end_epoch, booking.c.end_seq).in_(refs))
    found = connection.execute(
        select(booking).where(or_(*conditions)).order_by(booking.c.started_at, booking.c.seq)
    )
    return (dict(row) for row in found.mappings())


def _until(event: ev.Event) -> Microseconds:
    return event.occurred_at if event.occurred_until is None else event.occurred_until


class _Book:
    """The rows of a batch, indexed by what events look for."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows: dict[Key, Row] = {}
        self._named: dict[tuple[str, str], list[Row]] = {}
        self._open: dict[tuple[str, str], list[Row]] = {}
        self._changed: dict[Key, None] = {}
        for row in rows:
            self._index(row)

    def changed_rows(self) -> list[Row]:
        """Rows to be written."""
        return [self._rows[key] for key in self._changed]

    def take(self, stored: StoredEvent) -> None:
        """Apply one event."""
        event = stored.event
        for ref in targets_of(event):
            self._take_back(ref)
        match event:
            case ev.OrderStarted():
                self._started(stored, event)
            case ev.OrderPaused() | ev.OrderFinished():
                self._ended(stored, event)
            case ev.SpanDeclared():
                self._declared(stored, event)
            case ev.QuantityDeclared() if event.booking:
                self._added(stored, event)
            case ev.BookingMoved():
                self._moved(event)
            case _:
                pass

    def _index(self, row: Row) -> None:
        self._rows[_key(row)] = row
        if row["booking"]:
            self._named.setdefault((row["edge"], row["booking"]), []).append(row)
        self._open.setdefault((row["edge"], row["station"]), []).append(row)

    def _touch(self, row: Row) -> None:
        self._changed[_key(row)] = None

    def _new(self, row: Row) -> None:
        if _key(row) not in self._rows:
            self._index(row)
            self._touch(row)

    def _open_at(self, edge: str, station: str) -> list[Row]:
        rows = self._open.get((edge, station), [])
        return [row for row in rows if row["ended_at"] is None and not row["voided"]]

    def _started(self, stored: StoredEvent, event: ev.OrderStarted) -> None:
        if event.exclusive:
            # R9: one order at a time; what was on the station ends here, though nobody said so.
            for row in self._open_at(stored.edge, event.station):
                if row["exclusive"] and row["started_at"] <= event.occurred_at:
                    _end(row, stored, event.occurred_at)
                    row["flags"] = _with(row["flags"], ("ended_by_next",))
                    self._touch(row)
        row = _row(stored, event)
        self._new(row | {"exclusive": event.exclusive, "order_quantity": event.planned_quantity})

    def _ended(self, stored: StoredEvent, event: ev.OrderPaused | ev.OrderFinished) -> None:
        row = self._find(stored, event)
        if row is None:
            return
        _end(row, stored, event.occurred_at)
        row["flags"] = _with(row["flags"], event.flags)
        row["by"] = _with(row["by"], event.by)
        if isinstance(event, ev.OrderFinished):
            for name, amount in _sums(event.quantities).items():
                row[name] += amount
            row["complete"] = event.complete
            row["rework"] = row["rework"] or event.rework
            row["unit"] = event.quantities[0].unit if event.quantities else row["unit"]
        self._touch(row)

    def _find(self, stored: StoredEvent, event: ev.OrderPaused | ev.OrderFinished) -> Row | None:
        """The booking that ends: by its id, else the order's newest open one at the station."""
        if event.booking:
            found = [
                row
                for row in self._named.get((stored.edge, event.booking), [])
                if not row["voided"]
            ]
        else:
            found = [
                row
                for row in self._open_at(stored.edge, event.station)
                if (row["order_no"], row["operation"]) == (event.order, event.operation)
            ]
        return max(found, key=lambda row: (row["started_at"], row["seq"]), default=None)

    def _declared(self, stored: StoredEvent, event: ev.SpanDeclared) -> None:
        row = _row(stored, event) | _sums(event.quantities)
        _end(row, stored, _until(event))
        row["rework"] = event.rework or row["rework"]
        row["unit"] = event.quantities[0].unit if event.quantities else "pcs"
        self._new(row)

    def _added(self, stored: StoredEvent, event: ev.QuantityDeclared) -> None:
        column = _COLUMN_OF.get(event.quantity.outcome)
        rows = self._named.get((stored.edge, event.booking), [])
        if column is not None and rows:
            rows[-1][column] += event.quantity.value
            self._touch(rows[-1])

    def _moved(self, event: ev.BookingMoved) -> None:
        """Bookings inside the span go to the other order; those that it cuts are flagged."""
        until = _until(event)
        for row in self._rows.values():
            here = row["station"] == event.station and row["order_no"] == event.from_order
            ended = row["ended_at"]
            after = ended is not None and ended <= event.occurred_at
            if not here or row["voided"] or row["started_at"] >= until or after:
                continue
            inside = row["started_at"] >= event.occurred_at and ended is not None and ended <= until
            if inside:
                row["order_no"] = event.to_order
                row["operation"] = event.to_operation or row["operation"]
                row["item"] = event.item or row["item"]
            row["flags"] = _with(row["flags"], ("moved" if inside else "moved_partly",))
            self._touch(row)

    def _take_back(self, ref: EventRef) -> None:
        for row in self._rows.values():
            if _key(row) == (ref.edge, ref.epoch, ref.seq):
                row["voided"] = True
                self._touch(row)
            elif (row["edge"], row["end_epoch"], row["end_seq"]) == (ref.edge, ref.epoch, ref.seq):
                row |= {"ended_at": None, "end_epoch": None, "end_seq": None, "complete": False}
                row |= {"completed": ZERO, "rejected": ZERO, "mrb": ZERO}
                self._touch(row)


def _key(row: Row) -> Key:
    return row["edge"], row["epoch"], row["seq"]


def _end(row: Row, stored: StoredEvent, at: Microseconds) -> None:
    row |= {"ended_at": at, "end_epoch": stored.epoch, "end_seq": stored.seq}


def _with(present: Sequence[str], added: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*present, *added]))


def _row(stored: StoredEvent, event: ev.OrderStarted | ev.SpanDeclared) -> Row:
    return identity(stored) | {
        "booking": event.booking,
        "order_no": event.order,
        "operation": event.operation,
        "item": event.item,
        "station": event.station,
        "by": list(event.by),
        "activity": event.activity,
        "rework": event.activity == "rework",
        "exclusive": False,
        "started_at": event.occurred_at,
        "ended_at": None,
        "completed": ZERO,
        "rejected": ZERO,
        "mrb": ZERO,
        "unit": "pcs",
        "order_quantity": None,
        "complete": False,
        "flags": list(event.flags),
        "end_epoch": None,
        "end_seq": None,
        "voided": False,
    }


def _sums(quantities: tuple[Quantity, ...]) -> Row:
    sums: Row = {"completed": ZERO, "rejected": ZERO, "mrb": ZERO}
    for quantity in quantities:
        column = _COLUMN_OF.get(quantity.outcome)
        if column is not None:
            sums[column] += quantity.value
    return sums
