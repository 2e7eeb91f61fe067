"""Compares what the simulated plant really did with what edges and central have booked.

Counts and genealogy exactly; spans within 1 ms where the device stamps its values, else within
what polling allows; what people do by scanning lies between the scan and the answer to it. Every
difference is a line.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lineside.sim import scenario
from lineside.sim.books import Books
from lineside.sim.compare_edges import compare_edges
from lineside.sim.compare_facts import compare_facts
from lineside.sim.compare_figures import compare_figures
from lineside.sim.compare_units import compare_units
from lineside.sim.ledger import Ledger
from lineside.sim.truth import Truth

Json = dict[str, Any]
VALVES_MIN = 20
CENTRAL_AWAY_MIN_S = 10


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found.

    Attributes:
        clean: Nothing differs.
        moving: The plant did not stand still meanwhile: what was under way may look different.
        differences: A line each.
        left_out: What was not looked at, and why.
        compared: How much was compared, by kind.
        start, end: The window of the figures, microseconds UTC.
    """

    clean: bool
    moving: bool
    differences: list[str]
    left_out: list[str]
    compared: dict[str, int]
    start: int
    end: int


def judge(ledger: Ledger, books: Books) -> Score:
    """Compare everything that was read with the plant's ledger."""
    truth = ledger.truth
    differences = [
        *compare_facts(truth, books, attended=ledger.attended),
        *compare_edges(truth, books, attended=ledger.attended),
    ]
    left_out = list(books.left_out)
    if ledger.attended:
        differences += compare_figures(truth, books)
        differences += compare_units(truth, books)
    else:
        left_out.append(
            "nobody works in this plant: it knows of no orders, units and genealogy to compare"
        )
    facts = [found.central or found.journal or [] for found in books.edges.values()]
    compared = {
        "finished": len(truth.finished),
        "operations": len(truth.steps),
        "links": len(truth.links),
        "units": len(books.units),
        "facts": sum(map(len, facts)),
        "pieces": sum(truth.pieces(machine.station, "produced") for machine in scenario.MACHINES),
        "stops": sum(truth.stops(machine.station) for machine in scenario.MACHINES),
        "screens": sum(len(found.stations) for found in books.edges.values()),
        "scans_accepted": truth.scans["accepted"],
        "scans_refused": truth.scans["refused"],
    }
    return Score(
        clean=not differences,
        moving=ledger.moving,
        differences=differences,
        left_out=left_out,
        compared=compared,
        start=books.start,
        end=books.end,
    )


def run_was_real(truth: Truth) -> list[str]:
    """What a run lacks to be a test of anything."""
    missing: list[str] = []
    if len(truth.finished) < VALVES_MIN:
        missing.append(f"only {len(truth.finished)} valves were finished, {VALVES_MIN} are wanted")
    for machine in scenario.MACHINES:
        if not truth.stops(machine.station):
            missing.append(f"{machine.station} never stopped")
        if not truth.pieces(machine.station, "scrap"):
            missing.append(f"{machine.station} made no scrap")
    if not any(truth.rollovers.values()):
        missing.append("no counter rolled over")
    if not truth.scans["refused"]:
        missing.append("no scan was refused")
    if not truth.moved_orders:
        missing.append("no order was moved")
    if truth.central_away_s < CENTRAL_AWAY_MIN_S:
        missing.append("central was not away for 10 s")
    return missing
