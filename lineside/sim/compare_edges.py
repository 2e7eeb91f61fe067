"""The edges' own figures, as their terminals show them: against the truth, and against central.

Edge and central compute the same facts by the same model: the same window must give the same
figures to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Microseconds, format_rfc3339, parse_rfc3339
from lineside.sim import scenario
from lineside.sim.books import Books, EdgeBooks
from lineside.sim.compare_figures import fraction_of
from lineside.sim.true_figures import (
    STAMPED_US,
    Span,
    boundary_us,
    lag_us,
    micro_stops,
    spans_of,
    true_quantities,
)
from lineside.sim.truth import Truth

Json = dict[str, Any]
SEGMENTS_SHOWN = 500
RATIOS = ("oee", "availability", "effectiveness", "quality_ratio", "first_pass_yield")
SHARES = ("unknown", "unassigned", "spanned")


def compare_edges(truth: Truth, books: Books, *, attended: bool) -> Iterator[str]:
    """Every difference between a terminal's figures and the truth, and central's.

    Args:
        truth: The ledger.
        books: What was read.
        attended: People booked orders; without them pieces belong to no order, and no figure.
    """
    for edge, found in books.edges.items():
        stations = [s for s in scenario.STATIONS if s.edge == edge]
        if found.unreachable:
            yield f"{edge}: {found.unreachable}"
            continue
        for station in stations:
            screen = found.stations.get(station.id)
            if screen is None:
                if found.stations:
                    yield f"{station.id}: {edge} does not know it"
                continue
            if attended:
                yield from _quantities(truth, station, screen)
            yield from _bar(truth, station, screen)
            if books.machines is not None:
                yield from _against_central(station.id, screen, found)


def _quantities(truth: Truth, station: scenario.Station, screen: Json) -> Iterator[str]:
    if screen["shift"] is None:
        yield f"{station.id}: its terminal shows no shift"
        return
    start, end = parse_rfc3339(screen["shift"]["start"]), parse_rfc3339(screen["at"])
    true = true_quantities(truth, station, start, end)
    for shown, key in (("produced", "PQ"), ("scrap", "SQ"), ("good", "GQ")):
        if Fraction(screen["figures"][shown]) != true[key]:
            found = screen["figures"][shown]
            yield f"{station.id}: its terminal shows {shown} {found}, really {true[key]}"


def _bar(truth: Truth, station: scenario.Station, screen: Json) -> Iterator[str]:
    """The bar of the shift against the machine's states; people's states are not in the ledger."""
    segments: list[Json] = screen["segments"]
    if station.machine is None or not segments:
        return
    start = max(truth.began_at, parse_rfc3339(segments[0]["start"]))
    end = parse_rfc3339(segments[-1]["end"])
    booked = [(parse_rfc3339(one["start"]), str(one["state"])) for one in segments]
    yield from compare_states(
        truth, station.id, booked, start=start, end=end, who="its terminal shows"
    )


def compare_states(
    truth: Truth,
    station: str,
    booked: list[tuple[Microseconds, str]],
    *,
    start: Microseconds,
    end: Microseconds,
    who: str,
) -> Iterator[str]:
    """Stretches in which somebody says another state than the machine really had.

    A boundary that is off by no more than its device allows is no difference. Where devices stamp
    their values, the states must follow each other as they did, however short they were.

    Args:
        truth: The ledger.
        station: One with a machine.
        booked: (from when, state), in order of time.
        start: Microseconds UTC.
        end: Exclusive.
        who: Begins what is said of the other side, e.g. `central has`.
    """
    if end <= start:
        return
    stamped = boundary_us(station) == STAMPED_US
    true = spans_of(truth.states[station], start, end)
    found = spans_of(booked, start, end)
    micro = {at for at, _, _ in micro_stops(truth, station)}
    lines = 0
    for at, until, really, said in disagreements(true, found):
        begun = next((a for a, b, _ in true if a <= at < b), at)
        late = until - at if stamped else until - begun
        if late > lag_us(truth, station, begun):
            lines += 1
            what = "micro-stop" if begun in micro else really
            yield (
                f"{station}: from {format_rfc3339(at)} for {(until - at) / 1e6:.3f} s {who} "
                f"{said}, really {what}"
            )
    names, others = [one[2] for one in true], [one[2] for one in found]
    if not lines and stamped and names != others:
        yield f"{station}: {who} {len(others)} changes of state, really {len(names)}"


def disagreements(
    one: list[Span], other: list[Span]
) -> Iterator[tuple[Microseconds, Microseconds, str, str]]:
    """Maximal stretches in which two tilings of a window name different states.

    Yields:
        (from, until, state of one, state of the other), half-open.
    """
    i = j = 0
    last: tuple[Microseconds, Microseconds, str, str] | None = None
    while i < len(one) and j < len(other):
        at, until = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if at < until and one[i][2] != other[j][2]:
            if last is not None and (last[1], last[2], last[3]) == (at, one[i][2], other[j][2]):
                last = (last[0], until, last[2], last[3])
            else:
                if last is not None:
                    yield last
                last = (at, until, one[i][2], other[j][2])
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    if last is not None:
        yield last


def _against_central(station: str, screen: Json, books: EdgeBooks) -> Iterator[str]:
    figures: Json = screen["figures"]
    if books.known is not None and books.known < figures["through_seq"]:
        yield (
            f"{station}: central's figures know {books.known} facts, the edge's "
            f"{figures['through_seq']}"
        )
        return
    row = books.same_window.get(station)
    if not row:
        yield f"{station}: central has no figures of the window that its terminal shows"
        return
    elements: Json = row["elements"]
    pairs: list[tuple[str, object, object]] = [
        (name, figures[name], _float(fraction_of(row["kpis"][name]))) for name in RATIOS
    ]
    pairs += [
        (f"{name} share", figures[f"{name}_share"], _float(fraction_of(row["shares"][name])))
        for name in SHARES
    ]
    for shown, key in (("produced", "PQ"), ("good", "GQ"), ("scrap", "SQ")):
        pairs.append((shown, Fraction(figures[shown]), Fraction(str(elements[key]))))
    running_us = round(elements["APT_s"] * US_PER_SECOND)
    made = Fraction(str(elements["PQ"]))
    cycle = Fraction(running_us, US_PER_SECOND) / made if made else None
    pairs.append(("cycle", figures["cycle_s"], _float(cycle)))
    for name, ours, theirs in pairs:
        if ours != theirs:  # to the last bit, on purpose
            yield f"{station}: {name} is {ours} at the edge and {theirs} at central"


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
