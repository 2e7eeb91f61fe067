"""Counter readings to facts: recorded where they changed, with the increment of R15 to R17."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.events import CounterRead, GapFound, TimeSource
from lineside.contracts.kpi.counters import CounterState, Reading, apply_reading
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.config import CounterSection, StationSection
from lineside.edge_agent.interpretation.shapes import At, CounterMark, Draft, as_count, as_text

SPANS_AFTER_US = 60 * US_PER_SECOND
UNKNOWN_SPAN_US = 3_600 * US_PER_SECOND
"""How long ago the baseline may have been read when the clock went back and nobody can know."""


class CounterReader:
    """Follows one counter of one station."""

    def __init__(self, station: StationSection, section: CounterSection) -> None:
        self.section = section
        self.key = station.located(section.signal)
        self.baseline = f"counter:{station.id}/{section.name}"
        own = section.pieces_per_count
        pieces = own if own is not None else station.pieces_per_count
        # Where something else counts, the counter is a check: its counts stand for no pieces.
        self.pieces = pieces if station.counts_from == "counter" else Decimal(0)

    def read(self, draft: Draft, sample: SignalSample, at: At) -> None:
        """Take one sample of the counter; only good ones count."""
        if sample.quality is not Quality.GOOD:
            return
        value = as_count(sample.value)
        if value is None or not 0 <= value < self.section.wraps_at:
            self._odd(draft, at, as_text(sample.value))
            return
        draft.remember(unsure=draft.memory.unsure - {self.baseline})
        mark = draft.memory.counters.get(self.section.name)
        if mark is not None and mark.state.value == value:
            self._still(draft, mark, at)
            return
        back = mark is not None and _went_back(mark, at)
        if mark is not None and not back and mark.seen_at - mark.state.at > SPANS_AFTER_US:
            # It stood still for long and was watched: the increment belongs to the time since then.
            mark = self._take(draft, mark, mark.state.value, At(mark.seen_at, at.source))
        self._take(draft, mark, value, at)

    def lost(self, draft: Draft) -> None:
        """Nobody watches the counter now; what it does until the next reading is an outage."""
        mark = draft.memory.counters.get(self.section.name)
        if mark is not None:
            draft.memory.counters[self.section.name] = msgspec.structs.replace(mark, outage=True)

    def _still(self, draft: Draft, mark: CounterMark, at: At) -> None:
        seen_at = at.us if _went_back(mark, at) else max(mark.seen_at, at.us)
        draft.memory.counters[self.section.name] = msgspec.structs.replace(
            mark, seen_at=seen_at, outage=False
        )

    def _take(self, draft: Draft, mark: CounterMark | None, value: int, at: At) -> CounterMark:
        section = self.section
        before = mark.state if mark is not None else None
        back = mark is not None and _went_back(mark, at)
        if before is not None and back:
            # R16 measures an increase by the time it took. Without that time pieces that were made
            # must not be called implausible; an hour's worth is believed, and flagged.
            before = CounterState(at.us - UNKNOWN_SPAN_US, before.value)
        reading = Reading(
            at=max(at.us, before.at) if before is not None else at.us,
            value=value,
            modulus=section.wraps_at,
            max_per_min=section.max_per_min,
            resetting=section.kind == "resetting",
        )
        state, increment, anomaly = apply_reading(before, reading)
        draft.tell(
            CounterRead,
            at,
            counter=section.name,
            role=section.role,
            value=value,
            modulus=section.wraps_at,
            max_per_min=section.max_per_min,
            pieces_per_count=self.pieces,
            resetting=section.kind == "resetting",
            increment=increment,
            anomaly=anomaly,
            item=draft.context.item,
            jobs=draft.context.jobs,
            used=draft.context.used,
            flags=self._flags(draft, mark, state, increment),
        )
        taken = CounterMark(state=state, seen_at=state.at)
        draft.memory.counters[section.name] = taken
        draft.baselines[self.baseline] = msgspec.json.encode(taken)
        return taken

    def _flags(
        self, draft: Draft, mark: CounterMark | None, state: CounterState, increment: int
    ) -> tuple[str, ...]:
        if mark is None or increment == 0:
            return ()
        flags: list[str] = []
        since = mark.state.at
        if state.at < since:
            flags.append("clock_unsure")
        if mark.outage:
            flags.append("over_gap")
        crossed = any(since < boundary < state.at for boundary in draft.context.boundaries)
        if crossed and state.at - since > SPANS_AFTER_US:
            flags.append("spans")
        return tuple(flags)

    def _odd(self, draft: Draft, at: At, shown: str) -> None:
        if self.baseline in draft.memory.unsure:
            return
        draft.remember(unsure=draft.memory.unsure | {self.baseline})
        draft.tell(
            GapFound,
            at,
            device=self.key[0],
            signal=self.section.name,
            detail=f"The counter shows {shown[:40]!r}, not 0 to {self.section.wraps_at - 1}.",
        )


def _went_back(mark: CounterMark, at: At) -> bool:
    """Whether our own clock is behind what it said when the counter was last read.

    A device's stamps may come late and in any order; that says nothing about the clock.
    """
    return at.source is TimeSource.EDGE and at.us < mark.state.at
