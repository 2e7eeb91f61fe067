"""The plant of the demo: a shop that makes hydraulic valves.

Line 1 turns and grinds spools (three machines on one OPC UA server). Line 2 assembles a spool into
a body on a manual bench without a PLC, tests and packs the valve (three machines on one Modbus TCP
server).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lineside.sim.machine import MachineKind

ENTERPRISE = "yuanhe-hydraulics"
SITE = "jinan"
TIME_ZONE = "Asia/Shanghai"

EDGE_1, EDGE_2 = "line-1", "line-2"

SPOOL, VALVE, BAR, BODY, SPRING = "SP-18", "HV-22", "BAR-20MnCr5", "BD-22", "SR-07"
VALVE_GTIN = "09506000134352"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One station of the plant.

    Attributes:
        machine: What its machine does; None for a bench without a PLC.
        operation: The operation of the routing that it does.
        item: What comes out.
        mounts: (position, item, lot number, pieces or metres in it) mounted at start.
        inspected: The result of its operation is an inspection.
        last: Its operation is the last one of the item.
    """

    id: str
    edge: str
    name: str
    name_zh: str
    operation: str
    item: str
    machine: MachineKind | None = None
    mounts: tuple[tuple[str, str, str, str], ...] = ()
    unit_id: int = 0
    inspected: bool = False
    last: bool = False


STATIONS = (
    Station(
        id="L1-TURN-1", edge=EDGE_1, name="Turning 1", name_zh="车削 1", operation="10", item=SPOOL,
        machine=MachineKind(
            station="L1-TURN-1", cycle_s=1.6, parameter="diameter", nominal=18.2, spread=0.004,
            program="O1810", counter_start=120,
        ),
        mounts=(("bar", BAR, "LOT-BAR-7731", "60"),),
    ),
    Station(
        id="L1-TURN-2", edge=EDGE_1, name="Turning 2", name_zh="车削 2", operation="10", item=SPOOL,
        machine=MachineKind(
            station="L1-TURN-2", cycle_s=1.7, parameter="diameter", nominal=18.2, spread=0.004,
            program="O1810", counter_start=4_711,
        ),
        mounts=(("bar", BAR, "LOT-BAR-7732", "60"),),
    ),
    Station(
        id="L1-GRIND", edge=EDGE_1, name="Grinding", name_zh="精磨", operation="20", item=SPOOL,
        machine=MachineKind(
            station="L1-GRIND", cycle_s=0.7, parameter="diameter", nominal=17.996, spread=0.002,
            program="O2041", counter_start=65_530,
        ),
        inspected=True, last=True,
    ),
    Station(
        id="L2-BENCH", edge=EDGE_2, name="Assembly bench", name_zh="装配台", operation="10",
        item=VALVE,
        mounts=(("body", BODY, "LOT-BD-5520", "500"), ("spring", SPRING, "LOT-SR-0099", "500")),
    ),
    Station(
        id="L2-TEST-1", edge=EDGE_2, name="Test stand 1", name_zh="试验台 1", operation="20",
        item=VALVE,
        machine=MachineKind(
            station="L2-TEST-1", cycle_s=1.5, parameter="pressure", nominal=315.0, spread=1.2,
            program="TP-22", counter_start=65_526,
        ),
        unit_id=1, inspected=True,
    ),
    Station(
        id="L2-TEST-2", edge=EDGE_2, name="Test stand 2", name_zh="试验台 2", operation="20",
        item=VALVE,
        machine=MachineKind(
            station="L2-TEST-2", cycle_s=1.6, parameter="pressure", nominal=315.0, spread=1.2,
            program="TP-22", counter_start=65_527,
        ),
        unit_id=2, inspected=True,
    ),
    Station(
        id="L2-PACK", edge=EDGE_2, name="Packing", name_zh="包装", operation="30", item=VALVE,
        machine=MachineKind(
            station="L2-PACK", cycle_s=0.6, parameter="weight", nominal=2.41, spread=0.01,
            program="PK-1", counter_start=65_500,
        ),
        unit_id=3, last=True,
    ),
)  # fmt: skip

MACHINES = tuple(station.machine for station in STATIONS if station.machine is not None)


BENCH_CYCLE_S = "1.0"


def ideal_cycle_s(station: Station) -> Fraction:
    """Ideal seconds a piece of its operation, as the routing says: that of its first machine."""
    same = (s for s in STATIONS if (s.operation, s.item) == (station.operation, station.item))
    machine = next(same).machine
    return Fraction(BENCH_CYCLE_S if machine is None else str(machine.cycle_s))


def machines_of(edge: str) -> tuple[MachineKind, ...]:
    """The machines of a line."""
    return tuple(s.machine for s in STATIONS if s.edge == edge and s.machine is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Somebody who works at a station; the name is known to central and the edge's cache only."""

    person: str
    badge: str
    name: str
    station: str
    roles: tuple[str, ...] = ("operator",)


WORKERS = tuple(
    Worker(person=f"P-{number}", badge=f"B-{number}", name=name, station=station.id)
    for number, (name, station) in enumerate(
        zip(("王芳", "李强", "张伟", "刘洋", "陈静", "杨磊", "赵敏"), STATIONS, strict=True),
        start=1041,
    )
)

STOP_REASONS = {
    "MAT": ("缺料", "no material"),
    "TOOL": ("换刀", "tool change"),
    "JAM": ("卡料", "jam"),
    "ELEC": ("电气故障", "electrical fault"),
    "CLEAN": ("清洁", "cleaning"),
}
DEFECT_CODES = {
    "DIM": ("尺寸超差", "out of dimension"),
    "SURF": ("表面划伤", "surface scratch"),
    "LEAK": ("泄漏", "leak"),
    "LABEL": ("标签错误", "wrong label"),
}
