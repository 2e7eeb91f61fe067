"""Which orders were on a unit when (R9), and what was moved to another order afterwards."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from lineside.contracts.clock import Microseconds
from lineside.contracts.kpi.facts import Job, MoveFact, OrderEndFact, OrderStartFact
from lineside.contracts.kpi.history import UnitHistory, View

_NEVER = 2**62


class Holder(NamedTuple):
    """An order on the unit, with what is known of its product.

    Attributes:
        pri: Ideal time per item in force, seconds; None where only the order's own start knows it.
    """

    job: Job
    pri: Decimal | None
    item: str


class Booking(NamedTuple):
    """A span of an order on a unit, half-open; `end` is None while it is there."""

    start: Microseconds
    end: Microseconds | None
    holder: Holder


OrderPiece = tuple[Microseconds, Microseconds, tuple[Holder, ...]]
"""A stretch with the same orders on the unit; empty: none."""


def bookings(
    history: UnitHistory,
    view: View,
    start: Microseconds = -_NEVER,
    end: Microseconds = _NEVER,
) -> list[Booking]:
    """Spans of orders on the unit that share time with `[start, end)`, by start; perhaps others.

    On exclusive stations a start ends the order before it (R9), so that reading may begin at the
    last start before the window. On shared ones every booking lasts until its own end.
    """
    track = history.orders
    first = 0
    if not history.shared and start > -_NEVER:
        first = _last_start(history, view, bisect_right(track.ats, start))
    facts = view.known(track.facts[first : bisect_left(track.ats, end)])
    spans = _spans(facts)
    moves = view.known(history.moves.reaching(start, end)) if history.moves.facts else []
    for move in sorted(moves, key=lambda each: each.seq):
        spans = _moved(spans, move)
    return sorted(spans, key=lambda each: each.start)


def _last_start(history: UnitHistory, view: View, index: int) -> int:
    facts = history.orders.facts
    for back in range(index - 1, -1, -1):
        if isinstance(facts[back], OrderStartFact) and view.sees(facts[back]):
            return back
    return 0


def _spans(facts: Iterable[OrderStartFact | OrderEndFact]) -> list[Booking]:
    done: list[Booking] = []
    alone: OrderStartFact | None = None
    beside: list[OrderStartFact] = []
    for fact in facts:
        if isinstance(fact, OrderStartFact):
            if not fact.exclusive:
                if fact.until is None:
                    beside.append(fact)
                else:
                    done.append(_booking(fact, fact.until))
                continue
            if alone is not None:
                done.append(_booking(alone, fact.at))
            alone = fact
        elif (started := _ended_by(fact, beside)) is not None:
            beside.remove(started)
            done.append(_booking(started, fact.at))
        elif alone is not None and covers(fact.job, alone.job):
            done.append(_booking(alone, fact.at))
            alone = None
    done += [_booking(fact, None) for fact in beside]
    if alone is not None:
        done.append(_booking(alone, None))
    return done


def _ended_by(end: OrderEndFact, beside: list[OrderStartFact]) -> OrderStartFact | None:
    """The booking that an end closes: the one it names, else the oldest one of its order."""
    for fact in beside:
        if covers(end.job, fact.job) and (not end.booking or end.booking == fact.booking):
            return fact
    return None


def _booking(fact: OrderStartFact, end: Microseconds | None) -> Booking:
    return Booking(fact.at, end, Holder(fact.job, fact.pri, fact.item))


def covers(named: Job, job: Job) -> bool:
    """Whether a name means a job: the same order, and the same operation unless it names none."""
    return named.order == job.order and named.operation in {"", job.operation}


def move_holder(move: MoveFact) -> Holder:
    """What a move puts in place; without an ideal time of its own that of the order's start."""
    return Holder(move.target, move.pri or None, move.item)


def _moved(spans: list[Booking], move: MoveFact) -> list[Booking]:
    """Spans after one move: the covered part of the source belongs to the target."""
    target = move_holder(move)
    if not move.source.order:
        return spans + [Booking(a, b, target) for a, b in _free(spans, move.at, move.until)]
    result: list[Booking] = []
    for span in spans:
        end = _NEVER if span.end is None else span.end
        a, b = max(span.start, move.at), min(end, move.until)
        if a >= b or not covers(move.source, span.holder.job):
            result.append(span)
            continue
        if span.start < a:
            result.append(span._replace(end=a))
        result.append(Booking(a, None if b == _NEVER else b, target))
        if b < end:
            result.append(span._replace(start=b))
    return result


def _free(
    spans: list[Booking], start: Microseconds, end: Microseconds
) -> list[tuple[Microseconds, Microseconds]]:
    """Stretches of `[start, end)` with no order on the unit."""
    free: list[tuple[Microseconds, Microseconds]] = []
    at = start
    for span in sorted(spans, key=lambda each: each.start):
        if span.start >= end:
            break
        if span.start > at:
            free.append((at, span.start))
        at = max(at, _NEVER if span.end is None else span.end)
    if at < end:
        free.append((at, end))
    return free


def order_pieces(
    spans: Iterable[Booking], start: Microseconds, end: Microseconds
) -> list[OrderPiece]:
    """`[start, end)` cut where the orders on the unit change, without gaps."""
    cut = [
        (max(span.start, start), min(_NEVER if span.end is None else span.end, end), span.holder)
        for span in spans
    ]
    cut = [each for each in cut if each[0] < each[1]]
    bounds = sorted({start, end, *(a for a, _, _ in cut), *(b for _, b, _ in cut)})
    return [
        (a, b, tuple(holder for left, right, holder in cut if left <= a and b <= right))
        for a, b in pairwise(bounds)
    ]


def holders_at(
    pieces: list[OrderPiece], starts: list[Microseconds], at: Microseconds
) -> tuple[Holder, ...]:
    """Orders to which a quantity complete at an instant belongs: start < at <= end (R14).

    Args:
        pieces: Covering the instant.
        starts: Their starts.
        at: After the first start, not after the last end.
    """
    return pieces[bisect_left(starts, at) - 1][2]


def named_job(
    job: Job,
    at: Microseconds,
    holders: tuple[Holder, ...],
    moves: list[MoveFact],
) -> Holder:
    """The holder of a quantity whose order was named, after moves.

    Args:
        job: As named.
        at: When the quantity was complete.
        holders: What was on the unit then: its ideal time is the one in force.
        moves: Known ones, by seq.
    """
    for move in moves:
        if move.source.order and move.at < at <= move.until and covers(move.source, job):
            job = move.target
    for holder in holders:
        if covers(job, holder.job):
            return holder
    return Holder(job, None, "")
