"""What follows when a piece is finished: consumption, inspection, counts, the first piece."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lineside.contracts.commands import OperationStep
from lineside.contracts.events import (
    Consumed,
    CounterRole,
    Event,
    FirstPiecePresented,
    Inspected,
    QuantityDeclared,
    UnitFinished,
)
from lineside.contracts.units import Certainty, Outcome, Quantity
from lineside.edge_agent.projections.floor import Mount, OpenUnit
from lineside.edge_agent.terminal.first_pieces import first_piece_state, marks
from lineside.edge_agent.terminal.situation import Situation

OUTCOMES = {
    "produced": Outcome.GOOD,
    "scrap": Outcome.SCRAP,
    "rework": Outcome.REWORK,
    "rework_scrap": Outcome.SCRAP,
    "rework_good": Outcome.GOOD,
}
ONE = Decimal(1)


def finish_events(
    s: Situation, unit: OpenUnit, *, result: str, parameters: Mapping[str, str]
) -> list[Event]:
    """Everything that one finished piece means, in one act.

    Args:
        s: The station at the moment when it was finished.
        unit: The piece, as it was started.
        result: `pass`, `fail`, `rework`.
        parameters: Values captured for it.
    """
    order = s.plant.order(unit.order)
    step = s.plant.step(unit.order, unit.operation)
    last = order is not None and bool(order.steps) and order.steps[-1].operation == unit.operation
    place = {"order": unit.order, "operation": unit.operation}
    events: list[Event] = [
        s.tell(
            UnitFinished,
            unit=unit.thing,
            result=result,
            attempt=unit.attempt,
            parameters=dict(parameters),
            last_operation=last and result == "pass",
            used=s.used(unit.order),
            **place,
        )
    ]
    if step is not None and unit.attempt == 1:
        events += consumption(s, unit, step)
    if step is not None and step.inspected:
        passed = result == "pass"
        events.append(s.tell(Inspected, thing=unit.thing, passed=passed, **place))
    events += _counts(s, unit, result)
    if step is not None and result == "pass" and first_piece_state(s, unit.order, step) == "needed":
        events.append(s.tell(FirstPiecePresented, serial=unit.serial, **place))
    return events


def mount_for(s: Situation, step_position: str, item: str) -> tuple[str, Mount] | None:
    """Position and lot from which a component is taken."""
    for position, mount in s.state.floor.mounts.items():
        if step_position and position != step_position:
            continue
        if mount.material.item == item:
            return position, mount
    return None


def consumption(s: Situation, unit: OpenUnit, step: OperationStep) -> list[Event]:
    """What a piece took from mounted lots.

    The first piece after a change of lots may hold either: both are linked as `one of these`, and
        the
    amount is booked on the lot that is there now.
    """
    events: list[Event] = []
    for need in step.components:
        found = mount_for(s, need.position, need.item) if need.tracking == "lot" else None
        if found is None:
            continue
        position, mount = found
        unsure = mount.previous is not None
        certainty = Certainty.ONE_OF_THESE if unsure else Certainty.THIS_ONE
        lots = [(mount.material, need.quantity)]
        if mount.previous is not None:
            lots.insert(0, (mount.previous, Decimal(0)))
        events += [
            s.tell(
                Consumed,
                position=position,
                material=material,
                quantity=Quantity(value=amount, unit=need.unit),
                into=unit.thing,
                certainty=certainty,
                order=unit.order,
                operation=unit.operation,
            )
            for material, amount in lots
        ]
    return events


def quantity_event(
    s: Situation, kind: str, amount: Decimal, *, order: str, operation: str, unit: str = "pcs"
) -> QuantityDeclared:
    """A quantity of an order operation."""
    job = s.state.job_of(order, operation)
    known = s.plant.order(order)
    item = job.item if job is not None else known.item if known is not None else ""
    return s.tell(
        QuantityDeclared,
        kind=kind,
        quantity=Quantity(value=amount, unit=unit, outcome=OUTCOMES[kind]),
        order=order,
        operation=operation,
        item=item,
        booking=job.booking if job is not None else "",
    )


def counted_roles(s: Situation) -> set[CounterRole]:
    """What the station's counters count by themselves."""
    if s.station.counts_from != "counter":
        return set()
    return {counter.role for counter in s.station.counter}


def _counts(s: Situation, unit: OpenUnit, result: str) -> list[Event]:
    """Quantities that no counter tells: each piece is counted once, by the declared source."""
    kinds: list[str] = []
    if s.station.counts_from == "unit_finished":
        if unit.attempt == 1:
            kinds.append("produced")
            kinds += {"fail": ["scrap"], "rework": ["rework"]}.get(result, [])
        else:
            kinds += {"pass": ["rework_good"], "fail": ["rework_scrap"]}.get(result, [])
    elif s.station.counts_from == "counter" and result != "pass":
        role = CounterRole.SCRAP if result == "fail" else CounterRole.REWORK
        if role not in counted_roles(s):
            kinds.append(role.value)
    events: list[Event] = [
        quantity_event(s, kind, ONE, order=unit.order, operation=unit.operation) for kind in kinds
    ]
    if kinds == ["produced"]:
        events += marks(s, unit.order, unit.operation, ONE, unit.thing)
    return events
