"""The KPIs of one set of elements: ratios of ISO 22400-2, exact, null where nothing divides.

Every function takes pooled elements, so that it serves one window, a day, a line or a product
alike.
Ranges are reported, never clipped: effectiveness passes 1 when the ideal cycle is set too long.
"""

from __future__ import annotations

from fractions import Fraction

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.kpi.elements import Elements
from lineside.contracts.kpi.ratios import Number, Ratio, product, ratio


def availability(e: Elements) -> Ratio:
    """APT / PBT, 0..1: set-up, delays and down time all lower it."""
    return ratio(e.apt_us, e.pbt_us)


def effectiveness(e: Elements) -> Ratio:
    """Sum of PRI x PQ over APT, from 0, may pass 1."""
    return ratio(e.ideal_s * US_PER_SECOND, e.apt_us)


def quality_ratio(e: Elements) -> Ratio:
    """GQ / PQ; negative in a slice that holds more scrap than production."""
    return ratio(e.gq, e.pq)


def oee(e: Elements) -> Ratio:
    """Availability x effectiveness x quality ratio.

    Without busy time null; without production 0; production without running time is a data fault:
    null.
    """
    return _index(availability(e), e)


def nee(e: Elements) -> Ratio:
    """As OEE with AUPT / PBT for availability: set-up is not a loss."""
    return _index(ratio(e.aupt_us, e.pbt_us), e)


def _index(first_factor: Ratio, e: Elements) -> Ratio:
    if e.pbt_us == 0:
        return None
    if e.pq == 0:
        return Fraction(0)
    return product(first_factor, effectiveness(e), quality_ratio(e))


def allocation_efficiency(e: Elements) -> Ratio:
    """AUBT / PBT, 0..1."""
    return ratio(e.aubt_us, e.pbt_us)


def utilisation_efficiency(e: Elements) -> Ratio:
    """APT / AUBT, 0..1."""
    return ratio(e.apt_us, e.aubt_us)


def setup_ratio(e: Elements) -> Ratio:
    """AUST / AUPT, 0..1, lower is better."""
    return ratio(e.aust_us, e.aupt_us)


def technical_efficiency(e: Elements) -> Ratio:
    """APT / (APT + ADET), 0..1; ignores set-up."""
    return ratio(e.apt_us, e.apt_us + e.adet_us)


def scrap_ratio(e: Elements) -> Ratio:
    """SQ / PQ."""
    return ratio(e.sq, e.pq)


def rework_ratio(e: Elements) -> Ratio:
    """RQ / PQ."""
    return ratio(e.rq, e.pq)


def first_pass_yield(e: Elements) -> Ratio:
    """GP / IP, 0..1; needs serial numbers."""
    return ratio(e.gp, e.ip)


def mtbf_s(e: Elements) -> Ratio:
    """Operating time over failures that started, seconds (R20)."""
    return ratio(Fraction(e.operating_us, US_PER_SECOND), e.fe)


def mttr_s(e: Elements) -> Ratio:
    """Time to restoration over restorations that ended, seconds (R20)."""
    return ratio(Fraction(e.ttr_us, US_PER_SECOND), e.repairs)


def unknown_share(e: Elements) -> Ratio:
    """Part of PBT in which nobody knows what the unit did; stands beside every OEE."""
    return ratio(e.unknown_us, e.pbt_us)


def unassigned_share(e: Elements) -> Ratio:
    """Part of PBT in which the unit ran without an order; stands beside every OEE."""
    return ratio(e.run_without_order_us, e.pbt_us)


def spanned_share(e: Elements) -> Ratio:
    """Part of PBT under readings that cross a shift or order change; stands beside every OEE."""
    return ratio(e.spanned_us, e.pbt_us)


KPIS = {
    "availability": availability,
    "effectiveness": effectiveness,
    "quality_ratio": quality_ratio,
    "oee": oee,
    "nee": nee,
    "allocation_efficiency": allocation_efficiency,
    "utilisation_efficiency": utilisation_efficiency,
    "setup_ratio": setup_ratio,
    "technical_efficiency": technical_efficiency,
    "scrap_ratio": scrap_ratio,
    "rework_ratio": rework_ratio,
    "first_pass_yield": first_pass_yield,
    "mtbf_s": mtbf_s,
    "mttr_s": mttr_s,
}
"""Key of the OEE sheet to formula."""


def kpis(e: Elements) -> dict[str, Ratio]:
    """Every KPI of the sheet's window results, by key."""
    return {name: formula(e) for name, formula in KPIS.items()}


def shares(e: Elements) -> dict[str, Ratio]:
    """What stands beside an OEE so that nobody trusts it blindly: unknown, unassigned, spanned."""
    return {
        "unknown": unknown_share(e),
        "unassigned": unassigned_share(e),
        "spanned": spanned_share(e),
    }


def rolled_yield(steps: list[tuple[Number, Number]]) -> Ratio:
    """Product of (passed first time / entered) over operations, null when one is empty."""
    return product(*(ratio(passed, entered) for passed, entered in steps)) if steps else None


def report_yield(completed: Number, rejected: Number, review: Number) -> Ratio:
    """Completed / (completed + rejected + MRB), as shop-floor booking reports use the word."""
    return ratio(completed, completed + rejected + review)
