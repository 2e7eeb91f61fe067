"""Orders as a list: which ones, and the same rows as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from sqlalchemy import Select, or_, select

from lineside.central.kit.schema import decimal_text
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.orders.entities import Order
from lineside.central.mes.orders.queries import edges_applied, orders_progress
from lineside.central.mes.orders.schemas import MadeOut, ProgressOut
from lineside.contracts.clock import format_rfc3339

ROWS_MAX = 2_000
ZERO = Decimal(0)
CSV_HEADER = (
    "order", "item", "state", "quantity", "unit", "delivered", "good", "scrap", "rework",
    "suspect", "units_started", "priority", "due_at", "released_at", "closed_at", "hold_reason",
    "edges", "flags",
)  # fmt: skip


def wanted_orders(*, state: str, item: str, q: str) -> Select[Order]:
    """Orders of a state and an item whose number or item contains a text; empty: any."""
    query = select(Order)
    if state:
        query = query.where(Order.state == state)
    if item:
        query = query.where(Order.item == item)
    if q:
        query = query.where(
            or_(
                Order.id.icontains(q, autoescape=True),
                Order.item.icontains(q, autoescape=True),
            )
        )
    return query


def last_operation(order: Order, operations: Sequence[ProgressOut]) -> ProgressOut | None:
    """Progress of the operation that tells for the order: its last planned one."""
    if not order.steps:
        return None
    last = str(order.steps[-1]["operation"])
    return next((found for found in operations if found.operation == last), None)


def progress_of(work: UnitOfWork, order: Order) -> list[ProgressOut]:
    """Progress of an order by operation."""
    return orders_progress(work, [order])[order.id]


def made_of(work: UnitOfWork, orders: Sequence[Order]) -> dict[str, MadeOut]:
    """What was made of each order that was ever released, without its operations."""
    begun = [order for order in orders if order.state != "created"]
    found: dict[str, MadeOut] = {}
    for order, operations in zip(begun, orders_progress(work, begun).values(), strict=True):
        last = last_operation(order, operations)
        found[order.id] = MadeOut(
            delivered=last.delivered if last is not None else ZERO,
            scrap=sum((one.scrap for one in operations), ZERO),
            suspect=sum((one.suspect for one in operations), ZERO),
        )
    return found


def csv_rows(work: UnitOfWork, orders: Sequence[Order]) -> Iterator[tuple[object, ...]]:
    """One row an order, in the order of `CSV_HEADER`; quantities in the order's unit."""
    applied = edges_applied(work, [order.id for order in orders])
    begun = orders_progress(work, [order for order in orders if order.state != "created"])
    for order in orders:
        operations = begun.get(order.id, [])
        last = last_operation(order, operations)
        edges = " ".join(
            f"{edge.edge}:{edge.applied}/{edge.wanted}" for edge in applied.get(order.id, [])
        )
        yield (
            order.id, order.item, order.state, decimal_text(order.quantity), order.unit,
            decimal_text(last.delivered if last is not None else ZERO),
            decimal_text(last.good if last is not None else ZERO),
            decimal_text(sum((one.scrap for one in operations), ZERO)),
            decimal_text(sum((one.rework for one in operations), ZERO)),
            decimal_text(sum((one.suspect for one in operations), ZERO)),
            max((one.units_started for one in operations), default=0),
            order.priority, _moment(order.due_at), _moment(order.released_at),
            _moment(order.closed_at), order.hold_reason, edges,
            " ".join(sorted({flag for one in operations for flag in one.flags})),
        )  # fmt: skip


def _moment(at: int | None) -> str:
    return "" if at is None else format_rfc3339(at)
