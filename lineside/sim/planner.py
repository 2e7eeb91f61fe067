"""A simulated planner: fills master data and releases orders, all through central's open API."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from lineside.contracts.clock import Microseconds, to_datetime
from lineside.sim import scenario
from lineside.sim.central_client import Central

Json = dict[str, Any]
SPOOLS_ORDERED, VALVES_ORDERED = 400, 300
SPOOL_ORDER, VALVE_ORDER, STOCK_ORDER = "WO-2026-00417", "WO-2026-00418", "WO-2026-00419"

ITEMS: tuple[Json, ...] = (
    {
        "id": scenario.SPOOL,
        "name": "Spool 18",
        "name_zh": "阀芯 18",
        "tracking": "serial",
        "serial_pattern": "SP18-[0-9]{8}",
    },
    {
        "id": scenario.VALVE,
        "name": "Hydraulic valve 22",
        "name_zh": "液压阀 22",
        "tracking": "serial",
        "gtin": scenario.VALVE_GTIN,
        "serial_pattern": "HV22-[0-9]{6}",
    },
    {
        "id": scenario.BAR,
        "name": "Steel bar 20MnCr5",
        "name_zh": "钢棒 20MnCr5",
        "unit": "m",
        "tracking": "lot",
    },
    {"id": scenario.BODY, "name": "Valve body", "name_zh": "阀体", "tracking": "lot"},
    {"id": scenario.SPRING, "name": "Spring", "name_zh": "弹簧", "tracking": "lot"},
)


def fill_master_data(central: Central, *, now: Microseconds) -> None:
    """Create everything that the plant needs before its first order.

    Args:
        central: Signed in as administrator.
        now: When the plant's first shift begins, microseconds UTC.
    """
    for edge in (scenario.EDGE_1, scenario.EDGE_2):
        central.post("/api/v1/mes/edges", {"id": edge, "name": edge.replace("-", " ").title()})
    for station in scenario.STATIONS:
        body = {
            "id": station.id,
            "name": station.name,
            "name_zh": station.name_zh,
            "edge": station.edge,
            "line": station.edge,
            "counts_from": "counter" if station.machine else "unit",
            "pacing": station.id in {"L1-GRIND", "L2-PACK"},
        }
        central.post("/api/v1/mes/stations", body)
    for item in ITEMS:
        central.post("/api/v1/mes/items", item)
    for kind, codes in (("stop", scenario.STOP_REASONS), ("defect", scenario.DEFECT_CODES)):
        for code, (zh, en) in codes.items():
            central.post("/api/v1/mes/reasons", {"kind": kind, "code": code, "zh": zh, "en": en})
    _routings(central)
    _calendar(central, now)
    for worker in scenario.WORKERS:
        body = {"id": worker.person, "badge": worker.badge, "name": worker.name}
        central.post("/api/v1/mes/persons", {**body, "roles": list(worker.roles)})


def _operation(number: str, name: str, name_zh: str, stations: list[str], **more: object) -> Json:
    machines = [s.machine for s in scenario.STATIONS if s.id in stations and s.machine]
    cycle = str(machines[0].cycle_s) if machines else scenario.BENCH_CYCLE_S
    return {
        "operation": number,
        "name": name,
        "name_zh": name_zh,
        "stations": stations,
        "ideal_cycle_s": cycle,
        **more,
    }


def _routings(central: Central) -> None:
    turning = ["L1-TURN-1", "L1-TURN-2"]
    spool = [
        _operation("10", "Turning", "车削", turning, starts_unit=True),
        _operation("20", "Grinding", "精磨", ["L1-GRIND"], inspected=True),
    ]
    tests = ["L2-TEST-1", "L2-TEST-2"]
    valve = [
        _operation("10", "Assembly", "装配", ["L2-BENCH"], starts_unit=True),
        _operation("20", "Test", "试验", tests, inspected=True),
        _operation("30", "Packing", "包装", ["L2-PACK"]),
    ]
    for item, operations in ((scenario.SPOOL, spool), (scenario.VALVE, valve)):
        body = {"id": f"R-{item}", "item": item, "operations": operations}
        central.post("/api/v1/mes/routings", body)
    bar = [_line(scenario.BAR, "0.12", unit="m", position="bar")]
    parts = [
        _line(scenario.SPOOL, "1", tracking="serial"),
        _line(scenario.BODY, "1", position="body"),
        _line(scenario.SPRING, "2", position="spring"),
    ]
    for item, lines in ((scenario.SPOOL, bar), (scenario.VALVE, parts)):
        central.post("/api/v1/mes/boms", {"id": f"B-{item}", "item": item, "lines": lines})


def _line(
    item: str, quantity: str, *, unit: str = "pcs", tracking: str = "lot", position: str = ""
) -> Json:
    return {
        "item": item,
        "quantity": quantity,
        "unit": unit,
        "tracking": tracking,
        "operation": "10",
        "position": position,
    }


def _calendar(central: Central, now: Microseconds) -> None:
    """Three shifts of eight hours; the first begins with the plant: little of it is unknown."""
    first = to_datetime(now).astimezone(ZoneInfo(scenario.TIME_ZONE))
    starts = [f"{first + timedelta(hours=hours):%H:%M}" for hours in (0, 8, 16, 24)]
    shifts = [
        {"id": name, "local_start": start, "local_end": end}
        for name, (start, end) in zip(("first", "second", "third"), pairwise(starts), strict=True)
    ]
    central.put("/api/v1/mes/calendar", {"time_zone": scenario.TIME_ZONE, "shifts": shifts})


ORDERS = (
    (SPOOL_ORDER, scenario.SPOOL, SPOOLS_ORDERED, 50),
    (VALVE_ORDER, scenario.VALVE, VALVES_ORDERED, 60),
    (STOCK_ORDER, scenario.SPOOL, 20, 200),
)


def release_orders(central: Central) -> None:
    """Create and release the orders of the day."""
    for order, item, quantity, priority in ORDERS:
        body = {"id": order, "item": item, "quantity": str(quantity), "priority": priority}
        central.post("/api/v1/mes/work-orders", body)
        central.post(f"/api/v1/mes/work-orders/{order}/release")


def move_order(central: Central, order: str, operation: str, stations: list[str]) -> Json:
    """Move an operation to other stations; the answer says which revision each edge has."""
    return central.post(
        f"/api/v1/mes/work-orders/{order}/operations/{operation}/move",
        {"stations": stations, "reason": "machine 2 is needed for a rush order"},
    )
