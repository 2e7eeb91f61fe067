"""Figures as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Response

from lineside.central.kit.csv_answer import csv_response
from lineside.central.kit.schema import decimal_text
from lineside.central.mes.figures import schemas
from lineside.contracts.clock import format_rfc3339


def kpi(found: schemas.KpiOut) -> Response:
    """One row a group: its key, elements, ratios as decimals."""
    elements = sorted({name for group in found.rows for name in group.elements})
    ratios = sorted({name for group in found.rows for name in group.kpis})
    header = [*found.by, "scope", "start", "end", *elements, *ratios]

    def rows() -> Iterator[list[object]]:
        for group in found.rows:
            values = [group.kpis.get(name) for name in ratios]
            yield [
                *(group.group.get(word, "") for word in found.by),
                group.scope,
                format_rfc3339(group.start),
                format_rfc3339(group.end),
                *(group.elements.get(name) for name in elements),
                *(None if value is None else value.value for value in values),
            ]

    return csv_response("kpi", header, rows())


def production_report(found: schemas.ReportOut) -> Response:
    """One row an order, machine, worker, part or activity."""
    names = [name for name in schemas.ReportSumsOut.model_fields if name != "flags"]

    def rows() -> Iterator[list[object]]:
        for group in found.rows:
            values = group.model_dump(mode="json")
            yield [group.key, " ".join(group.items), *(values[name] for name in names)]

    return csv_response(f"production-report-by-{found.by}", [found.by, "items", *names], rows())


def machine_day(found: schemas.MachineDayOut) -> Response:
    """Seconds by signal and value, then alarms, one a row."""

    def rows() -> Iterator[list[object]]:
        for role, values in found.seconds.items():
            for value, seconds in values.items():
                yield ["seconds", role, value, decimal_text(seconds), "", ""]
        for alarm in found.alarms:
            yield [
                "alarm",
                alarm.condition,
                alarm.severity,
                "",
                format_rfc3339(alarm.occurred_at),
                f"{alarm.alarm} {alarm.text}",
            ]

    header = ["part", "signal", "value", "seconds", "occurred_at", "text"]
    return csv_response("machine-day", header, rows())
