"""`probe`: look at a device at the machine, and write a configuration to start from."""

from __future__ import annotations

import argparse
from typing import Any

from lineside.edge_agent.commands import probe_modbus, probe_opcua, probe_serial

_EXAMPLES = """examples:
  lineside-edge probe opcua opc.tcp://192.0.2.10:4840
  lineside-edge probe modbus 192.0.2.30 --help
  lineside-edge probe serial --help"""
_KINDS = (
    ("opcua", "browse an OPC UA server", probe_opcua),
    ("modbus", "show all word orders of registers side by side", probe_modbus),
    ("serial", "show the raw bytes of a scanner or scale", probe_serial),
)


def add_parser(commands: Any) -> None:  # noqa: ANN401 argparse keeps that type to itself
    """Add the command `probe` to the program's commands."""
    probe = commands.add_parser(
        "probe",
        help="look at a device and write a configuration to start from",
        description="Look at a device at the machine.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = probe.add_subparsers(dest="probe_kind", required=True, metavar="KIND")
    for name, what, module in _KINDS:
        kind = kinds.add_parser(
            name,
            help=what,
            description=what[0].upper() + what[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(kind)
        kind.set_defaults(run=module.run)
