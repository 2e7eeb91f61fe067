"""Pieces with numbers: may this one be processed here? Begun, built in, finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lineside.contracts.commands import ComponentNeed, OperationStep
from lineside.contracts.events import ComponentFitted, Event, UnitStarted
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.projections.floor import JobOn, OpenUnit
from lineside.edge_agent.terminal.finishing import finish_events, first_piece_state
from lineside.edge_agent.terminal.material_acts import missing_material
from lineside.edge_agent.terminal.route import before_here, missing_rule
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted, refused


def piece(item: str, serial: str) -> Thing:
    """A piece with a number of ours."""
    return Thing(kind=ThingKind.UNIT, item=item, id=serial)


def candidates(s: Situation, serial: str) -> list[str]:
    """Items that a bare number can be of, best first: known ones, then those whose form it has."""
    wanted = list(dict.fromkeys([*(job.item for job in s.state.floor.jobs.values()), *parts(s)]))
    known = {*s.units.items_of(serial), *(one.unit.item for one in s.plant.passports(serial))}
    fitting = [item for item in wanted if s.plant.fits(item, serial) is True]
    free = [item for item in wanted if s.plant.fits(item, serial) is None]
    first = [item for item in wanted if item in known]
    rest = sorted(known - set(wanted))
    if first or fitting:
        return list(dict.fromkeys([*first, *fitting]))
    return list(dict.fromkeys([*rest, *free]))


def parts(s: Situation) -> list[str]:
    """Items that are scanned as components here."""
    found: list[str] = []
    for job in s.state.floor.jobs.values():
        step = s.step_of(job)
        if step is not None:
            found += [need.item for need in step.components if need.tracking == "serial"]
    return found


def unit_scanned(s: Situation, serial: str, item: str = "") -> Decision:
    """The question of the terminal: may I process this part? With the reason, either way."""
    late = _late(s, serial, item)
    if late is not None:
        return late
    if not s.state.floor.jobs:
        return refused("unit.no_order", serial=serial)
    items = [item] if item else candidates(s, serial)
    if not items:
        expected = ", ".join(sorted({job.item for job in s.state.floor.jobs.values()}))
        return refused("unit.bad_number", serial=serial, expected=expected)
    jobs = [job for job in s.state.floor.jobs.values() if job.item in items]
    if jobs:
        return _main(s, jobs[0], serial)
    fitting = [name for name in parts(s) if name in items]
    if fitting:
        return fit(s, component=serial, component_item=fitting[0])
    expected = ", ".join(sorted({job.item for job in s.state.floor.jobs.values()}))
    return refused("unit.wrong_product", serial=serial, item=items[0], expected=expected)


def _late(s: Situation, serial: str, item: str) -> Decision | None:
    """A piece of an order that is closed: said so, unless it is here for that order's rework.

    Central withdraws the passports of a closed order that nothing open here needs.
    """
    running = {job.order for job in s.state.floor.jobs.values()}
    items = {item} if item else {*s.units.items_of(serial)}
    if any(one.unit.item == item or not item for one in s.plant.passports(serial)):
        return None
    for one in s.plant.closed_orders(serial):
        if (not item or one.item == item) and one.order not in running:
            return refused("unit.order_closed", serial=serial, order=one.order, state=one.state)
    if running:
        return None  # the station's order decides; of a piece that was done here it says so
    for name in sorted(items):
        steps = s.units.steps(name, serial)
        order = s.plant.order(steps[-1].order) if steps else None
        if order is not None and order.state in {"finished", "cancelled"}:
            return refused("unit.order_closed", serial=serial, order=order.order, state=order.state)
    return None


def _main(s: Situation, job: JobOn, serial: str) -> Decision:
    unit = _in_work(s, job.item, serial)
    if unit is not None:
        if any(trigger.finishes_unit for trigger in s.station.trigger):
            return refused("unit.in_work", serial=serial)
        return finish_unit(s, unit=unit)
    return start_unit(s, job, serial)


def _in_work(s: Situation, item: str, serial: str) -> OpenUnit | None:
    for unit in s.state.floor.units:
        if unit.serial == serial and (not item or unit.item == item):
            return unit
    return None


def start_unit(s: Situation, job: JobOn, serial: str) -> Decision:
    """A piece begins the operation here, if everything that must be is so."""
    step = s.step_of(job)
    if step is None:
        return refused("order.unknown", order=job.order)
    if s.plant.fits(job.item, serial) is False:
        return refused("unit.bad_number", serial=serial, expected=job.item)
    unit = piece(job.item, serial)
    wrong = usable(s, unit) or _ready(s, job, step) or missing_material(s, step)
    if wrong is not None:
        return wrong
    before = before_here(s, unit, job, step)
    if before.refusal is not None:
        return before.refusal
    event = s.tell(
        UnitStarted,
        unit=unit,
        order=job.order,
        operation=job.operation,
        attempt=before.attempt,
        used=s.used(job.order),
        flags=("degraded",) if before.degraded else (),
    )
    decision = accepted(
        "unit.started", [event], serial=serial, item=job.item, order=job.order,
        operation=job.operation, passed=before.passed or "-",
    )  # fmt: skip
    return replace(decision, degraded=before.degraded)


def usable(s: Situation, unit: Thing) -> Decision | None:
    """Held, scrapped and built-in pieces are refused, whatever else is true."""
    if held := s.held(unit):
        return refused("unit.held", serial=unit.id, reason=held)
    passport = s.plant.passport(unit.item, unit.id)
    status = passport.status if passport is not None else ""
    if status == "held":
        return refused("unit.held", serial=unit.id, reason=status)
    fate = s.units.fate(unit.item, unit.id)
    if fate == "scrap" or (status == "scrapped" and not fate):
        return refused("unit.scrapped", serial=unit.id)
    into = s.units.built_into(unit.item, unit.id)
    into = into or (passport.consumed_by if passport is not None else "")
    return refused("unit.built_in", serial=unit.id, into=into) if into else None


def _ready(s: Situation, job: JobOn, step: OperationStep) -> Decision | None:
    """Whether the station may begin a piece at all."""
    order = s.plant.order(job.order)
    if order is not None and order.state in {"held", "cancelled"}:
        return refused(f"order.{order.state}", order=job.order, item=job.item)
    if first_piece_state(s, job.order, step) == "presented":
        return refused("first_piece.waiting", order=job.order)
    if not s.station.parallel and s.state.floor.units:
        other = s.state.floor.units[0]
        return refused("unit.other_in_work", serial=other.serial, operation=other.operation)
    return None


def missing_parts(s: Situation, unit: OpenUnit) -> list[str]:
    """Component items that must still be built in, one entry a piece."""
    step = s.plant.step(unit.order, unit.operation)
    if step is None:
        return []
    missing: list[str] = []
    for need in step.components:
        if need.tracking == "serial":
            there = len(unit.fitted.get(need.item, []))
            missing += [need.item] * (int(need.quantity) - there)
    return missing


def _need(s: Situation, unit: OpenUnit, item: str) -> ComponentNeed | None:
    step = s.plant.step(unit.order, unit.operation)
    if step is None:
        return None
    return next((one for one in step.components if one.item == item), None)


def fit(s: Situation, *, component: str, component_item: str = "", unit: str = "") -> Decision:
    """A piece with its own number is built into the one in work."""
    open_units = [one for one in s.state.floor.units if not unit or one.serial == unit]
    items = [component_item] if component_item else candidates(s, component)
    target = next((one for one in open_units if set(missing_parts(s, one)) & set(items)), None)
    if target is None:
        if not s.state.floor.units:
            return refused("unit.scan_parent_first", serial=component)
        return refused("unit.part_not_needed", serial=component, item=", ".join(items) or "-")
    item = next(name for name in items if name in missing_parts(s, target))
    thing = piece(item, component)
    if s.plant.fits(item, component) is False:
        return refused("unit.bad_number", serial=component, expected=item)
    if (wrong := usable(s, thing)) is not None:
        return wrong
    need = _need(s, target, item)
    step = s.plant.step(target.order, target.operation)
    known = _finished_elsewhere(s, thing)
    degraded = ""
    if known is not True and step is not None:
        rule = s.station.missing_passport or step.missing_passport
        verdict = _unknown_part(s, component, known=known, rule=rule)
        if verdict is not None:
            return verdict
        degraded = "unit_passport"
    event = s.tell(
        ComponentFitted,
        position=need.position if need is not None else "",
        component=thing,
        into=target.thing,
        order=target.order,
        operation=target.operation,
        flags=("degraded",) if degraded else (),
    )
    decision = accepted("unit.fitted", [event], serial=component, into=target.serial, item=item)
    return replace(decision, degraded=degraded)


def _finished_elsewhere(s: Situation, part: Thing) -> bool | None:
    """Whether a component is a finished product; None: nobody here knows.

    A passport is a copy: what was in process when it was made may be finished since, and while
        central
    is away no newer copy comes. So it is not known then, and the station's rule decides.
    """
    passport = s.plant.passport(part.item, part.id)
    if passport is not None:
        return None if passport.status == "in_process" else passport.status == "finished"
    steps = s.units.steps(part.item, part.id)
    if not steps:
        return None
    last = steps[-1]
    order = s.plant.order(last.order)
    through = order is None or not order.steps or order.steps[-1].operation == last.operation
    return through and last.result == "pass"


def _unknown_part(s: Situation, serial: str, *, known: bool | None, rule: str) -> Decision | None:
    if known is False:
        return None if s.overrides() else refused("unit.part_not_finished", serial=serial)
    return missing_rule(s, rule, serial=serial)


def finish_unit(
    s: Situation,
    *,
    unit: OpenUnit | None = None,
    serial: str = "",
    result: str = "pass",
    parameters: Mapping[str, str] | None = None,
) -> Decision:
    """The piece in work is finished here; what must be in it has to be in it."""
    units = s.state.floor.units
    found = unit or (_in_work(s, "", serial) if serial else units[0] if units else None)
    if found is None:
        return refused("unit.not_in_work", serial=serial or "-")
    if result == "pass" and (missing := missing_parts(s, found)):
        return refused("unit.parts_missing", serial=found.serial, missing=", ".join(missing))
    events: list[Event] = finish_events(s, found, result=result, parameters=parameters or {})
    return accepted(
        f"unit.finished_{result}", events, serial=found.serial, item=found.item, order=found.order,
        operation=found.operation,
    )  # fmt: skip
