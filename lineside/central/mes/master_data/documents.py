"""Master data as the documents that edges and figures use."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import select

from lineside.central.kit.together import Statement
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.entities import Item, Reason, SiteCalendar
from lineside.contracts import commands

CALENDAR_NOW: Statement = (
    """SELECT time_zone, shifts, planned_stops, micro_stop_threshold_s, micro_stop_policy
       FROM calendar WHERE id = 'site'""",
    {},
)
"""Reads the calendar together with other things, as `CalendarRow`."""


class CalendarRow(msgspec.Struct):
    """The calendar as it is read by `CALENDAR_NOW`."""

    time_zone: str
    shifts: list[dict[str, Any]]
    planned_stops: list[dict[str, Any]]
    micro_stop_threshold_s: Decimal
    micro_stop_policy: str


def calendar_document(row: SiteCalendar | CalendarRow) -> commands.Calendar:
    """The calendar as edges and figures use it."""
    return commands.Calendar(
        time_zone=row.time_zone,
        shifts=tuple(
            commands.ShiftRule(
                id=shift["id"],
                local_start=shift["local_start"],
                local_end=shift["local_end"],
                breaks=tuple((stop["local_start"], stop["minutes"]) for stop in shift["breaks"]),
                days=tuple(shift["days"]),
            )
            for shift in row.shifts
        ),
        planned_stops=tuple(
            msgspec.convert(stop, commands.PlannedStop) for stop in row.planned_stops
        ),
        micro_stop_threshold_s=Decimal(row.micro_stop_threshold_s),
        micro_stop_policy=row.micro_stop_policy,
    )


def reasons_document(work: UnitOfWork) -> commands.Reasons:
    """All active stop reasons and defect codes."""
    labels: dict[str, dict[str, tuple[str, str]]] = {"stop": {}, "defect": {}}
    for row in work.session.scalars(
        select(Reason).where(Reason.active).order_by(Reason.kind, Reason.code)
    ):
        labels[row.kind][row.code] = (row.zh, row.en)
    return commands.Reasons(stops=labels["stop"], defects=labels["defect"])


def item_document(row: Item) -> commands.ItemInfo:
    """An item as edges know it."""
    return commands.ItemInfo(
        item=row.id,
        name=row.name,
        name_zh=row.name_zh,
        gtin=row.gtin,
        serial_pattern=row.serial_pattern,
        tracking=row.tracking,
    )
