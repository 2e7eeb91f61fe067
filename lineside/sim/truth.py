"""What really happened in the simulated plant, counted by the plant itself.

Nothing here is read from edge or central, and nothing of `contracts.kpi` is used: the score
compares two independent accounts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from lineside.contracts.clock import Microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueStep:
    """One operation really done on one piece.

    Attributes:
        finished_at: The machine's own instant, or when the person had the answer to the last scan.
        finish_took: From that person's scan to the answer, or from the machine's hand-over to its
            acknowledgement. The booked instant lies between, where the device stamps nothing.
    """

    serial: str
    item: str
    order: str
    operation: str
    station: str
    person: str
    started_at: Microseconds
    finished_at: Microseconds
    result: str
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    finish_took: Microseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueLink:
    """Something really went into a piece."""

    parent: str
    child: str
    kind: str  # lot, unit
    at: Microseconds


@dataclass(slots=True)
class Truth:
    """The plant's own ledger.

    Attributes:
        states: Station to (from when, state), in order.
        counts: Station to (when, `produced` or `scrap`, pieces).
        order_spans: Station to (order, operation, from, until or None).
        steps: Operations done.
        links: Genealogy.
        scan_took: Station to the sum of what scans of orders took from the scan to the answer; the
            booked instant lies between.
        reasons: Station to (from, until, code) given by people.
        scans: `accepted`, `refused` to how many the operators saw.
        rollovers: Station to how often its counter really wrapped.
        began_at: When people could begin to work, microseconds UTC; 0 before.
        noticed: Station that is polled to (instant of a change of state, when it had surely been
            read); the booked instant lies between.
        counter_starts: Station to the face value of its piece counter when it was switched on; its
            scrap counter begins at 0.
    """

    states: dict[str, list[tuple[Microseconds, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    counts: dict[str, list[tuple[Microseconds, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    order_spans: dict[str, list[tuple[str, str, Microseconds, Microseconds | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    scan_took: dict[str, Microseconds] = field(default_factory=lambda: defaultdict(int))
    steps: list[TrueStep] = field(default_factory=list[TrueStep])
    links: list[TrueLink] = field(default_factory=list[TrueLink])
    reasons: dict[str, list[tuple[Microseconds, Microseconds, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    scans: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rollovers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    moved_orders: list[str] = field(default_factory=list[str])
    central_away_s: float = 0.0
    finished: list[str] = field(default_factory=list[str])
    began_at: Microseconds = 0
    noticed: dict[str, dict[Microseconds, Microseconds]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    counter_starts: dict[str, int] = field(default_factory=dict[str, int])

    def state(self, station: str, state: str, at: Microseconds) -> None:
        """The station is in this state from now on; equal neighbours are one span."""
        spans = self.states[station]
        if not spans or spans[-1][1] != state:
            spans.append((at, state))

    def order_on(self, station: str, order: str, operation: str, at: Microseconds) -> None:
        """An order is on the station; the one before leaves it at that instant."""
        self.order_off(station, at)
        self.order_spans[station].append((order, operation, at, None))

    def order_off(self, station: str, at: Microseconds) -> None:
        """No order is on the station from now on."""
        spans = self.order_spans[station]
        if spans and spans[-1][3] is None:
            order, operation, start, _ = spans[-1]
            spans[-1] = (order, operation, start, at)

    def stops(self, station: str) -> int:
        """How many unplanned stops and failures the station had."""
        return sum(1 for _, state in self.states[station] if state in {"STOP", "FAIL"})

    def pieces(self, station: str, kind: str) -> int:
        """How many pieces of a kind the station counted."""
        return sum(n for _, what, n in self.counts[station] if what == kind)


CATEGORIES = ("APT_s", "AUST_s", "ADET_s", "ADOT_s", "unknown_s")


def time_by_category(
    truth: Truth, station: str, start: Microseconds, end: Microseconds
) -> dict[str, Microseconds]:
    """Microseconds of a station by category of the OEE sheet, without planned downtime.

    Counts for itself: walks the sorted instants at which a state or an order changed.
    """
    changes = {start, end}
    changes |= {at for at, _ in truth.states[station] if start < at < end}
    for _, _, begin, until in truth.order_spans[station]:
        changes |= {at for at in (begin, until) if at is not None and start < at < end}
    sums: dict[str, Microseconds] = dict.fromkeys(CATEGORIES, 0)
    instants = sorted(changes)
    for at, until in pairwise(instants):
        sums[_category(truth, station, at)] += until - at
    return sums


def _category(truth: Truth, station: str, at: Microseconds) -> str:
    state = "UNKNOWN"
    for begin, name in truth.states[station]:
        if begin <= at:
            state = name
    if state == "UNKNOWN":
        return "unknown_s"
    busy = any(
        begin <= at and (until is None or at < until)
        for _, _, begin, until in truth.order_spans[station]
    )
    if not busy:
        return "ADOT_s"
    return {"RUN": "APT_s", "SETUP": "AUST_s"}.get(state, "ADET_s")
