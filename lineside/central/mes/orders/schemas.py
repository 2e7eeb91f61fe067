"""Wire shapes of orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from lineside.central.kit.schema import Amount, Code, In, Instant, Number, Out, PositiveAmount, Text


class OrderIn(In):
    """A new order, not yet released.

    Attributes:
        routing: Empty: the only routing of the item.
        priority: Smaller first.
    """

    id: Number
    item: Number
    quantity: PositiveAmount
    unit: Code = "pcs"
    routing: Annotated[str, Field(max_length=100)] = ""
    priority: Annotated[int, Field(ge=0, le=10_000)] = 100
    due_at: Instant | None = None
    serial_tracked: bool = True


class OrderPatch(In):
    """What changes of an order that is not closed; fields left out stay."""

    quantity: PositiveAmount | None = None
    priority: Annotated[int, Field(ge=0, le=10_000)] | None = None
    due_at: Instant | None = None


class PriorityIn(In):
    """A new priority, smaller first."""

    priority: Annotated[int, Field(ge=0, le=10_000)]


class ReasonedIn(In):
    """Why it is done."""

    reason: Text = ""


class MoveIn(In):
    """An operation shall belong to other stations.

    Attributes:
        stations: Stations of one edge.
        force: Do not wait for the edge that has it; both quantities stand, flagged.
    """

    stations: Annotated[list[Number], Field(min_length=1, max_length=100)]
    force: bool = False
    reason: Text = ""


class NeedOut(Out):
    """What one piece consumes at an operation."""

    item: str
    quantity: Amount
    unit: str
    tracking: str
    position: str


class StepOut(Out):
    """One operation of an order."""

    operation: str
    name: str
    name_zh: str
    edge: str
    stations: list[str]
    ideal_cycle_s: Amount
    components: list[NeedOut]
    first_piece: bool
    first_piece_after: list[str]
    before_release: str
    piece_weight: Amount
    tare: Amount
    weight_unit: str
    missing_passport: str
    inspected: bool
    starts_unit: bool


class MoveOut(Out):
    """A move of an operation; by force, both edges may have made pieces."""

    operation: str
    from_edge: str
    to_edge: str
    at: Instant
    by: str
    forced: bool
    reason: str


class EdgeAppliedOut(Out):
    """How far an edge is with the order's document.

    Attributes:
        wanted: Revision that central wants there.
        applied: Revision that the edge has; 0: it has answered nothing yet.
        refused: Why it could not apply it, or empty.
    """

    edge: str
    wanted: int
    applied: int
    refused: str = ""


class AmountsOut(Out):
    """What was reported for an operation.

    Attributes:
        good: First time good.
        delivered: Good plus recovered by rework.
    """

    good: Amount = Decimal(0)
    scrap: Amount = Decimal(0)
    rework: Amount = Decimal(0)
    suspect: Amount = Decimal(0)
    delivered: Amount = Decimal(0)


class SourceOut(AmountsOut):
    """What one source at one station reported; `counted` says whether it is part of the figure."""

    station: str
    edge: str
    source: str
    counted: bool


class ProgressOut(AmountsOut):
    """Progress of one operation.

    Attributes:
        units_started: Units with a serial number that began it.
        units_finished: Units that finished it at least once.
        flags: `moved_by_force` when two edges may have made pieces of it.
        sources: What every source reported, the checks among them.
    """

    operation: str
    units_started: int = 0
    units_finished: int = 0
    first_at: Instant | None = None
    last_at: Instant | None = None
    flags: list[str] = Field(default_factory=list[str])
    sources: list[SourceOut] = Field(default_factory=list[SourceOut])


class OrderOut(Out):
    """A work order and how far each edge is with it."""

    id: str
    item: str
    routing: str
    routing_revision: str
    quantity: Amount
    unit: str
    state: str
    priority: int
    due_at: Instant | None
    serial_tracked: bool
    hold_reason: str
    created_at: Instant
    released_at: Instant | None
    closed_at: Instant | None
    steps: list[StepOut]
    moves: list[MoveOut]
    edges: list[EdgeAppliedOut]
    revision: int


class MadeOut(Out):
    """What was made of an order: delivered by its last operation, the rest of all operations."""

    delivered: Amount
    scrap: Amount
    suspect: Amount


class OrderRowOut(OrderOut):
    """An order in the list.

    Attributes:
        made: Null before the order's first release.
    """

    made: MadeOut | None


class OrderProgressOut(Out):
    """Progress of an order by operation, and as a whole by its last operation."""

    order: str
    item: str
    quantity: Amount
    state: str
    delivered: Amount
    operations: list[ProgressOut]
