"""Quality: inspections, measurements, defects, holds."""

from __future__ import annotations

from decimal import Decimal

from lineside.contracts.events.base import Event
from lineside.contracts.units import Quantity, Thing


class DefectRecorded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="defect_recorded"):
    """Something is wrong with pieces; machine, batch, operator and time stand in the base."""

    code: str
    text: str = ""
    thing: Thing | None = None
    quantity: Quantity | None = None
    order: str = ""
    operation: str = ""


class Inspected(Event, frozen=True, kw_only=True, omit_defaults=True, tag="inspected"):
    """One inspection of one piece; only the first of a serial counts for first pass (R21)."""

    thing: Thing
    passed: bool
    order: str = ""
    operation: str = ""
    plan: str = ""


class Measured(Event, frozen=True, kw_only=True, omit_defaults=True, tag="measured"):
    """A characteristic of a piece was measured."""

    thing: Thing
    characteristic: str
    value: Decimal
    unit: str = "mm"
    lower: Decimal | None = None
    upper: Decimal | None = None
    gauge: str = ""
    order: str = ""
    operation: str = ""


class Held(Event, frozen=True, kw_only=True, omit_defaults=True, tag="held"):
    """A thing may not be used; a held lot is always refused."""

    thing: Thing
    hold: str


class Released(Event, frozen=True, kw_only=True, omit_defaults=True, tag="released"):
    """A hold is over."""

    thing: Thing
    hold: str
