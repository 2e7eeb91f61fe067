"""What was made, when and for which order (R14 to R19), and the inspections of it (R21)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.bookings import (
    Holder,
    OrderPiece,
    holders_at,
    named_job,
)
from lineside.contracts.kpi.counters import Suspect, increment_of, is_suspect
from lineside.contracts.kpi.facts import CounterFact, InspectionFact, QuantityFact, Shares
from lineside.contracts.kpi.history import SerialKey, Track, UnitHistory, View
from lineside.contracts.kpi.ratios import Number, exact

_US_PER_MINUTE = 60 * US_PER_SECOND
SPANNED_OVER_US = 60 * US_PER_SECOND


class Anomaly(NamedTuple):
    """A counter reading that was not a plain increase (R23).

    Attributes:
        at: Time of the reading, microseconds UTC.
        delta: What it counted.
    """

    at: Microseconds
    seq: int
    counter: str
    kind: str
    delta: int


Increment = tuple[CounterFact, Microseconds, int, str]
"""What one reading added: the reading, time of the one before, counts between them, anomaly."""


class Made(NamedTuple):
    """An amount of one kind for one order; `holder` None: no order, no PRI."""

    kind: str
    amount: Number
    holder: Holder | None


def increments(
    track: Track[CounterFact], view: View, start: Microseconds, end: Microseconds
) -> Iterator[Increment]:
    """What readings of one counter with start < at <= end add, in time order, zeros left out.

    Reading begins a few readings earlier, where what is remembered of the counter is certain.
    """
    first = bisect_right(track.ats, start)
    since = -1
    base = 0
    before: Suspect | None = None
    facts = track.facts[settled_before(track, view, first) : bisect_right(track.ats, end)]
    for fact in view.known(facts):
        at, value = fact.at, fact.value
        if since < 0 or fact.is_reset:
            since, base, before = at, value, None
            continue
        counts, anomaly = increment_of(
            (since, base),
            before,
            (at, value),
            rate=_rate(fact.max_per_min),
            modulus=fact.modulus,
            resetting=fact.resetting,
        )
        if at > start and (counts or anomaly):
            yield fact, since, counts, anomaly
        before = (since, base) if anomaly and is_suspect(counts, anomaly) else None
        since, base = at, value


def settled_before(track: Track[CounterFact], view: View, index: int) -> int:
    """Index of a reading before `index` after which only that reading is remembered.

    That is a reset, the first reading of all, or a reading that is no zero-counting anomaly against
    the
    one before it: by R17 it could only have counted more.
    """
    facts = track.facts
    later: int | None = None
    for back in range(index - 1, -1, -1):
        if not view.sees(facts[back]):
            continue
        if later is not None and is_settled(facts[back], facts[later]):
            return later
        if facts[back].is_reset:
            return back
        later = back
    return 0 if later is None else later


def is_settled(earlier: CounterFact, later: CounterFact) -> bool:
    """Whether a reading leaves only itself to remember, whatever came before the earlier one."""
    if later.is_reset:
        return True
    counts, anomaly = increment_of(
        (earlier.at, earlier.value),
        None,
        (later.at, later.value),
        rate=_rate(later.max_per_min),
        modulus=later.modulus,
        resetting=later.resetting,
    )
    return not is_suspect(counts, anomaly)


_rates: dict[Decimal, tuple[int, int]] = {}
_RATES_MAX = 4096


def _rate(max_per_min: Decimal) -> tuple[int, int]:
    """A rate a minute as counts / microseconds, whole numbers."""
    rate = _rates.get(max_per_min)
    if rate is None:
        if len(_rates) >= _RATES_MAX:
            _rates.clear()
        numerator, denominator = max_per_min.as_integer_ratio()
        rate = _rates[max_per_min] = (numerator, denominator * _US_PER_MINUTE)
    return rate


def counted(fact: CounterFact, counts: int, holders: tuple[Holder, ...]) -> Iterator[Made]:
    """The pieces of counts, for the order on the unit when the later reading was taken.

    Where several orders share the unit, those named with the reading get their shares; none named:
    no order, because nobody knows which.
    """
    amount = counts * exact(fact.pieces)
    if amount == 0:
        return  # another source of the station counts, this one is a check
    yield from _attributed(fact.role, amount, holders, fact.jobs if len(holders) > 1 else ())


def _attributed(
    kind: str, amount: Number, holders: tuple[Holder, ...], shares: Shares
) -> Iterator[Made]:
    if len(holders) == 1:
        yield Made(kind, amount, holders[0])
    elif shares:
        for job, share in shares:
            yield Made(kind, amount * exact(share), named_job(job, 0, holders, []))
    else:
        yield Made(kind, amount, None)


def declared(
    history: UnitHistory,
    view: View,
    facts: list[QuantityFact],
    pieces: list[OrderPiece],
    starts: list[Microseconds],
) -> Iterator[Made]:
    """Declared quantities for the orders named with them, or else those on the unit then (R18)."""
    for fact in facts:
        holders = holders_at(pieces, starts, fact.at)
        amount = exact(fact.amount)
        if not fact.jobs:
            yield from _attributed(fact.kind, amount, holders, ())
            continue
        moves = (
            sorted(view.known(history.moves.reaching(fact.at, fact.at)), key=lambda each: each.seq)
            if history.moves.facts
            else []
        )
        for job, share in fact.jobs:
            holder = named_job(job, fact.at, holders, moves)
            yield Made(fact.kind, amount * exact(share), holder)


def crosses(
    since: Microseconds,
    at: Microseconds,
    history: UnitHistory,
    view: View,
    shift_start: Microseconds,
) -> bool:
    """Whether an interval between readings crosses a shift or order change: one to be split."""
    if since < shift_start < at:
        return True
    track = history.orders
    between = track.facts[bisect_right(track.ats, since) : bisect_left(track.ats, at)]
    return bool(view.known(between))


def serial_key(fact: InspectionFact) -> SerialKey:
    """Within this key only the first inspection counts (R21)."""
    return (fact.item, fact.serial, fact.job)


def first_inspections(
    facts: list[InspectionFact],
    registry: dict[SerialKey, Track[InspectionFact]],
    view: View,
) -> Iterator[InspectionFact]:
    """Those of the inspections that were the first of their serial number, on whatever unit."""
    for fact in facts:
        for other in registry[serial_key(fact)].facts:
            if view.sees(other):
                if other is fact:
                    yield fact
                break
