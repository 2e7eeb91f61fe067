"""Figures of the plant's own ledger: the OEE sheet's elements, counted from what really happened.

Written from the sheet (rules R8 to R21), not from the product's code; nothing of `contracts.kpi`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.sim import scenario
from lineside.sim.edge_files import MODBUS_POLL_S
from lineside.sim.truth import Truth, time_by_category

STAMPED_US = 1_000
POLLED_US = round(2 * MODBUS_POLL_S * US_PER_SECOND) + 20_000  # the poll, and reading the block
HUMAN_US = 2_000
MICRO_STOP_US = 120 * US_PER_SECOND
UNKNOWN = "UNKNOWN"

Span = tuple[Microseconds, Microseconds, str]
"""From, until, state; half-open."""


def boundary_us(station: str) -> Microseconds:
    """How far a booked boundary may lie from the true one: devices of line 1 stamp their values."""
    edge = next((s.edge for s in scenario.STATIONS if s.id == station), "")
    return STAMPED_US if edge == scenario.EDGE_1 else POLLED_US


def lag_us(truth: Truth, station: str, at: Microseconds) -> Microseconds:
    """How much later than a true change of state its booking may lie.

    A device that stamps its values is exact to a millisecond. A polled one could not be known
    before it was read: its server saw when that was, however busy the computer was.
    """
    boundary = boundary_us(station)
    if boundary == STAMPED_US:
        return boundary
    seen = truth.noticed[station].get(at)
    return boundary if seen is None else max(boundary, seen - at + HUMAN_US)


def spans_of(
    changes: Iterable[tuple[Microseconds, str]], start: Microseconds, end: Microseconds
) -> list[Span]:
    """Maximal spans of one state that tile a window; before the first change it is UNKNOWN (R8).

    Args:
        changes: (from when, state), in order of time; of two at one instant the later counts.
        start: Microseconds UTC.
        end: Exclusive.
    """
    current, points = UNKNOWN, [(start, UNKNOWN)]
    for at, state in changes:
        if at >= end:
            break
        current = state
        when = max(at, start)
        if points[-1][0] == when:
            points.pop()
        if not points or points[-1][1] != current:
            points.append((when, current))
    ends = [*(at for at, _ in points[1:]), end]
    return [
        (at, until, state) for (at, state), until in zip(points, ends, strict=True) if until > at
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueElements:
    """Elements by key of the OEE sheet.

    Attributes:
        times: Microseconds; keys end in `_s` as in the sheet.
        amounts: Counts and sums of ideal times (seconds), exact.
        allowed: By how much a time may differ: each change of state in the window may be late.
        unsure: Stops in the window that ended before they had surely been read.
    """

    times: dict[str, Microseconds]
    amounts: dict[str, Fraction]
    allowed: Microseconds
    unsure: int


def true_elements(
    truth: Truth, station: scenario.Station, start: Microseconds, end: Microseconds
) -> TrueElements:
    """Elements of a machine in a window, without planned downtime.

    Args:
        truth: The ledger.
        station: One with a machine.
        start: Microseconds UTC.
        end: Exclusive for time, inclusive for pieces (R14).
    """
    sums = time_by_category(truth, station.id, start, end)
    apt, aust, adet = sums["APT_s"], sums["AUST_s"], sums["ADET_s"]
    times = sums | {
        "POT_s": end - start,
        "planned_downtime_s": 0,
        "PBT_s": end - start,
        "AUPT_s": apt + aust,
        "AUBT_s": apt + aust + adet,
        "operating_s": apt + aust,
        "run_in_planned_downtime_s": 0,
    }
    states = truth.states[station.id]
    times["micro_stop_s"], micro = _micro_stops(truth, station.id, start, end)
    failures = sum(1 for at, state in states if state == "FAIL" and start <= at < end)
    restored = [
        until - at
        for (at, state), (until, _) in pairwise(states)
        if state == "FAIL" and start < until <= end
    ]
    times["TTR_sum_s"] = sum(restored)
    counts: dict[str, int] = {
        "FE": failures,
        "repairs": len(restored),
        "micro_stop_count": micro,
        "RQ": 0,
        "rework_recovered": 0,
        "unassigned_quantity": 0,
        **_inspections(truth, station, start, end),
    }
    amounts = {key: Fraction(count) for key, count in counts.items()}
    amounts |= true_quantities(truth, station, start, end)
    allowed = sum(lag_us(truth, station.id, at) for at, _ in states if start <= at < end)
    unsure = sum(
        1
        for (at, state), (until, _) in pairwise(states)
        if state in {"STOP", "FAIL"}
        and start <= at < end
        and STAMPED_US < until - at < lag_us(truth, station.id, at)
    )
    return TrueElements(times=times, amounts=amounts, allowed=allowed, unsure=unsure)


def true_quantities(
    truth: Truth, station: scenario.Station, start: Microseconds, end: Microseconds
) -> dict[str, Fraction]:
    """Pieces of a station in `(start, end]`; at a bench without a machine its person makes them."""
    if station.machine is None:
        made = sum(
            1
            for step in truth.steps
            if step.station == station.id and start < step.finished_at <= end
        )
        scrap = sum(
            1
            for step in truth.steps
            if step.station == station.id
            and start < step.finished_at <= end
            and step.result == "fail"
        )
    else:
        found = [(n, kind) for at, kind, n in truth.counts[station.id] if start < at <= end]
        made = sum(n for n, kind in found if kind == "produced")
        scrap = sum(n for n, kind in found if kind == "scrap")
    ideal = scenario.ideal_cycle_s(station)
    return {
        "PQ": Fraction(made),
        "SQ": Fraction(scrap),
        "GQ": Fraction(made - scrap),
        "ideal_s": ideal * made,
        "ideal_good_s": ideal * (made - scrap),
    }


def micro_stops(truth: Truth, station: str) -> list[Span]:
    """STOPs between two RUNs, shorter than the limit, whole (R12)."""
    states = truth.states[station]
    return [
        (at, until, state)
        for (_, before), (at, state), (until, after) in zip(
            states, states[1:], states[2:], strict=False
        )
        if (before, state, after) == ("RUN", "STOP", "RUN") and until - at < MICRO_STOP_US
    ]


def _micro_stops(
    truth: Truth, station: str, start: Microseconds, end: Microseconds
) -> tuple[Microseconds, int]:
    """Time of micro-stops with an order on the station in a window, and how many start there."""
    time = count = 0
    orders = truth.order_spans[station]
    for at, until, _ in micro_stops(truth, station):
        for _, _, begin, finish in orders:
            low = max(at, begin, start)
            high = min(until, end, until if finish is None else finish)
            time += max(0, high - low)
            count += start <= at < end and begin <= at and (finish is None or at < finish)
    return time, count


def _inspections(
    truth: Truth, station: scenario.Station, start: Microseconds, end: Microseconds
) -> dict[str, int]:
    """IP and GP: only the first inspection of a serial at an operation of an order counts (R21)."""
    seen: set[tuple[str, str, str]] = set()
    inspected = passed = 0
    if not station.inspected:
        return {"IP": 0, "GP": 0}
    for step in sorted(truth.steps, key=lambda one: one.finished_at):
        key = (step.serial, step.order, step.operation)
        if step.operation != station.operation or step.item != station.item or key in seen:
            continue
        seen.add(key)
        if step.station == station.id and start < step.finished_at <= end:
            inspected += 1
            passed += step.result == "pass"
    return {"IP": inspected, "GP": passed}
