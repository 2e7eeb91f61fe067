"""The result of one order operation over windows (R22)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.elements import JobElements
from lineside.contracts.kpi.ratios import Number, Ratio, plain, ratio, ratio_json

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResult:
    """What an order took and made.

    Attributes:
        aoet_us: From its first start to its last end by the calendar clock, nights and breaks
            included; None while it is on a unit, or was on none.
        part: Its busy time in the windows asked for, and its quantities of all time.
    """

    aoet_us: Microseconds | None
    part: JobElements

    @property
    def kpis(self) -> dict[str, Ratio]:
        """Ratios by the keys of the OEE sheet; the three over AOET are null while it is."""
        part, aoet = self.part, self.aoet_us or 0
        return {
            "throughput_rate_per_h": ratio(
                part.pq * _SECONDS_PER_HOUR, Fraction(aoet, US_PER_SECOND)
            ),
            "allocation_ratio": ratio(part.aubt_us, aoet),
            "production_process_ratio": ratio(part.apt_us, aoet),
            "quality_ratio": ratio(part.gq, part.pq),
            "scrap_ratio": ratio(part.sq, part.pq),
        }

    def to_json(self) -> dict[str, Any]:
        """The result in the shape of the OEE sheet's vectors."""
        part = self.part
        return {
            "elements": {
                "AOET_s": None if self.aoet_us is None else _seconds(self.aoet_us),
                "APT_s": _seconds(part.apt_us),
                "AUST_s": _seconds(part.aust_us),
                "ADET_s": _seconds(part.adet_us),
                "AUBT_s": _seconds(part.aubt_us),
                "PQ": plain(part.pq),
                "GQ": plain(part.gq),
                "SQ": plain(part.sq),
                "RQ": plain(part.rq),
            },
            "kpis": {name: ratio_json(value) for name, value in self.kpis.items()},
        }


def _seconds(span: Number) -> int | float:
    return plain(Fraction(span) / US_PER_SECOND)
