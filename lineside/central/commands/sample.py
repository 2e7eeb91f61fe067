"""`lineside-central sample`: a small plant to look around in."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lineside.central.commands.database import add_config_argument, opened
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data import service as master_data
from lineside.central.mes.master_data.entities import (
    BillOfMaterial,
    Item,
    Reason,
    Routing,
    Station,
)
from lineside.central.mes.master_data.schemas import BomIn, CalendarIn, RoutingIn
from lineside.central.mes.numbers import service as numbers
from lineside.central.mes.numbers.schemas import SeriesIn
from lineside.central.mes.orders import service as orders
from lineside.central.mes.orders.schemas import OrderIn
from lineside.central.platform.identity import people

ITEMS: tuple[dict[str, Any], ...] = (
    {"id": "VA-10", "name": "Valve", "name_zh": "阀", "tracking": "serial"},
    {"id": "SP-18", "name": "Spool", "name_zh": "阀芯", "tracking": "serial"},
    {"id": "SE-4", "name": "Seal", "name_zh": "密封圈", "tracking": "lot"},
    {"id": "BAR-20", "name": "Steel bar", "name_zh": "钢棒", "unit": "m", "tracking": "lot"},
)
ITEM_DEFAULTS: dict[str, Any] = {"unit": "pcs", "gtin": "", "serial_pattern": ""}
STATIONS: tuple[tuple[str, str, str, str], ...] = (
    ("turning-10", "Turning", "车削", "line-1"),
    ("grinding-20", "Grinding", "磨削", "line-1"),
    ("bench-a", "Assembly bench", "装配台", "line-2"),
    ("test-60", "Leak test", "检漏", "line-2"),
)
ROUTINGS: tuple[dict[str, Any], ...] = (
    {
        "id": "R-SP-18",
        "item": "SP-18",
        "operations": [
            {"operation": "10", "name": "Turning", "stations": ["turning-10"],
             "ideal_cycle_s": "48", "starts_unit": True},
            {"operation": "20", "name": "Grinding", "stations": ["grinding-20"],
             "ideal_cycle_s": "96"},
        ],
    },
    {
        "id": "R-VA-10",
        "item": "VA-10",
        "operations": [
            {"operation": "50", "name": "Assembly", "stations": ["bench-a"],
             "ideal_cycle_s": "300", "starts_unit": True},
            {"operation": "60", "name": "Leak test", "stations": ["test-60"],
             "ideal_cycle_s": "90", "inspected": True},
        ],
    },
)  # fmt: skip
BOMS: tuple[dict[str, Any], ...] = (
    {"id": "B-SP-18", "item": "SP-18", "lines": [
        {"item": "BAR-20", "quantity": "0.12", "unit": "m", "tracking": "lot", "operation": "10"}]},
    {"id": "B-VA-10", "item": "VA-10", "lines": [
        {"item": "SP-18", "quantity": "1", "tracking": "serial", "operation": "50"},
        {"item": "SE-4", "quantity": "2", "tracking": "lot", "operation": "50"}]},
)  # fmt: skip
REASONS = (
    ("stop", "no-material", "缺料", "No material"),
    ("stop", "tool-change", "换刀", "Tool change"),
    ("defect", "leak", "泄漏", "Leak"),
    ("defect", "diameter", "直径超差", "Diameter out of tolerance"),
)


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "sample",
        help="fill an empty database with a small plant",
        description="Creates two lines that make a valve: stations, items, routings, orders.",
        epilog="example: lineside-central sample --config central.toml",
    )
    add_config_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Create the sample, whole or not at all."""
    with opened(args.config) as database, database.act() as work:
        fill(work)
    sys.stdout.write("Created lines line-1 and line-2, and released orders WO-1 and WO-2.\n")
    return 0


def fill(work: UnitOfWork) -> None:
    """Create the sample plant in one transaction.

    Raises:
        ConflictError: Part of it exists.
    """
    for edge in ("line-1", "line-2"):
        master_data.enrol_edge(work, edge, edge.replace("-", " ").title())
    master_data.put_calendar(work, _calendar(), expected=None)
    for kind, code, zh, en in REASONS:
        values: dict[str, Any] = {"kind": kind, "code": code, "zh": zh, "en": en, "active": True}
        master_data.create(work, Reason, (kind, code), values)
    for station, name, name_zh, edge in STATIONS:
        values = {"id": station, "name": name, "name_zh": name_zh, "edge": edge, "line": edge,
                  "counts_from": "unit", "parallel": False, "pacing": False}  # fmt: skip
        master_data.create(work, Station, station, values)
    for item in ITEMS:
        master_data.create(work, Item, item["id"], ITEM_DEFAULTS | item)
    for routing in ROUTINGS:
        values = RoutingIn.model_validate(routing).model_dump(mode="json")
        master_data.create(work, Routing, routing["id"], values)
    for bom in BOMS:
        values = BomIn.model_validate(bom).model_dump(mode="json")
        master_data.create(work, BillOfMaterial, bom["id"], values)
    people.add_person(work, badge="B-1001", name="Wang Fang", roles=["operator"])
    people.add_person(work, badge="B-1002", name="Li Wei", roles=["operator", "quality"])
    for item, prefix, edge in (("SP-18", "SP18-", "line-1"), ("VA-10", "VA-", "line-2")):
        values = {"id": f"{item}-serial", "kind": "serial", "item": item, "prefix": prefix,
                  "width": 8, "per_day": 300, "edges": [edge]}  # fmt: skip
        numbers.create_series(work, SeriesIn.model_validate(values))
    for number, item in (("WO-1", "SP-18"), ("WO-2", "VA-10")):
        body = OrderIn.model_validate({"id": number, "item": item, "quantity": "200"})
        orders.create_order(work, body)
        orders.release_order(work, number, expected=None)


def _calendar() -> CalendarIn:
    shifts = (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00"))
    return CalendarIn.model_validate(
        {
            "time_zone": "Asia/Shanghai",
            "shifts": [
                {"id": shift, "local_start": start, "local_end": end, "breaks": []}
                for shift, start, end in shifts
            ],
        }
    )
