"""Orders at a station: start, pause, finish, what is declared, spans told afterwards."""

from __future__ import annotations

from decimal import Decimal

from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import OperationStep, WorkOrder
from lineside.contracts.events import (
    Event,
    MachineState,
    OrderFinished,
    OrderPaused,
    OrderStarted,
    SetupStarted,
    StateChanged,
)
from lineside.contracts.units import Outcome, Quantity
from lineside.edge_agent.projections.floor import JobOn
from lineside.edge_agent.projections.progress import content_of
from lineside.edge_agent.terminal.finishing import quantity_event
from lineside.edge_agent.terminal.first_pieces import marks
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)

_STATES = (
    ({"production", "rework"}, MachineState.RUN),
    ({"setup"}, MachineState.SETUP),
    ({"breakdown"}, MachineState.FAIL),
)


def workable(
    s: Situation, order: str, operation: str, *, rework: bool = False
) -> tuple[WorkOrder, OperationStep] | Decision:
    """The order and the operation that this station may do for it, or the refusal."""
    known = s.plant.order(order)
    if known is None:
        return refused("order.unknown", order=order)
    if known.state in {"held", "cancelled"} or (known.state == "finished" and not rework):
        return refused(f"order.{known.state}", order=order, item=known.item)
    here = [step for step in known.steps if s.station.id in step.stations]
    if not here:
        where = ", ".join(sorted({name for step in known.steps for name in step.stations}))
        return refused("order.not_here", order=order, where=where, station=s.station.id)
    if operation:
        here = [step for step in here if step.operation == operation]
        if not here:
            return refused("order.wrong_operation", order=order, operation=operation)
    mine = [step for step in here if step.edge in {"", s.edge}]
    if not mine:
        return refused("order.other_edge", order=order, edge=here[0].edge)
    undone = [step for step in mine if not s.progress.of(order, step.operation).complete]
    return known, (undone or mine)[0]


def start_order(
    s: Situation,
    *,
    order: str,
    operation: str = "",
    activity: str = "production",
    booking: str = "",
) -> Decision:
    """An order operation begins here; of a running one the question is what next."""
    found = workable(s, order, operation, rework=activity == "rework")
    if isinstance(found, Decision):
        return found
    known, step = found
    running = s.state.job_of(order, step.operation)
    if running is not None and not s.station.parallel and running.activity == activity:
        return _running(s, running)
    exclusive = not s.station.parallel
    events: list[Event] = []
    left = dict(s.state.floor.jobs)
    if exclusive:
        same = (order, step.operation)
        events += [
            s.tell(OrderPaused, order=job.order, operation=job.operation, booking=job.booking)
            for job in left.values()
            if (job.order, job.operation) != same
        ]
        left.clear()
    flags = ("overlap",) if left else ()
    if activity == "setup":
        events.append(s.tell(SetupStarted, order=order, operation=step.operation))
    events.append(
        s.tell(
            OrderStarted,
            order=order,
            operation=step.operation,
            item=known.item,
            ideal_cycle_s=step.ideal_cycle_s,
            planned_quantity=known.quantity,
            booking=booking,
            activity=activity,
            exclusive=exclusive,
            used=s.used(order),
            flags=flags,
        )
    )
    events += state_events(s, [*(job.activity for job in left.values()), activity])
    return accepted("order.started", events, order=order, operation=step.operation, item=known.item)


def _running(s: Situation, job: JobOn) -> Decision:
    if s.confirm == "pause":
        return pause_order(s, order=job.order, operation=job.operation, booking=job.booking)
    if s.confirm == "finish":
        return finish_order(s, order=job.order, operation=job.operation, booking=job.booking)
    options = [
        option("pause", "暂停", "Pause", "CMD-PAUSE"),
        option("finish", "完工", "Finish", "CMD-FINISH"),
        CANCEL,
    ]
    return ask("order.running", options, order=job.order, operation=job.operation)


def state_events(s: Situation, activities: list[str]) -> list[Event]:
    """The station's state where people's acts give it."""
    if s.station.state_from != "acts":
        return []
    state = next((state for names, state in _STATES if names & set(activities)), MachineState.IDLE)
    if s.state.state == state.value:
        return []
    return [s.tell(StateChanged, state=state)]


def _job(s: Situation, order: str, operation: str, booking: str) -> JobOn | Decision:
    """The running booking that is meant."""
    jobs = [
        job
        for job in s.state.floor.jobs.values()
        if (not order or job.order == order)
        and (not operation or job.operation == operation)
        and (not booking or job.booking == booking)
    ]
    chosen = [job for job in jobs if job.booking == s.confirm]
    if chosen:
        return chosen[0]
    if not jobs:
        return refused("order.not_running", order=order)
    if len(jobs) > 1:
        options = [
            option(job.booking, job.order, job.order, f"CMD-{job.booking}") for job in jobs[:9]
        ]
        return ask("order.which", [*options, CANCEL])
    return jobs[0]


def _others(s: Situation, job: JobOn) -> list[str]:
    return [one.activity for one in s.state.floor.jobs.values() if one.booking != job.booking]


def pause_order(
    s: Situation, *, order: str = "", operation: str = "", booking: str = ""
) -> Decision:
    """The order leaves the station and will come back."""
    job = _job(s, order, operation, booking)
    if isinstance(job, Decision):
        return job
    event = s.tell(OrderPaused, order=job.order, operation=job.operation, booking=job.booking)
    events = [event, *state_events(s, _others(s, job))]
    return accepted("order.paused", events, order=job.order, operation=job.operation)


def finish_order(
    s: Situation,
    *,
    order: str = "",
    operation: str = "",
    booking: str = "",
    completed: Decimal | None = None,
    scrap: Decimal | None = None,
    suspect: Decimal | None = None,
    rework: bool = False,
    complete: bool = True,
) -> Decision:
    """The order leaves the station with what this booking reports."""
    job = _job(s, order, operation, booking)
    if isinstance(job, Decision):
        return job
    quantities = reported(completed, scrap, suspect)
    silent = completed is None and scrap is None and suspect is None
    if silent and s.station.counts_from == "declaration" and job.activity == "production":
        return ask("order.quantity_needed", [CANCEL], order=job.order)
    flags = booking_flags(
        s, job.order, job.operation, quantities,
        span=(job.started_at, s.at), planned=job.planned, own_seq=job.seq, rework=rework,
    )  # fmt: skip
    event = s.tell(
        OrderFinished,
        order=job.order,
        operation=job.operation,
        booking=job.booking,
        complete=complete,
        activity=job.activity,
        quantities=quantities,
        rework=rework,
        flags=flags,
    )
    events = [event, *state_events(s, _others(s, job))]
    return accepted("order.finished", events, order=job.order, operation=job.operation)


def reported(
    completed: Decimal | None, scrap: Decimal | None, suspect: Decimal | None
) -> tuple[Quantity, ...]:
    """What a booking reported, without zeros."""
    amounts = ((completed, Outcome.GOOD), (scrap, Outcome.SCRAP), (suspect, Outcome.SUSPECT))
    return tuple(Quantity(value=value, outcome=outcome) for value, outcome in amounts if value)


def booking_flags(
    s: Situation,
    order: str,
    operation: str,
    quantities: tuple[Quantity, ...],
    *,
    span: tuple[Microseconds, Microseconds],
    planned: Decimal | None,
    own_seq: int = 0,
    rework: bool = False,
) -> tuple[str, ...]:
    """What looks wrong about a booking; it is booked whole all the same, with marks."""
    start, end = span
    flags: set[str] = set()
    if start == end:
        flags.add("zero_span")
    others = [one for one in s.progress.spans(s.station.id, start, end) if one.seq != own_seq]
    content = content_of(quantities, rework=rework)
    for other in others:
        until = other.end if other.end is not None else s.now
        if s.station.parallel and max(start, other.start) < min(end, until):
            flags.add("overlap")
        same = (other.order, other.operation, other.start, other.end, other.content)
        if same == (order, operation, start, end, content):
            flags.add("duplicate")
    good = sum((q.value for q in quantities if q.outcome is Outcome.GOOD), Decimal(0))
    if planned and good and not rework:
        made = s.progress.of(order, operation).good
        if made + good > planned:
            flags.add("over_quantity")
    return tuple(sorted(flags))


def declare(
    s: Situation,
    *,
    kind: str,
    quantity: Decimal,
    unit: str = "pcs",
    order: str = "",
    operation: str = "",
) -> Decision:
    """A person says how many pieces. What the machine counts is not counted again."""
    if kind == "produced" and s.station.counts_from in {"counter", "unit_finished"}:
        return refused("quantity.counted_already", station=s.station.id)
    job = s.state.job_of(order, operation) if order else _only_job(s)
    if order and s.plant.order(order) is None and job is None:
        return refused("order.unknown", order=order)
    named = job.order if job is not None else order
    place = {"order": named, "operation": job.operation if job is not None else operation}
    if not named and kind != "produced":
        return refused("quantity.no_order")
    event = quantity_event(s, kind, quantity, unit=unit, **place)
    made = s.progress.of(named, place["operation"]).good if named else Decimal(0)
    if job is not None and job.planned and kind == "produced" and made + quantity > job.planned:
        event = quantity_event(
            s.changed(flags=(*s.flags, "over_quantity")), kind, quantity, unit=unit, **place
        )
    events: list[Event] = [event]
    if kind == "produced" and named:
        events += marks(s, named, place["operation"], quantity)
    return accepted("quantity.declared", events, quantity=f"{quantity:f}", order=named)


def _only_job(s: Situation) -> JobOn | None:
    jobs = list(s.state.floor.jobs.values())
    return jobs[0] if len(jobs) == 1 else None
