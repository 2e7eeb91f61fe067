"""`lineside-edge probe modbus`: read registers and show what each word order makes of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineside.contracts.errors import ConfigurationError, LinesideError
from lineside.drivers.decoding import Encoding, Table, WordOrder, decode_registers
from lineside.drivers.modbus.config import read_config
from lineside.drivers.modbus.driver import make_link
from lineside.drivers.modbus.frames import (
    ILLEGAL_ADDRESS,
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    ModbusExceptionError,
    read_request,
)
from lineside.drivers.modbus.transport import Link

_EXAMPLE = """examples:
  lineside-edge probe modbus 192.0.2.30 --unit 1 --address 0 --count 10
  lineside-edge probe modbus --serial /dev/serial/by-id/usb-FTDI_RS485 --baud 9600 --unit 17 --json

Addresses are those on the wire: 40001 of a manual is address 0 of holding."""
_MODICON = {
    Table.COILS: 0,
    Table.DISCRETE_INPUTS: 1,
    Table.INPUT_REGISTERS: 3,
    Table.HOLDING_REGISTERS: 4,
}
_WIDE = {2: ("uint32", "int32", "float32"), 4: ("uint64", "int64", "float64")}
_FIVE_DIGITS_MAX = 9999


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = _EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", nargs="?", metavar="HOST[:PORT]", help="a TCP device (port 502)")
    parser.add_argument("--serial", metavar="DEVICE", help="a serial port instead of a host")
    parser.add_argument("--baud", type=int, default=19_200, help="(default: 19200)")
    parser.add_argument("--parity", choices=("none", "even", "odd"), default="even")
    parser.add_argument("--stop-bits", type=int, choices=(1, 2), default=1)
    parser.add_argument(
        "--rtu-over-tcp", action="store_true", help="the host is a serial server without protocol"
    )
    parser.add_argument("--unit", type=int, default=1, help="unit id (default: 1)")
    parser.add_argument(
        "--table",
        choices=[table.value for table in Table],
        default=Table.HOLDING_REGISTERS.value,
        help="(default: holding)",
    )
    parser.add_argument("--address", type=int, default=0, help="first address on the wire")
    parser.add_argument("--count", type=int, default=10, help="registers or bits (default: 10)")
    parser.add_argument("--timeout", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--wide", action="store_true", help="64-bit values, too")
    parser.add_argument("--config", type=Path, metavar="FILE", help="write the configuration there")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Read and print.

    Returns:
        0, 1 when the device did not answer with values, 2 for wrong usage.
    """
    try:
        settings = _settings(args)
        registers = asyncio.run(_read(settings, args))
    except ConfigurationError as problem:
        print(f"lineside-edge probe modbus: {problem}", file=sys.stderr)
        return 2
    except LinesideError as problem:
        print(f"lineside-edge probe modbus: {problem}", file=sys.stderr)
        return 1
    report = describe(registers, Table(args.table), wide=args.wide)
    skeleton = configuration(settings, registers, Table(args.table))
    if args.config is not None:
        args.config.write_text(skeleton, encoding="utf-8")
    if args.json:
        shown = {"target": args.target or args.serial, "unit": args.unit, "table": args.table}
        print(json.dumps(shown | report | {"configuration": skeleton}))
    else:
        _print(report)
        print(f"\nA configuration to start from:\n\n{skeleton}")
    return 0 if any(value is not None for value in registers.values()) else 1


def describe(
    registers: Mapping[int, int | None], table: Table, *, wide: bool = False
) -> dict[str, Any]:
    """What was read, and what it may mean.

    Args:
        registers: Wire address to what was read there; None where nothing exists.
        table: Where they were read.
        wide: 64-bit values, too.

    Returns:
        For bits: `bits`, a list of address, manual number and value. For registers: `registers`,
        and `values` with every type in every word order. `missing`: addresses that do not exist.
    """
    found = {address: value for address, value in registers.items() if value is not None}
    report: dict[str, Any] = {"missing": [a for a, value in registers.items() if value is None]}
    places = [{"address": a, "number": _number(table, a), "value": v} for a, v in found.items()]
    if table.has_bits:
        return report | {"bits": [place | {"value": bool(place["value"])} for place in places]}
    report["registers"] = [
        {
            "address": address,
            "number": _number(table, address),
            "hex": f"{value:04X}",
            "uint16": value,
            "int16": struct.unpack(">h", struct.pack(">H", value))[0],
            "text": "".join(map(_character, struct.pack(">H", value))),
        }
        for address, value in found.items()
    ]
    widths = (2, 4) if wide else (2,)
    report["values"] = [
        entry for width in widths for address in found for entry in _orders(found, address, width)
    ]
    return report


def _orders(found: Mapping[int, int], address: int, width: int) -> list[dict[str, Any]]:
    """Every type of so many registers at an address, side by side in every order."""
    words = [found.get(address + offset) for offset in range(width)]
    known = [word for word in words if word is not None]
    if len(known) < width:
        return []
    return [
        {
            "address": address,
            "type": kind,
            **{
                order.value: decode_registers(known, Encoding(type=kind, order=order)).value
                for order in WordOrder
            },
        }
        for kind in _WIDE[width]
    ]


def configuration(
    settings: Mapping[str, Any], registers: Mapping[int, int | None], table: Table
) -> str:
    """A device table to start from: one signal for each thing that was read."""
    lines = ["[[device]]", 'id = "device-1"', 'driver = "modbus"']
    serial: Mapping[str, Any] = settings.get("serial", {})
    for key, value in settings.items():
        if key not in ("signals", "serial"):
            lines.append(f"{key} = {json.dumps(value)}")
    if serial:
        lines += ["", "[device.serial]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in serial.items()]
    for address, value in registers.items():
        if value is None:
            continue
        lines += ["", "[[device.signals]]", f'name = "{table.value}-{address}"']
        lines += [f'table = "{table.value}"', f"address = {address}"]
        if not table.has_bits:
            lines.append('type = "uint16"')
    return "\n".join(lines) + "\n"


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    if (args.target is None) == (args.serial is None):
        raise ConfigurationError(
            file="arguments", key="HOST", found=args.target, expected="a host, or --serial"
        )
    limit = READ_BITS_MAX if Table(args.table).has_bits else READ_REGISTERS_MAX
    if not 1 <= args.count <= limit:
        raise ConfigurationError(
            file="arguments", key="--count", found=args.count, expected=f"1 to {limit}"
        )
    settings: dict[str, Any] = {"transport": "rtu_over_tcp" if args.rtu_over_tcp else "tcp"}
    if args.serial is not None:
        settings["transport"] = "rtu"
        settings["serial"] = {
            "port": args.serial,
            "baud": args.baud,
            "parity": args.parity,
            "stop_bits": args.stop_bits,
        }
    else:
        host, _, port = str(args.target).partition(":")
        settings |= {"host": host, "port": int(port) if port.isdecimal() else (0 if port else 502)}
    return settings | {"unit": args.unit, "timeout_s": args.timeout, "addressing": "zero"}


async def _read(settings: dict[str, Any], args: argparse.Namespace) -> dict[int, int | None]:
    last = args.address + args.count - 1
    signals = [{"name": f"{a}", "table": args.table, "address": a} for a in (args.address, last)]
    if args.count == 1:
        signals.pop()
    config = read_config(settings | {"signals": signals}, file="arguments")
    link = make_link(config)
    await link.open()
    try:
        return await _span(link, args.unit, Table(args.table), args.address, args.count)
    finally:
        await link.close()


async def _span(
    link: Link, unit: int, table: Table, first: int, count: int
) -> dict[int, int | None]:
    """Values of a span; where a device has holes, in halves."""
    try:
        pdu = await link.request(read_request(unit, table, first, count))
    except ModbusExceptionError as problem:
        if problem.exception != ILLEGAL_ADDRESS:
            raise
        if count == 1:
            return {first: None}
        half = count // 2
        lower = await _span(link, unit, table, first, half)
        return lower | await _span(link, unit, table, first + half, count - half)
    data = pdu[2:]
    if table.has_bits:
        return {first + n: data[n // 8] >> n % 8 & 1 for n in range(count)}
    return dict(enumerate(struct.unpack(f">{count}H", data), start=first))


def _number(table: Table, address: int) -> str:
    """The address as manuals write it."""
    digits = 4 if address < _FIVE_DIGITS_MAX else 5
    return f"{_MODICON[table]}{address + 1:0{digits}d}"


def _print(report: Mapping[str, Any]) -> None:
    for bit in report.get("bits", ()):
        print(f"{bit['address']:>6}  {bit['number']:>6}  {'on' if bit['value'] else 'off'}")
    if registers := report.get("registers"):
        print("address  manual   hex  uint16   int16  text")
        for row in registers:
            print(
                f"{row['address']:>7}  {row['number']:>6}  {row['hex']}  {row['uint16']:>6}"
                f"  {row['int16']:>6}  {row['text']}"
            )
    if values := report.get("values"):
        print("\naddress  type     " + "".join(f"{order.value:>22}" for order in WordOrder))
        for row in values:
            shown = "".join(f"{_short(row[order.value]):>22}" for order in WordOrder)
            print(f"{row['address']:>7}  {row['type']:<8} {shown}")
    if report["missing"]:
        print(f"\nnot there: {', '.join(map(str, report['missing']))}")


def _character(byte: int) -> str:
    return chr(byte) if chr(byte).isascii() and chr(byte).isprintable() else "."


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.7g}" if isinstance(value, float) else str(value)
