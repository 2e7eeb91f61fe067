"""One pass over one unit's window: classified time and dated quantities become sums.

Sums of windows that tile a stretch add up to those of the stretch exactly (R24); everything else in
the package rests on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from lineside.contracts.clock import Microseconds
from lineside.contracts.kpi.bookings import Holder, OrderPiece, bookings, order_pieces
from lineside.contracts.kpi.elements import Delay, Elements, JobElements
from lineside.contracts.kpi.facts import QUANTITY_KINDS, CounterFact, InspectionFact, Job
from lineside.contracts.kpi.history import SerialKey, Track, UnitHistory, View
from lineside.contracts.kpi.quantities import (
    SPANNED_OVER_US,
    Anomaly,
    Increment,
    Made,
    counted,
    crosses,
    declared,
    first_inspections,
    increments,
)
from lineside.contracts.kpi.ratios import Number, exact
from lineside.contracts.kpi.timeline import (
    FAIL,
    RUN,
    SETUP,
    Category,
    Interval,
    Segment,
    Span,
    classify,
    reason_labels,
    spans_between,
    union,
)
from lineside.contracts.kpi.window import Settings, Window, WindowResult

Registry = dict[SerialKey, Track[InspectionFact]]
_KIND = {kind: index for index, kind in enumerate(QUANTITY_KINDS)}
_PRODUCED, _SCRAP, _REWORK, _REWORK_SCRAP, _REWORK_GOOD = range(5)
_BUSY = {Category.PRODUCTION: 0, Category.SETUP: 1, Category.DELAY: 2}


@dataclass(slots=True)
class Sums:
    """What a window adds up to, before ideal times and ratios.

    Attributes:
        time: Category to microseconds.
        made: Holder to amounts by kind, in the order of `QUANTITY_KINDS`.
        busy: Job to production, set-up and delay time.
        items: Job to item.
    """

    time: dict[Category, Microseconds] = field(default_factory=lambda: dict.fromkeys(Category, 0))
    operating: Microseconds = 0
    micro: Microseconds = 0
    micro_count: int = 0
    run_planned: Microseconds = 0
    run_alone: Microseconds = 0
    failures: int = 0
    repairs: int = 0
    repair_time: Microseconds = 0
    inspected: int = 0
    passed: int = 0
    unassigned: Number = 0
    spanned: Number = 0
    spanned_time: Microseconds = 0
    made: dict[Holder, list[Number]] = field(default_factory=dict[Holder, list[Number]])
    busy: dict[Job, list[Number]] = field(default_factory=dict[Job, list[Number]])
    items: dict[Job, str] = field(default_factory=dict[Job, str])
    anomalies: list[Anomaly] = field(default_factory=list[Anomaly])
    kinds: dict[str, Microseconds] = field(default_factory=dict[str, Microseconds])
    reasons: dict[str, Microseconds] = field(default_factory=dict[str, Microseconds])

    def absorb(self, other: Sums) -> None:
        """Add the sums of another window."""
        for category, span in other.time.items():
            self.time[category] += span
        self.operating += other.operating
        self.micro += other.micro
        self.micro_count += other.micro_count
        self.run_planned += other.run_planned
        self.run_alone += other.run_alone
        self.failures += other.failures
        self.repairs += other.repairs
        self.repair_time += other.repair_time
        self.inspected += other.inspected
        self.passed += other.passed
        self.unassigned += other.unassigned
        self.spanned += other.spanned
        self.spanned_time += other.spanned_time
        for holder, amounts in other.made.items():
            _add(self.made.setdefault(holder, [0] * len(amounts)), amounts)
        for job, spans in other.busy.items():
            _add(self.busy.setdefault(job, [0] * len(spans)), spans)
        for job, item in other.items.items():
            self.note_item(job, item)
        self.anomalies += other.anomalies
        for kind, span in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + span
        for code, span in other.reasons.items():
            self.reasons[code] = self.reasons.get(code, 0) + span

    def note_item(self, job: Job, item: str) -> None:
        """Remember what a job makes; of two names the smaller, so that order plays no part."""
        known = self.items.get(job, "")
        self.items[job] = min(known, item) if known and item else known or item

    def book(self, made: Made) -> None:
        """Add an amount; without an order only production is kept, apart (R18)."""
        if made.holder is not None:
            amounts = self.made.get(made.holder)
            if amounts is None:
                amounts = self.made[made.holder] = [0] * len(QUANTITY_KINDS)
                self.note_item(made.holder.job, made.holder.item)
            amounts[_KIND[made.kind]] += made.amount
        elif made.kind == QUANTITY_KINDS[_PRODUCED]:
            self.unassigned += made.amount


def _add(left: list[Number], right: list[Number]) -> None:
    for index, value in enumerate(right):
        left[index] += value


def segments_of(
    history: UnitHistory, view: View, settings: Settings, window: Window
) -> tuple[list[Segment], list[Span], list[OrderPiece]]:
    """The classified window, the whole state spans behind it, and the orders on the unit."""
    start, end = window.start, window.end
    spans = spans_between(history.states, view, start, end)
    pieces = order_pieces(bookings(history, view, start, end), start, end)
    planned: list[Interval] = list(window.breaks)
    planned += [
        (stop.start, stop.end)
        for stop in settings.planned_stops
        if stop.station in {"", history.unit}
    ]
    if history.planned.facts:
        planned += [
            (fact.at, fact.until) for fact in view.known(history.planned.reaching(start, end))
        ]
    segments = classify(
        spans,
        pieces,
        union(planned, start, end),
        reason_labels(history, view, spans, (start, end)),
        (start, end),
        threshold_us=settings.micro_stop_threshold_us,
        micro_stops_produce=settings.micro_stops_produce,
    )
    return segments, spans, pieces


def measure(
    history: UnitHistory, registry: Registry, view: View, settings: Settings, window: Window
) -> Sums:
    """The sums of one window; an empty one has none."""
    sums = Sums()
    if window.start >= window.end:
        return sums
    segments, spans, pieces = segments_of(history, view, settings, window)
    for segment in segments:
        _add_time(sums, segment)
    _add_failures(sums, spans, window)
    starts = [piece[0] for piece in pieces]
    for track in history.counters.values():
        readings = increments(track, view, window.start, window.end)
        long = _add_counts(sums, readings, pieces)
        shift_start = window.base[0]
        for fact, since, counts, _ in long:
            if crosses(since, fact.at, history, view, shift_start):
                sums.spanned += counts * exact(fact.pieces)
                sums.spanned_time += fact.at - max(since, shift_start)
    quantities = view.known(history.quantities.between(window.start, window.end))
    for made in declared(history, view, quantities, pieces, starts):
        sums.book(made)
    inspections = history.inspections.between(window.start, window.end)
    for first in first_inspections(inspections, registry, view):
        sums.inspected += 1
        sums.passed += first.passed
    sums.anomalies.sort()
    return sums


def _add_counts(
    sums: Sums, readings: Iterator[Increment], pieces: list[OrderPiece]
) -> list[Increment]:
    """Book what the readings of one counter added; those over long intervals are returned as well.

    Counts of neighbouring readings for the same order are booked together.
    """
    long: list[Increment] = []
    piece = total = 0
    last: CounterFact | None = None
    for reading in readings:
        fact, since, counts, anomaly = reading
        at = fact.at
        if anomaly:
            sums.anomalies.append(Anomaly(at, fact.seq, fact.counter, anomaly, counts))
            if not counts:
                continue
        if last is not None and (pieces[piece][1] < at or not _counts_alike(last, fact)):
            _book(sums, last, total, pieces[piece][2])
            total = 0
        while pieces[piece][1] < at:  # start < t <= end (R14)
            piece += 1
        total += counts
        last = fact
        if at - since > SPANNED_OVER_US and fact.role == "produced" and fact.pieces:
            long.append(reading)
    if last is not None:
        _book(sums, last, total, pieces[piece][2])
    return long


def _counts_alike(one: CounterFact, other: CounterFact) -> bool:
    return one.role == other.role and one.pieces == other.pieces and one.jobs == other.jobs


def _book(sums: Sums, fact: CounterFact, counts: int, holders: tuple[Holder, ...]) -> None:
    for made in counted(fact, counts, holders):
        sums.book(made)


def _add_time(sums: Sums, segment: Segment) -> None:
    span = segment.end_us - segment.start_us
    category = segment.category
    sums.time[category] += span
    if category is Category.PLANNED and segment.state == RUN and segment.holders:
        sums.run_planned += span
    elif category is Category.DOWN and segment.state == RUN:
        sums.run_alone += span
    if category not in _BUSY:
        return
    if segment.state in {RUN, SETUP}:
        sums.operating += span
    if segment.kind == "micro_stop":
        sums.micro += span
        sums.micro_count += segment.start_us == segment.state_since
    if category is Category.DELAY:
        sums.kinds[segment.kind] = sums.kinds.get(segment.kind, 0) + span
        sums.reasons[segment.reason] = sums.reasons.get(segment.reason, 0) + span
    count = len(segment.holders)
    share: Number = span if count == 1 else Fraction(span, count)
    for holder in segment.holders:
        busy = sums.busy.get(holder.job)
        if busy is None:
            busy = sums.busy[holder.job] = [0, 0, 0]
        sums.note_item(holder.job, holder.item)
        busy[_BUSY[category]] += share


def _add_failures(sums: Sums, spans: list[Span], window: Window) -> None:
    """R20: failures by their start, restorations by their end, whatever the plan or the order."""
    for span in spans:
        if span.state != FAIL:
            continue
        sums.failures += window.start <= span.start < window.end
        if span.end is not None and window.start < span.end <= window.end:
            sums.repairs += 1
            sums.repair_time += span.end - span.start


Resolve = Callable[[Holder], Holder]
"""Completes a holder whose ideal time is not known on the spot."""


def result_of(sums: Sums, window: Window, resolve: Resolve) -> WindowResult:
    """Elements of the sums: ideal times come in, and what a job has of them."""
    jobs = {
        job: JobElements(
            item=sums.items.get(job, ""), apt_us=busy[0], aust_us=busy[1], adet_us=busy[2]
        )
        for job, busy in sums.busy.items()
    }
    for holder, amounts in sums.made.items():
        known = resolve(holder) if holder.pri is None else holder
        pri = 0 if known.pri is None else exact(known.pri)
        part = job_quantities(amounts, pri, known.item)
        jobs[known.job] = jobs[known.job] + part if known.job in jobs else part
    pooled = JobElements()
    for part in jobs.values():
        pooled += part
    time = sums.time
    elements = Elements(
        pot_us=sum(time.values()),
        planned_downtime_us=time[Category.PLANNED],
        apt_us=time[Category.PRODUCTION],
        aust_us=time[Category.SETUP],
        adet_us=time[Category.DELAY],
        adot_us=time[Category.DOWN],
        unknown_us=time[Category.UNKNOWN],
        operating_us=sums.operating,
        micro_stop_us=sums.micro,
        run_in_planned_downtime_us=sums.run_planned,
        ideal_s=pooled.ideal_s,
        ideal_good_s=pooled.ideal_good_s,
        ttr_us=sums.repair_time,
        pq=pooled.pq,
        sq=pooled.sq,
        rq=pooled.rq,
        rework_recovered=pooled.rework_recovered,
        unassigned=sums.unassigned,
        fe=sums.failures,
        repairs=sums.repairs,
        micro_stop_count=sums.micro_count,
        ip=sums.inspected,
        gp=sums.passed,
        run_without_order_us=sums.run_alone,
        spanned=sums.spanned,
        spanned_us=sums.spanned_time,
    )
    reasons = dict(sorted(sums.reasons.items()))
    return WindowResult(
        start=window.start,
        end=window.end,
        anomalies=tuple(sums.anomalies),
        elements=elements,
        jobs=dict(sorted(jobs.items())),
        delay=Delay(
            by_kind=dict(sorted(sums.kinds.items())),
            unexplained_us=reasons.pop("", 0),
            by_reason=reasons,
        ),
    )


def job_quantities(amounts: list[Number], pri: Number, item: str = "") -> JobElements:
    """R19: rework that ends as scrap moves from RQ to SQ, recovered stays out of GQ."""
    produced = amounts[_PRODUCED]
    sq = amounts[_SCRAP] + amounts[_REWORK_SCRAP]
    rq = amounts[_REWORK] - amounts[_REWORK_SCRAP]
    return JobElements(
        item=item,
        ideal_s=pri * produced,
        ideal_good_s=pri * (produced - sq - rq),
        pq=produced,
        sq=sq,
        rq=rq,
        rework_recovered=amounts[_REWORK_GOOD],
    )
