"""The facts that figures are made of, one small struct a kind.

A fact knows its unit (the station), when it happened (`at`), since when we know it (`known_at`, R1)
and its place in the journal (`seq` within `edge`). Facts are sorted by (`at`, `seq`) (R2); nothing
is edited: a correction is a `VoidFact` and new facts, both with their own `known_at`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from lineside.contracts.clock import Microseconds

QUANTITY_KINDS = ("produced", "scrap", "rework", "rework_scrap", "rework_good")


class Job(NamedTuple):
    """An order operation; the operation is empty where only orders are told apart."""

    order: str
    operation: str = ""


Shares = tuple[tuple[Job, Decimal], ...]


class Fact(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """What every fact carries.

    Attributes:
        unit: Station.
        at: When it happened, microseconds UTC.
        known_at: When it was recorded; it counts for every `as_of` at or after it.
        seq: Number in the journal of `edge`.
        edge: Whose numbering `seq` is; `edge/epoch` where several journals of an edge are read
            together.
    """

    unit: str
    at: Microseconds
    known_at: Microseconds
    seq: int
    edge: str = ""


class StateFact(Fact, frozen=True, kw_only=True, gc=False):
    """The unit is in a state from `at` until the next one; `detail`: blocked, starved, a code."""

    state: str
    detail: str = ""


class OrderStartFact(Fact, frozen=True, kw_only=True, gc=False):
    """An order is on the unit from `at` on.

    Attributes:
        pri: Ideal time per item in force, seconds.
        exclusive: R9; False: a booking beside others, closed by its own end.
        until: End of a booking told afterwards as a whole; only where not exclusive.
    """

    job: Job
    item: str = ""
    pri: Decimal = Decimal(0)
    booking: str = ""
    exclusive: bool = True
    until: Microseconds | None = None
    activity: str = "production"


class OrderEndFact(Fact, frozen=True, kw_only=True, gc=False):
    """An order leaves the unit; ignored when it is not there."""

    job: Job
    booking: str = ""


class CounterFact(Fact, frozen=True, kw_only=True, gc=False):
    """A counter showed a value, or (`is_reset`) is known to have been set to it."""

    counter: str
    value: int
    role: str
    modulus: int
    max_per_min: Decimal
    pieces: Decimal = Decimal(1)
    resetting: bool = False
    is_reset: bool = False
    jobs: Shares = ()


class QuantityFact(Fact, frozen=True, kw_only=True, gc=False):
    """A declared amount, complete at `at` (R14, R18).

    Attributes:
        kind: One of `QUANTITY_KINDS`.
        jobs: Orders that were named with it, with shares; empty: the one on the unit at `at`.
    """

    kind: str
    amount: Decimal
    jobs: Shares = ()


class InspectionFact(Fact, frozen=True, kw_only=True, gc=False):
    """One inspection of one piece."""

    serial: str
    passed: bool
    item: str = ""
    job: Job = Job("")


class ReasonFact(Fact, frozen=True, kw_only=True, gc=False):
    """Delay in `[at, until)` has a reason; without `until` the whole rest of the state at `at`."""

    code: str
    until: Microseconds | None = None


class PlannedFact(Fact, frozen=True, kw_only=True, gc=False):
    """The unit is planned to stand in `[at, until)` (R7)."""

    until: Microseconds
    code: str = ""


class MoveFact(Fact, frozen=True, kw_only=True, gc=False):
    """What `source` had in `[at, until)` belongs to `target`; order "": time without order."""

    until: Microseconds
    source: Job
    target: Job
    item: str = ""
    pri: Decimal = Decimal(0)


class VoidFact(Fact, frozen=True, kw_only=True, gc=False):
    """The facts of an event did not happen, as known from `known_at` on."""

    target_edge: str
    target_seq: int


AnyFact = (
    StateFact
    | OrderStartFact
    | OrderEndFact
    | CounterFact
    | QuantityFact
    | InspectionFact
    | ReasonFact
    | PlannedFact
    | MoveFact
    | VoidFact
)
