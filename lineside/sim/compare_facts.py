"""Facts one by one: journals, central's database, and what the plant really did.

For each edge and epoch: no number left out, none twice, the same bytes of meaning on both sides.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from lineside.sim import scenario
from lineside.sim.books import Books, EdgeBooks, Fact
from lineside.sim.compare_edges import compare_states
from lineside.sim.truth import Truth

Json = dict[str, Any]
MODULUS = 65_536
SHOWN = 5


def compare_facts(truth: Truth, books: Books, *, attended: bool) -> Iterator[str]:
    """Every fact that is lost, doubled, different, or not what the plant did.

    Args:
        truth: The ledger.
        books: What was read.
        attended: People scanned; without them there is nothing to count of scans.
    """
    yield from books.holes
    refused = 0
    for edge, found in books.edges.items():
        for problem in found.journal_problems:
            yield f"{edge}: its journal is damaged at {problem}"
        yield from _whole(edge, found)
        if found.journal is not None and found.central is not None:
            yield from _same(edge, found, head=found.head)
        facts = found.central if found.central is not None else found.journal
        if facts is not None:
            refused += sum(1 for fact in facts if fact.event["type"] == "scan_refused")
            yield from _machines(truth, books, edge, facts)
    complete = books.edges and all(
        found.central is not None or found.journal is not None for found in books.edges.values()
    )
    if attended and complete and refused != truth.scans["refused"]:
        yield f"{refused} refused scans are booked, people saw {truth.scans['refused']}"


def _whole(edge: str, found: EdgeBooks) -> Iterator[str]:
    """Numbers without gap and without repetition, and how far central is."""
    if found.journal is not None:
        yield from _gaps(f"{edge}'s journal", found.journal, {})
    if found.central is not None:
        yield from _gaps(f"central, {edge}", found.central, found.epochs or {"": 0})
        yield from _doubles(f"central, {edge}", found.central)
        durable = max((fact.seq for fact in found.central), default=0)
        if found.head is not None and durable < found.head:
            yield f"{edge}: central has {durable} of {found.head} facts"
    elif found.head is not None and found.known is not None and found.known < found.head:
        yield f"{edge}: central knows {found.known} of {found.head} facts"


def _gaps(where: str, facts: Iterable[Fact], bases: dict[str, int]) -> Iterator[str]:
    """Each epoch counts on by one; a journal, of which no base is given, may begin anywhere."""
    by_epoch: dict[str, list[int]] = defaultdict(list)
    for fact in facts:
        by_epoch[fact.epoch].append(fact.seq)
    for epoch, numbers in by_epoch.items():
        counted = Counter(numbers)
        twice = sorted(seq for seq, count in counted.items() if count > 1)
        if twice:
            yield f"{where}, epoch {epoch}: {_ranges(twice)} is there twice"
        base = bases.get(epoch, bases.get("") if len(by_epoch) == 1 else None)
        first = min(numbers) if base is None else base + 1
        missing = sorted(set(range(first, max(numbers) + 1)) - counted.keys())
        if missing:
            yield f"{where}, epoch {epoch}: {_ranges(missing)} is missing"


def _doubles(where: str, facts: Iterable[Fact]) -> Iterator[str]:
    """The same fact under two numbers."""
    seen: dict[str, Fact] = {}
    for fact in facts:
        text = json.dumps(fact.event, sort_keys=True)
        first = seen.setdefault(text, fact)
        if first is not fact:
            kind = fact.event["type"]
            yield f"{where}: the {kind} of {first.seq} is there again as {fact.seq}"


def _same(edge: str, found: EdgeBooks, *, head: int | None) -> Iterator[str]:
    """What the edge has committed up to its head is at central, the same; and nothing else is."""
    own = {(fact.epoch, fact.seq): fact.event for fact in found.journal or ()}
    theirs = {(fact.epoch, fact.seq): fact.event for fact in found.central or ()}
    if not own:
        return
    present = next(reversed(found.epochs), "")
    until = head if head is not None else max(seq for _, seq in own)
    oldest = min(seq for _, seq in own)
    lost = [key for key in own if key not in theirs and (key[0] != present or key[1] <= until)]
    foreign = [key for key in theirs if key not in own and oldest <= key[1] <= until]
    different = [key for key, event in own.items() if theirs.get(key, event) != event]
    for keys, what in (
        (lost, "is not at central"),
        (foreign, "is at central, but not in the edge's journal"),
        (different, "is another one at central"),
    ):
        by_epoch: dict[str, list[int]] = defaultdict(list)
        for epoch, seq in keys:
            by_epoch[epoch].append(seq)
        for epoch, numbers in by_epoch.items():
            yield f"{edge}, epoch {epoch}: {_ranges(sorted(numbers))} {what}"


def _ranges(numbers: list[int]) -> str:
    """`fact 7`, `facts 3 to 5, 9`; the first few."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts = [f"{a}" if a == b else f"{a} to {b}" for a, b in spans]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ("fact " if len(numbers) == 1 else "facts ") + ", ".join(texts[:SHOWN]) + more


def _machines(truth: Truth, books: Books, edge: str, facts: list[Fact]) -> Iterator[str]:
    voided = {
        (reference["epoch"], reference["seq"])
        for fact in facts
        for reference in (fact.event.get("voids"), fact.event.get("corrects"))
        if reference
    }
    valid = [fact for fact in facts if (fact.epoch, fact.seq) not in voided]
    for station in scenario.STATIONS:
        if station.edge == edge and station.machine is not None:
            own = [fact for fact in valid if fact.event.get("station") == station.id]
            yield from _states(truth, books, station.id, own)
            yield from _counters(truth, station.id, own)


def _states(truth: Truth, books: Books, station: str, facts: list[Fact]) -> Iterator[str]:
    """Every state, micro-stops among them, from when the edge first knew one."""
    changes = sorted(
        (
            (int(fact.event["occurred_at"]), fact.seq, str(fact.event["state"]))
            for fact in facts
            if fact.event["type"] == "state_changed"
        ),
        key=lambda one: one[:2],
    )
    known = next((at for at, _, state in changes if state != "UNKNOWN"), None)
    if known is None:
        yield f"{station}: no state of it is booked"
        return
    booked = [(at, state) for at, _, state in changes]
    start = max(truth.began_at, known)
    yield from compare_states(
        truth, station, booked, start=start, end=books.end, who="it is booked as"
    )


def _counters(truth: Truth, station: str, facts: list[Fact]) -> Iterator[str]:
    """Pieces counted since the first reading, and the face of the counter now."""
    readings: dict[str, list[Json]] = defaultdict(list)
    ordered = sorted(facts, key=lambda fact: (fact.event["occurred_at"], fact.seq))
    for fact in ordered:
        if fact.event["type"] == "counter_read":
            readings[fact.event.get("role", "produced")].append(fact.event)
    starts = {"produced": truth.counter_starts.get(station, 0), "scrap": 0}
    for role, start in starts.items():
        made = truth.pieces(station, role)
        found = readings[role]
        if not found:
            yield f"{station}: no {role} counter is booked"
            continue
        before = (found[0]["value"] - start) % MODULUS
        counted = sum(
            Fraction(str(one.get("pieces_per_count", 1))) * one.get("increment", 0) for one in found
        )
        if counted != made - before:
            yield f"{station}: {counted} pieces {role} are counted, really {made - before}"
        face = (start + made) % MODULUS
        if found[-1]["value"] != face:
            yield f"{station}: its {role} counter is booked as {found[-1]['value']}, shows {face}"
