"""Journal events as facts: what each event type means to the figures, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.kpi.errors import KpiInputError
from lineside.contracts.kpi.facts import (
    QUANTITY_KINDS,
    AnyFact,
    CounterFact,
    InspectionFact,
    Job,
    MoveFact,
    OrderEndFact,
    OrderStartFact,
    PlannedFact,
    QuantityFact,
    ReasonFact,
    Shares,
    StateFact,
    VoidFact,
)
from lineside.contracts.units import EventRef, JobShare, Outcome


def from_event(event: ev.Event, *, seq: int, edge: str) -> list[AnyFact]:
    """The facts of one journal event; none for events that no figure needs.

    Args:
        event: As read from the journal.
        seq: Its number.
        edge: Whose number that is: the edge, or `edge/epoch` where epochs are read together.

    Returns:
        In the order in which they apply. An event with `voids` or `corrects` first takes back its
        target.

    Raises:
        KpiInputError: A quantity of an unknown kind, or a number that is not finite.
    """
    if type(event) is ev.CounterRead and event.voids is None and event.corrects is None:
        return [_reading(event, seq, edge)]  # by far the most frequent ones
    mapping = _MAPPINGS.get(type(event))
    if mapping is None and event.voids is None and event.corrects is None:
        return []
    base: dict[str, Any] = {
        "unit": event.station,
        "at": event.occurred_at,
        "known_at": event.recorded_at,
        "seq": seq,
        "edge": edge,
    }
    facts: list[AnyFact] = []
    facts += [
        VoidFact(**base, target_edge=_numbering(ref, edge), target_seq=ref.seq)
        for ref in (event.voids, event.corrects)
        if ref is not None
    ]
    if mapping is not None:
        facts += mapping(event, base)
    return facts


def _numbering(ref: EventRef, edge: str) -> str:
    """Name of the numbering that a reference points into, written as the caller writes its own."""
    return f"{ref.edge}/{ref.epoch}" if "/" in edge else ref.edge or edge


def _finite(value: Decimal, event: ev.Event) -> Decimal:
    if not value.is_finite():
        raise KpiInputError(
            f"An event {type(event).__name__} of {event.station} says {value}.",
            hint="Void it and book it again with a number.",
        )
    return value


def _shares(jobs: tuple[JobShare, ...]) -> Shares:
    return tuple((Job(job.order, job.operation), job.share) for job in jobs)


def _state(event: ev.StateChanged, base: dict[str, Any]) -> list[AnyFact]:
    return [StateFact(**base, state=event.state.value, detail=event.detail)]


def _order_started(event: ev.OrderStarted, base: dict[str, Any]) -> list[AnyFact]:
    return [
        OrderStartFact(
            **base,
            job=Job(event.order, event.operation),
            item=event.item,
            pri=_finite(event.ideal_cycle_s, event),
            booking=event.booking,
            exclusive=event.exclusive,
            activity=event.activity,
        )
    ]


def _order_paused(event: ev.OrderPaused, base: dict[str, Any]) -> list[AnyFact]:
    return [OrderEndFact(**base, job=Job(event.order, event.operation), booking=event.booking)]


def _order_finished(event: ev.OrderFinished, base: dict[str, Any]) -> list[AnyFact]:
    job = Job(event.order, event.operation)
    return [
        *_reported(event, job, base),
        OrderEndFact(**base, job=job, booking=event.booking),
    ]


def _span_declared(event: ev.SpanDeclared, base: dict[str, Any]) -> list[AnyFact]:
    job = Job(event.order, event.operation)
    until = event.occurred_until if event.occurred_until is not None else event.occurred_at
    return [
        OrderStartFact(
            **base,
            job=job,
            item=event.item,
            booking=event.booking,
            exclusive=False,
            until=until,
            activity=event.activity,
        ),
        *_reported(event, job, {**base, "at": until}),
    ]


def _reported(
    event: ev.OrderFinished | ev.SpanDeclared, job: Job, base: dict[str, Any]
) -> list[AnyFact]:
    """What a booking reported at its end, by outcome; produced includes the bad ones."""
    kinds = _REWORK_KINDS if event.rework else _OUTCOME_KINDS
    jobs = ((job, Decimal(1)),)
    return [
        QuantityFact(**base, kind=kind, amount=_finite(quantity.value, event), jobs=jobs)
        for quantity in event.quantities
        for kind in kinds[quantity.outcome]
    ]


_OUTCOME_KINDS: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("produced",),
    Outcome.SCRAP: ("produced", "scrap"),
    Outcome.STARTUP_SCRAP: ("produced", "scrap"),
    Outcome.REWORK: ("produced", "rework"),
    Outcome.SUSPECT: ("produced", "rework"),  # not good until somebody decides
    Outcome.SAMPLE: ("produced", "scrap"),  # made, and will never be delivered
}
_REWORK_KINDS: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("rework_good",),
    Outcome.SCRAP: ("rework_scrap",),
    Outcome.STARTUP_SCRAP: ("rework_scrap",),
    Outcome.REWORK: (),  # still in rework, where it was counted before
    Outcome.SUSPECT: (),
    Outcome.SAMPLE: ("rework_scrap",),
}


def _counter_read(event: ev.CounterRead, base: dict[str, Any]) -> list[AnyFact]:
    return [_reading(event, base["seq"], base["edge"])]


def _reading(event: ev.CounterRead, seq: int, edge: str) -> CounterFact:
    return CounterFact(
        unit=event.station,
        at=event.occurred_at,
        known_at=event.recorded_at,
        seq=seq,
        edge=edge,
        counter=event.counter,
        value=event.value,
        role=event.role.value,
        modulus=event.modulus,
        max_per_min=_finite(event.max_per_min, event),
        pieces=_finite(event.pieces_per_count, event),
        resetting=event.resetting,
        jobs=_shares(event.jobs) if event.jobs else (),
    )


def _counter_reset(event: ev.CounterReset, base: dict[str, Any]) -> list[AnyFact]:
    return [
        CounterFact(
            **base,
            counter=event.counter,
            value=event.value,
            role=event.role.value,
            modulus=event.modulus,
            max_per_min=_finite(event.max_per_min, event),
            pieces=_finite(event.pieces_per_count, event),
            is_reset=True,
        )
    ]


def _quantity(event: ev.QuantityDeclared, base: dict[str, Any]) -> list[AnyFact]:
    if event.kind not in QUANTITY_KINDS:
        raise KpiInputError(
            f"A quantity of kind {event.kind!r} was declared at {event.station}.",
            hint=f"Kinds are {', '.join(QUANTITY_KINDS)}.",
        )
    named = ((Job(event.order, event.operation), Decimal(1)),) if event.order else ()
    jobs = named or _shares(event.jobs)
    return [
        QuantityFact(
            **base, kind=event.kind, amount=_finite(event.quantity.value, event), jobs=jobs
        )
    ]


def _inspected(event: ev.Inspected, base: dict[str, Any]) -> list[AnyFact]:
    return [
        InspectionFact(
            **base,
            serial=event.thing.id,
            item=event.thing.item,
            passed=event.passed,
            job=Job(event.order, event.operation),
        )
    ]


def _reason(event: ev.ReasonGiven | ev.ReasonChanged, base: dict[str, Any]) -> list[AnyFact]:
    return [ReasonFact(**base, code=event.code, until=event.occurred_until)]


def _planned(event: ev.PlannedDowntimeDeclared, base: dict[str, Any]) -> list[AnyFact]:
    until = event.occurred_until if event.occurred_until is not None else event.occurred_at
    return [PlannedFact(**base, until=until, code=event.code)]


def _moved(event: ev.BookingMoved, base: dict[str, Any]) -> list[AnyFact]:
    until = event.occurred_until if event.occurred_until is not None else event.occurred_at
    return [
        MoveFact(
            **base,
            until=until,
            source=Job(event.from_order, event.from_operation),
            target=Job(event.to_order, event.to_operation),
            item=event.item,
            pri=_finite(event.ideal_cycle_s, event),
        )
    ]


_MAPPINGS: dict[type[ev.Event], Callable[[Any, dict[str, Any]], list[AnyFact]]] = {
    ev.StateChanged: _state,
    ev.OrderStarted: _order_started,
    ev.OrderPaused: _order_paused,
    ev.OrderFinished: _order_finished,
    ev.SpanDeclared: _span_declared,
    ev.CounterRead: _counter_read,
    ev.CounterReset: _counter_reset,
    ev.QuantityDeclared: _quantity,
    ev.Inspected: _inspected,
    ev.ReasonGiven: _reason,
    ev.ReasonChanged: _reason,
    ev.PlannedDowntimeDeclared: _planned,
    ev.BookingMoved: _moved,
}
