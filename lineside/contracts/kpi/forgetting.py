"""Which facts still decide figures after a horizon, so that a computer can run for years.

Kept are all facts of the last day before the horizon, and of older ones those that say what the
state, the order and the counters were then. Reasons, moves and plans stay while they reach so far.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeVar

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.facts import Fact, MoveFact, OrderStartFact, PlannedFact, ReasonFact
from lineside.contracts.kpi.history import SpanTrack, Track, UnitHistory, View
from lineside.contracts.kpi.quantities import settled_before
from lineside.contracts.kpi.timeline import context_before

MARGIN_US = 86_400 * US_PER_SECOND
IDENTITIES_US = 180 * MARGIN_US
"""How long first inspections, order starts and voids are remembered: half a year."""

F = TypeVar("F", bound=Fact)
L = TypeVar("L", ReasonFact, PlannedFact, MoveFact)


def trim(history: UnitHistory, view: View, horizon: Microseconds) -> None:
    """Drop what no window from `horizon` on can need.

    Args:
        history: Of one unit.
        view: Everything that is known.
        horizon: Earliest start of a window that may be asked for.
    """
    cut = horizon - MARGIN_US
    states = history.states
    _drop(states, context_before(states, view, bisect_right(states.ats, cut)))
    since = min(cut, states.ats[0]) if states.ats else cut
    for track in history.counters.values():
        _drop(track, settled_before(track, view, bisect_right(track.ats, cut)))
    _drop(history.quantities, bisect_right(history.quantities.ats, cut))
    _drop(history.inspections, bisect_right(history.inspections.ats, cut))
    _drop(history.open_reasons, bisect_right(history.open_reasons.ats, since - 1))
    _keep_reaching(history.reasons, cut)
    _keep_reaching(history.planned, cut)
    _keep_reaching(history.moves, cut)
    orders = history.orders
    if history.shared:  # a booking may last for weeks beside others
        _drop(orders, bisect_right(orders.ats, horizon - IDENTITIES_US))
        return
    for back in range(bisect_right(orders.ats, cut) - 1, -1, -1):
        if isinstance(orders.facts[back], OrderStartFact) and view.sees(orders.facts[back]):
            _drop(orders, back)
            break


def _drop(track: Track[F], count: int) -> None:
    if count > 0:
        track.forget(count)


def _keep_reaching(track: SpanTrack[L], cut: Microseconds) -> None:
    kept = [fact for fact in track.facts if fact.until is not None and fact.until >= cut]
    track.facts[:] = kept
    track.ats[:] = [fact.at for fact in kept]
