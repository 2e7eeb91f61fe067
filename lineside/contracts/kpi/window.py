"""Windows: what is asked, and the elements and ratios that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING
from typing import Any, Self

from lineside.contracts.calendar import Shift
from lineside.contracts.clock import US_PER_SECOND, Microseconds, format_rfc3339
from lineside.contracts.commands import Calendar, PlannedStop
from lineside.contracts.kpi.elements import Delay, Elements, JobElements
from lineside.contracts.kpi.errors import KpiInputError
from lineside.contracts.kpi.facts import Job
from lineside.contracts.kpi.oee import kpis, shares
from lineside.contracts.kpi.quantities import Anomaly
from lineside.contracts.kpi.ratios import Ratio, ratio_json

Interval = tuple[Microseconds, Microseconds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a plant agreed on, outside the facts.

    Attributes:
        micro_stop_threshold_us: R12: shorter ones are micro-stops.
        micro_stops_produce: R13: True for policy `performance`.
        planned_stops: R7, in addition to breaks and to planned stops among the facts.
    """

    micro_stop_threshold_us: Microseconds = 120 * US_PER_SECOND
    micro_stops_produce: bool = False
    planned_stops: tuple[PlannedStop, ...] = ()

    @classmethod
    def of(cls, calendar: Calendar) -> Self:
        """The settings of a calendar document.

        Raises:
            KpiInputError: A micro-stop policy that is not known.
        """
        if calendar.micro_stop_policy not in {"availability", "performance"}:
            raise KpiInputError(
                f"micro_stop_policy is {calendar.micro_stop_policy!r}.",
                hint="Use availability or performance.",
            )
        # spans are whole microseconds, so "less than the threshold" is "less than it rounded up"
        threshold = (calendar.micro_stop_threshold_s * US_PER_SECOND).to_integral_value(
            ROUND_CEILING
        )
        return cls(
            micro_stop_threshold_us=int(threshold),
            micro_stops_produce=calendar.micro_stop_policy == "performance",
            planned_stops=calendar.planned_stops,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is asked: a stretch of a unit's time, half-open, usually of one shift.

    Attributes:
        breaks: Planned breaks that count in it; need not be cut.
        shift_start, shift_end: The whole shift, when the window is a clip of it.
        label: Name of shift and date for people, e.g. `early 2026-03-02`.
    """

    unit: str
    start: Microseconds
    end: Microseconds
    breaks: tuple[Interval, ...] = ()
    shift_start: Microseconds | None = None
    shift_end: Microseconds | None = None
    label: str = ""

    @property
    def base(self) -> Interval:
        """The shift, or the window itself."""
        start = self.start if self.shift_start is None else self.shift_start
        end = self.end if self.shift_end is None else self.shift_end
        return start, end

    @classmethod
    def of_shift(cls, unit: str, shift: Shift, clip: Interval | None = None) -> Self:
        """The window of a shift occurrence, narrowed to its intersection with `clip` (R6)."""
        start, end = shift.start_us, shift.end_us
        if clip is not None:
            start, end = max(start, clip[0]), min(end, clip[1])
        return cls(
            unit=unit,
            start=start,
            end=max(start, end),
            breaks=shift.breaks,
            shift_start=shift.start_us,
            shift_end=shift.end_us,
            label=f"{shift.id} {shift.date.isoformat()}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """Elements and KPIs of a window, or of several pooled ones.

    Attributes:
        start, end: Half-open, microseconds UTC; of pooled windows the outermost ones.
        jobs: Each order operation's share of time and quantity.
        delay: ADET by kind and by reason.
    """

    start: Microseconds
    end: Microseconds
    anomalies: tuple[Anomaly, ...] = ()
    elements: Elements = field(default_factory=Elements)
    jobs: dict[Job, JobElements] = field(default_factory=dict[Job, JobElements])
    delay: Delay = field(default_factory=Delay)

    @property
    def kpis(self) -> dict[str, Ratio]:
        """Ratios of the elements, by the keys of the OEE sheet."""
        return kpis(self.elements)

    @property
    def shares(self) -> dict[str, Ratio]:
        """Shares of busy time that are unknown, unassigned, spanned."""
        return shares(self.elements)

    def to_json(self) -> dict[str, Any]:
        """The result in the shape of the OEE sheet's vectors."""
        return {
            "start": format_rfc3339(self.start),
            "end": format_rfc3339(self.end),
            "anomalies": [
                {
                    "ts": format_rfc3339(each.at),
                    "counter": each.counter,
                    "kind": each.kind,
                    "delta": each.delta,
                }
                for each in self.anomalies
            ],
            **self.pooled_json(),
        }

    def pooled_json(self) -> dict[str, Any]:
        """Elements and KPIs alone, the shape of an aggregate."""
        return {
            "elements": self.elements.to_json(),
            "kpis": {name: ratio_json(value) for name, value in self.kpis.items()},
        }


def aggregate(results: Sequence[WindowResult]) -> WindowResult:
    """Pool windows of any units and times: add the elements; the ratios divide the sums.

    Args:
        results: Any number; none gives elements of zero. A window given twice counts twice.
    """
    elements, delay = Elements(), Delay()
    jobs: dict[Job, JobElements] = {}
    anomalies: list[Anomaly] = []
    for result in results:
        elements += result.elements
        delay += result.delay
        anomalies += result.anomalies
        for job, part in result.jobs.items():
            jobs[job] = jobs[job] + part if job in jobs else part
    return WindowResult(
        start=min((result.start for result in results), default=0),
        end=max((result.end for result in results), default=0),
        anomalies=tuple(sorted(anomalies)),
        elements=elements,
        jobs=dict(sorted(jobs.items())),
        delay=delay,
    )
