"""Configuration and master data of the test bed whose recordings are played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineside.sim.central_client import Central
from lineside.sim.mtconnect import Stream
from lineside.sim.replay_mtconnect import BEAT, Piece

Json = dict[str, Any]
EDGE, MILL, MAZAK, DEVICE = "testbed", "Hurco04", "Mazak01", "plc"
NAMESPACE = "urn:testbed:machines"
_CONDITION_FIELDS = 4  # level, code, ..., text after the item
MILL_SIGNALS = {
    "Program_Status": "program_status",
    "Program_Name_Running": "program",
    "Current_Tool": "tool",
    "Part_Count": "part_count",
    BEAT: BEAT,
}
MAZAK_SIGNALS = {
    "execution": "execution",
    "mode": "mode",
    "estop": "estop",
    "program": "program",
    BEAT: BEAT,
}
SECOND_COUNTERS = ("total_time", "auto_time", "cut_time")
QUEUE = 20_000
"""Longer than a day has values of one item: nothing is lost, however fast the day is played."""


def fill_master_data(central: Central, pieces: Sequence[Piece]) -> None:
    """Create the test bed at central and release an order for each part."""
    central.post("/api/v1/mes/edges", {"id": EDGE, "name": "Test bed"})
    shift = {"id": "day", "local_start": "00:00", "local_end": "00:00"}
    central.put("/api/v1/mes/calendar", {"time_zone": "UTC", "shifts": [shift]})
    for station in (MILL, MAZAK):
        body = {"id": station, "name": station, "edge": EDGE, "line": "test bed"}
        central.post("/api/v1/mes/stations", {**body, "counts_from": "unit"})
    central.post("/api/v1/mes/persons", {"id": "P-1", "badge": "B-1", "name": "Machinist"})
    for part in sorted({piece.part for piece in pieces}):
        operations = sorted({piece.operation for piece in pieces if piece.part == part})
        central.post("/api/v1/mes/items", {"id": part, "name": part, "tracking": "serial"})
        routing: Json = {
            "id": f"R-{part}",
            "item": part,
            "operations": [
                {
                    "operation": operation,
                    "name": operation,
                    "stations": [MILL],
                    "starts_unit": True,
                    "missing_passport": "accept",
                }
                for operation in operations
            ],
        }
        central.post("/api/v1/mes/routings", routing)
        central.post(
            "/api/v1/mes/work-orders", {"id": f"WO-{part}", "item": part, "quantity": "20"}
        )
        central.post(f"/api/v1/mes/work-orders/WO-{part}/release")


def edge_file(endpoint: str, *, port: int, broker: str, days: Sequence[Stream]) -> str:
    """The edge's configuration: one OPC UA server, a milling machine, a turning machine."""
    conditions = sorted(
        {
            one.item
            for day in days
            for one in day.observations
            if one.value.count("|") >= _CONDITION_FIELDS
        }
    )
    lines = [
        f'[edge]\ndata_dir = "data"\nlisten = "127.0.0.1:{port}"\nsimulation = true',
        "device_time_window_s = 10000000\n",
        '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "ca.crt"\n',
        f'[sync]\nbroker = "{broker}"\n',
        f'[[device]]\nid = "{DEVICE}"\ndriver = "opcua"',
        f'endpoint = "{endpoint}"\npublishing_ms = 50',
        "audit_every_s = 0\n",
    ]
    names = [f"{MILL}.{one}" for one in MILL_SIGNALS]
    mazak = MAZAK_SIGNALS | {counter: counter for counter in SECOND_COUNTERS}
    names += [f"{MAZAK}.{one}" for one in (*mazak, *conditions)]
    lines += [
        f'[[device.signals]]\nname = "{name}"\nnode = "nsu={NAMESPACE};s={name}"\n'
        f"trigger = true\nsampling_ms = 0\nqueue_size = {QUEUE}\n"
        for name in names
    ]
    lines += _station(MILL, MILL_SIGNALS, ())
    lines += _station(MAZAK, mazak, conditions)
    return "\n".join(lines)


def _station(station: str, signals: dict[str, str], conditions: Sequence[str]) -> list[str]:
    lines = [
        f'[[station]]\nid = "{station}"\nname = "{station}"\nline = "test bed"',
        f'device = "{DEVICE}"',
        'state_from = "acts"\ncounts_from = "unit_finished"\n',
    ]
    for signal, role in signals.items():
        lines.append(f'[[station.discrete]]\nsignal = "{station}.{signal}"\nrole = "{role}"\n')
    return lines + [
        f'[[station.alarm]]\nsignal = "{station}.{signal}"\nformat = "mtconnect"\n'
        for signal in conditions
    ]
