"""A count over a boundary is split by a person: how many pieces were made before it.

Until somebody does, the count stands at its later reading (R15). A split tells a reading at the
boundary, and replaces the later one; figures derive the parts from the readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from msgspec import structs

from lineside.contracts.clock import Microseconds, to_datetime
from lineside.contracts.events import (
    CounterRead,
    CounterRole,
    Event,
    EventCorrected,
    Source,
    TimeSource,
)
from lineside.contracts.kpi.counters import CounterState, Reading, apply_reading
from lineside.edge_agent.interpretation.shares import shares_of
from lineside.edge_agent.projections.counting import SPLIT
from lineside.edge_agent.projections.entries import amount
from lineside.edge_agent.projections.floor import SpannedCount
from lineside.edge_agent.projections.progress import BookedSpan
from lineside.edge_agent.terminal.entry_views import Boundary, SpannedCountView
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted, refused

BOUNDARIES_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A moment between two readings at which the shift or the order changed."""

    at: Microseconds
    kind: str
    before: str
    after: str


def crossed(s: Situation, count: SpannedCount) -> list[Crossed]:
    """The boundaries of a count, in order of time."""
    spans = s.progress.spans(s.station.id, count.since, count.at)
    ends = {one for span in spans for one in (span.start, span.end) if one is not None}
    found = [
        Crossed(at=at, kind="order", before=_order_at(spans, at), after=_order_at(spans, at + 1))
        for at in ends
        if count.since < at < count.at
    ]
    found = [one for one in found if one.before != one.after]
    return sorted([*found, *_shifts(s, count)], key=lambda one: (one.at, one.kind))[:BOUNDARIES_MAX]


def _shifts(s: Situation, count: SpannedCount) -> list[Crossed]:
    found: list[Crossed] = []
    later = s.plant.shift(count.at)
    while later is not None and later.start_us > count.since and len(found) < BOUNDARIES_MAX:
        earlier = s.plant.shift(later.start_us - 1)
        if later.start_us < count.at:
            found.append(
                Crossed(
                    at=later.start_us,
                    kind="shift",
                    before=earlier.id if earlier is not None else "",
                    after=later.id,
                )
            )
        later = earlier
    return found


def _order_at(spans: list[BookedSpan], at: Microseconds) -> str:
    """Orders on the station up to a moment: what ends then still counts (R14)."""
    names = [
        span.order for span in spans if span.start < at and (span.end is None or span.end >= at)
    ]
    return ", ".join(dict.fromkeys(names))


def split_count(
    s: Situation, *, seq: int, boundary: Microseconds, before: Decimal, reason: str
) -> Decision:
    """So many pieces of a count were made before a boundary, the others after it.

    Args:
        s: The station now.
        seq: The reading that was flagged.
        boundary: One of the boundaries of the count.
        before: Pieces made before it, 0 to all of them.
        reason: Why they are known; empty: the choice itself.
    """
    count = next((one for one in s.state.spanned if one.seq == seq), None)
    if count is None:
        return refused("count.unknown", seq=str(seq))
    if not s.by:
        return refused("count.nobody")
    here = next((one for one in crossed(s, count) if one.at == boundary), None)
    if here is None:
        return refused("count.no_boundary", counter=count.counter)
    counts = before / count.pieces_per_count
    whole = counts == counts.to_integral_value() and 0 <= counts <= count.increment
    total = amount(count.increment * count.pieces_per_count)
    if not whole:
        return refused("count.not_a_part", total=total, step=amount(count.pieces_per_count))
    first = int(counts)
    middle = (count.value - count.increment + first) % count.modulus
    if not _plausible(count, boundary, middle, first):
        return refused("count.implausible", before=amount(before), total=total)
    spans = s.progress.spans(s.station.id, boundary - 1, boundary)
    running = [
        one for one in spans if one.start < boundary and (one.end is None or one.end >= boundary)
    ]
    told = s.changed(
        source=Source.CORRECTION, reason=reason or "count.split", flags=(*s.flags, "late", SPLIT)
    )
    rest = count.increment - first
    earlier = _reading(told, count, boundary, middle, first)
    later = _reading(told, count, count.at, count.value, rest)
    # What stood before is taken back by events of its own: a reading that was itself a replacement
    # would, taken back by the next split, let the first one stand again.
    events: list[Event] = [told.tell(EventCorrected, corrects=s.ref(one)) for one in count.parts]
    events += [
        structs.replace(
            earlier,
            jobs=shares_of(running),
            item=_item(s, running),
            time_source=TimeSource.PERSON,
        ),
        structs.replace(later, jobs=count.jobs, item=count.item),
    ]
    return accepted(
        "count.split", events, before=amount(before),
        after=amount(rest * count.pieces_per_count), total=total,
        first=here.before or "-", second=here.after or "-",
    )  # fmt: skip


def _reading(
    s: Situation, count: SpannedCount, at: Microseconds, value: int, increment: int
) -> CounterRead:
    return s.tell(
        CounterRead,
        occurred_at=at,
        counter=count.counter,
        role=CounterRole(count.role),
        value=value,
        modulus=count.modulus,
        max_per_min=count.max_per_min,
        pieces_per_count=count.pieces_per_count,
        resetting=count.resetting,
        increment=increment,
    )


def _item(s: Situation, running: list[BookedSpan]) -> str:
    known = [s.plant.order(span.order) for span in running]
    items = {order.item for order in known if order is not None}
    return items.pop() if len(items) == 1 else ""


def _plausible(count: SpannedCount, boundary: Microseconds, middle: int, first: int) -> bool:
    """Whether figures would count the same: no part may need more than the largest rate (R16)."""
    state = CounterState(count.since, (count.value - count.increment) % count.modulus)
    for at, value, expected in (
        (boundary, middle, first),
        (count.at, count.value, count.increment - first),
    ):
        reading = Reading(
            at=at,
            value=value,
            modulus=count.modulus,
            max_per_min=count.max_per_min,
            resetting=count.resetting,
        )
        state, counted, _ = apply_reading(state, reading)
        if counted != expected:
            return False
    return True


def shown(s: Situation, count: SpannedCount) -> SpannedCountView:
    """A count as the page offers it."""
    step = count.pieces_per_count
    return SpannedCountView(
        seq=count.seq,
        counter=count.counter,
        role=count.role,
        since=to_datetime(count.since),
        until=to_datetime(count.at),
        pieces=count.increment * step,
        step=step,
        boundaries=[
            Boundary.model_validate(
                {"at": to_datetime(one.at), "kind": one.kind, "before": one.before,
                 "after": one.after}
            )
            for one in crossed(s, count)
        ],
        boundary=to_datetime(count.boundary) if count.before is not None else None,
        pieces_before=count.before * step if count.before is not None else None,
    )  # fmt: skip
