"""Spans of time told afterwards: whole bookings, and bookings that belong to another order."""

from __future__ import annotations

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.events import BookingMoved, SpanDeclared
from lineside.contracts.units import Quantity
from lineside.edge_agent.terminal.order_acts import booking_flags, workable
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted, refused

AHEAD_US = 60 * US_PER_SECOND


def check_span(s: Situation, start: Microseconds, end: Microseconds) -> Decision | None:
    """Why a span cannot be: it ends before it begins, or lies ahead."""
    if end < start:
        return refused("time.backwards")
    return refused("time.ahead") if end > s.now + AHEAD_US else None


def declare_span(
    s: Situation,
    *,
    order: str,
    operation: str,
    activity: str,
    start: Microseconds,
    end: Microseconds,
    quantities: tuple[Quantity, ...],
    rework: bool,
    booking: str,
) -> Decision:
    """A whole booking told afterwards; never merged, never cut, what looks wrong is flagged."""
    if (wrong := check_span(s, start, end)) is not None:
        return wrong
    found = workable(s, order, operation, rework=True)
    if isinstance(found, Decision):
        return found
    known, step = found
    flags = booking_flags(
        s, order, step.operation, quantities,
        span=(start, end), planned=known.quantity, rework=rework,
    )  # fmt: skip
    event = s.tell(
        SpanDeclared,
        occurred_at=start,
        occurred_until=end,
        order=order,
        operation=step.operation,
        item=known.item,
        booking=booking,
        activity=activity,
        quantities=quantities,
        rework=rework,
        jobs=(),
        flags=flags,
    )
    return accepted("span.declared", [event], order=order, operation=step.operation)


def move_span(
    s: Situation,
    *,
    start: Microseconds,
    end: Microseconds,
    to_order: str,
    to_operation: str = "",
    from_order: str = "",
) -> Decision:
    """What the station did in a span, with counts and units, belongs to another order.

    Only a shift leader says so: it changes what people before have booked.
    """
    if not s.led():
        return refused("span.leader_needed", order=to_order)
    if (wrong := check_span(s, start, end)) is not None:
        return wrong
    if start == end:
        return refused("time.backwards")
    found = workable(s, to_order, to_operation, rework=True)
    if isinstance(found, Decision):
        return found
    known, step = found
    spans = s.progress.spans(s.station.id, start, end)
    jobs = list(
        dict.fromkeys(
            (span.order, span.operation)
            for span in spans
            if span.start < end and (span.end is None or span.end > start)
        )
    )
    if from_order:
        jobs = [job for job in jobs if job[0] == from_order] or [(from_order, "")]
    jobs = [job for job in jobs if job != (to_order, step.operation)]
    if not jobs:
        jobs = [("", "")]
    events = [
        s.tell(
            BookingMoved,
            occurred_at=start,
            occurred_until=end,
            from_order=order,
            from_operation=operation,
            to_order=to_order,
            to_operation=step.operation,
            item=known.item,
            ideal_cycle_s=step.ideal_cycle_s,
            jobs=(),
        )
        for order, operation in jobs
    ]
    return accepted(
        "span.moved", events, order=to_order, previous=", ".join(one or "-" for one, _ in jobs)
    )
