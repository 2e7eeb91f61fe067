"""Figures that stay up to date: as `FactStore`, but sums of finished stretches are remembered.

A shift is cut into tiles of 15 minutes. A query adds the remembered sums of the finished tiles and
measures only the rest; a fact drops only the tiles that it can change. Sums of tiles add up to the
sum of the window exactly (R24), so what is remembered can never differ from what is computed
afresh.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.facts import (
    AnyFact,
    CounterFact,
    InspectionFact,
    MoveFact,
    OrderEndFact,
    OrderStartFact,
    PlannedFact,
    QuantityFact,
    ReasonFact,
    StateFact,
    VoidFact,
)
from lineside.contracts.kpi.forgetting import IDENTITIES_US
from lineside.contracts.kpi.history import UnitHistory, View
from lineside.contracts.kpi.measure import Sums, measure
from lineside.contracts.kpi.quantities import is_settled, serial_key
from lineside.contracts.kpi.store import FactStore
from lineside.contracts.kpi.window import Interval, Settings, Window

TILE_US = 900 * US_PER_SECOND
SHIFTS_REMEMBERED = 64
_LONG_AHEAD = 2**62

_ShiftKey = tuple[Interval, tuple[Interval, ...]]


class _UnitTiles:
    """Remembered sums of one unit: by shift, then by number of the tile in it."""

    __slots__ = ("sealed_until", "shifts")

    def __init__(self) -> None:
        self.shifts: OrderedDict[_ShiftKey, dict[int, Sums]] = OrderedDict()
        self.sealed_until: Microseconds = -_LONG_AHEAD

    def of(self, key: _ShiftKey) -> dict[int, Sums]:
        """Tiles of a shift; the shifts asked for longest ago are forgotten."""
        tiles = self.shifts.get(key)
        if tiles is None:
            tiles = self.shifts[key] = {}
            if len(self.shifts) > SHIFTS_REMEMBERED:
                self.shifts.popitem(last=False)
        else:
            self.shifts.move_to_end(key)
        return tiles

    def drop(self, low: Microseconds, high: Microseconds) -> None:
        """Forget every tile that shares an instant with the closed interval."""
        for (base, _), tiles in self.shifts.items():
            first = max(0, -((base[0] - low) // TILE_US) - 1)
            last = (min(high, base[1]) - base[0]) // TILE_US
            if len(tiles) < last - first:
                for number in [each for each in tiles if first <= each <= last]:
                    del tiles[number]
            else:
                for number in range(first, last + 1):
                    tiles.pop(number, None)


class LiveFigures(FactStore):
    """The same answers as `FactStore`, at a cost per fact that does not grow with the history."""

    def __init__(self, settings: Settings, facts: Iterable[AnyFact] = ()) -> None:
        super().__init__(settings)
        self._tiles: dict[str, _UnitTiles] = {}
        for fact in facts:
            self.add(fact)

    def change_settings(self, settings: Settings) -> None:
        """Another calendar applies; nothing that was remembered does."""
        if settings != self.settings:
            self.settings = settings
            self._tiles.clear()

    def add(self, fact: AnyFact) -> None:
        """Take a fact in and forget what it may change."""
        super().add(fact)
        if isinstance(fact, VoidFact):
            self._tiles.clear()  # rare, and its target may be anywhere
            return
        tiles = self._tiles.get(fact.unit)
        if isinstance(fact, InspectionFact):
            for other in self.registry[serial_key(fact)].facts:
                self._drop(other.unit, other.at, other.at)
        elif tiles is not None and self._lowest(fact) <= tiles.sealed_until:
            low, high = self._reach(fact)
            tiles.drop(low, high)

    def forget_before(
        self, horizon: Microseconds, *, identities_us: Microseconds = IDENTITIES_US
    ) -> None:
        """As `FactStore.forget_before`; what was remembered of later shifts stays."""
        super().forget_before(horizon, identities_us=identities_us)
        for tiles in self._tiles.values():
            for key in [key for key in tiles.shifts if key[0][1] < horizon]:
                del tiles.shifts[key]

    def _drop(self, unit: str, low: Microseconds, high: Microseconds) -> None:
        tiles = self._tiles.get(unit)
        if tiles is not None and low <= tiles.sealed_until:
            tiles.drop(low, high)

    def _lowest(self, fact: AnyFact) -> Microseconds:
        """Earliest instant that a fact can change: a STOP may have been a micro-stop."""
        if isinstance(fact, StateFact):
            return fact.at - self.settings.micro_stop_threshold_us
        return fact.at

    def _reach(self, fact: AnyFact) -> Interval:
        """Closed interval outside of which a fact changes nothing; wide where that is open."""
        history = self.units[fact.unit]
        low = self._lowest(fact)
        match fact:
            case CounterFact() if not self.voids:
                return low, _counter_reach(history, fact)
            case StateFact() if not self.voids:
                return low, _state_reach(history, fact)
            case OrderStartFact() | OrderEndFact() if not history.shared and not self.voids:
                return low, _order_reach(history, fact)
            case QuantityFact():
                return low, fact.at
            case ReasonFact(until=int() as until):
                return low, until
            case PlannedFact() | MoveFact():
                return low, fact.until
            case _:
                return low, _LONG_AHEAD

    def _sums(self, window: Window, view: View) -> Sums:
        if view is not self._everything or window.shift_start is None or window.shift_end is None:
            return super()._sums(window, view)
        history = self.history(window.unit)
        unit_tiles = self._tiles.setdefault(window.unit, _UnitTiles())
        tiles = unit_tiles.of((window.base, window.breaks))
        base = window.shift_start
        sums = Sums()
        at = window.start
        while at < window.end:
            number = (at - base) // TILE_US
            tile_start, tile_end = base + number * TILE_US, base + (number + 1) * TILE_US
            whole = at == tile_start and tile_end <= min(window.end, history.latest)
            if whole:
                known = tiles.get(number)
                if known is None:
                    known = tiles[number] = self._measured(history, view, window, at, tile_end)
                    unit_tiles.sealed_until = max(unit_tiles.sealed_until, tile_end)
                sums.absorb(known)
                at = tile_end
            else:
                # behind the latest fact nothing changes any more: one measurement to the end
                stop = window.end if tile_end > history.latest else min(tile_end, window.end)
                sums.absorb(self._measured(history, view, window, at, stop))
                at = stop
        return sums

    def _measured(
        self,
        history: UnitHistory,
        view: View,
        window: Window,
        start: Microseconds,
        end: Microseconds,
    ) -> Sums:
        part = Window(
            unit=window.unit,
            start=start,
            end=end,
            breaks=window.breaks,
            shift_start=window.shift_start,
            shift_end=window.shift_end,
        )
        return measure(history, self.registry, view, self.settings, part)


def _state_reach(history: UnitHistory, fact: StateFact) -> Microseconds:
    """End of the span after the next state change: till there a neighbour or length may differ."""
    ats, facts = history.states.ats, history.states.facts
    index = bisect_right(ats, fact.at)
    state = ""
    while index < len(facts):
        at = ats[index]
        index = bisect_right(ats, at)  # of two events at one instant the later counts
        settled = facts[index - 1].state
        if state and settled != state:
            return at
        state = settled
    return _LONG_AHEAD


def _order_reach(history: UnitHistory, fact: OrderStartFact | OrderEndFact) -> Microseconds:
    """The next order start: whatever was before, from there on its order is on the unit."""
    track = history.orders
    for later in track.facts[bisect_right(track.ats, fact.at) :]:
        if isinstance(later, OrderStartFact):
            return later.at
    return _LONG_AHEAD


def _counter_reach(history: UnitHistory, fact: CounterFact) -> Microseconds:
    """The reading from which on the counter's memory does not depend on the new one."""
    track = history.counters[fact.counter]
    facts = track.facts
    index = bisect_right(track.ats, fact.at)
    for later in range(index + 1, len(facts)):
        if is_settled(facts[later - 1], facts[later]):
            return facts[later].at
    return _LONG_AHEAD
