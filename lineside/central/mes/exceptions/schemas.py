"""Shapes of exceptions at the rim."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from lineside.central.kit.schema import Code, In, Instant, Out

Kind = Literal["unknown_order", "superseded_revision", "ended_order", "two_stations"]
State = Literal["waiting", "open", "closed"]
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class ExceptionText(Out):
    """The same sentence in Chinese and English."""

    zh: str
    en: str


class ExceptionOut(Out):
    """Something that does not fit.

    Attributes:
        entity: The order, or the piece with its operation.
        edge, station, seq: Where, and by which fact it shows.
        due_at: When it stops waiting.
    """

    kind: Kind
    entity: str
    edge: str
    station: str
    seq: int
    occurred_at: Instant
    due_at: Instant
    state: State
    text: ExceptionText
    closed_at: Instant | None
    closed_by: str
    reason: str


class ExceptionsOut(Out):
    """The newest first; `more`: there are others than those shown."""

    items: list[ExceptionOut]
    more: bool


class CloseIn(In):
    """Which exception was looked at, and what was found."""

    kind: Kind
    entity: Words
    edge: Code
    reason: Words
