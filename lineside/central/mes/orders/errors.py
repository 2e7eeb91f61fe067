"""Refusals of orders."""

from __future__ import annotations

from lineside.central.errors import ConflictError, InvalidInputError, NotFoundError


class OrderNotFoundError(NotFoundError):
    """There is no such order."""

    code = "mes.order_not_found"

    def __init__(self, order: str) -> None:
        super().__init__("work order", order)


class OrderStateError(ConflictError):
    """The order's state does not allow the act."""

    code = "mes.order_state"

    def __init__(self, order: str, state: str, act: str) -> None:
        super().__init__(
            f"Order {order} is {state}; it cannot be {act}.",
            hint="Read the order again; somebody may have acted before.",
        )


class NoRoutingError(InvalidInputError):
    """The order names no routing and the item has none, or several."""

    code = "mes.no_routing"

    def __init__(self, item: str, found: int) -> None:
        super().__init__(
            f"Item {item} has {found} routings.",
            field="body.routing",
            hint="Name the routing of the order." if found else "Create a routing first.",
        )


class OperationNotFoundError(NotFoundError):
    """The order has no such operation."""

    code = "mes.operation_not_found"

    def __init__(self, order: str, operation: str) -> None:
        super().__init__("operation", f"{operation} in order {order}")


class MoveNotConfirmedError(ConflictError):
    """The edge that has the operation has not yet reported everything that it made."""

    code = "mes.move_not_confirmed"

    def __init__(self, order: str, edge: str) -> None:
        super().__init__(
            f"Edge {edge} has not confirmed that it holds order {order}.",
            hint="Hold the order and wait until the edge has applied it, or move by force: "
            "then both quantities stand, flagged.",
        )
