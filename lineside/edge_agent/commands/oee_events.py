"""Events of the vector format as journal events: what a line would have recorded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from lineside.contracts.clock import Microseconds
from lineside.contracts.events import (
    CounterRead,
    CounterReset,
    CounterRole,
    Event,
    Inspected,
    MachineState,
    OrderFinished,
    OrderStarted,
    QuantityDeclared,
    Source,
    StateChanged,
)
from lineside.contracts.kpi.facts import QUANTITY_KINDS
from lineside.contracts.units import Act, Outcome, Quantity, Thing, ThingKind

DEFAULT_UNIT = "U1"
TYPES = ("state", "order_start", "order_end", "counter", "counter_reset", "quantity", "inspection")
_OUTCOMES = {
    "produced": Outcome.GOOD,
    "scrap": Outcome.SCRAP,
    "rework": Outcome.REWORK,
    "rework_scrap": Outcome.SCRAP,
    "rework_good": Outcome.GOOD,
}


class EventFields(Protocol):
    """One event of a case as read from JSON; every method refuses what is no such value."""

    found: dict[str, Any]

    def text(self, key: str) -> str:
        """A required text."""
        ...

    def time(self, key: str) -> Microseconds:
        """A required time stamp."""
        ...

    def amount(self, key: str) -> Decimal:
        """A required number."""
        ...

    def whole(self, key: str, least: int = 0) -> int:
        """A required whole number."""
        ...

    def one_of(self, key: str, choices: tuple[str, ...]) -> str:
        """A required word."""
        ...


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """A counter of a case."""

    role: str
    modulus: int
    max_per_min: Decimal


@dataclass(frozen=True, slots=True)
class CaseTables:
    """What events of a case refer to."""

    ideal_cycles: dict[str, Decimal]
    counters: dict[str, CounterSpec]


def event_of(fields: EventFields, tables: CaseTables) -> Event:
    """The journal event of one event of a case; its `eid` becomes the act's id (R3).

    In the format `ts` is both when it happened and when it was known (R1), but for quantities with
    `produced_at`.
    """
    kind = fields.one_of("type", TYPES)
    at = fields.time("ts")
    base: dict[str, Any] = {
        "occurred_at": at,
        "recorded_at": at,
        "station": _optional(fields, "unit") or DEFAULT_UNIT,
    }
    if eid := _optional(fields, "eid"):
        base["act"] = Act(id=eid)
    match kind:
        case "state":
            return _state(fields, base)
        case "order_start" | "order_end":
            return _order(fields, base, tables, starts=kind == "order_start")
        case "counter" | "counter_reset":
            return _counter(fields, base, tables, is_reset=kind == "counter_reset")
        case "quantity":
            return _quantity(fields, base)
        case _:
            passed = fields.one_of("result", ("pass", "fail")) == "pass"
            piece = Thing(kind=ThingKind.UNIT, item="", id=fields.text("serial"))
            return Inspected(**base, thing=piece, passed=passed)


def _optional(fields: EventFields, key: str) -> str:
    return fields.text(key) if fields.found.get(key) is not None else ""


def _state(fields: EventFields, base: dict[str, Any]) -> Event:
    state = MachineState(fields.one_of("state", tuple(MachineState)))
    return StateChanged(**base, state=state, detail=str(fields.found.get("reason") or ""))


def _order(fields: EventFields, base: dict[str, Any], tables: CaseTables, *, starts: bool) -> Event:
    order = fields.text("order")
    if not starts:
        return OrderFinished(**base, order=order)
    product = fields.one_of("product", tuple(tables.ideal_cycles))
    planned = (
        fields.amount("planned_quantity")
        if fields.found.get("planned_quantity") is not None
        else None
    )
    return OrderStarted(
        **base,
        order=order,
        item=product,
        ideal_cycle_s=tables.ideal_cycles[product],
        planned_quantity=planned,
    )


def _counter(
    fields: EventFields, base: dict[str, Any], tables: CaseTables, *, is_reset: bool
) -> Event:
    name = fields.one_of("counter", tuple(tables.counters))
    spec = tables.counters[name]
    known: dict[str, Any] = {
        "counter": name,
        "value": fields.whole("value"),
        "role": CounterRole(spec.role),
        "modulus": spec.modulus,
        "max_per_min": spec.max_per_min,
    }
    return CounterReset(**base, **known) if is_reset else CounterRead(**base, **known)


def _quantity(fields: EventFields, base: dict[str, Any]) -> Event:
    kind = fields.one_of("kind", QUANTITY_KINDS)
    if fields.found.get("produced_at") is not None:
        base["occurred_at"] = fields.time("produced_at")
    return QuantityDeclared(
        **base,
        source=Source.TERMINAL,
        kind=kind,
        quantity=Quantity(value=fields.amount("quantity"), outcome=_OUTCOMES[kind]),
        order=_optional(fields, "order"),
    )
