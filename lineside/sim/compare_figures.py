"""Central's figures against the plant's ledger, and against their own arithmetic.

Elements are compared with what really happened; ratios are divided again, exactly, from the very
elements that central gives, by the formulas of the OEE sheet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Microseconds, parse_rfc3339
from lineside.sim import scenario
from lineside.sim.books import Books
from lineside.sim.true_figures import HUMAN_US, lag_us, true_elements, true_quantities
from lineside.sim.truth import Truth

Json = dict[str, Any]
Ratio = Fraction | None
ROUNDED = Fraction(1, 2 * 10**9)
SAME_SUM = 1e-6


def compare_figures(truth: Truth, books: Books) -> Iterator[str]:
    """Every difference in time, quantities and ratios, by machine and by machine and shift."""
    if books.machines is None or books.shifts is None:
        return
    by_machine = {str(row["key"]): row for row in books.machines["rows"]}
    by_shift: dict[str, list[Json]] = defaultdict(list)
    for row in books.shifts["rows"]:
        by_shift[row["group"]["machine"]].append(row)
    for station in scenario.STATIONS:
        row, parts = by_machine.get(station.id), by_shift[station.id]
        if row is None or not parts:
            yield f"{station.id}: central has no figures"
            continue
        yield from _row(truth, station, row, station.id)
        yield from _reasons(truth, station, row)
        for part in parts if len(parts) > 1 else []:
            where = f"{station.id}, shift {part['group']['shift']} of {part['group']['day']}"
            yield from _row(truth, station, part, where)
        yield from _sum(station.id, row, parts)
        window = sum(_until(part) - _from(part) for part in parts)
        if window != books.end - books.start:
            yield f"{station.id}: its shifts cover {window} µs of {books.end - books.start} µs"
    yield from _orders(truth, books)


def _from(row: Json) -> Microseconds:
    return parse_rfc3339(row["start"])


def _until(row: Json) -> Microseconds:
    return parse_rfc3339(row["end"])


def _row(truth: Truth, station: scenario.Station, row: Json, where: str) -> Iterator[str]:
    elements: Json = row["elements"]
    start, end = _from(row), _until(row)
    if station.machine is None:
        amounts = true_quantities(truth, station, start, end)
    else:
        true = true_elements(truth, station, start, end)
        amounts = dict(true.amounts)
        allowed = true.allowed + truth.scan_took[station.id] + HUMAN_US
        for key in ("FE", "repairs", "micro_stop_count"):  # a stop too short to be read twice
            if abs(_exact(elements[key]) - amounts[key]) <= true.unsure:
                del amounts[key]
        for key, span in true.times.items():
            found = _us(elements[key])
            if abs(found - span) > (0 if key in {"POT_s", "PBT_s"} else allowed):
                yield f"{where}: {key} is {found / 1e6:.6f}, really {span / 1e6:.6f}"
    for key, amount in amounts.items():
        if _exact(elements[key]) != amount:
            yield f"{where}: {key} is {elements[key]:g}, really {float(amount):g}"
    parts = ("planned_downtime_s", "APT_s", "AUST_s", "ADET_s", "ADOT_s", "unknown_s")
    tiled = sum(_us(elements[key]) for key in parts)
    if tiled != end - start:
        yield f"{where}: its categories sum to {tiled} µs of {end - start} µs"
    yield from _ratios(row, where)


def _us(seconds: float) -> Microseconds:
    return round(seconds * US_PER_SECOND)


def _exact(amount: float) -> Fraction:
    return Fraction(str(amount))


def _over(top: Fraction, bottom: Fraction) -> Ratio:
    return top / bottom if bottom else None


def ratios_of(elements: Json) -> dict[str, Ratio]:
    """Every ratio of the sheet, divided from elements; null where nothing divides.

    Args:
        elements: As central gives them, keys of the sheet.
    """
    seconds = {
        key: Fraction(_us(value), US_PER_SECOND)
        for key, value in elements.items()
        if key.endswith("_s") and not key.startswith("ideal")
    }
    e = seconds | {key: _exact(value) for key, value in elements.items() if key not in seconds}
    availability = _over(e["APT_s"], e["PBT_s"])
    effectiveness = _over(e["ideal_s"], e["APT_s"])
    quality = _over(e["GQ"], e["PQ"])

    def index(first: Ratio) -> Ratio:
        if not e["PBT_s"]:
            return None
        if not e["PQ"]:
            return Fraction(0)
        if first is None or effectiveness is None or quality is None:
            return None
        return first * effectiveness * quality

    return {
        "availability": availability,
        "effectiveness": effectiveness,
        "quality_ratio": quality,
        "oee": index(availability),
        "nee": index(_over(e["AUPT_s"], e["PBT_s"])),
        "allocation_efficiency": _over(e["AUBT_s"], e["PBT_s"]),
        "utilisation_efficiency": _over(e["APT_s"], e["AUBT_s"]),
        "setup_ratio": _over(e["AUST_s"], e["AUPT_s"]),
        "technical_efficiency": _over(e["APT_s"], e["APT_s"] + e["ADET_s"]),
        "scrap_ratio": _over(e["SQ"], e["PQ"]),
        "rework_ratio": _over(e["RQ"], e["PQ"]),
        "first_pass_yield": _over(e["GP"], e["IP"]),
        "mtbf_s": _over(e["operating_s"], e["FE"]),
        "mttr_s": _over(e["TTR_sum_s"], e["repairs"]),
    }


def fraction_of(ratio: Json | None) -> Ratio:
    """The exact value of a ratio on the wire."""
    return None if ratio is None else Fraction(ratio["fraction"])


def _ratios(row: Json, where: str) -> Iterator[str]:
    for name, true in ratios_of(row["elements"]).items():
        shown: Json | None = row["kpis"].get(name)
        found = fraction_of(shown)
        if found != true:
            yield f"{where}: {name} is {found}, its elements give {true}"
        elif (
            shown is not None
            and true is not None
            and abs(Fraction(str(shown["value"])) - true) > ROUNDED
        ):
            yield f"{where}: {name} is shown as {shown['value']}, exactly {true}"


def _sum(where: str, row: Json, parts: list[Json]) -> Iterator[str]:
    """Pooled over shifts: elements are added."""
    for key, value in row["elements"].items():
        total = sum(part["elements"][key] for part in parts)
        if abs(total - value) > SAME_SUM:
            yield f"{where}: {key} is {value:g}, its shifts add up to {total:g}"


def _reasons(truth: Truth, station: scenario.Station, row: Json) -> Iterator[str]:
    """For how long people said why."""
    start, end = _from(row), _until(row)
    given: dict[str, Microseconds] = defaultdict(int)
    allowed = 0
    for begin, until, code in truth.reasons[station.id]:
        given[code] += max(0, min(until, end) - max(begin, start))
        allowed += lag_us(truth, station.id, begin) + lag_us(truth, station.id, until)
    booked: dict[str, float] = row["delay"]["by_reason"]
    for code in sorted({*given, *booked}):
        found, true = _us(booked.get(code, 0.0)), given.get(code, 0)
        if abs(found - true) > allowed:
            yield f"{station.id}: reason {code} has {found / 1e6:.3f} s, really {true / 1e6:.3f} s"


def _orders(truth: Truth, books: Books) -> Iterator[str]:
    """What central says each operation of each order has delivered."""
    made: Counter[tuple[str, str, str]] = Counter()
    serials: dict[tuple[str, str], set[str]] = defaultdict(set)
    for step in truth.steps:
        made[step.order, step.operation, step.result] += 1
        serials[step.order, step.operation].add(step.serial)
    for order, progress in books.orders.items():
        if "problem" in progress:
            yield f"{order}: {progress['problem']}"
            continue
        booked: dict[str, Json] = {row["operation"]: row for row in progress["operations"]}
        worked = {operation for name, operation in serials if name == order}
        for operation in sorted({*booked, *worked}):
            row = booked.get(operation, {})
            true = {
                "good": made[order, operation, "pass"],
                "scrap": made[order, operation, "fail"],
                "units_finished": len(serials[order, operation]),
            }
            for key, count in true.items():
                if Fraction(str(row.get(key, 0))) != count:
                    where = f"{order}, operation {operation}"
                    yield f"{where}: {key} is {row.get(key, 0)}, really {count}"
