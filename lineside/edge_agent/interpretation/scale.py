"""A scale's weights to loads, each once; what a load counts is decided where the orders are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.events import GapFound
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.interpretation.shapes import (
    At,
    Draft,
    Load,
    ScaleMark,
    Shown,
    Weighing,
    as_text,
)


class ScaleReader:
    """Follows the scale of one station."""

    def __init__(self, station: StationSection) -> None:
        assert station.scale is not None
        self._section = station.scale
        self.key = station.located(self._section.signal)
        unit, net = self._section.unit_signal, self._section.net_signal
        self._unit = station.located(unit) if unit else None
        self._net = station.located(net) if net else None
        self.companions = {key for key in (self._unit, self._net) if key is not None}
        self._settle_us = int(self._section.settle_s * US_PER_SECOND)

    def read(
        self,
        draft: Draft,
        sample: SignalSample,
        at: At,
        timeline: Mapping[tuple[str, str], Sequence[Shown]],
    ) -> None:
        """Take one weight; only one that has come to rest can be a load or an empty scale."""
        mark = draft.memory.scales.get(self.key, ScaleMark())
        weight = _weight(sample) if sample.quality is not Quality.UNCERTAIN else None
        if sample.quality is Quality.UNCERTAIN:
            self._keep(draft, mark, candidate=None)
            return
        if weight is None:
            if not mark.odd:
                shown = sample.status or as_text(sample.value) or "nothing"
                self._tell(draft, at, f"The scale shows no weight ({shown[:40]}).")
            self._keep(draft, mark, candidate=None, odd=True)
            return
        if weight <= self._section.empty_below:
            draft.memory.scales[self.key] = ScaleMark(empty=True)
            return
        first = mark.candidate
        if first is None or abs(weight - first.value) > self._section.empty_below:
            first = Load(weight, at.us)
        self._keep(draft, mark, candidate=first, odd=False)
        if at.us - first.at >= self._settle_us:
            self._settled(draft, weight, at, timeline)

    def _settled(
        self,
        draft: Draft,
        weight: Decimal,
        at: At,
        timeline: Mapping[tuple[str, str], Sequence[Shown]],
    ) -> None:
        mark = draft.memory.scales[self.key]
        booked = mark.booked
        if booked is not None and weight <= booked + self._section.empty_below:
            return  # the same load, or it is being taken off
        self._keep(draft, mark, booked=weight, empty=False)
        if booked is None and not mark.empty:
            self._tell(
                draft,
                at,
                f"The scale bears {weight} and nobody saw it arrive. Where it is not booked yet: "
                "empty the scale and weigh again.",
            )
            return
        unit = self._shown(draft, timeline, self._unit)
        draft.weighings.append(
            Weighing(
                scale=self.key[0],
                at=at.us,
                weight=weight,
                unit=unit or self._section.unit,
                net=self._shown(draft, timeline, self._net) == "true",
                changed=booked is not None,
            )
        )

    def _shown(
        self,
        draft: Draft,
        timeline: Mapping[tuple[str, str], Sequence[Shown]],
        key: tuple[str, str] | None,
    ) -> str:
        if key is None:
            return ""
        here = timeline.get(key)
        found = here[-1] if here else draft.memory.values.get(key)
        return as_text(found.value) if found is not None else ""

    def lost(self, draft: Draft) -> None:
        """Nobody watches the scale now: what is on it afterwards was not seen to arrive."""
        mark = draft.memory.scales.get(self.key)
        if mark is not None:
            draft.memory.scales[self.key] = ScaleMark(booked=mark.booked)

    def _keep(self, draft: Draft, mark: ScaleMark, **changes: object) -> None:
        draft.memory.scales[self.key] = mark.changed(**changes)

    def _tell(self, draft: Draft, at: At, detail: str) -> None:
        draft.tell(GapFound, at, device=self.key[0], signal=self.key[1], detail=detail)


def _weight(sample: SignalSample) -> Decimal | None:
    if sample.quality is not Quality.GOOD or isinstance(sample.value, bool):
        return None
    try:
        weight = Decimal(as_text(sample.value))
    except InvalidOperation:
        return None
    return weight if weight.is_finite() else None
