"""One unit's time as a partition: every instant in exactly one category (R7 to R13, R20).

States are judged whole before anything is cut: a micro-stop across a shift change is one in both
shifts, a failure that ends in the late shift has its whole length there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from lineside.contracts.clock import Microseconds
from lineside.contracts.kpi.bookings import Holder, OrderPiece
from lineside.contracts.kpi.facts import Job, ReasonFact, StateFact
from lineside.contracts.kpi.history import Track, UnitHistory, View

Interval = tuple[Microseconds, Microseconds]

RUN, SETUP, STOP, FAIL, IDLE, UNKNOWN = "RUN", "SETUP", "STOP", "FAIL", "IDLE", "UNKNOWN"
_LENGTH_MATTERS = frozenset({STOP, FAIL, IDLE})
_ALWAYS = -(2**62)
_NEVER = 2**62


class Category(StrEnum):
    """The partition of R10."""

    PLANNED = "planned_downtime"
    UNKNOWN = "unknown"
    DOWN = "adot"
    PRODUCTION = "apt"
    SETUP = "aust"
    DELAY = "adet"


@dataclass(slots=True)
class Span:
    """A maximal span of one state, whole, however small the window is that it was found by.

    Attributes:
        end, after: None and empty while it lasts (or where its end can change no figure of the
            window).
        details: (from, sub-state or code) in time order, starting with the span.
    """

    start: Microseconds
    state: str
    before: str
    details: list[tuple[Microseconds, str]]
    end: Microseconds | None = None
    after: str = ""

    def is_micro_stop(self, threshold_us: int) -> bool:
        """R12: a STOP between two RUNs, shorter than the threshold, whole."""
        return (
            self.state == STOP
            and self.before == RUN
            and self.after == RUN
            and self.end is not None
            and self.end - self.start < threshold_us
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a window in one category, half-open, microseconds UTC.

    Attributes:
        kind: Of delay and micro-stops: `failure`, `micro_stop`, `blocked`, `starved`, `stop`,
            `idle`.
        state_since: Start of the whole state span.
        jobs: Order operations on the unit; several only on shared stations.
        reason: Code of the reason given for it, empty without one.
    """

    start_us: Microseconds
    end_us: Microseconds
    category: Category
    state: str
    detail: str = ""
    kind: str = ""
    state_since: Microseconds = 0
    jobs: tuple[Job, ...] = ()
    holders: tuple[Holder, ...] = field(default=(), repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stretch of delay as a person sees it: one stop, with or without a reason.

    Attributes:
        start_us, end_us: Within the window, delay only.
        since_us: When the state began, maybe before the window.
        going_on: It reaches the window's end.
        reason: Empty: nobody has said why; micro-stops are not asked for.
    """

    start_us: Microseconds
    end_us: Microseconds
    since_us: Microseconds
    state: str
    detail: str
    kind: str
    reason: str
    going_on: bool
    jobs: tuple[Job, ...] = ()


def spans_between(
    track: Track[StateFact], view: View, start: Microseconds, end: Microseconds
) -> list[Span]:
    """Maximal state spans that share time with `[start, end)`, whole, in time order, without gaps.

    Before the first state event the state is UNKNOWN; of two events at one instant the later
    counts; equal neighbours are one span (R8).
    """
    ats, facts = track.ats, track.facts
    count = len(facts)
    index = context_before(track, view, bisect_right(ats, start))
    spans: list[Span] = []
    current = Span(_ALWAYS, UNKNOWN, "", [(_ALWAYS, "")])
    while index < count:
        fact: StateFact | None = None
        at = ats[index]
        while index < count and ats[index] == at:
            fact = facts[index] if view.sees(facts[index]) else fact
            index += 1
        if fact is None:
            continue
        if fact.state == current.state:
            current.details.append((at, fact.detail))
            if at >= end and current.state != STOP:
                break  # how long it lasts after the window changes nothing in it
            continue
        current.end, current.after = at, fact.state
        if at > start:
            spans.append(current)
        if at >= end:
            return spans
        current = Span(at, fact.state, current.state, [(at, fact.detail)])
    spans.append(current)
    return spans


def context_before(track: Track[StateFact], view: View, index: int) -> int:
    """Where to begin reading so that the first span is whole and its neighbour known."""
    facts = track.facts
    state, seen_at = "", None
    for back in range(index - 1, -1, -1):
        fact = facts[back]
        if fact.at == seen_at or not view.sees(fact):
            continue  # going back, the first one seen at an instant is the one that counts
        seen_at = fact.at
        if not state:
            state = fact.state
            if state not in _LENGTH_MATTERS:
                return back
        elif fact.state != state:
            return back
    return 0


def union(intervals: Iterable[Interval], start: Microseconds, end: Microseconds) -> list[Interval]:
    """Intervals cut to `[start, end)`, sorted, overlaps and touching ones joined."""
    merged: list[Interval] = []
    for a, b in sorted((max(a, start), min(b, end)) for a, b in intervals):
        if a >= b:
            continue
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


Label = tuple[Microseconds, Microseconds, int, str]
"""A reason: start, end, seq, code."""


def reason_labels(
    history: UnitHistory, view: View, spans: list[Span], window: Interval
) -> list[Label]:
    """Reasons that may label time of these spans, by seq; open ones last as long as their state."""
    if not history.reasons.facts and not history.open_reasons.facts:
        return []
    start, end = window
    labels = [
        (fact.at, fact.until, fact.seq, fact.code)
        for fact in view.known(history.reasons.reaching(start, end))
        if fact.until is not None
    ]
    for fact in view.known(_from(history.open_reasons, spans[0].start, end)):
        for span in spans:
            span_end = _NEVER if span.end is None else span.end
            if span.start <= fact.at < span_end:
                labels.append((fact.at, span_end, fact.seq, fact.code))
    return sorted(labels, key=lambda label: label[2])


def _from(track: Track[ReasonFact], start: Microseconds, end: Microseconds) -> list[ReasonFact]:
    return track.facts[bisect_right(track.ats, start - 1) : bisect_right(track.ats, end)]


def classify(
    spans: list[Span],
    orders: list[OrderPiece],
    planned: list[Interval],
    labels: list[Label],
    window: Interval,
    *,
    threshold_us: int,
    micro_stops_produce: bool,
) -> list[Segment]:
    """The partition of a window (R10, R13), in time order, without gaps.

    Args:
        spans: State spans covering the window.
        orders: Order pieces covering the window.
        planned: Planned downtime, disjoint and sorted.
        labels: Reasons by seq; the later seq wins.
        window: Half-open.
        threshold_us: Micro-stops are shorter than this.
        micro_stops_produce: R13, policy `performance`.
    """
    segments: list[Segment] = []
    at_span = at_order = at_planned = 0
    for a, b in pairwise(_bounds(spans, orders, planned, labels, window)):
        while (spans[at_span].end or _NEVER) <= a:
            at_span += 1
        while orders[at_order][1] <= a:
            at_order += 1
        while at_planned < len(planned) and planned[at_planned][1] <= a:
            at_planned += 1
        span, holders = spans[at_span], orders[at_order][2]
        micro = span.is_micro_stop(threshold_us)
        category = _category(
            span.state,
            planned=at_planned < len(planned) and planned[at_planned][0] <= a,
            busy=bool(holders),
            produces=micro and micro_stops_produce,
        )
        detail = _detail_at(span, a)
        delays = span.state in _LENGTH_MATTERS and category in {Category.DELAY, Category.PRODUCTION}
        segments.append(
            Segment(
                start_us=a,
                end_us=b,
                category=category,
                state=span.state,
                detail=detail,
                kind=_kind(span.state, detail, micro=micro) if delays else "",
                state_since=max(span.start, 0),
                jobs=tuple(holder.job for holder in holders),
                holders=holders,
                reason=_reason_at(labels, a) if category is Category.DELAY else "",
            )
        )
    return segments


def _bounds(
    spans: list[Span],
    orders: list[OrderPiece],
    planned: list[Interval],
    labels: list[Label],
    window: Interval,
) -> list[Microseconds]:
    """Every instant of the window at which something may change, its start and end included."""
    start, end = window
    cuts = {start, end}
    for a, b in planned:
        cuts.update((a, b))
    for span in spans:
        cuts.update(at for at, _ in span.details)
    for piece in orders:
        cuts.update(piece[:2])
    for a, b, _, _ in labels:
        cuts.update((a, b))
    return sorted(cut for cut in cuts if start <= cut <= end)


def _category(state: str, *, planned: bool, busy: bool, produces: bool) -> Category:
    """R10, first match wins."""
    if planned:
        return Category.PLANNED
    if state == UNKNOWN:
        return Category.UNKNOWN
    if not busy:
        return Category.DOWN
    if state == RUN or produces:
        return Category.PRODUCTION
    return Category.SETUP if state == SETUP else Category.DELAY


def _detail_at(span: Span, at: Microseconds) -> str:
    detail = ""
    for since, text in span.details:
        if since > at:
            break
        detail = text
    return detail


def _kind(state: str, detail: str, *, micro: bool) -> str:
    if micro:
        return "micro_stop"
    if state == FAIL:
        return "failure"
    if state == IDLE:
        return "idle"
    return detail if detail in {"blocked", "starved"} else "stop"


def _reason_at(labels: list[Label], at: Microseconds) -> str:
    code = ""
    for start, end, _, name in labels:
        if start <= at < end:
            code = name
    return code


def joined(segments: Iterable[Segment]) -> list[Segment]:
    """Segments for the eye: neighbours that differ in nothing are one."""
    result: list[Segment] = []
    for segment in segments:
        last = result[-1] if result else None
        if last is not None and last.end_us == segment.start_us and _same(last, segment):
            result[-1] = _stretched(last, segment.end_us)
        else:
            result.append(segment)
    return result


def _same(a: Segment, b: Segment) -> bool:
    return (a.category, a.state, a.detail, a.kind, a.state_since, a.jobs, a.reason) == (
        b.category,
        b.state,
        b.detail,
        b.kind,
        b.state_since,
        b.jobs,
        b.reason,
    )


def _stretched(segment: Segment, end: Microseconds) -> Segment:
    return Segment(
        start_us=segment.start_us,
        end_us=end,
        category=segment.category,
        state=segment.state,
        detail=segment.detail,
        kind=segment.kind,
        state_since=segment.state_since,
        jobs=segment.jobs,
        holders=segment.holders,
        reason=segment.reason,
    )


def stops_of(segments: Iterable[Segment], end: Microseconds) -> list[Stop]:
    """Stops of a window: delay joined where state and reason are the same, no micro-stops."""
    found: list[Stop] = []
    for segment in joined(segments):
        if segment.category is not Category.DELAY or segment.kind == "micro_stop":
            continue
        found.append(
            Stop(
                start_us=segment.start_us,
                end_us=segment.end_us,
                since_us=segment.state_since,
                state=segment.state,
                detail=segment.detail,
                kind=segment.kind,
                reason=segment.reason,
                going_on=segment.end_us >= end,
                jobs=segment.jobs,
            )
        )
    return found
