"""REST of figures: KPI windows, bookings, production reports, machine days."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select

from lineside.central.errors import InvalidInputError, PermissionMissingError
from lineside.central.kit.csv_answer import CSV_RESPONSE, CsvWanted
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page, Paging, after_key, cut_page
from lineside.central.kit.schema import Instant
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.figures import answers, csv_tables, kpi, report, schemas
from lineside.central.mes.figures.bookings import Bookings
from lineside.central.mes.figures.projections import KpiEvents, StationSignals
from lineside.central.mes.figures.queries import carried_in
from lineside.central.mes.figures.service import Stretch, signals_in
from lineside.central.mes.figures.tables import booking
from lineside.central.mes.master_data.service import current_calendar
from lineside.central.platform.access.principal import Principal, require
from lineside.contracts.commands import Calendar

router = APIRouter(prefix="/api/v1/mes", tags=["figures"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("figures.read"))]
From = Annotated[Instant, Query(alias="from", description="Start, RFC 3339")]
To = Annotated[Instant, Query(alias="to", description="End, exclusive, RFC 3339")]
MaybeFrom = Annotated[Instant | None, Query(alias="from", description="Start, RFC 3339")]
MaybeTo = Annotated[Instant | None, Query(alias="to", description="End, exclusive, RFC 3339")]
Name = Annotated[str | None, Query(max_length=100)]
PERSONAL = "figures.person"


def _calendar(work: Work, request: Request) -> Calendar:
    """The site's calendar; before there is one, whole local days of the configured zone."""
    found = current_calendar(work)
    if found is not None:
        return found
    return Calendar(time_zone=request.app.state.central.config.site.time_zone, shifts=())


@router.get(
    "/kpi", response_model=schemas.KpiOut, responses=CSV_RESPONSE | refusals(InvalidInputError)
)
def read_kpi(
    *,
    work: Work,
    request: Request,
    _: Reader,
    as_csv: CsvWanted,
    start: From,
    end: To,
    by: Annotated[
        str, Query(description=f"Any of {', '.join(kpi.BY)}, with commas between")
    ] = "machine",
    as_of: Annotated[
        Instant | None, Query(description="Only what was recorded up to this moment")
    ] = None,
    station: Name = None,
    line: Name = None,
) -> Response | schemas.KpiOut:
    """OEE, its relatives and their elements; ratios divide sums, and are never averaged."""
    words = tuple(word.strip() for word in by.split(",") if word.strip())
    calendar = _calendar(work, request)
    question = kpi.KpiQuestion(
        start=start, end=end, by=words, as_of=as_of, station=station, line=line
    )
    rows = [answers.kpi_row(g) for g in kpi.groups(work.connection, calendar, question)]
    found = schemas.KpiOut(
        start=start,
        end=end,
        by=list(words),
        as_of=as_of,
        time_zone=calendar.time_zone,
        pooled="pooled" if any(row.scope == "pooled" for row in rows) else "",
        rows=rows,
        known=answers.known(work.connection, KpiEvents.name),
    )
    return csv_tables.kpi(found) if as_csv else found


@router.get(
    "/bookings", response_model=Page[schemas.BookingOut], responses=refusals(PermissionMissingError)
)
def list_bookings(
    *,
    work: Work,
    page: Paging,
    reader: Reader,
    start: MaybeFrom = None,
    end: MaybeTo = None,
    order: Name = None,
    station: Name = None,
    person: Name = None,
) -> Page[schemas.BookingOut]:
    """Bookings as reported, in order of their start; filtering by person needs `figures.person`."""
    table = booking
    query = select(table)
    if start is not None:
        query = query.where(table.c.started_at >= start)
    if end is not None:
        query = query.where(table.c.started_at < end)
    if order is not None:
        query = query.where(table.c.order_no == order)
    if station is not None:
        query = query.where(table.c.station == station)
    if person is not None:
        if not reader.may(PERSONAL):
            raise PermissionMissingError(PERSONAL)
        query = query.where(table.c.by.any(person))  # pyright: ignore[reportUnknownMemberType]
    columns = (table.c.started_at, table.c.edge, table.c.epoch, table.c.seq)
    rows = list(work.connection.execute(after_key(query, columns, page)).mappings())
    rows, cursor = cut_page(
        rows,
        page,
        (
            "started_at",
            "edge",
            "epoch",
            "seq",
        ),
    )
    personal = reader.may(PERSONAL)
    items = [
        schemas.BookingOut.model_validate(
            dict(row)
            | {
                "id": row["booking"],
                "order": row["order_no"],
                "by": row["by"] if personal else [],
            }
        )
        for row in rows
    ]
    return Page(items=items, next_cursor=cursor)


@router.get(
    "/production-report",
    response_model=schemas.ReportOut,
    responses=CSV_RESPONSE | refusals(PermissionMissingError),
)
def production_report(
    *,
    work: Work,
    request: Request,
    reader: Reader,
    as_csv: CsvWanted,
    by: Literal["order", "machine", "worker", "part", "activity"] = "order",
    start: MaybeFrom = None,
    end: MaybeTo = None,
) -> Response | schemas.ReportOut:
    """Quantities, yields, minutes, lead times; `by=worker` needs `figures.person`."""
    if by == "worker" and not reader.may(PERSONAL):
        raise PermissionMissingError(PERSONAL)
    rows = report.read_bookings(work.connection, start=start, until=end)
    orders = report.group_bookings(rows, "order")
    groups = orders if by == "order" else report.group_bookings(rows, by)
    found = schemas.ReportOut(
        by=by,
        start=start,
        end=end,
        totals=schemas.ReportTotalsOut(
            **answers.report_sums(report.total_of(rows)),
            lead_time_minutes=answers.lead_time(report.lead_times(orders)),
            rows_by_activity=dict(sorted(Counter(row.activity for row in rows).items())),
        ),
        rows=[
            schemas.ReportRowOut(
                **answers.report_sums(sums),
                key=key,
                items=sorted(sums.parts),
                lead_time_minutes=answers.lead_time(report.lead_times(orders, part=key))
                if by == "part"
                else None,
                completed_by_operation=dict(sums.completed_by_operation) if by == "order" else {},
            )
            for key, sums in groups.items()
        ],
        wip_at_midnight=report.work_in_process(orders, _calendar(work, request)),
        known=answers.known(work.connection, Bookings.name),
    )
    return csv_tables.production_report(found) if as_csv else found


@router.get("/machine-days", response_model=schemas.MachineDayOut, responses=CSV_RESPONSE)
def machine_day(
    work: Work,
    _: Reader,
    as_csv: CsvWanted,
    station: Annotated[str, Query(min_length=1, max_length=100)],
    start: From,
    end: To,
) -> Response | schemas.MachineDayOut:
    """Seconds by value of each discrete signal, programs, tools and alarms of a machine."""
    if end <= start:
        raise InvalidInputError(
            "The end lies not after the start.", field="query.to", said="figures.end_first"
        )
    stretch = Stretch(station=station, start=start, end=end)
    said = signals_in(work.connection, [stretch])[0]
    before = carried_in(work.connection, station, start)
    roles = sorted(said.changes.keys() | before.keys())
    found = schemas.MachineDayOut(
        station=station,
        start=start,
        end=end,
        seconds={
            role: said.seconds(role, before=before.get(role, "UNKNOWN"))
            for role in roles
            if role not in {"program", "tool"}
        },
        programs=said.distinct("program"),
        tools=said.sequence("tool"),
        alarms_by=dict(
            sorted(Counter(f"{row.condition}|{row.severity}" for row in said.alarms).items())
        ),
        alarms=[
            schemas.AlarmLineOut(
                occurred_at=row.occurred_at,
                condition=row.condition,
                severity=row.severity,
                alarm=row.alarm,
                text=row.text,
            )
            for row in said.alarms
        ],
        known=answers.known(work.connection, StationSignals.name),
    )
    return csv_tables.machine_day(found) if as_csv else found
