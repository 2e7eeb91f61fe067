"""Registers to values and back. Pure: bytes in, values out.

Bytes of a 32-bit value are named A (most significant) to D; an order says which byte comes first on
the wire. Source: the published Modbus application protocol and serial line specifications.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial

from lineside.contracts.errors import DriverError
from lineside.contracts.samples import Quality, SignalValue


class DecodingError(DriverError):
    """Registers that do not hold what the configuration says, or a value that does not fit in."""

    code = "driver.decoding"


class NoValueError(DecodingError):
    """Registers that say themselves that there is no value; the message says how."""


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
    def bytes_in_order(self) -> WordOrder:
        """The order that `arrange` must undo: words of a string are never swapped."""
        if self.type != "string":
            return self.order
        swaps = self.order in (WordOrder.BADC, WordOrder.DCBA)
        return WordOrder.BADC if swaps else WordOrder.ABCD

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
    form, refine = wire_form(encoding)
    unpack = struct.Struct(f">{form}").unpack

    def decode(raw: bytes) -> Decoded:
        value = unpack(arrange(raw, encoding.bytes_in_order))[0]
        try:
            return Decoded(value if refine is None else refine(value))
        except NoValueError as problem:
            return Decoded(None, Quality.BAD, str(problem))

    return decode


def wire_form(encoding: Encoding) -> tuple[str, Callable[..., SignalValue] | None]:
    """How a value is read from its arranged bytes.

    Returns:
        A code of `struct` (without byte order), and what makes the value of what that yields; None
        where that is the value.

    Raises:
        DecodingError: (by the function) As `decoder` says.
        NoValueError: (by the function) Not a number, infinite, or an `invalid` pattern.
    """
    size = encoding.registers * BYTES_PER_REGISTER
    refine: Callable[..., SignalValue] | None = None
    if encoding.type == "string":
        return f"{size}s", partial(_text, encoding=encoding)
    if encoding.type == "bit":
        return "H", partial(_bit, mask=1 << encoding.bit)
    if encoding.type in BCD_DIGITS:
        form = f"{size}s"
        refine = _scaled(_from_bcd, encoding) if encoding.is_scaled else _from_bcd
    elif encoding.type in FLOATS:
        form, refine = FLOATS[encoding.type][1:], _finite
    else:
        form = INTEGERS[encoding.type][1:]
        refine = _scaled(int, encoding) if encoding.is_scaled else None
    return (
        (f"{size}s", _unless_invalid(form, refine, encoding))
        if encoding.invalid
        else (form, refine)
    )


def _unless_invalid(
    form: str, refine: Callable[..., SignalValue] | None, encoding: Encoding
) -> Callable[[bytes], SignalValue]:
    unpack = struct.Struct(f">{form}").unpack

    def read(plain: bytes) -> SignalValue:
        if int.from_bytes(plain, "big") in encoding.invalid:
            raise NoValueError("invalid pattern")
        value = unpack(plain)[0]
        return value if refine is None else refine(value)

    return read


def _bit(register: int, *, mask: int) -> bool:
    return register & mask != 0


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise NoValueError("not a number")
    return value


def _scaled(raw_number: Callable[..., int], encoding: Encoding) -> Callable[..., int | float]:
    factor, offset = encoding.factor, encoding.offset
    whole = factor == factor.to_integral_value() and offset == offset.to_integral_value()

    def scaled(raw: bytes | int) -> int | float:
        # Decimal first: 625 * 0.1 - 40 must be 22.5, not what binary fractions make of it.
        value = raw_number(raw) * factor + offset
        return int(value) if whole else float(value)

    return scaled


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


def _text(plain: bytes, encoding: Encoding) -> str:
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
    return arrange(plain.ljust(room, b"\0"), encoding.bytes_in_order)
