"""Figures into the shapes of the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from lineside.central.mes.figures import schemas
from lineside.central.mes.figures.kpi import JOB_ELEMENTS, JOB_KPIS, Group
from lineside.central.mes.figures.report import MINUTE_US, LeadTimes, Sums
from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.kpi.ratios import Ratio, ratio, ratio_json

YIELD_DECIMALS = 6
_KNOWN = text("""
    SELECT r.edge, r.epoch, r.seq, r.occurred_at FROM reader_edge r
    JOIN edge e ON e.id = r.edge AND e.epoch = r.epoch
    WHERE r.reader = :reader ORDER BY r.edge
""")


def known(connection: Connection, reader: str) -> list[schemas.KnownOut]:
    """The last event of each edge that a reader has read."""
    return [
        schemas.KnownOut(edge=row.edge, epoch=row.epoch, seq=row.seq, known_until=row.occurred_at)
        for row in connection.execute(_KNOWN, {"reader": reader})
    ]


def _ratio(value: Ratio) -> schemas.RatioOut | None:
    found = ratio_json(value)
    return None if found is None else schemas.RatioOut.model_validate(found)


def kpi_row(group: Group) -> schemas.KpiRowOut:
    """One group of windows."""
    result = group.result()
    elements: dict[str, float | None] = dict(result.elements.to_json())
    kpis = {name: _ratio(value) for name, value in result.kpis.items()}
    shares = {name: _ratio(value) for name, value in result.shares.items()}
    if group.jobs_only:
        elements = {name: elements[name] if name in JOB_ELEMENTS else None for name in elements}
        kpis = {name: kpis[name] if name in JOB_KPIS else None for name in kpis}
        shares = dict.fromkeys(shares)
    delay = result.delay
    return schemas.KpiRowOut(
        key=" / ".join(value for _, value in group.key),
        group=dict(group.key),
        scope=group.scope,
        units=sorted(group.units),
        start=result.start,
        end=result.end,
        elements=elements,
        kpis=kpis,
        shares=shares,
        delay=schemas.DelayOut(
            by_kind={name: span / US_PER_SECOND for name, span in delay.by_kind.items()},
            by_reason={name: span / US_PER_SECOND for name, span in delay.by_reason.items()},
            unexplained_s=delay.unexplained_us / US_PER_SECOND,
        ),
        anomalies=len(result.anomalies),
    )


def _minutes(span: int) -> float:
    return span / MINUTE_US


def _rounded(value: Ratio) -> float | None:
    return None if value is None else float(round(value, YIELD_DECIMALS))


def report_sums(sums: Sums) -> dict[str, Any]:
    """The fields of `ReportSumsOut`."""
    window = sums.window_us
    return {
        "rows": sums.rows,
        "qty_completed": sums.completed,
        "qty_rejected": sums.rejected,
        "qty_mrb": sums.mrb,
        "report_yield": _rounded(sums.report_yield),
        "rework_rows": sums.rework_rows,
        "rework_rate": _rounded(sums.rework_rate),
        "rework_qty_completed": sums.rework_completed,
        "minutes_sum": _minutes(sums.total_us),
        "minutes_setup": _minutes(sums.minutes_us.get("setup", 0)),
        "minutes_production": _minutes(sums.minutes_us.get("production", 0)),
        "minutes_breakdown": _minutes(sums.minutes_us.get("breakdown", 0)),
        "minutes_rework": _minutes(sums.minutes_us.get("rework", 0)),
        "minutes_busy": _minutes(sums.busy_us),
        "window_minutes": None if window is None else _minutes(window),
        "busy_share": _rounded(ratio(sums.busy_us, window or 0)),
        "first_start": sums.first_start,
        "last_complete": sums.last_complete,
        "open_rows": sums.open_rows,
        "work_orders": len(sums.orders),
        "operations": len(sums.operations),
        "machines": len(sums.machines),
        "workers": len(sums.workers),
        "parts": len(sums.parts),
        "order_quantity": sum(sums.order_quantities.values(), Decimal(0)),
        "flags": dict(sorted(sums.flagged.items())),
    }


def lead_time(found: LeadTimes | None) -> schemas.LeadTimeOut | None:
    """Lead times of orders."""
    if found is None:
        return None
    return schemas.LeadTimeOut(
        mean=found.mean, median=found.median, min=found.shortest, max=found.longest
    )
