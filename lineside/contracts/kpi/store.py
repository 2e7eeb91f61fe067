"""Facts of many units, sorted, and the figures computed from them afresh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.kpi.bookings import Booking, Holder, bookings, covers
from lineside.contracts.kpi.elements import JobElements
from lineside.contracts.kpi.errors import KpiHistoryError
from lineside.contracts.kpi.facts import (
    AnyFact,
    CounterFact,
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
from lineside.contracts.kpi.forgetting import IDENTITIES_US, trim
from lineside.contracts.kpi.history import Track, UnitHistory, View
from lineside.contracts.kpi.measure import (
    Registry,
    Sums,
    measure,
    result_of,
    segments_of,
)
from lineside.contracts.kpi.orders import OrderResult
from lineside.contracts.kpi.quantities import serial_key
from lineside.contracts.kpi.timeline import Segment, Stop, joined, stops_of
from lineside.contracts.kpi.window import Settings, Window, WindowResult

_LONG_AGO = -(2**62)
_LONG_AHEAD = 2**62


class FactStore:
    """Facts in the order of R2, of any units, added in any order.

    Adding at the end costs the same however many facts there are. Every answer is computed from the
    facts of its window and the few around it that decide them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.units: dict[str, UnitHistory] = {}
        self.registry: Registry = {}
        self.voids: list[VoidFact] = []
        self.starts: dict[str, list[OrderStartFact]] = {}
        self.latest_known: Microseconds = _LONG_AGO
        self.forgotten_before: Microseconds = _LONG_AGO
        self._everything = View(None, ())

    def add(self, fact: AnyFact) -> None:
        """Take a fact in; each one once."""
        self.latest_known = max(self.latest_known, fact.known_at)
        if isinstance(fact, VoidFact):
            self.voids.append(fact)
            self._everything = View(None, self.voids)
            return
        history = self.history(fact.unit)
        history.latest = max(history.latest, fact.at)
        if isinstance(fact, CounterFact):
            history.counter(fact.counter).insert(fact)
        elif isinstance(fact, StateFact):
            history.states.insert(fact)
        else:
            self._add_rare(fact, history)

    def _add_rare(self, fact: AnyFact, history: UnitHistory) -> None:
        match fact:
            case OrderStartFact():
                history.orders.insert(fact)
                history.shared = history.shared or not fact.exclusive
                self.starts.setdefault(fact.job.order, []).append(fact)
            case OrderEndFact():
                history.orders.insert(fact)
            case QuantityFact():
                history.quantities.insert(fact)
            case InspectionFact():
                history.inspections.insert(fact)
                self.registry.setdefault(serial_key(fact), Track()).insert(fact)
            case ReasonFact(until=None):
                history.open_reasons.insert(fact)
            case ReasonFact(until=int() as until):
                history.reasons.insert_span(fact, until)
            case PlannedFact():
                history.planned.insert_span(fact, fact.until)
            case MoveFact():
                history.moves.insert_span(fact, fact.until)
            case _:
                raise AssertionError(fact)  # the caller handles the others

    def history(self, unit: str) -> UnitHistory:
        """The facts of a unit; an empty history where there are none yet."""
        history = self.units.get(unit)
        if history is None:
            history = self.units[unit] = UnitHistory(unit)
        return history

    def view(self, as_of: Microseconds | None) -> View:
        """What was known at `as_of`."""
        if as_of is None or as_of >= self.latest_known:
            return self._everything
        return View(as_of, self.voids)

    def window(self, window: Window, as_of: Microseconds | None = None) -> WindowResult:
        """Elements and KPIs of a window as known at `as_of`.

        Raises:
            KpiHistoryError: It begins before what is kept here.
        """
        self._refuse_forgotten(window.start)
        return self._window(window, as_of)

    def _window(self, window: Window, as_of: Microseconds | None) -> WindowResult:
        view = self.view(as_of)
        return result_of(self._sums(window, view), window, self._resolver(window.unit, view))

    def facts(self) -> list[AnyFact]:
        """Every fact that is still here; adding them to an empty store gives the same figures."""
        facts: list[AnyFact] = [*self.voids]
        for starts in self.starts.values():
            facts += starts
        for track in self.registry.values():
            facts += track.facts
        for history in self.units.values():
            facts += history.facts()
        return facts

    def forget_before(
        self, horizon: Microseconds, *, identities_us: Microseconds = IDENTITIES_US
    ) -> None:
        """Drop facts that no window from `horizon` on needs; refuse earlier windows from now on.

        Args:
            horizon: Earliest start of a window that may be asked for.
            identities_us: How long before it first inspections, order starts and voids are kept.
        """
        self.forgotten_before = max(self.forgotten_before, horizon)
        for history in self.units.values():
            trim(history, self._everything, horizon)
        oldest = horizon - identities_us
        self.voids = [void for void in self.voids if void.known_at >= oldest]
        self._everything = View(None, self.voids)
        for order, starts in list(self.starts.items()):
            if all(start.at < oldest for start in starts):
                del self.starts[order]
        for key, track in list(self.registry.items()):
            if all(at < oldest for at in track.ats):
                del self.registry[key]

    def _refuse_forgotten(self, start: Microseconds) -> None:
        if start < self.forgotten_before:
            raise KpiHistoryError(
                f"Facts before {format_rfc3339(self.forgotten_before)} are no longer kept here.",
                hint="Ask central, or narrow the question.",
            )

    def _sums(self, window: Window, view: View) -> Sums:
        return measure(self.history(window.unit), self.registry, view, self.settings, window)

    def _resolver(self, unit: str, view: View) -> _Resolver:
        return _Resolver(self.starts, unit, view)

    def segments(self, window: Window, as_of: Microseconds | None = None) -> list[Segment]:
        """The classified window for a shift bar, neighbours that differ in nothing joined."""
        return joined(self._segments(window, self.view(as_of)))

    def stops(self, window: Window, as_of: Microseconds | None = None) -> list[Stop]:
        """Stops of the window with their reasons, micro-stops left out."""
        return stops_of(self._segments(window, self.view(as_of)), window.end)

    def _segments(self, window: Window, view: View) -> list[Segment]:
        self._refuse_forgotten(window.start)
        if window.start >= window.end:
            return []
        return segments_of(self.history(window.unit), view, self.settings, window)[0]

    def bookings(self, unit: str, as_of: Microseconds | None = None) -> list[Booking]:
        """Every span of an order on a unit, by start, moves applied."""
        return bookings(self.history(unit), self.view(as_of))

    def order(
        self,
        job: Job,
        windows: Sequence[tuple[Window, Microseconds | None]],
        as_of: Microseconds | None = None,
    ) -> OrderResult:
        """The result of an order operation (R22).

        Args:
            job: Which; without operation all operations of the order, which must be one for the
                units.
            windows: Whose time counts, each with its own `as_of`; their units are the order's
                units.
            as_of: For spans and quantities, of all time.

        Raises:
            KpiHistoryError: The order began before what is kept here.
        """
        first = [start.at for start in self.starts.get(job.order, ()) if covers(job, start.job)]
        self._refuse_forgotten(min(first, default=self.forgotten_before))
        part = JobElements()
        for window, known in windows:
            for each, share in self.window(window, known).jobs.items():
                if covers(job, each):
                    part += JobElements(
                        item=share.item,
                        apt_us=share.apt_us,
                        aust_us=share.aust_us,
                        adet_us=share.adet_us,
                    )
        spans: list[Booking] = []
        for unit in sorted({window.unit for window, _ in windows}):
            spans += [span for span in self.bookings(unit, as_of) if covers(job, span.holder.job)]
            everything = Window(unit=unit, start=_LONG_AGO, end=_LONG_AHEAD)
            for each, share in self._window(everything, as_of).jobs.items():
                if covers(job, each):
                    part += JobElements(
                        item=share.item,
                        pq=share.pq,
                        sq=share.sq,
                        rq=share.rq,
                        ideal_s=share.ideal_s,
                        ideal_good_s=share.ideal_good_s,
                        rework_recovered=share.rework_recovered,
                    )
        return OrderResult(aoet_us=_execution_time(spans), part=part)


def _execution_time(spans: list[Booking]) -> Microseconds | None:
    ends = [span.end for span in spans if span.end is not None]
    if not spans or len(ends) < len(spans):
        return None
    return max(ends) - min(span.start for span in spans)


class _Resolver:
    """Finds the ideal time of an order named away from its own spans, by its first start."""

    def __init__(self, starts: dict[str, list[OrderStartFact]], unit: str, view: View) -> None:
        self._starts, self._unit, self._view = starts, unit, view

    def __call__(self, holder: Holder) -> Holder:
        known = [
            fact
            for fact in self._starts.get(holder.job.order, ())
            if covers(holder.job, fact.job) and self._view.sees(fact)
        ]
        if not known:
            return holder
        first = min(known, key=lambda fact: (fact.unit != self._unit, fact.at, fact.seq))
        return Holder(first.job, first.pri, first.item)


def compute_window(
    facts: Iterable[AnyFact],
    settings: Settings,
    window: Window,
    as_of: Microseconds | None = None,
) -> WindowResult:
    """The figures of one window from facts in any order: sort, fold once, forget.

    Args:
        facts: Each once, of any units; R21 needs the inspections of all.
        settings: Micro-stop rule and planned stops.
        window: What is asked.
        as_of: Only facts recorded up to it count (R1); None: all.
    """
    store = FactStore(settings)
    for fact in facts:
        store.add(fact)
    return store.window(window, as_of)
