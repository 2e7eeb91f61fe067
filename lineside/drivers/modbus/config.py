"""Settings of one Modbus device, checked word by word before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.errors import ConfigurationError
from lineside.drivers.addresses import Addressing, Span, wire_address
from lineside.drivers.decoding import (
    BITS_PER_REGISTER,
    INTEGERS,
    ORDER_NAMES,
    TYPES,
    Encoding,
    Table,
)
from lineside.drivers.modbus.frames import (
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    WRITE_REGISTERS_MAX,
)
from lineside.drivers.serial_port import PortSettings
from lineside.drivers.settings import read_settings

_SIGNALS_MAX = 20_000
_RTU_UNIT_MAX = 247
_TCP_UNIT_MAX = 255
_ORDERS = f"one of {', '.join(ORDER_NAMES)}"


class LineSettings(PortSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A serial port with the defaults of Modbus RTU."""

    baud: int = 19_200
    parity: Literal["none", "even", "odd"] = "even"


class SignalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of the device, as the configuration writes it.

    Attributes:
        name: Unique within the device.
        address: As `addressing` of the device says; Modicon addresses of coils are text.
        table: Needed unless the address is Modicon's.
        unit: Unit id; the device's where absent.
        type: Type in registers; ignored for coils and discrete inputs.
        order: Order of the bytes; the device's `word_order` where absent.
        length: Registers of a string.
        bit: Bit of a register for type `bit`, 0 = least significant.
        factor, offset: Value = raw * factor + offset.
        invalid: The maker's patterns for "no value": numbers over the whole width of the value.
        text: Character set of a string.
        poll_s: Seconds between two reads; the device's where absent.
        group: Signals of one group are always read in one request.
        torn_guard: Read twice, because this device updates the words of a counter one by one.
        access: `write` is never read, not even as part of a gap.
        writable: Lineside may write it.
    """

    name: str
    address: int | str
    table: Table | None = None
    unit: int | None = None
    type: str = "uint16"
    order: str | None = None
    length: int = 1
    bit: int | None = None
    factor: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)
    invalid: tuple[int, ...] = ()
    text: Literal["ascii", "latin-1", "utf-8", "gb18030"] = "ascii"
    poll_s: float | None = None
    group: str = ""
    torn_guard: bool = False
    access: Literal["read", "write"] = "read"
    writable: bool = False


class ForbiddenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Addresses that are never read as part of a gap (read-to-clear, password, not there).

    Attributes:
        first, last: Inclusive, as `addressing` says.
    """

    first: int | str
    last: int | str
    table: Table | None = None
    unit: int | None = None


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The device's table of the configuration file.

    Attributes:
        transport: `tcp`, `rtu` (serial port), or `rtu_over_tcp` (serial server without protocol).
        host, port: For both TCP kinds.
        serial: For `rtu`; 19 200 baud, even parity, one stop bit unless said otherwise.
        unit: Unit id of signals that name none.
        timeout_s: How long one answer may take.
        retries: Further attempts of a read that got no answer.
        late_answer_s: How long a serial line rests after a timeout; `timeout_s` where absent.
        local_echo: The adapter returns what it sends (RS-485 without echo suppression).
        addressing: What the addresses mean.
        word_order, word_order_64: Order of values of 32 and of 64 bits that name none.
        poll_s: Seconds between two reads of signals that name none.
        max_registers, max_bits: Most that this device answers in one request.
        max_write_registers: Most that it takes in one request.
        max_gap: Most unasked registers or bits read along between two signals; 0 = none.
        single_write: Function for one register; some devices know only FC 16.
        silent_pause_max_s: Longest pause between two attempts at a unit that does not answer.
        forbidden: Never read as part of a gap.
        signals: What to read and write.
    """

    transport: Literal["tcp", "rtu", "rtu_over_tcp"] = "tcp"
    host: str = ""
    port: int = 502
    serial: LineSettings | None = None
    unit: int = 1
    timeout_s: float = 1.0
    retries: int = 1
    late_answer_s: float | None = None
    local_echo: bool = False
    addressing: Addressing
    word_order: str = "ABCD"
    word_order_64: str | None = None
    poll_s: float = 1.0
    max_registers: int = READ_REGISTERS_MAX
    max_bits: int = READ_BITS_MAX
    max_write_registers: int = WRITE_REGISTERS_MAX
    max_gap: int = 8
    single_write: Literal["fc06", "fc16"] = "fc06"
    silent_pause_max_s: float = 30.0
    forbidden: tuple[ForbiddenSettings, ...] = ()
    signals: tuple[SignalSettings, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One signal with its place on the wire.

    Attributes:
        first, count: Wire address, and number of registers or bits.
        encoding: How it lies in registers; None for one bit of a bit table.
        poll_us: Microseconds between two reads.
    """

    name: str
    unit: int
    table: Table
    first: int
    count: int
    encoding: Encoding | None
    poll_us: int
    group: str = ""
    torn_guard: bool = False
    readable: bool = True
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusConfig:
    """One device, checked.

    Attributes:
        device: The settings as written, defaults filled in.
        points: Every signal.
        forbidden: (unit, table) -> spans that no gap may touch, write-only signals among them.
    """

    device: DeviceSettings
    points: tuple[Point, ...]
    forbidden: Mapping[tuple[int, Table], tuple[Span, ...]]

    @property
    def late_answer_s(self) -> float:
        """How long a serial line is left alone after a timeout."""
        late = self.device.late_answer_s
        return self.device.timeout_s if late is None else late

    def limit(self, table: Table) -> int:
        """Most items of one read."""
        return self.device.max_bits if table.has_bits else self.device.max_registers


def read_config(settings: Mapping[str, Any], *, file: str) -> ModbusConfig:
    """Check the device's table.

    Raises:
        ConfigurationError: Names file, key, what was found and what was expected.
    """
    device = read_settings(settings, DeviceSettings, file=file)
    _check_device(device, file)
    points = tuple(
        _point(signal, device, key=f"signals[{index}]", file=file)
        for index, signal in enumerate(device.signals)
    )
    seen: set[str] = set()
    for index, point in enumerate(points):
        if point.name in seen:
            raise ConfigurationError(
                file=file, key=f"signals[{index}].name", found=point.name, expected="a new name"
            )
        seen.add(point.name)
    return ModbusConfig(device=device, points=points, forbidden=_forbidden(device, points, file))


def _check_device(device: DeviceSettings, file: str) -> None:
    positive, order_64 = "more than 0", device.word_order_64
    rules: tuple[tuple[str, object, bool, str], ...] = (
        ("host", device.host, bool(device.host) or device.transport == "rtu", "a host name"),
        ("port", device.port, 0 < device.port <= 65_535, "1 to 65535"),  # noqa: PLR2004 - TCP
        (
            "serial",
            device.serial,
            (device.serial is not None) == (device.transport == "rtu"),
            "a table [serial] with port when transport is 'rtu', and none otherwise",
        ),
        ("timeout_s", device.timeout_s, device.timeout_s > 0, positive),
        ("late_answer_s", device.late_answer_s, (device.late_answer_s or 0) >= 0, "0 or more"),
        ("retries", device.retries, 0 <= device.retries <= 10, "0 to 10"),  # noqa: PLR2004
        ("poll_s", device.poll_s, device.poll_s > 0, positive),
        ("max_gap", device.max_gap, device.max_gap >= 0, "0 or more"),
        (
            "silent_pause_max_s",
            device.silent_pause_max_s,
            device.silent_pause_max_s >= 1,
            "1 or more",
        ),
        ("word_order", device.word_order, device.word_order in ORDER_NAMES, _ORDERS),
        ("word_order_64", order_64, order_64 is None or order_64 in ORDER_NAMES, _ORDERS),
        *_limits(device),
        (
            "signals",
            len(device.signals),
            0 < len(device.signals) <= _SIGNALS_MAX,
            "1 to 20000 signals",
        ),
    )
    for key, found, sound, expected in rules:
        if not sound:
            raise ConfigurationError(file=file, key=key, found=found, expected=expected)


def _limits(device: DeviceSettings) -> tuple[tuple[str, object, bool, str], ...]:
    return tuple(
        (key, found, 1 <= found <= most, f"1 to {most}")
        for key, found, most in (
            ("max_registers", device.max_registers, READ_REGISTERS_MAX),
            ("max_bits", device.max_bits, READ_BITS_MAX),
            ("max_write_registers", device.max_write_registers, WRITE_REGISTERS_MAX),
        )
    )


def _point(signal: SignalSettings, device: DeviceSettings, *, key: str, file: str) -> Point:
    def refuse(name: str, found: object, expected: str) -> ConfigurationError:
        return ConfigurationError(file=file, key=f"{key}.{name}", found=found, expected=expected)

    if not signal.name:
        raise refuse("name", signal.name, "a name")
    unit = _unit(signal.unit, device, key=f"{key}.unit", file=file)
    try:
        table, first = wire_address(signal.address, signal.table, device.addressing)
    except ValueError as problem:
        raise refuse("address", signal.address, str(problem)) from problem
    encoding = None if table.has_bits else _encoding(signal, device, key=key, file=file)
    count = 1 if encoding is None else encoding.registers
    poll_s = device.poll_s if signal.poll_s is None else signal.poll_s
    write_only = signal.access == "write"
    is_writable_place = table is Table.COILS or (
        table is Table.HOLDING_REGISTERS and encoding is not None and encoding.type != "bit"
    )
    rules: tuple[tuple[str, object, bool, str], ...] = (
        ("poll_s", poll_s, poll_s > 0, "more than 0"),
        ("address", signal.address, first + count <= 65_536, "a value inside the table"),  # noqa: PLR2004
        (
            "writable",
            signal.writable,
            is_writable_place or not signal.writable,
            "false: only coils and whole holding registers can be written",
        ),
        (
            "writable",
            signal.writable,
            not signal.writable or count <= device.max_write_registers,
            "false: longer than max_write_registers",
        ),
        ("access", signal.access, signal.writable or not write_only, "'read' unless writable"),
        (
            "torn_guard",
            signal.torn_guard,
            not signal.torn_guard or (encoding is not None and encoding.type in INTEGERS),
            "false: only integers can be guarded",
        ),
    )
    for name, found, sound, expected in rules:
        if not sound:
            raise refuse(name, found, expected)
    return Point(
        name=signal.name,
        unit=unit,
        table=table,
        first=first,
        count=count,
        encoding=encoding,
        poll_us=round(poll_s * US_PER_SECOND),
        group=signal.group,
        torn_guard=signal.torn_guard and count > 1,
        readable=not write_only,
        writable=signal.writable,
    )


def _unit(unit: int | None, device: DeviceSettings, *, key: str, file: str) -> int:
    found = device.unit if unit is None else unit
    low, high = (0, _TCP_UNIT_MAX) if device.transport == "tcp" else (1, _RTU_UNIT_MAX)
    if not low <= found <= high:
        raise ConfigurationError(file=file, key=key, found=found, expected=f"{low} to {high}")
    return found


def _encoding(signal: SignalSettings, device: DeviceSettings, *, key: str, file: str) -> Encoding:
    form = signal.type
    if form not in TYPES:
        raise ConfigurationError(
            file=file, key=f"{key}.type", found=form, expected=f"one of {', '.join(TYPES)}"
        )
    wide = form.endswith("64")
    order = signal.order or (device.word_order_64 if wide else None) or device.word_order
    bit = 0 if signal.bit is None else signal.bit
    scaled = signal.factor != 1 or signal.offset != 0
    scalable = form in INTEGERS or form.startswith("bcd")
    rules: tuple[tuple[str, object, bool, str], ...] = (
        ("order", order, order in ORDER_NAMES, _ORDERS),
        (
            "bit",
            signal.bit,
            (signal.bit is not None) == (form == "bit"),
            "given for type 'bit' only",
        ),
        ("bit", signal.bit, 0 <= bit < BITS_PER_REGISTER, "0 to 15"),
        ("length", signal.length, 1 <= signal.length <= device.max_registers, "1 to max_registers"),
        ("factor", signal.factor, signal.factor.is_finite() and signal.factor != 0, "not 0"),
        ("offset", signal.offset, signal.offset.is_finite(), "a number"),
        ("factor", signal.factor, scalable or not scaled, "absent: only integers are scaled"),
        ("invalid", signal.invalid, form not in ("string", "bit") or not signal.invalid, "absent"),
    )
    for name, found, sound, expected in rules:
        if not sound:
            raise ConfigurationError(file=file, key=f"{key}.{name}", found=found, expected=expected)
    return Encoding(
        type=form,
        order=ORDER_NAMES[order],
        length=signal.length,
        bit=bit,
        factor=signal.factor,
        offset=signal.offset,
        invalid=signal.invalid,
        text=signal.text,
    )


def _forbidden(
    device: DeviceSettings, points: tuple[Point, ...], file: str
) -> dict[tuple[int, Table], tuple[Span, ...]]:
    spans: dict[tuple[int, Table], tuple[Span, ...]] = {}
    for index, entry in enumerate(device.forbidden):
        key = f"forbidden[{index}]"
        unit = _unit(entry.unit, device, key=f"{key}.unit", file=file)
        try:
            table, first = wire_address(entry.first, entry.table, device.addressing)
            last = wire_address(entry.last, entry.table, device.addressing)[1]
        except ValueError as problem:
            raise ConfigurationError(
                file=file, key=key, found=entry.first, expected=str(problem)
            ) from problem
        if last < first:
            raise ConfigurationError(
                file=file, key=f"{key}.last", found=entry.last, expected="not before first"
            )
        spans[unit, table] = (*spans.get((unit, table), ()), (first, last - first + 1))
    for point in points:
        if not point.readable:
            place = point.unit, point.table
            spans[place] = (*spans.get(place, ()), (point.first, point.count))
    return spans
