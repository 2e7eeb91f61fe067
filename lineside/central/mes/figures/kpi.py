"""KPI windows of stations, pooled by what was asked; computed when read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from lineside.central.errors import InvalidInputError
from lineside.contracts.calendar import day_of, local_date, shifts_overlapping
from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import Calendar
from lineside.contracts.kpi import (
    Elements,
    JobElements,
    LiveFigures,
    Settings,
    Window,
    WindowResult,
    aggregate,
)
from lineside.contracts.kpi.facts import AnyFact

BY = ("machine", "line", "order", "operation", "product", "shift", "day")
JOB_BY = frozenset({"order", "operation", "product"})
STATES_BEFORE = 4  # a micro-stop is known by its neighbours; a void may take one back
COUNTERS_BEFORE = 10  # a glitch goes back to the baseline before it; several may follow each other
WINDOWS_MAX = 20_000

_decode = msgspec.json.Decoder(list[AnyFact]).decode

_FACTS = text("""
    WITH unit AS (SELECT unnest(CAST(:stations AS text[])) AS station),
    found AS (
        SELECT k.* FROM unit JOIN kpi_event k USING (station)
        WHERE k.occurred_at >= :low AND k.occurred_at <= :high
      UNION ALL
        SELECT k.* FROM unit JOIN kpi_event k USING (station)
        WHERE k.kind = 'rare' AND k.occurred_at < :low
      UNION ALL
        SELECT k.* FROM unit CROSS JOIN LATERAL (
            SELECT * FROM kpi_event WHERE station = unit.station AND kind = 'state' AND subject = ''
              AND occurred_at < :low ORDER BY occurred_at DESC, seq DESC LIMIT :states
        ) k
      UNION ALL
        SELECT k.* FROM unit CROSS JOIN LATERAL (
            SELECT * FROM kpi_event WHERE station = unit.station AND kind = 'state' AND subject = ''
              AND occurred_at > :high ORDER BY occurred_at, seq LIMIT 2
        ) k
      UNION ALL
        SELECT k.* FROM unit CROSS JOIN LATERAL (
            SELECT * FROM kpi_event WHERE station = unit.station AND kind = 'order' AND subject = ''
              AND occurred_at < :low ORDER BY occurred_at DESC, seq DESC LIMIT 20
        ) k
      UNION ALL
        SELECT k.* FROM unit JOIN booking b USING (station)
        JOIN kpi_event k ON k.edge = b.edge AND k.epoch = b.epoch AND k.seq = b.seq
        WHERE b.started_at < :low AND (b.ended_at IS NULL OR b.ended_at >= :low) AND k.kind =
        'order'
      UNION ALL
        SELECT k.* FROM unit CROSS JOIN LATERAL (
            WITH RECURSIVE counter AS (
                (SELECT subject FROM kpi_event WHERE station = unit.station AND kind = 'counter'
                 ORDER BY subject LIMIT 1)
              UNION ALL
                SELECT (SELECT subject FROM kpi_event WHERE station = unit.station
                          AND kind = 'counter' AND subject > counter.subject
                        ORDER BY subject LIMIT 1)
                FROM counter WHERE counter.subject IS NOT NULL
            ) SELECT subject FROM counter WHERE subject IS NOT NULL
        ) c CROSS JOIN LATERAL (
            SELECT * FROM kpi_event WHERE station = unit.station AND kind = 'counter'
              AND subject = c.subject AND occurred_at < :low
            ORDER BY occurred_at DESC, seq DESC LIMIT :counters
        ) k
      UNION ALL
        SELECT k.* FROM (
            SELECT DISTINCT i.station, i.subject FROM unit JOIN kpi_event i USING (station)
            WHERE i.kind = 'inspection' AND i.occurred_at >= :low AND i.occurred_at <= :high
        ) s JOIN kpi_event k ON k.station = s.station AND k.kind = 'inspection'
         AND k.subject = s.subject AND k.occurred_at < :low
    )
    SELECT DISTINCT ON (edge, epoch, seq) edge, epoch, seq, occurred_at, facts
    FROM found ORDER BY edge, epoch, seq
""")

_STATIONS = text("""
    SELECT id, line, pacing FROM station
    WHERE (CAST(:station AS text) IS NULL OR id = :station)
      AND (CAST(:line AS text) IS NULL OR line = :line)
    ORDER BY id
""")
_STEPS = text("SELECT id, item, steps FROM work_order WHERE id = ANY(:orders)")

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiQuestion:
    """What is asked.

    Attributes:
        start, end: Half-open, microseconds UTC.
        by: Any of `BY`.
        as_of: A moment of knowledge; None: all that is here.
        station, line: Only these; None: all.
    """

    start: Microseconds
    end: Microseconds
    by: tuple[str, ...]
    as_of: Microseconds | None = None
    station: str | None = None
    line: str | None = None


@dataclass(slots=True, kw_only=True)
class Group:
    """Windows that are answered together.

    Attributes:
        scope: `unit`, `pooled`, or `pacing unit` where one unit speaks for its line.
        jobs_only: Elements of order operations, which have no planned time of their own.
    """

    key: Key
    units: set[str] = field(default_factory=set[str])
    results: list[WindowResult] = field(default_factory=list[WindowResult])
    scope: str = "unit"
    jobs_only: bool = False

    def result(self) -> WindowResult:
        """The pooled result: elements added, ratios divided afterwards."""
        return aggregate(self.results)


@dataclass(frozen=True, slots=True)
class _Station:
    id: str
    line: str
    pacing: bool


def groups(connection: Connection, calendar: Calendar, question: KpiQuestion) -> list[Group]:
    """The windows asked for, grouped.

    Raises:
        InvalidInputError: An empty or far too large span, or a word that is none of `BY`.
    """
    _check(question)
    rows = connection.execute(_STATIONS, {"station": question.station, "line": question.line})
    stations = [_Station(row.id, row.line, row.pacing) for row in rows]
    windows = {found.id: _windows(calendar, question, found.id) for found in stations}
    if sum(len(found) for found in windows.values()) > WINDOWS_MAX:
        raise InvalidInputError(
            "This span has too many shifts and stations.",
            field="query.to",
            hint="Ask for a shorter span or for one line.",
            said="figures.too_much",
        )
    figures = _figures(connection, calendar, question, [found.id for found in stations])
    results = [
        (found, window, figures.window(window, as_of=question.as_of))
        for found in stations
        for window in windows[found.id]
    ]
    if JOB_BY & set(question.by):
        return _by_jobs(connection, calendar, question, results)
    return _by_time(calendar, question, results)


def _check(question: KpiQuestion) -> None:
    unknown = [word for word in question.by if word not in BY]
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)} is nothing to group by.",
            field="query.by",
            hint=f"Any of {', '.join(BY)}.",
            said="figures.unknown_group",
            values={"unknown": unknown},
        )
    if question.end <= question.start:
        raise InvalidInputError(
            "The end lies not after the start.", field="query.to", said="figures.end_first"
        )


def _windows(calendar: Calendar, question: KpiQuestion, station: str) -> list[Window]:
    """Shifts in the span, cut to it; without shifts its local days, planned whole."""
    clip = (question.start, question.end)
    if calendar.shifts:
        return [
            Window.of_shift(station, shift, clip) for shift in shifts_overlapping(calendar, *clip)
        ]
    found: list[Window] = []
    start = question.start
    while start < question.end:
        day = local_date(calendar, start)
        end = min(day_of(calendar, day)[1], question.end)
        found.append(Window(unit=station, start=start, end=end, label=f"all {day.isoformat()}"))
        start = end
    return found


def _figures(
    connection: Connection, calendar: Calendar, question: KpiQuestion, stations: Sequence[str]
) -> LiveFigures:
    """Facts of the span and the few around it that decide them."""
    low, high = _reach(calendar, question)
    rows = connection.execute(
        _FACTS,
        {
            "stations": list(stations),
            "low": low,
            "high": high,
            "states": STATES_BEFORE,
            "counters": COUNTERS_BEFORE,
        },
    ).all()
    figures = LiveFigures(Settings.of(calendar))
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.edge, row.epoch, row.seq)):
        for fact in _decode(bytes(row.facts)):
            figures.add(fact)
    return figures


def _reach(calendar: Calendar, question: KpiQuestion) -> tuple[Microseconds, Microseconds]:
    """The whole shifts that the span touches: a clipped window still looks at its shift."""
    shifts = shifts_overlapping(calendar, question.start, question.end) if calendar.shifts else []
    low = min([question.start, *(shift.start_us for shift in shifts)])
    high = max([question.end, *(shift.end_us for shift in shifts)])
    return low, high


def _time_key(calendar: Calendar, question: KpiQuestion, station: _Station, window: Window) -> Key:
    shift, _, day = window.label.rpartition(" ")
    values = {
        "machine": station.id,
        "line": station.line,
        "shift": shift,
        "day": day or local_date(calendar, window.start).isoformat(),
    }
    return tuple((word, values[word]) for word in question.by if word in values)


_Results = list[tuple[_Station, Window, WindowResult]]


def _by_time(calendar: Calendar, question: KpiQuestion, results: _Results) -> list[Group]:
    paced = {found.line for found, _, _ in results if found.pacing and found.line}
    found: dict[Key, Group] = {}
    for station, window, result in results:
        by_line = "line" in question.by and "machine" not in question.by
        if by_line and station.line in paced and not station.pacing:
            continue  # the pacing unit speaks for its line
        key = _time_key(calendar, question, station, window)
        group = found.setdefault(key, Group(key=key))
        group.units.add(station.id)
        group.results.append(result)
        if by_line and station.line in paced:
            group.scope = "pacing unit"
    for group in found.values():
        if len(group.units) > 1:
            group.scope = "pooled"
    return sorted(found.values(), key=lambda group: group.key)


def _by_jobs(
    connection: Connection, calendar: Calendar, question: KpiQuestion, results: _Results
) -> list[Group]:
    """Elements by order operation.

    Quantities of several operations are never added up as products: without `operation`, an order's
    quantities are those of its last operation (R22).
    """
    orders = sorted({job.order for _, _, result in results for job in result.jobs})
    last = _last_operations(connection, orders, results)
    found: dict[Key, Group] = {}
    for station, window, result in results:
        base = dict(_time_key(calendar, question, station, window))
        for job, part in result.jobs.items():
            values = base | {
                "order": job.order,
                "operation": job.operation,
                "product": part.item,
            }
            key: Key = tuple((word, values[word]) for word in question.by)
            group = found.setdefault(key, Group(key=key, jobs_only=True))
            group.units.add(station.id)
            if "operation" not in question.by and last.get(job.order) != job.operation:
                part = _time_only(part)  # noqa: PLW2901 - the part without its quantities
            group.results.append(
                WindowResult(start=result.start, end=result.end, elements=_elements(part))
            )
    for group in found.values():
        group.scope = "pooled" if len(group.units) > 1 else "unit"
    return sorted(found.values(), key=lambda group: group.key)


def _last_operations(
    connection: Connection, orders: list[str], results: _Results
) -> dict[str, str]:
    """The last operation of each order: by its steps, else the highest number that it worked on."""
    seen: dict[str, set[str]] = defaultdict(set)
    for _, _, result in results:
        for job in result.jobs:
            seen[job.order].add(job.operation)
    found = {order: max(operations, key=_number) for order, operations in seen.items()}
    for row in connection.execute(_STEPS, {"orders": orders}):
        if row.steps:
            found[row.id] = str(row.steps[-1]["operation"])
    return found


def _number(operation: str) -> tuple[int, str]:
    return (int(operation) if operation.isdigit() else 0, operation)


def _time_only(part: JobElements) -> JobElements:
    return replace(part, pq=0, sq=0, rq=0, rework_recovered=0, ideal_good_s=0)


def _elements(part: JobElements) -> Elements:
    """A job's part as elements; what a job has not (planned time, failures) stays zero."""
    values: dict[str, Any] = {
        "apt_us": part.apt_us,
        "aust_us": part.aust_us,
        "adet_us": part.adet_us,
        "ideal_s": part.ideal_s,
        "ideal_good_s": part.ideal_good_s,
        "pq": part.pq,
        "sq": part.sq,
        "rq": part.rq,
        "rework_recovered": part.rework_recovered,
    }
    return Elements(**values)


JOB_ELEMENTS = frozenset(
    {
        *("APT_s", "AUST_s", "AUPT_s", "ADET_s", "AUBT_s", "ideal_s", "ideal_good_s"),
        *("PQ", "GQ", "SQ", "RQ", "rework_recovered"),
    }
)
JOB_KPIS = frozenset(
    {
        *("effectiveness", "quality_ratio", "utilisation_efficiency", "setup_ratio"),
        *("technical_efficiency", "scrap_ratio", "rework_ratio"),
    }
)
