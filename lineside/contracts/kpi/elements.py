"""Elements: the sums of time and quantity from which every KPI is divided.

Elements add up over windows, units, products and orders; ratios never do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.ratios import Number, plain, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Sums over windows. Names ending in `_us` are microseconds, in `_s` seconds, the rest amounts.

    The keys of the OEE sheet come from `to_json`. Always: pot = planned_downtime + apt + aust +
    adet + adot + unknown.

    Attributes:
        ideal_s, ideal_good_s: Sum of PRI x PQ and of PRI x GQ over orders.
        sq, rq: Scrap; rework still counted as such (R19).
        unassigned: Produced without an order, so without PRI; in nothing else (R18).
        fe, repairs, ttr_us: Failures that start, that end, and the whole length of those that end
            (R20).
        ip, gp: First inspections, and those passed (R21).
        run_without_order_us: Part of adot in which the unit ran (live rule).
        spanned: Part of pq whose reading interval was over 60 s long and crossed a shift or order
            change.
        spanned_us: Those intervals inside the shift, added to the window of the later reading.
    """

    pot_us: Microseconds = 0
    planned_downtime_us: Microseconds = 0
    apt_us: Microseconds = 0
    aust_us: Microseconds = 0
    adet_us: Microseconds = 0
    adot_us: Microseconds = 0
    unknown_us: Microseconds = 0
    operating_us: Microseconds = 0
    micro_stop_us: Microseconds = 0
    run_in_planned_downtime_us: Microseconds = 0
    ideal_s: Number = 0
    ideal_good_s: Number = 0
    ttr_us: Microseconds = 0
    pq: Number = 0
    sq: Number = 0
    rq: Number = 0
    rework_recovered: Number = 0
    unassigned: Number = 0
    fe: int = 0
    repairs: int = 0
    micro_stop_count: int = 0
    ip: int = 0
    gp: int = 0
    run_without_order_us: Microseconds = 0
    spanned: Number = 0
    spanned_us: Microseconds = 0

    @property
    def pbt_us(self) -> Microseconds:
        """Planned busy time."""
        return self.pot_us - self.planned_downtime_us

    @property
    def aupt_us(self) -> Microseconds:
        """Processing time: production and set-up."""
        return self.apt_us + self.aust_us

    @property
    def aubt_us(self) -> Microseconds:
        """Busy time: processing and delay."""
        return self.apt_us + self.aust_us + self.adet_us

    @property
    def gq(self) -> Number:
        """Good quantity, PQ - SQ - RQ; may be negative in a slice, and is not capped (R19)."""
        return self.pq - self.sq - self.rq

    @property
    def delivered(self) -> Number:
        """Good or recovered by rework: what order completion, backflush and stock use."""
        return self.gq + self.rework_recovered

    def __add__(self, other: Elements) -> Elements:
        """The sums of both."""
        return Elements(**{name: getattr(self, name) + getattr(other, name) for name in _NAMES})

    def to_json(self) -> dict[str, int | float]:
        """All keys of the OEE sheet (R24), seconds and counts."""
        return {
            "POT_s": _seconds(self.pot_us),
            "planned_downtime_s": _seconds(self.planned_downtime_us),
            "PBT_s": _seconds(self.pbt_us),
            "APT_s": _seconds(self.apt_us),
            "AUST_s": _seconds(self.aust_us),
            "AUPT_s": _seconds(self.aupt_us),
            "ADET_s": _seconds(self.adet_us),
            "AUBT_s": _seconds(self.aubt_us),
            "ADOT_s": _seconds(self.adot_us),
            "unknown_s": _seconds(self.unknown_us),
            "operating_s": _seconds(self.operating_us),
            "micro_stop_s": _seconds(self.micro_stop_us),
            "run_in_planned_downtime_s": _seconds(self.run_in_planned_downtime_us),
            "ideal_s": plain(self.ideal_s),
            "ideal_good_s": plain(self.ideal_good_s),
            "TTR_sum_s": _seconds(self.ttr_us),
            "PQ": plain(self.pq),
            "GQ": plain(self.gq),
            "SQ": plain(self.sq),
            "RQ": plain(self.rq),
            "rework_recovered": plain(self.rework_recovered),
            "unassigned_quantity": plain(self.unassigned),
            "FE": self.fe,
            "repairs": self.repairs,
            "micro_stop_count": self.micro_stop_count,
            "IP": self.ip,
            "GP": self.gp,
        }


_NAMES = tuple(each.name for each in fields(Elements))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobElements:
    """The share of one order operation in a window: its busy time and its quantities.

    Attributes:
        apt_us, aust_us, adet_us: Whole microseconds, or fractions where several orders share the
            unit.
    """

    item: str = ""
    apt_us: Number = 0
    aust_us: Number = 0
    adet_us: Number = 0
    ideal_s: Number = 0
    ideal_good_s: Number = 0
    pq: Number = 0
    sq: Number = 0
    rq: Number = 0
    rework_recovered: Number = 0

    @property
    def aubt_us(self) -> Number:
        """Busy time of the order on the unit."""
        return self.apt_us + self.aust_us + self.adet_us

    @property
    def gq(self) -> Number:
        """Good quantity, PQ - SQ - RQ."""
        return self.pq - self.sq - self.rq

    def __add__(self, other: JobElements) -> JobElements:
        """The sums of both; the item of whichever knows it."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _JOB_NAMES}
        return JobElements(item=self.item or other.item, **sums)


_JOB_NAMES = tuple(each.name for each in fields(JobElements) if each.name != "item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How ADET splits, without leaving its sum (live rule).

    Attributes:
        by_kind: `failure`, `micro_stop`, `blocked`, `starved`, `stop`, `idle` to microseconds; sums
            to ADET.
        by_reason: Reason code to microseconds; together with `unexplained_us` it sums to ADET.
    """

    by_kind: dict[str, Microseconds] = field(default_factory=dict[str, Microseconds])
    by_reason: dict[str, Microseconds] = field(default_factory=dict[str, Microseconds])
    unexplained_us: Microseconds = 0

    def __add__(self, other: Delay) -> Delay:
        """The sums of both."""
        return Delay(
            by_kind=_added(self.by_kind, other.by_kind),
            by_reason=_added(self.by_reason, other.by_reason),
            unexplained_us=self.unexplained_us + other.unexplained_us,
        )


def _added(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    names = sorted({*left, *right})
    return {name: left.get(name, 0) + right.get(name, 0) for name in names}


def _seconds(span: Number) -> int | float:
    return plain(ratio(span, US_PER_SECOND) or 0)
