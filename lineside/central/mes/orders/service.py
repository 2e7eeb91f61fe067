"""Rules of orders. Knows neither HTTP nor SQL beyond its own rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select

from lineside.central.errors import AlreadyExistsError
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.errors import UnknownReferenceError
from lineside.central.mes.master_data.service import (
    edge_of_stations,
    item_info,
    need_item,
    plan_of,
    routings_of,
)
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.orders.entities import ComponentNeeded, Order
from lineside.central.mes.orders.errors import (
    MoveNotConfirmedError,
    NoRoutingError,
    OperationNotFoundError,
    OrderNotFoundError,
    OrderStateError,
)
from lineside.central.mes.orders.notices import ItemsNeeded, OrderClosed
from lineside.central.mes.orders.queries import (
    documents_applied,
    edges_applied,
    operation_names,
)
from lineside.central.mes.orders.schemas import EdgeAppliedOut, MoveIn, OrderIn, OrderPatch
from lineside.contracts import commands

OPEN = ("released", "held")

__all__ = [
    "EdgeAppliedOut",
    "change_order",
    "close_order",
    "create_order",
    "documents_applied",
    "edges_needing",
    "edges_of",
    "get_order",
    "hold_order",
    "move_operation",
    "operation_names",
    "order_document",
    "release_order",
    "resume_order",
]


def create_order(work: UnitOfWork, body: OrderIn) -> Order:
    """A new order in state `created`.

    Raises:
        AlreadyExistsError: The number is taken.
        UnknownReferenceError: No such item or routing.
        NoRoutingError: No routing is named and the item has not exactly one.
    """
    if work.session.get(Order, body.id) is not None:
        raise AlreadyExistsError("Order", body.id, hint="Choose another number.")
    need_item(work, body.item, field="body.item")
    order = Order(
        id=body.id,
        item=body.item,
        routing=_routing(work, body),
        routing_revision="",
        quantity=body.quantity,
        unit=body.unit,
        state="created",
        priority=body.priority,
        due_at=body.due_at,
        serial_tracked=body.serial_tracked,
        steps=[],
        moves=[],
        hold_reason="",
        created_at=work.now(),
        released_at=None,
        closed_at=None,
        revision=1,
    )
    work.session.add(order)
    work.session.flush()
    return order


def _routing(work: UnitOfWork, body: OrderIn) -> str:
    found = routings_of(work, body.item)
    if not body.routing and len(found) != 1:
        raise NoRoutingError(body.item, len(found))
    if body.routing and body.routing not in found:
        raise UnknownReferenceError("routing of the item", body.routing, field="body.routing")
    return body.routing or found[0]


def get_order(work: UnitOfWork, order: str, *, lock: bool = False) -> Order:
    """One order.

    Raises:
        OrderNotFoundError: No such order.
    """
    row = work.session.get(Order, order, with_for_update=lock)
    if row is None:
        raise OrderNotFoundError(order)
    return row


def _for_act(work: UnitOfWork, order: str, expected: int | None, act: str, *states: str) -> Order:
    row = get_order(work, order, lock=True)
    check_revision(row.revision, expected)
    if row.state not in states:
        raise OrderStateError(order, row.state, act)
    row.revision += 1
    return row


def release_order(work: UnitOfWork, order: str, *, expected: int | None) -> Order:
    """Give the order to the edges of its operations.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is not in state `created`.
        UnknownReferenceError: The routing names a station that does not exist any more.
    """
    row = _for_act(work, order, expected, "released", "created")
    plan = plan_of(work, routing=row.routing, item=row.item)
    row.steps, row.routing_revision = plan.steps, plan.revision
    row.state, row.released_at = "released", work.now()
    _note_needs(work, row)
    _send(work, row)
    return row


def change_order(work: UnitOfWork, order: str, body: OrderPatch, *, expected: int) -> Order:
    """Change quantity, priority or due date of an order that is not closed.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is closed.
        RevisionStaleError: It was changed meanwhile.
    """
    row = _for_act(work, order, expected, "changed", "created", *OPEN)
    values = body.model_dump(exclude_unset=True)
    row.quantity = values.get("quantity") or row.quantity
    priority = values.get("priority")
    row.priority = row.priority if priority is None else priority
    row.due_at = values.get("due_at", row.due_at)
    _send(work, row)
    return row


def hold_order(work: UnitOfWork, order: str, *, expected: int | None, reason: str) -> Order:
    """Stop the order everywhere until it is resumed.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is not released.
    """
    row = _for_act(work, order, expected, "held", "released")
    row.state, row.hold_reason = "held", reason
    _send(work, row)
    return row


def resume_order(work: UnitOfWork, order: str, *, expected: int | None) -> Order:
    """Let a held order go on.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is not held.
    """
    row = _for_act(work, order, expected, "resumed", "held")
    row.state, row.hold_reason = "released", ""
    _send(work, row)
    return row


def close_order(work: UnitOfWork, order: str, *, expected: int | None, state: str) -> Order:
    """Cancel or finish an order; what was made stands.

    Args:
        work: The transaction.
        order: Its number.
        expected: The revision that the caller has read, if he says so.
        state: `cancelled` or `finished`.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is closed already, or not released and shall be finished.
    """
    allowed = OPEN if state == "finished" else ("created", *OPEN)
    row = _for_act(work, order, expected, state, *allowed)
    row.state, row.closed_at = state, work.now()
    needs = work.session.scalars(
        delete(ComponentNeeded).where(ComponentNeeded.order_no == order).returning(ComponentNeeded)
    )
    needed = tuple(sorted((need.edge, need.item) for need in needs))
    _send(work, row)
    edges = tuple(sorted(edges_of(row)))
    work.publish(OrderClosed(order=order, item=row.item, edges=edges, needs=needed))
    return row


def move_operation(
    work: UnitOfWork, order: str, operation: str, body: MoveIn, *, expected: int | None, by: str
) -> Order:
    """Give an operation to stations of another edge, or of the same one.

    Raises:
        OrderNotFoundError: No such order.
        OperationNotFoundError: It has no such operation.
        OrderStateError: It is not released.
        MoveNotConfirmedError: The edge has not confirmed the hold, and it is not by force.
        UnknownReferenceError: No such station.
        StationsOfSeveralEdgesError: The stations belong to several edges.
    """
    row = _for_act(work, order, expected, "moved", *OPEN)
    steps: list[dict[str, Any]] = [dict(step) for step in row.steps]
    step = next((found for found in steps if found["operation"] == operation), None)
    if step is None:
        raise OperationNotFoundError(order, operation)
    target = edge_of_stations(work, operation, body.stations)
    source = str(step["edge"])
    if target != source and not body.force and not _confirmed_hold(work, row, source):
        raise MoveNotConfirmedError(order, source)
    step["stations"], step["edge"] = list(body.stations), target
    old_edges = edges_of(row)
    row.steps = steps
    row.moves = [
        *row.moves,
        {
            "operation": operation,
            "from_edge": source,
            "to_edge": target,
            "at": work.now(),
            "by": by,
            "forced": body.force and target != source,
            "reason": body.reason,
        },
    ]
    _note_needs(work, row)
    _send(work, row)
    for edge in old_edges:
        if edge not in edges_of(row):
            work.publish(DocumentWanted(edge=edge, kind="work_order", id=order, body=None))
    return row


def _confirmed_hold(work: UnitOfWork, row: Order, edge: str) -> bool:
    """Whether the edge answered to the hold: its answer travels behind all that it made before."""
    if row.state != "held":
        return False
    for found in edges_applied(work, [row.id]).get(row.id, []):
        if found.edge == edge:
            return found.applied >= found.wanted > 0 and not found.refused
    return False


def edges_of(row: Order) -> list[str]:
    """The edges that work on an order, in routing order."""
    return list(dict.fromkeys(str(step["edge"]) for step in row.steps))


def _note_needs(work: UnitOfWork, row: Order) -> None:
    work.session.execute(delete(ComponentNeeded).where(ComponentNeeded.order_no == row.id))
    needs: dict[str, list[str]] = {}
    for step in row.steps:
        for component in step["components"]:
            items = needs.setdefault(step["edge"], [])
            if component["item"] not in items:
                items.append(component["item"])
    for edge, items in needs.items():
        for item in items:
            work.session.add(ComponentNeeded(item=item, edge=edge, order_no=row.id))
    work.session.flush()
    for edge, items in needs.items():
        work.publish(ItemsNeeded(edge=edge, items=tuple(items)))


def edges_needing(work: UnitOfWork, item: str) -> list[str]:
    """Edges at which open orders consume an item."""
    return list(
        work.session.scalars(
            select(ComponentNeeded.edge).where(ComponentNeeded.item == item).distinct()
        )
    )


def _send(work: UnitOfWork, row: Order) -> None:
    if row.state == "created" or not row.steps:
        return
    work.session.flush()
    document = order_document(work, row)
    for edge in sorted(edges_of(row)):  # every act locks edges in the same order
        work.publish(DocumentWanted(edge=edge, kind="work_order", id=row.id, body=document))


def order_document(work: UnitOfWork, row: Order) -> commands.WorkOrder:
    """The order as its stations need it."""
    item = item_info(work, row.item)
    return commands.WorkOrder(
        order=row.id,
        item=row.item,
        item_name=item.name,
        item_name_zh=item.name_zh,
        quantity=Decimal(row.quantity),
        unit=row.unit,
        state=row.state,
        priority=row.priority,
        due_at=row.due_at,
        serial_tracked=row.serial_tracked,
        steps=tuple(_step_document(step) for step in row.steps),
        routing_revision=row.routing_revision,
    )


def _step_document(step: dict[str, Any]) -> commands.OperationStep:
    return commands.OperationStep(
        operation=step["operation"],
        name=step["name"],
        name_zh=step["name_zh"],
        stations=tuple(step["stations"]),
        edge=step["edge"],
        ideal_cycle_s=Decimal(step["ideal_cycle_s"]),
        components=tuple(
            commands.ComponentNeed(
                item=need["item"],
                quantity=Decimal(need["quantity"]),
                unit=need["unit"],
                tracking=need["tracking"],
                position=need["position"],
            )
            for need in step["components"]
        ),
        first_piece=step["first_piece"],
        first_piece_after=tuple(step["first_piece_after"]),
        before_release=step["before_release"],
        piece_weight=Decimal(step["piece_weight"]),
        tare=Decimal(step["tare"]),
        weight_unit=step["weight_unit"],
        missing_passport=step["missing_passport"],
        inspected=step["inspected"],
        starts_unit=step["starts_unit"],
    )
