"""Wire shapes of lots and holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lineside.central.kit.schema import Amount, Code, In, Instant, Number, Out, Text
from lineside.central.mes.orders.service import EdgeAppliedOut


class LotIn(In):
    """A new lot; `issuer` is the supplier, empty for our own."""

    item: Number
    lot: Number
    issuer: Annotated[str, Field(max_length=100)] = ""
    quantity: Annotated[Amount, Field(ge=0)] | None = None
    unit: Code = "pcs"
    status: Literal["released", "held", "blocked"] = "released"


class LotPatch(In):
    """What changes of a lot."""

    item: Number
    lot: Number
    issuer: Annotated[str, Field(max_length=100)] = ""
    quantity: Annotated[Amount, Field(ge=0)] | None = None
    status: Literal["released", "held", "blocked", "used_up"] | None = None


class LotOut(Out):
    """A lot."""

    item: str
    lot: str
    issuer: str
    quantity: Amount | None
    unit: str
    status: str
    source: str
    order_no: str
    created_at: Instant
    changed_at: Instant
    revision: int


class HoldIn(In):
    """A thing that may not be used. An empty item means: whatever item has this number."""

    kind: Literal["unit", "lot", "carrier", "tool"]
    item: Annotated[str, Field(max_length=100)] = ""
    id: Number
    issuer: Annotated[str, Field(max_length=100)] = ""
    reason: Text


class HoldOut(Out):
    """A hold, and the edges that have not yet confirmed it."""

    id: str
    kind: str
    item: str
    thing_id: str
    issuer: str
    reason: str
    since: Instant
    held_by: str
    source: str
    released_at: Instant | None
    released_by: str
    edges: list[EdgeAppliedOut]
    not_confirmed: list[str]
    revision: int
