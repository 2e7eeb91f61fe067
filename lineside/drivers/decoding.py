"""Registers to values and back, addresses, and read plans. Pure: bytes in, values out.

Bytes of a 32-bit value are named A (most significant) to D; an order says which byte comes first on
the wire. Source: the published Modbus application protocol and serial line specifications.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lineside.contracts.errors import DriverError
from lineside.contracts.samples import Quality, SignalValue


class DecodingError(DriverError):
    """Registers that do not hold what the configuration says, or a value that does not fit in."""

    code = "driver.decoding"


class Table(StrEnum):
    """The four tables of a Modbus device."""

    COILS = "coils"
    DISCRETE_INPUTS = "discrete"
    INPUT_REGISTERS = "input"
    HOLDING_REGISTERS = "holding"

    @property
    def has_bits(self) -> bool:
        """Whether an item is one bit instead of 16."""
        return self in (Table.COILS, Table.DISCRETE_INPUTS)


class WordOrder(StrEnum):
    """In which order the bytes of a value stand in its registers, named for 32 bits.

    64 bits follow suit: ABCDEFGH, GHEFCDAB (CDAB), BADCFEHG (BADC), HGFEDCBA (DCBA).
    """

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


ORDER_NAMES = {
    **{order.value: order for order in WordOrder},
    "ABCDEFGH": WordOrder.ABCD,
    "GHEFCDAB": WordOrder.CDAB,
    "BADCFEHG": WordOrder.BADC,
    "HGFEDCBA": WordOrder.DCBA,
}
"""Every name under which a configuration may ask for an order."""

INTEGERS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
}
FLOATS = {"float32": ">f", "float64": ">d"}
BCD_DIGITS = {"bcd4": 4, "bcd8": 8}
TYPES = (*INTEGERS, *FLOATS, *BCD_DIGITS, "string", "bit")
BYTES_PER_REGISTER = 2
BITS_PER_REGISTER = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How one value lies in registers.

    Attributes:
        type: One of `TYPES`.
        order: Order of the bytes; a string heeds only whether bytes are swapped.
        length: Registers of a string; ignored for other types.
        bit: Bit of the register for type `bit`, 0 = least significant.
        factor, offset: Value = raw * factor + offset, for integers and BCD.
        invalid: The maker's patterns for "no value", as unsigned numbers over the whole width.
        text: Character set of a string.
    """

    type: str
    order: WordOrder = WordOrder.ABCD
    length: int = 1
    bit: int = 0
    factor: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)
    invalid: tuple[int, ...] = ()
    text: str = "ascii"

    @property
    def registers(self) -> int:
        """Registers that the value occupies."""
        if self.type == "string":
            return self.length
        if self.type in BCD_DIGITS:
            return BCD_DIGITS[self.type] // 4
        form = INTEGERS.get(self.type) or FLOATS.get(self.type)
        return struct.calcsize(form) // BYTES_PER_REGISTER if form else 1

    @property
    def is_scaled(self) -> bool:
        """Whether the raw number is not yet the value."""
        return self.factor != 1 or self.offset != 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A value with its quality; `status` says in a few words why it is not good."""

    value: SignalValue
    quality: Quality = Quality.GOOD
    status: str = ""


def arrange(raw: bytes, order: WordOrder) -> bytes:
    """Bytes of whole registers as ABCD; the same step leads back."""
    if order is WordOrder.ABCD:
        return raw
    if order is WordOrder.DCBA:
        return raw[::-1]
    source = raw if order is WordOrder.BADC else raw[::-1]
    swapped = bytearray(len(raw))
    swapped[0::2], swapped[1::2] = source[1::2], source[0::2]
    return bytes(swapped)


def decode_registers(registers: Sequence[int], encoding: Encoding) -> Decoded:
    """A value from register numbers in the order they were read.

    Raises:
        DecodingError: As `decoder` says.
    """
    return decoder(encoding)(struct.pack(f">{len(registers)}H", *registers))


def decoder(encoding: Encoding) -> Callable[[bytes], Decoded]:
    """A function from the value's bytes (two per register, as on the wire) to the value.

    It is made once per signal and called once per poll. NaN, infinities and `invalid` patterns come
    out with quality bad: nobody can book them.

    Raises:
        DecodingError: (by the function) A BCD nibble above 9, or text outside the character set.
    """
    if encoding.type == "bit":
        mask = 1 << encoding.bit
        return lambda raw: Decoded(bool(_unsigned(arrange(raw, encoding.order)) & mask))
    if encoding.type == "string":
        return lambda raw: Decoded(_text(raw, encoding))
    number = _number_reader(encoding)

    def decode(raw: bytes) -> Decoded:
        plain = arrange(raw, encoding.order)
        if encoding.invalid and _unsigned(plain) in encoding.invalid:
            return Decoded(None, Quality.BAD, "invalid pattern")
        value = number(plain)
        if isinstance(value, float) and not math.isfinite(value):
            return Decoded(None, Quality.BAD, "not a number")
        return Decoded(value)

    return decode


def _number_reader(encoding: Encoding) -> Callable[[bytes], int | float]:
    """The numeric part of a decoder: ABCD bytes to a number, scaling included."""
    if encoding.type in FLOATS:
        form = struct.Struct(FLOATS[encoding.type])
        return lambda plain: form.unpack(plain)[0]
    raw_number = _from_bcd if encoding.type in BCD_DIGITS else _integer_reader(encoding.type)
    if not encoding.is_scaled:
        return raw_number
    factor, offset = encoding.factor, encoding.offset
    whole = factor == factor.to_integral_value() and offset == offset.to_integral_value()

    def scaled(plain: bytes) -> int | float:
        # Decimal first: 625 * 0.1 - 40 must be 22.5, not what binary fractions make of it.
        value = raw_number(plain) * factor + offset
        return int(value) if whole else float(value)

    return scaled


def _integer_reader(name: str) -> Callable[[bytes], int]:
    form = struct.Struct(INTEGERS[name])
    return lambda plain: form.unpack(plain)[0]


def encode(value: SignalValue, encoding: Encoding) -> tuple[int, ...]:
    """Registers, in wire order, that hold a value: the way back of `decoder`.

    Raises:
        DecodingError: The value has the wrong type, is out of range, or needs a fraction that the
            scaling does not offer. A single bit cannot be written without touching its neighbours.
    """
    if encoding.type == "bit":
        raise DecodingError("One bit of a register cannot be written alone.")
    if encoding.type == "string":
        plain = _encode_text(value, encoding)
    elif encoding.type in FLOATS:
        plain = _pack(FLOATS[encoding.type], _as_float(value))
    else:
        number = _unscaled(value, encoding)
        if encoding.type in BCD_DIGITS:
            plain = _to_bcd(number, BCD_DIGITS[encoding.type])
        else:
            plain = _pack(INTEGERS[encoding.type], number)
    raw = plain if encoding.type == "string" else arrange(plain, encoding.order)
    return struct.unpack(f">{len(raw) // BYTES_PER_REGISTER}H", raw)


def _as_float(value: SignalValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodingError(f"{value!r} is not a number.")
    return float(value)


def _unscaled(value: SignalValue, encoding: Encoding) -> int:
    number = _as_float(value)
    raw = (
        (Decimal(str(value)) - encoding.offset) / encoding.factor if math.isfinite(number) else None
    )
    if raw is None or raw != raw.to_integral_value():
        raise DecodingError(f"{value!r} is not a whole number of steps of {encoding.factor}.")
    return int(raw)


def _pack(form: str, number: float) -> bytes:
    try:
        return struct.pack(form, number)
    except (struct.error, OverflowError) as problem:
        raise DecodingError(f"{number!r} does not fit: {problem}.") from problem


def _unsigned(plain: bytes) -> int:
    return int.from_bytes(plain, "big")


def _from_bcd(plain: bytes) -> int:
    digits = plain.hex()
    if not digits.isdecimal():
        raise DecodingError(f"{digits.upper()} is not BCD: not a BCD digit.")
    return int(digits)


def _to_bcd(number: int, digits: int) -> bytes:
    text = str(number)
    if number < 0 or len(text) > digits:
        raise DecodingError(f"{number} does not fit in {digits} BCD digits.")
    return bytes.fromhex(text.zfill(digits))


def _swaps_bytes(order: WordOrder) -> bool:
    return order in (WordOrder.BADC, WordOrder.DCBA)


def _text(raw: bytes, encoding: Encoding) -> str:
    plain = arrange(raw, WordOrder.BADC) if _swaps_bytes(encoding.order) else raw
    # What follows the first NUL is left over from a longer text; spaces only pad.
    kept = plain.split(b"\0", 1)[0].rstrip(b" ")
    try:
        return kept.decode(encoding.text)
    except UnicodeDecodeError as problem:
        raise DecodingError(f"{kept.hex()} is not {encoding.text} text.") from problem


def _encode_text(value: SignalValue, encoding: Encoding) -> bytes:
    if not isinstance(value, str):
        raise DecodingError(f"{value!r} is not text.")
    room = encoding.length * BYTES_PER_REGISTER
    try:
        plain = value.encode(encoding.text)
    except UnicodeEncodeError as problem:
        raise DecodingError(f"{value!r} is not {encoding.text} text.") from problem
    if len(plain) > room:
        raise DecodingError(f"{value!r} is longer than {room} bytes.")
    padded = plain.ljust(room, b"\0")
    return arrange(padded, WordOrder.BADC) if _swaps_bytes(encoding.order) else padded


# Addresses


class Addressing(StrEnum):
    """What the numbers of a configuration mean; declared, never guessed."""

    ZERO = "zero"  # as on the wire
    ONE = "one"  # as in manuals that count from 1, table named apart
    MODICON = "modicon"  # 40001 or 400001: the table stands in front


_MODICON = {
    "0": Table.COILS,
    "1": Table.DISCRETE_INPUTS,
    "3": Table.INPUT_REGISTERS,
    "4": Table.HOLDING_REGISTERS,
}
ADDRESS_MAX = 65_535


def wire_address(
    written: int | str, table: Table | None, addressing: Addressing
) -> tuple[Table, int]:
    """Table and address on the wire of an address as written in a configuration.

    Args:
        written: Number, or text of digits; Modicon coils need text (`"00017"`).
        table: The table, where the configuration names it.
        addressing: What the number means.

    Raises:
        ValueError: No such address; the text says what was expected.
    """
    digits = str(written)
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError("a number of decimal digits")
    if addressing is Addressing.MODICON:
        found = _MODICON.get(digits[0])
        if len(digits) not in (5, 6) or found is None:
            raise ValueError("five or six digits that begin with 0, 1, 3 or 4, such as 40001")
        if table is not None and table is not found:
            raise ValueError(f"an address of {table.value}; {digits} lies in {found.value}")
        table, address = found, int(digits[1:]) - 1
    elif table is None:
        raise ValueError("a table beside the address (or addressing = 'modicon')")
    else:
        address = int(digits) - (1 if addressing is Addressing.ONE else 0)
    if not 0 <= address <= ADDRESS_MAX:
        raise ValueError(f"an address that is 0 to {ADDRESS_MAX} on the wire")
    return table, address


# Read plans

Span = tuple[int, int]
"""First address and count."""


def plan_reads(
    items: Iterable[Span],
    *,
    max_gap: int,
    max_count: int,
    forbidden: Sequence[Span] = (),
) -> list[Span]:
    """The requests that read all items, in ascending order, never cutting one.

    Args:
        items: What must be read; overlaps are allowed.
        max_gap: Most unasked registers between two items of one request.
        max_count: Most registers (or bits) of one request.
        forbidden: Never read as part of a gap: write-only and read-to-clear registers.

    Raises:
        ValueError: An item is longer than `max_count`.
    """
    requests: list[Span] = []
    for first, count in sorted(items):
        if count > max_count:
            raise ValueError(f"{count} items from {first} exceed the limit of {max_count}")
        if requests:
            begin, length = requests[-1]
            end = begin + length
            joined = max(end, first + count) - begin
            if (
                first - end <= max_gap
                and joined <= max_count
                and not (
                    first > end and any(low < first and end < low + size for low, size in forbidden)
                )
            ):
                requests[-1] = (begin, joined)
                continue
        requests.append((first, count))
    return requests
