"""Quantities, things, and who did what: the nouns inside events."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What became of a quantity."""

    GOOD = "good"
    SCRAP = "scrap"
    STARTUP_SCRAP = "startup_scrap"
    REWORK = "rework"
    SUSPECT = "suspect"
    SAMPLE = "sample"


class Quantity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An amount of something.

    Attributes:
        value: Decimal, in `unit`.
        unit: UN/CEFACT-like short name: `pcs`, `kg`, `m`.
        outcome: What became of it.
    """

    value: Decimal
    unit: str = "pcs"
    outcome: Outcome = Outcome.GOOD


class ThingKind(StrEnum):
    """What kind of thing carries a number."""

    UNIT = "unit"  # one piece with a serial number
    LOT = "lot"
    CARRIER = "carrier"
    TOOL = "tool"
    ITEM = "item"  # an item without own number (bulk)


class Thing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something with a number.

    Serial numbers repeat across items and lots across suppliers, so a number alone names nothing.

    Attributes:
        kind: Unit, lot, carrier, tool.
        item: Item number (what it is).
        id: Serial or lot number, text exactly as scanned.
        issuer: Who gave the number: supplier or own site; empty for our own.
    """

    kind: ThingKind
    item: str
    id: str
    issuer: str = ""


class Certainty(StrEnum):
    """How sure a genealogy link is."""

    THIS_ONE = "this one"
    ONE_OF_THESE = "one of these"


class NumberTaken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number that was taken out of a block which this edge alone may give.

    It is used up with the event that says so, also where that event is taken back later.

    Attributes:
        block: Id of the `NumberBlock`.
        number: The number itself, without prefix and check digit.
    """

    block: str
    number: int


class JobShare(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order operation on a station at a moment.

    Attributes:
        order: Work order number.
        operation: Operation number in the routing, text (`"10"`).
        split: Part of the order when it was split.
        share: Share of the machine's time or counts, 0 < share <= 1.
    """

    order: str
    operation: str = ""
    split: str = ""
    share: Decimal = Decimal(1)


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The events of one act are committed, sent and applied together.

    Attributes:
        id: Made by the client that acted, so that asking twice books once.
        size: Number of events of the act.
    """

    id: str
    size: int = 1


class Used(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Revisions in force when it happened; empty where none applied."""

    order: str = ""
    routing: str = ""
    inspection_plan: str = ""
    program: str = ""
    recipe: str = ""
    configuration: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Lineside answered when somebody asked "may I?".

    Attributes:
        allowed: Whether it was allowed.
        code: Stable dotted name of the reason, e.g. `scan.wrong_item`.
        degraded: What was not known when it was allowed all the same (a missing passport).
        overridden_by: Person who allowed it against the rule.
    """

    allowed: bool
    code: str = ""
    degraded: str = ""
    overridden_by: str = ""


class EventRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The identity of a journal event."""

    edge: str
    epoch: str
    seq: int
    lane: str = "facts"
