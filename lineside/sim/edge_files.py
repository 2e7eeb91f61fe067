"""Writes the configuration files of the demo's edges, as an integrator would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lineside.sim import scenario

MODBUS_POLL_S = 0.05


OPC_UA_SIGNALS = {
    "state": ("State", 'type = "int"'),
    "total": ("Counter", 'type = "int"'),
    "scrap": ("Scrap", 'type = "int"'),
    "sequence": ("Sequence", "trigger = true"),
    "acknowledge": ("Ack", "writable = true"),
    "good": ("Good", 'type = "bool"'),
    "tool": ("Tool", 'type = "int"'),
    "program": ("Program", 'type = "text"'),
}
MODBUS_SIGNALS = {
    "state": 0,
    "total": 1,
    "scrap": 2,
    "sequence": 3,
    "good": 4,
    "tool": 8,
    "acknowledge": 10,
}
MODBUS_PARAMETER = 6


def opc_ua_device(endpoint: str, namespace: str) -> str:
    """The device table of line 1's OPC UA server; its certificate lies in the trust list."""
    lines = [
        "[[device]]",
        'id = "plc"',
        'driver = "opcua"',
        f'endpoint = "{endpoint}"',
        'security_policy = "Basic256Sha256"',
        'security_mode = "SignAndEncrypt"',
        "publishing_ms = 50",
        "sampling_ms = 20",
        'certificate = "pki/own/certificate.der"',
        'private_key = "pki/own/private-key.pem"',
        'trust_list = "pki/opcua"',
    ]
    for machine in scenario.machines_of(scenario.EDGE_1):
        names = dict(OPC_UA_SIGNALS)
        names[machine.parameter] = (f"Parameters.{machine.parameter}", 'type = "float"')
        for signal, (variable, more) in names.items():
            lines += [
                "",
                "[[device.signals]]",
                f'name = "{machine.station}.{signal}"',
                f'node = "nsu={namespace};s={machine.station}.{variable}"',
                more,
            ]
    return "\n".join(lines) + "\n"


def trust_server(folder: Path, certificate: bytes) -> Path:
    """Put the OPC UA server's certificate into an edge's trust list, as an integrator does.

    Args:
        folder: Of the edge.
        certificate: DER.

    Returns:
        Where it lies.
    """
    trusted = folder / "pki" / "opcua" / "trusted"
    trusted.mkdir(parents=True, exist_ok=True)
    path = trusted / "line-1-server.der"
    path.write_bytes(certificate)
    return path


def modbus_device(host: str, port: int) -> str:
    """The device table of line 2's Modbus server: one machine a unit id."""
    lines = [
        "[[device]]",
        'id = "plc"',
        'driver = "modbus"',
        f'host = "{host}"',
        f"port = {port}",
        'addressing = "zero"',
        f"poll_s = {MODBUS_POLL_S}",
    ]
    for station in scenario.STATIONS:
        machine = station.machine
        if station.edge != scenario.EDGE_2 or machine is None:
            continue
        places = {**MODBUS_SIGNALS, machine.parameter: MODBUS_PARAMETER}
        for signal, address in places.items():
            lines += [
                "",
                "[[device.signals]]",
                f'name = "{station.id}.{signal}"',
                f"address = {address}",
                'table = "holding"',
                f"unit = {station.unit_id}",
            ]
            if signal == "acknowledge":
                lines += ["writable = true", 'access = "write"']
            else:
                lines.append(f'group = "{station.id}"')
            if signal == machine.parameter:
                lines += ['type = "float32"', 'order = "CDAB"']
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFile:
    """Where an edge's configuration is, and what it needs to be started."""

    edge: str
    path: Path
    port: int


def write_edge_file(
    edge: str, *, folder: Path, port: int, broker: str, device: str, scanners: dict[str, str]
) -> EdgeFile:
    """Write `edge.toml` for one edge of the demo.

    Args:
        edge: Which.
        folder: Holds certificates already; data goes there too.
        port: Of the terminal.
        broker: Address of the broker; empty: an edge on its own, without certificate and central.
        device: The `[[device]]` table of its PLC, as TOML text.
        scanners: Station to the path of its scanner's serial device.
    """
    stations = [station for station in scenario.STATIONS if station.edge == edge]
    parts = [f'[edge]\ndata_dir = "data"\nlisten = "127.0.0.1:{port}"\n']
    if broker:
        parts += [
            '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "ca.crt"\n',
            f'[sync]\nbroker = "{broker}"\n',
        ]
    parts += [
        device,
        *(_scanner(station.id, scanners[station.id]) for station in stations),
        *(_station(station) for station in stations),
    ]
    path = folder / "edge.toml"
    path.write_text("\n".join(parts), encoding="utf-8")
    return EdgeFile(edge=edge, path=path, port=port)


def _scanner(station: str, path: str) -> str:
    return f"""[[device]]
id = "scanner-{station}"
driver = "serial_line"
port = "{path}"
profile = "scanner"
"""


def _station(station: scenario.Station) -> str:
    machine = station.machine
    lines = [
        "[[station]]",
        f'id = "{station.id}"',
        f'name = "{station.name}"',
        f'name_zh = "{station.name_zh}"',
        f'line = "{station.edge}"',
        f'scanners = ["scanner-{station.id}"]',
        "oee_target = 0.82",
        "stop_ask_s = 60",
    ]
    if machine is None:
        lines += ['state_from = "acts"', 'counts_from = "unit_finished"']
        return "\n".join(lines) + "\n"
    prefix = f"{station.id}."
    lines += [
        'device = "plc"',
        'state_from = "signals"',
        'counts_from = "counter"',
        "",
        "[station.state]",
        f'signal = "{prefix}state"',
        'profile = "packml"',
        "",
    ]
    for role, signal in (("produced", "total"), ("scrap", "scrap")):
        lines += [
            "[[station.counter]]",
            f'name = "{signal}"',
            f'signal = "{prefix}{signal}"',
            f'role = "{role}"',
            "bits = 16",
            "max_per_min = 240",
            "",
        ]
    lines += [
        "[[station.trigger]]",
        'name = "piece"',
        f'sequence = "{prefix}sequence"',
        f'acknowledge = "{prefix}acknowledge"',
        f'good = "{prefix}good"',
        f'parameters = ["{prefix}{machine.parameter}"]',
        "modulus = 65536",
        "",
        "[[station.discrete]]",
        f'signal = "{prefix}tool"',
        'role = "tool"',
        "",
    ]
    return "\n".join(lines) + "\n"
