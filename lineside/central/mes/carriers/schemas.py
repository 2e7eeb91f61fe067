"""Wire shapes of carriers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lineside.central.kit.schema import Amount, Code, In, Instant, Out
from lineside.contracts.scancode import UnsafePatternError, compile_pattern


class CarrierTypeBase(In):
    """What may travel in the carriers of a type.

    Attributes:
        pattern: Regular expression of their numbers (linear-time subset); empty: all carriers of no
            other type.
        capacity: Largest total quantity; null: no limit.
        item_mix, order_mix: Whether different items, and pieces of different orders, may be
            together.
        active: False: no edge knows the type any more.
    """

    name: Annotated[str, Field(max_length=200)] = ""
    name_zh: Annotated[str, Field(max_length=200)] = ""
    pattern: Annotated[str, Field(max_length=500)] = ""
    capacity: Annotated[Amount, Field(gt=0)] | None = None
    item_mix: bool = False
    order_mix: bool = False
    active: bool = True

    @field_validator("pattern")
    @classmethod
    def _safe(cls, pattern: str) -> str:
        if pattern:
            try:
                compile_pattern(pattern)
            except UnsafePatternError as problem:
                raise ValueError(str(problem)) from problem
        return pattern


class CarrierTypeIn(CarrierTypeBase):
    """A new type."""

    id: Code


class CarrierTypeOut(Out):
    """A type of carriers."""

    id: str
    name: str
    name_zh: str
    pattern: str
    capacity: Amount | None
    item_mix: bool
    order_mix: bool
    active: bool
    revision: int


class ContentOut(Out):
    """One thing in a carrier."""

    kind: str
    item: str
    id: str
    issuer: str
    quantity: Amount
    unit: str
    order: str


class EventOut(Out):
    """The event that proves it."""

    edge: str
    epoch: str
    seq: int


class MoveOut(Out):
    """Something went `in` or came `out`."""

    direction: str
    occurred_at: Instant
    kind: str
    item: str
    id: str
    issuer: str
    quantity: Amount
    unit: str
    order: str
    voided: bool
    evidence: EventOut


class CarrierOut(Out):
    """A carrier: what is in it, at a moment or now, and everything that went in and out."""

    carrier: str
    as_of: Instant
    contents: list[ContentOut]
    moves: list[MoveOut]
    truncated: bool
