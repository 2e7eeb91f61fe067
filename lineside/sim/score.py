"""Compares what the simulated plant really did with what edge and central have booked.

Counts and genealogy exactly; spans within 1 ms where the device stamps its values, else within the
machine's poll interval; what people do by scanning lies between the scan and the answer to it.
Every difference is a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineside.contracts.clock import Microseconds, format_rfc3339, parse_rfc3339
from lineside.sim import scenario
from lineside.sim.central_client import Central
from lineside.sim.edge_files import MODBUS_POLL_S
from lineside.sim.truth import TrueStep, Truth, time_by_category

Json = dict[str, Any]
STAMPED_US = 1_000
POLLED_US = round(2 * MODBUS_POLL_S * 1_000_000) + 20_000  # the poll, and reading the block
HUMAN_US = 2_000
VALVES_MIN = 20
STAMPED = {s.id for s in scenario.STATIONS if s.edge == scenario.EDGE_1}


def compare(truth: Truth, central: Central, *, start: Microseconds, end: Microseconds) -> list[str]:
    """Every difference between the plant's ledger and central's books in a window.

    Args:
        truth: The plant's ledger.
        central: Signed in with the right to read traces and figures.
        start: Microseconds UTC, before the first piece.
        end: After the last piece, when everything is drained.
    """
    return [
        *_figures(truth, central, start, end),
        *_steps(truth, central),
        *_drained(central),
    ]


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
    if truth.central_away_s < 10:  # noqa: PLR2004 seconds asked of a real run
        missing.append("central was not away for 10 s")
    return missing


def _figures(
    truth: Truth, central: Central, start: Microseconds, end: Microseconds
) -> Iterator[str]:
    answer = central.get(
        "/api/v1/mes/kpi",
        **{"from": format_rfc3339(start), "to": format_rfc3339(end), "by": "machine"},
    )
    rows = {str(row["key"]): row for row in answer["rows"]}
    for station in scenario.STATIONS:
        row = rows.get(station.id)
        if row is None:
            yield f"{station.id}: central has no figures"
            continue
        elements: Json = row["elements"]
        if station.machine is not None:
            yield from _counts(truth, station, elements)
            yield from _times(truth, station, elements, start, end)
            yield from _failures(truth, station, row)


def _counts(truth: Truth, station: scenario.Station, elements: Json) -> Iterator[str]:
    made, scrap = truth.pieces(station.id, "produced"), truth.pieces(station.id, "scrap")
    for key, true in (("PQ", made), ("SQ", scrap), ("GQ", made - scrap)):
        if elements[key] != true:
            yield f"{station.id}: {key} is {elements[key]}, really {true}"


def _times(
    truth: Truth,
    station: scenario.Station,
    elements: Json,
    start: Microseconds,
    end: Microseconds,
) -> Iterator[str]:
    stamped = station.edge == scenario.EDGE_1
    changes = len(truth.states[station.id])
    allowed = changes * (STAMPED_US if stamped else POLLED_US)
    allowed += truth.scan_took[station.id] + HUMAN_US
    really = time_by_category(truth, station.id, start, end)
    found = {key: round(float(elements[key]) * 1_000_000) for key in really}
    for key, true in really.items():
        if abs(found[key] - true) > allowed:
            yield f"{station.id}: {key} is {found[key] / 1e6:.3f}, really {true / 1e6:.3f}"
    if sum(found.values()) != end - start:
        yield f"{station.id}: categories sum to {sum(found.values())} µs of {end - start} µs"


def _failures(truth: Truth, station: scenario.Station, row: Json) -> Iterator[str]:
    """How often it failed, and for how long people said why."""
    failures = sum(1 for _, state in truth.states[station.id] if state == "FAIL")
    if row["elements"]["FE"] != failures:
        yield f"{station.id}: FE is {row['elements']['FE']}, really {failures}"
    given: dict[str, Microseconds] = {}
    for begin, until, code in truth.reasons[station.id]:
        given[code] = given.get(code, 0) + until - begin
    booked: dict[str, float] = row["delay"]["by_reason"]
    spans = len(truth.reasons[station.id])
    allowed = spans * (STAMPED_US if station.id in STAMPED else POLLED_US)
    for code in {*given, *booked}:
        seconds, true = booked.get(code, 0.0), given.get(code, 0)
        if abs(round(seconds * 1_000_000) - true) > allowed:
            yield f"{station.id}: reason {code} has {seconds:.3f} s, really {true / 1e6:.3f}"


def _steps(truth: Truth, central: Central) -> Iterator[str]:
    by_serial: dict[str, list[TrueStep]] = {}
    for step in truth.steps:
        by_serial.setdefault(step.serial, []).append(step)
    for serial, steps in by_serial.items():
        answer = central.get("/api/v1/trace/units", serial=serial, item=steps[0].item)
        history: Json | None = answer["history"]
        if history is None:
            yield f"{serial}: {len(answer['candidates'])} candidates instead of one history"
            continue
        yield from _operations(serial, steps, history)
        yield from _parents(truth, serial, history)


def _operations(serial: str, steps: list[TrueStep], history: Json) -> Iterator[str]:
    booked: list[Json] = history["made_from"]["nodes"][0]["operations"]
    if len(booked) != len(steps):
        names = [operation["operation"] for operation in booked]
        yield f"{serial}: operations {names} are booked, really {[s.operation for s in steps]}"
        return
    for true, found in zip(steps, booked, strict=True):
        where = f"{serial}: operation {true.operation}"
        for key, value in (
            ("operation", true.operation),
            ("station", true.station),
            ("order", true.order),
            ("result", true.result),
        ):
            if found[key] != value:
                yield f"{where}: {key} is {found[key]!r}, really {value!r}"
        if true.person not in found["by"]:
            yield f"{where}: people are {found['by']}, really {true.person}"
        for name, value in true.parameters.items():
            shown = {key.rpartition(".")[2]: text for key, text in found["parameters"].items()}
            if name not in shown or abs(float(shown[name]) - float(value)) > 1e-3:  # noqa: PLR2004
                yield f"{where}: {name} is {shown.get(name)}, really {value}"
        if found["finished_at"] is None:
            yield f"{where}: is not finished"
            continue
        late = abs(parse_rfc3339(found["finished_at"]) - true.finished_at)
        if late > _allowed(true):
            really = format_rfc3339(true.finished_at)
            yield f"{where}: finished at {found['finished_at']}, really {really}"


def _allowed(true: TrueStep) -> Microseconds:
    """A stamped value is the device's own; else the edge read it before it answered."""
    return STAMPED_US if true.station in STAMPED else max(POLLED_US, true.finish_took + HUMAN_US)


def _parents(truth: Truth, serial: str, history: Json) -> Iterator[str]:
    nodes: list[Json] = history["made_from"]["nodes"]
    links: list[Json] = history["made_from"]["links"]
    own: list[Json] = [nodes[int(link["source"])] for link in links if link["product"] == 0]
    booked = sorted(str(node["id"]) for node in own)
    true = sorted(link.parent for link in truth.links if link.child == serial)
    if booked != true:
        yield f"{serial}: made from {booked}, really from {true}"


def _drained(central: Central) -> Iterator[str]:
    if not central.has_everything():
        yield "central does not have every event of the edges"
