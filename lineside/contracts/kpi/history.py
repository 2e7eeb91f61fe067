"""Facts of one unit in the order of R2, and the view of who knew only part of them (R1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

from lineside.contracts.clock import Microseconds
from lineside.contracts.kpi.facts import (
    AnyFact,
    CounterFact,
    Fact,
    InspectionFact,
    Job,
    MoveFact,
    OrderEndFact,
    OrderStartFact,
    PlannedFact,
    QuantityFact,
    ReasonFact,
    StateFact,
    VoidFact,
)

F = TypeVar("F", bound=Fact)

EventId = tuple[str, int]
"""(edge, seq) of the event that a fact came from."""

SerialKey = tuple[str, str, Job]
"""(item, serial, job): within one of them only the first inspection counts (R21)."""


class Track(Generic[F]):
    """Facts sorted by (`at`, `seq`); adding at the end costs the same however many there are.

    Attributes:
        ats: `at` of each fact, for bisection.
        facts: The facts.
    """

    __slots__ = ("ats", "facts")

    def __init__(self) -> None:
        self.ats: list[Microseconds] = []
        self.facts: list[F] = []

    def insert(self, fact: F) -> int:
        """Put a fact in its place and return the index; facts of one event keep their order."""
        ats, facts = self.ats, self.facts
        at = fact.at
        if not ats or at > ats[-1] or (at == ats[-1] and fact.seq >= facts[-1].seq):
            ats.append(at)
            facts.append(fact)
            return len(ats) - 1
        index = bisect_right(facts, (at, fact.seq), key=_order)
        ats.insert(index, at)
        facts.insert(index, fact)
        return index

    def between(self, start: Microseconds, end: Microseconds) -> list[F]:
        """Facts with start < at <= end, the interval of quantities (R14)."""
        return self.facts[bisect_right(self.ats, start) : bisect_right(self.ats, end)]

    def forget(self, count: int) -> None:
        """Drop the first facts."""
        del self.ats[:count]
        del self.facts[:count]


def _order(fact: Fact) -> tuple[Microseconds, int]:
    return fact.at, fact.seq


class SpanTrack(Track[F]):
    """Facts that last until some end; knows the longest, to find those that reach into a window."""

    __slots__ = ("longest",)

    def __init__(self) -> None:
        super().__init__()
        self.longest: Microseconds = 0

    def insert_span(self, fact: F, until: Microseconds) -> int:
        """Put a fact in its place; `until` is its end."""
        self.longest = max(self.longest, until - fact.at)
        return self.insert(fact)

    def reaching(self, start: Microseconds, end: Microseconds) -> list[F]:
        """Facts that may share time with [start, end]; some may end before it."""
        first = bisect_right(self.ats, start - self.longest - 1)
        return self.facts[first : bisect_right(self.ats, end)]


class View:
    """What is known at a moment: facts recorded up to it, without those taken back up to it.

    Attributes:
        as_of: The moment; None: everything that is here.
        dead: Events that were taken back.
        everything: Nothing needs to be filtered.
    """

    __slots__ = ("as_of", "dead", "everything")

    def __init__(self, as_of: Microseconds | None, voids: Iterable[VoidFact]) -> None:
        self.as_of = as_of
        self.dead = dead_events(voids, as_of)
        self.everything = as_of is None and not self.dead

    def sees(self, fact: Fact) -> bool:
        """Whether the fact counts."""
        return (self.as_of is None or fact.known_at <= self.as_of) and (
            not self.dead or (fact.edge, fact.seq) not in self.dead
        )

    def known(self, facts: list[F]) -> list[F]:
        """The facts that count, in their order."""
        return facts if self.everything else [fact for fact in facts if self.sees(fact)]


def dead_events(voids: Iterable[VoidFact], as_of: Microseconds | None) -> frozenset[EventId]:
    """Events taken back as known at `as_of`; taking back a taking back restores its target."""
    dead: set[EventId] = set()
    for void in sorted(voids, key=lambda each: (each.known_at, each.seq), reverse=True):
        if (as_of is None or void.known_at <= as_of) and (void.edge, void.seq) not in dead:
            dead.add((void.target_edge, void.target_seq))
    return frozenset(dead)


class UnitHistory:
    """All facts of one unit, by kind.

    Attributes:
        shared: Whether several orders were ever on the unit at once, or a span was declared.
        latest: Largest `at`.
    """

    __slots__ = (
        "counters",
        "inspections",
        "latest",
        "moves",
        "open_reasons",
        "orders",
        "planned",
        "quantities",
        "reasons",
        "shared",
        "states",
        "unit",
    )

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.states: Track[StateFact] = Track()
        self.orders: Track[OrderStartFact | OrderEndFact] = Track()
        self.counters: dict[str, Track[CounterFact]] = {}
        self.quantities: Track[QuantityFact] = Track()
        self.inspections: Track[InspectionFact] = Track()
        self.reasons: SpanTrack[ReasonFact] = SpanTrack()
        self.open_reasons: Track[ReasonFact] = Track()
        self.planned: SpanTrack[PlannedFact] = SpanTrack()
        self.moves: SpanTrack[MoveFact] = SpanTrack()
        self.shared = False
        self.latest: Microseconds = 0

    def counter(self, name: str) -> Track[CounterFact]:
        """The track of a counter, made when it is first read."""
        track = self.counters.get(name)
        if track is None:
            track = self.counters[name] = Track()
        return track

    def facts(self) -> list[AnyFact]:
        """Facts kind by kind, but for order starts and inspections, which the store keeps too."""
        facts: list[AnyFact] = [*self.states.facts]
        facts += [fact for fact in self.orders.facts if isinstance(fact, OrderEndFact)]
        for track in self.counters.values():
            facts += track.facts
        facts += self.quantities.facts
        facts += self.reasons.facts
        facts += self.open_reasons.facts
        facts += self.planned.facts
        facts += self.moves.facts
        return facts
