"""Passports that nothing open at an edge needs are withdrawn when an order closes.

What stays is a list of the numbers, so that a late scan is still answered well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select, tuple_

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.notices import DocumentsGone, DocumentWanted
from lineside.central.mes.orders.entities import Order, unit_step
from lineside.central.mes.orders.handlers import UnitKey
from lineside.central.mes.orders.notices import DocumentsAsked, OrderClosed, RevisionsAsked
from lineside.central.mes.orders.service import OPEN, edges_needing, edges_of
from lineside.contracts import commands
from lineside.contracts.clock import US_PER_SECOND

UNITS_AT_ONCE = 5_000
LISTED_US = 180 * 86_400 * US_PER_SECOND
"""Numbers of a closed order stay known at its edges this long."""


def withdraw_passports(work: UnitOfWork, notice: OrderClosed) -> None:
    """Withdraw the passports of the order's units, and of components that it alone needed."""
    table = unit_step
    units: list[UnitKey] = [
        (row.item, row.unit, row.issuer)
        for row in work.connection.execute(
            select(table.c.item, table.c.unit, table.c.issuer)
            .where(table.c.order_no == notice.order, table.c.item == notice.item)
            .distinct()
        )
    ]
    there: defaultdict[str, set[UnitKey]] = defaultdict(set)
    still = set(edges_needing(work, notice.item))
    for start in range(0, len(units), UNITS_AT_ONCE):
        ids = {"|".join(key): key for key in units[start : start + UNITS_AT_ONCE]}
        asked = RevisionsAsked(kind="unit_passport", ids=tuple(ids))
        found: dict[tuple[str, str], int] = work.ask(asked) or {}
        for identity, edge in found:
            if edge not in still:
                there[edge].add(ids[identity])
    for edge, item in notice.needs:
        if edge in edges_needing(work, item):
            continue
        question = DocumentsAsked(edge=edge, kind="unit_passport", prefix=f"{item}|")
        for identity in work.ask(question) or ():
            key = _key(identity)
            if key is not None:
                there[edge].add(key)
    for edge in sorted({*there, *notice.edges}):
        _withdraw(work, edge, sorted(there[edge]))
        _forget_old(work, edge)


def _key(identity: str) -> UnitKey | None:
    """Item, number and issuer in the id of a passport; a number may contain the separator."""
    item, _, rest = identity.partition("|")
    number, _, issuer = rest.rpartition("|")
    return (item, number, issuer) if number else None


def _withdraw(work: UnitOfWork, edge: str, keys: list[UnitKey]) -> None:
    for start in range(0, len(keys), UNITS_AT_ONCE):
        part = keys[start : start + UNITS_AT_ONCE]
        orders = _orders_of(work, part)
        gone = [
            key
            for key in part
            if not any(one.state in OPEN and edge in edges_of(one) for one in orders[key])
        ]
        ids = tuple("|".join(key) for key in gone)
        if ids:
            work.publish(DocumentsGone(edge=edge, kind="unit_passport", ids=ids))
        _list(work, edge, gone, orders)


def _orders_of(work: UnitOfWork, keys: Iterable[UnitKey]) -> defaultdict[UnitKey, list[Order]]:
    """The orders in which units have steps, in order of time."""
    table = unit_step
    rows = work.connection.execute(
        select(table.c.item, table.c.unit, table.c.issuer, table.c.order_no)
        .where(
            tuple_(table.c.item, table.c.unit, table.c.issuer).in_(list(keys)),
            table.c.voided.is_(False),
            table.c.kind.in_(("started", "finished", "disposed")),
        )
        .order_by(table.c.occurred_at, table.c.seq)
    ).all()
    names = {row.order_no for row in rows}
    known = {one.id: one for one in work.session.scalars(select(Order).where(Order.id.in_(names)))}
    found: defaultdict[UnitKey, list[Order]] = defaultdict(list)
    for row in rows:
        order = known.get(row.order_no)
        if order is not None:
            found[row.item, row.unit, row.issuer].append(order)
    return found


def _list(
    work: UnitOfWork, edge: str, keys: list[UnitKey], orders: dict[UnitKey, list[Order]]
) -> None:
    """Leave the numbers there, by the closed order that they belong to."""
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    closed: dict[str, Order] = {}
    for key in keys:
        last = orders[key][-1] if orders[key] else None
        if last is not None and last.state not in OPEN and last.item == key[0]:
            closed[last.id] = last
            numbers[last.id].append(key[1])
    for name, serials in sorted(numbers.items()):
        question = DocumentsAsked(edge=edge, kind="closed_units", prefix=f"{name}|")
        part = len(work.ask(question) or ())
        row = closed[name]
        document = commands.ClosedUnits(
            order=name,
            item=row.item,
            state=row.state,
            closed_at=row.closed_at or 0,
            part=part,
            units=tuple(serials),
        )
        identity = f"{name}|{part}"
        work.publish(DocumentWanted(edge=edge, kind="closed_units", id=identity, body=document))


def _forget_old(work: UnitOfWork, edge: str) -> None:
    ids: list[str] = work.ask(DocumentsAsked(edge=edge, kind="closed_units")) or []
    names = {identity: identity.rpartition("|")[0] for identity in ids}
    old = set(
        work.session.scalars(
            select(Order.id).where(
                Order.id.in_(set(names.values())), Order.closed_at < work.now() - LISTED_US
            )
        )
    )
    gone = tuple(sorted(identity for identity, name in names.items() if name in old))
    if gone:
        work.publish(DocumentsGone(edge=edge, kind="closed_units", ids=gone))
