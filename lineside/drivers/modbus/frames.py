"""Requests and answers as bytes: function codes, exceptions, TCP and RTU framing. Pure.

Source: the published Modbus application protocol, Modbus on TCP, and serial line specifications.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from lineside.contracts.errors import DriverError, DriverUnavailableError
from lineside.drivers.decoding import Table

READ_FUNCTIONS = {
    Table.COILS: 1,
    Table.DISCRETE_INPUTS: 2,
    Table.HOLDING_REGISTERS: 3,
    Table.INPUT_REGISTERS: 4,
}
WRITE_COIL = 5
WRITE_REGISTER = 6
DIAGNOSTICS = 8
WRITE_REGISTERS = 16
EXCEPTION_FLAG = 0x80

READ_BITS_MAX = 2000
READ_REGISTERS_MAX = 125
WRITE_REGISTERS_MAX = 123
RTU_FRAME_MAX = 256
MBAP_BYTES = 7
_MBAP = struct.Struct(">HHHB")

EXCEPTIONS = {
    0x01: "illegal function",
    0x02: "illegal data address",
    0x03: "illegal data value",
    0x04: "server device failure",
    0x05: "acknowledge",
    0x06: "server device busy",
    0x07: "negative acknowledge",
    0x08: "memory parity error",
    0x0A: "gateway path unavailable",
    0x0B: "gateway target failed to respond",
}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 0x01, 0x02, 0x03
ACKNOWLEDGE, BUSY = 0x05, 0x06
MEMORY_PARITY = 0x08
GATEWAY_PATH, GATEWAY_TARGET = 0x0A, 0x0B


class NoAnswerError(DriverUnavailableError):
    """One unit did not answer in time, or only with broken frames; the link itself still stands."""

    code = "driver.modbus.no_answer"


class ModbusExceptionError(DriverError):
    """The unit answered, and said no: the link is alive.

    Attributes:
        unit: Who answered.
        exception: Exception code, a key of `EXCEPTIONS` as a rule.
    """

    code = "driver.modbus.exception"

    def __init__(self, unit: int, exception: int) -> None:
        name = EXCEPTIONS.get(exception, "unknown exception")
        super().__init__(f"Unit {unit} answers exception {exception:02X} ({name}).")
        self.unit, self.exception = unit, exception
        self.status = f"exception {exception:02X} ({name})"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one unit, with everything by which its answer is recognised.

    Attributes:
        unit: Unit id, also called slave address.
        pdu: Function code and data.
        answer_bytes: Length of a positive answer's PDU.
        answer_start: First bytes of a positive answer: function and byte count of a read, or
            what a write repeats.
    """

    unit: int
    pdu: bytes
    answer_bytes: int
    answer_start: bytes

    @property
    def function(self) -> int:
        """Function code."""
        return self.pdu[0]

    @property
    def exception_start(self) -> bytes:
        """First byte of a negative answer."""
        return bytes((self.function | EXCEPTION_FLAG,))

    def accepts(self, pdu: bytes) -> bool:
        """Whether a PDU can only be the answer to this request: function, length and echo agree."""
        if pdu[:1] == self.exception_start:
            return len(pdu) == 2  # noqa: PLR2004 - function and exception code
        return len(pdu) == self.answer_bytes and pdu.startswith(self.answer_start)


def read_request(unit: int, table: Table, first: int, count: int) -> Request:
    """Read `count` bits or registers from wire address `first`."""
    function = READ_FUNCTIONS[table]
    data_bytes = (count + 7) // 8 if table.has_bits else 2 * count
    return Request(
        unit,
        struct.pack(">BHH", function, first, count),
        2 + data_bytes,
        bytes((function, data_bytes)),
    )


def write_coil_request(unit: int, address: int, *, on: bool) -> Request:
    """Write one coil (FC 05); the answer repeats the request."""
    pdu = struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if on else 0)
    return Request(unit, pdu, len(pdu), pdu)


def write_register_request(unit: int, address: int, register: int) -> Request:
    """Write one register (FC 06); the answer repeats the request."""
    pdu = struct.pack(">BHH", WRITE_REGISTER, address, register)
    return Request(unit, pdu, len(pdu), pdu)


def write_registers_request(unit: int, first: int, registers: tuple[int, ...]) -> Request:
    """Write adjacent registers (FC 16); the answer repeats address and count."""
    count = len(registers)
    head = struct.pack(">BHH", WRITE_REGISTERS, first, count)
    data = struct.pack(f">B{count}H", 2 * count, *registers)
    return Request(unit, head + data, len(head), head)


def echo_request(unit: int, nonce: int) -> Request:
    """Ask a serial unit to return 16 bits (FC 08, sub-function 0)."""
    pdu = struct.pack(">BHH", DIAGNOSTICS, 0, nonce)
    return Request(unit, pdu, len(pdu), pdu)


def check_exception(request: Request, pdu: bytes) -> bytes:
    """The answer itself, or its exception.

    Raises:
        ModbusExceptionError: The answer is negative.
    """
    if pdu[0] & EXCEPTION_FLAG:
        raise ModbusExceptionError(request.unit, pdu[1])
    return pdu


def mbap_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A TCP frame: transaction, protocol 0, length of what follows, unit, PDU."""
    return _MBAP.pack(transaction, 0, len(pdu) + 1, unit) + pdu


class MbapHeader(NamedTuple):
    """Head of a TCP frame.

    Attributes:
        length: Bytes of unit and PDU together.
    """

    transaction: int
    protocol: int
    length: int
    unit: int

    @property
    def is_sound(self) -> bool:
        """Whether this can be a Modbus frame at all; if not, the stream has lost its rhythm."""
        return self.protocol == 0 and 3 <= self.length <= 254  # noqa: PLR2004 - ADU of at most 260


def mbap_header(data: bytes) -> MbapHeader:
    """Head of a frame from its first 7 bytes."""
    return MbapHeader._make(_MBAP.unpack_from(data))


# RTU frames and their checksum

_CRC_POLYNOMIAL = 0xA001  # 0x8005 reflected


def _crc_table() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ _CRC_POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes) -> bytes:
    """Two checksum bytes of an RTU frame as they stand on the wire, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def crc_ok(frame: bytes) -> bool:
    """Whether a whole RTU frame ends with its own checksum."""
    return len(frame) > 2 and crc16(frame[:-2]) == frame[-2:]  # noqa: PLR2004 - two checksum bytes


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """An RTU frame: unit, PDU, checksum."""
    body = bytes((unit,)) + pdu
    return body + crc16(body)


def find_answer(received: bytes, request: Request) -> tuple[int, bytes] | None:
    """The first sound RTU answer to a request among received bytes.

    Noise and frames of others before it are skipped: a frame counts only with the right unit,
    function, length, echo and checksum.

    Returns:
        Offset just after the frame, and its PDU; None when it is not there (yet).
    """
    unit = request.unit
    for start, byte in enumerate(received):
        if byte != unit:
            continue
        head = received[start + 1 : start + 2]
        length = 2 if head == request.exception_start else request.answer_bytes
        frame = received[start : start + 1 + length + 2]
        if len(frame) == length + 3 and request.accepts(frame[1:-2]) and crc_ok(frame):
            return start + len(frame), frame[1:-2]
    return None
