"""Histories of units against the plant's ledger: operations, people, values, status, genealogy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from lineside.contracts.clock import Microseconds, format_rfc3339, parse_rfc3339
from lineside.sim import scenario
from lineside.sim.books import Books
from lineside.sim.true_figures import HUMAN_US, STAMPED_US, boundary_us
from lineside.sim.truth import TrueStep, Truth

Json = dict[str, Any]
FLOAT_32 = 1e-3
"""What a process value may differ by after a 32-bit register."""


def compare_units(truth: Truth, books: Books) -> Iterator[str]:
    """Every difference in what happened to each unit, and in what went into what."""
    if books.machines is None:
        return
    by_serial: dict[str, list[TrueStep]] = defaultdict(list)
    for step in truth.steps:
        by_serial[step.serial].append(step)
    parents: dict[str, list[str]] = defaultdict(list)
    children: dict[str, list[str]] = defaultdict(list)
    for link in truth.links:
        parents[link.child].append(link.parent)
        children[link.parent].append(link.child)
    for serial, steps in by_serial.items():
        answer = books.units.get(serial, {"problem": "central was not asked"})
        history = _history(answer)
        if history is None:
            yield f"{serial}: {_why(answer)}"
            continue
        yield from _operations(serial, steps, history)
        yield from _status(serial, steps, history, truth)
        yield from _links(serial, sorted(parents[serial]), history, "made_from")
        if steps[0].item == scenario.SPOOL:
            yield from _links(serial, sorted(children[serial]), history, "went_into")
    for lot, answer in books.lots.items():
        history = _history(answer)
        if history is None:
            yield f"{lot}: {_why(answer)}"
            continue
        yield from _links(lot, sorted(children[lot]), history, "went_into")


def _history(answer: Json) -> Json | None:
    found: Json | None = answer.get("history")
    return found


def _why(answer: Json) -> str:
    if "problem" in answer:
        return str(answer["problem"])
    return f"{len(answer['candidates'])} candidates instead of one history"


def _operations(serial: str, steps: list[TrueStep], history: Json) -> Iterator[str]:
    booked: list[Json] = history["made_from"]["nodes"][0]["operations"]
    if len(booked) != len(steps):
        names = [operation["operation"] for operation in booked]
        yield f"{serial}: operations {names} are booked, really {[s.operation for s in steps]}"
        return
    for true, found in zip(steps, booked, strict=True):
        yield from _operation(f"{serial}: operation {true.operation}", true, found)


def _operation(where: str, true: TrueStep, found: Json) -> Iterator[str]:
    for key, value in (
        ("operation", true.operation),
        ("station", true.station),
        ("order", true.order),
        ("result", true.result),
    ):
        if found[key] != value:
            yield f"{where}: {key} is {found[key]!r}, really {value!r}"
    if found["by"] != [true.person]:
        yield f"{where}: people are {found['by']}, really {true.person}"
    shown = {key.rpartition(".")[2]: text for key, text in found["parameters"].items()}
    for name, value in true.parameters.items():
        if name not in shown or abs(float(shown[name]) - float(value)) > FLOAT_32:
            yield f"{where}: {name} is {shown.get(name)}, really {value}"
    if found["finished_at"] is None:
        yield f"{where}: is not finished"
        return
    if abs(parse_rfc3339(found["finished_at"]) - true.finished_at) > _allowed(true):
        really = format_rfc3339(true.finished_at)
        yield f"{where}: finished at {found['finished_at']}, really {really}"


def _allowed(true: TrueStep) -> Microseconds:
    """A stamped value is the device's own; else the edge read it before it answered."""
    boundary = boundary_us(true.station)
    return boundary if boundary == STAMPED_US else max(boundary, true.finish_took + HUMAN_US)


def _status(serial: str, steps: list[TrueStep], history: Json, truth: Truth) -> Iterator[str]:
    last = steps[-1]
    ends = any(s.last for s in scenario.STATIONS if s.id == last.station)
    true = "scrapped" if last.result == "fail" else "finished" if ends else "in_process"
    if history["status"] != true:
        yield f"{serial}: is {history['status']}, really {true}"
    if last.item == scenario.VALVE and (true == "finished") != (serial in truth.finished):
        yield f"{serial}: the plant's own ledger does not agree with itself whether it is finished"


def _links(thing: str, true: list[str], history: Json, way: str) -> Iterator[str]:
    """What it was made from, or what it went into, directly; each once."""
    nodes: list[Json] = history[way]["nodes"]
    near, far = ("product", "source") if way == "made_from" else ("source", "product")
    booked = sorted(
        str(nodes[int(link[far])]["id"])
        for link in history[way]["links"]
        if link[near] == 0 and link["removed_by"] is None
    )
    if booked == true:
        return
    verb = "made from" if way == "made_from" else "gone into"
    missing, extra = _less(true, booked), _less(booked, true)
    if missing:
        yield f"{thing}: central does not know that it was {verb} {', '.join(missing)}"
    if extra:
        yield f"{thing}: was not {verb} {', '.join(extra)}, but central says so"


def _less(one: list[str], other: list[str]) -> list[str]:
    rest = list(other)
    found: list[str] = []
    for name in one:
        if name in rest:
            rest.remove(name)
        else:
            found.append(name)
    return found
