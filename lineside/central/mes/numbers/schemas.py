"""Wire shapes of number series and blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lineside.central.kit.schema import Code, In, Instant, Number, Out

Kind = Literal["serial", "lot", "sscc"]
Prefix = Annotated[str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")]
PerDay = Annotated[int, Field(ge=1, le=1_000_000)]


class SeriesBase(In):
    """What of a series may change.

    Attributes:
        per_day: Numbers that one edge uses in a day; it is kept in stock for 35 days.
        edges: Who gets blocks; empty: every edge.
        active: False: no more blocks, and those at the edges are withdrawn.
    """

    per_day: PerDay
    edges: Annotated[list[Number], Field(default_factory=list, max_length=1000)]
    active: bool = True


class SeriesIn(SeriesBase):
    """A new series. An SSCC has `extension` and `company_prefix`, others `prefix` and `width`."""

    id: Code
    kind: Kind
    item: Annotated[str, Field(max_length=100)] = ""
    prefix: Prefix = ""
    width: Annotated[int, Field(ge=1, le=18)] | None = None
    extension: Annotated[str, Field(pattern=r"^[0-9]$")] = "0"
    company_prefix: Annotated[str, Field(pattern=r"^([0-9]{4,12})?$")] = ""
    first: Annotated[int, Field(ge=0)] = 1


class SeriesOut(Out):
    """A series; `example` is what its first number looks like."""

    id: str
    kind: str
    item: str
    prefix: str
    width: int
    first: int
    per_day: int
    edges: list[str]
    active: bool
    example: str
    created_at: Instant
    revision: int


class BlockIn(In):
    """Numbers wanted for an edge: the next free ones of the series, `count` of them.

    A new series starts at `first`; later blocks continue where the last one ended.
    """

    edge: Number
    kind: Kind
    item: Annotated[str, Field(max_length=100)] = ""
    prefix: Prefix = ""
    width: Annotated[int, Field(ge=1, le=18)]
    count: Annotated[int, Field(ge=1, le=100_000_000)]
    first: Annotated[int, Field(ge=0)] = 1


class BlockOut(Out):
    """Numbers that one edge alone may give; `left` by what it has reported."""

    id: str
    edge: str
    kind: str
    item: str
    prefix: str
    width: int
    first: int
    last: int
    epoch: str
    used_through: int | None
    used_at: Instant | None
    left: int
    withdrawn_at: Instant | None
    created_at: Instant
