"""Defects, dispositions, inspections: each bad piece is counted once, by whoever counts here."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lineside.contracts.events import DefectRecorded, Event, Inspected, Measured, UnitDisposed
from lineside.contracts.units import Outcome, Quantity
from lineside.edge_agent.projections.floor import OpenUnit
from lineside.edge_agent.terminal.acts import MeasuredValue
from lineside.edge_agent.terminal.finishing import (
    ONE,
    counted_roles,
    finish_events,
    quantity_event,
)
from lineside.edge_agent.terminal.first_pieces import marked_as
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)
from lineside.edge_agent.terminal.unit_acts import candidates, piece

OPTIONS_MAX = 24


def record_defect(
    s: Situation,
    *,
    code: str = "",
    serial: str = "",
    quantity: Decimal | None = None,
    scrap: bool = True,
    text: str = "",
) -> Decision:
    """Something is wrong with a piece, or with a number of pieces."""
    chosen = code or s.confirm
    defects = s.plant.reasons.defects
    if not chosen:
        options = [
            option(name, zh, en, f"CMD-DEFECT-{name}")
            for name, (zh, en) in list(defects.items())[:OPTIONS_MAX]
        ]
        return ask("defect.which", [*options, CANCEL])
    if defects and chosen not in defects:
        return refused("defect.unknown_code", code=chosen)
    unit = _unit(s, serial) if serial or quantity is None else None
    if serial and unit is None:
        return refused("unit.unknown", serial=serial)
    if unit is not None:
        return _of_unit(s, unit, chosen, scrap=scrap, text=text)
    return _of_pieces(s, quantity or ONE, chosen, scrap=scrap, text=text)


def _unit(s: Situation, serial: str) -> OpenUnit | None:
    """The piece that is meant: the named one, else the one in work, else the one finished last."""
    units = s.state.floor.units
    if not serial:
        return units[0] if units else s.state.last_finished
    found = next((unit for unit in units if unit.serial == serial), None)
    if found is not None:
        return found
    last = s.state.last_finished
    if last is not None and last.serial == serial:
        return last
    for item in dict.fromkeys([*s.units.items_of(serial), *candidates(s, serial)]):
        steps = s.units.steps(item, serial)
        if steps:
            done = steps[-1]
            return OpenUnit(
                item=item,
                serial=serial,
                order=done.order,
                operation=done.operation,
                since=done.started_at,
                attempt=done.attempt,
            )
    return None


def _of_unit(s: Situation, found: OpenUnit, code: str, *, scrap: bool, text: str) -> Decision:
    place = {"order": found.order, "operation": found.operation}
    outcome = Outcome.SCRAP if scrap else Outcome.SUSPECT
    events: list[Event] = [
        s.tell(
            DefectRecorded,
            code=code,
            text=text,
            thing=found.thing,
            quantity=Quantity(value=ONE, outcome=outcome),
            **place,
        )
    ]
    if any(unit.serial == found.serial and unit.item == found.item for unit in s.state.floor.units):
        result = "fail" if scrap else "rework"
        events += finish_events(s, found, result=result, parameters={})
    elif _last_result(s, found) == "pass":
        # What was marked before the release was counted as suspect or scrap then.
        marked = marked_as(s, found.order, found.operation, found.serial)
        kinds = {"": ("scrap", "rework"), "rework": ("rework_scrap", ""), "scrap": ("", "")}[marked]
        if kind := kinds[0] if scrap else kinds[1]:
            events.append(quantity_event(s, kind, ONE, **place))
    if scrap:
        disposed = s.tell(UnitDisposed, unit=found.thing, disposition="scrap", defect=code, **place)
        events.append(disposed)
    return accepted("defect.recorded", events, code=code, serial=found.serial)


def _last_result(s: Situation, unit: OpenUnit) -> str:
    steps = [one for one in s.units.steps(unit.item, unit.serial) if one.finished_at is not None]
    if s.units.fate(unit.item, unit.serial) == "scrap":
        return "scrapped"  # counted when it was thrown away
    return steps[-1].result if steps else ""


def _of_pieces(s: Situation, quantity: Decimal, code: str, *, scrap: bool, text: str) -> Decision:
    job = next(iter(s.state.floor.jobs.values()), None)
    if job is None:
        return refused("quantity.no_order")
    place = {"order": job.order, "operation": job.operation}
    kind, outcome = ("scrap", Outcome.SCRAP) if scrap else ("rework", Outcome.SUSPECT)
    amount = Quantity(value=quantity, outcome=outcome)
    events: list[Event] = [s.tell(DefectRecorded, code=code, text=text, quantity=amount, **place)]
    if kind not in {role.value for role in counted_roles(s)}:
        events.append(quantity_event(s, kind, quantity, **place))
    return accepted("defect.recorded", events, code=code, serial=f"{quantity:f}")


def inspect(
    s: Situation, *, serial: str, passed: bool, values: Sequence[MeasuredValue], plan: str
) -> Decision:
    """A piece was inspected, maybe measured."""
    found = _unit(s, serial)
    items = candidates(s, serial)
    if found is None and not items:
        return refused("unit.unknown", serial=serial)
    thing = found.thing if found is not None else piece(items[0], serial)
    job = next(iter(s.state.floor.jobs.values()), None)
    order = found.order if found is not None else job.order if job else ""
    operation = found.operation if found is not None else job.operation if job else ""
    events: list[Event] = [
        s.tell(
            Measured,
            thing=thing,
            characteristic=value.characteristic,
            value=value.value,
            unit=value.unit,
            lower=value.lower,
            upper=value.upper,
            gauge=value.gauge,
            order=order,
            operation=operation,
        )
        for value in values
    ]
    events.append(
        s.tell(Inspected, thing=thing, passed=passed, order=order, operation=operation, plan=plan)
    )
    return accepted(
        "inspection.recorded", events, serial=serial, result="pass" if passed else "fail"
    )
