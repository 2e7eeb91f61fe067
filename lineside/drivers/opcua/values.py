"""OPC UA values to Lineside's and back; statuses to qualities."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache

from asyncua.ua.status_codes import code_to_name_doc

from lineside.contracts.clock import format_rfc3339
from lineside.contracts.samples import Quality, SignalValue
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.decoding import ARRAY, RawValue

INTEGER_RANGES = {
    2: (-(2**7), 2**7 - 1),
    3: (0, 2**8 - 1),
    4: (-(2**15), 2**15 - 1),
    5: (0, 2**16 - 1),
    6: (-(2**31), 2**31 - 1),
    7: (0, 2**32 - 1),
    8: (-(2**63), 2**63 - 1),
    9: (0, 2**64 - 1),
}
"""Built-in integer types with their limits."""

_NAMES = (
    *("Null", "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"),
    *("Float", "Double", "String", "DateTime", "Guid", "ByteString", "XmlElement", "NodeId"),
    *("ExpandedNodeId", "StatusCode", "QualifiedName", "LocalizedText", "ExtensionObject"),
    *("DataValue", "Variant", "DiagnosticInfo"),
)
_TEXTS = {decoding.STRING, decoding.XML, decoding.QUALIFIED_NAME, decoding.LOCALIZED_TEXT}
_FLOATS = {decoding.FLOAT, decoding.DOUBLE}
_F32, _F64 = struct.Struct("<f"), struct.Struct("<d")
_F32_DIGITS = (6, 7, 8, 9)

_GOOD_OVERFLOW_MASK, _GOOD_OVERFLOW = 0x0C80, 0x0480  # info type DataValue, overflow bit


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a raw value says.

    Attributes:
        value: None where quality is bad.
        quality: By the severity of the status, and bad where the value is none we can use.
        status: Name and number of the status, or why the value is not usable.
        misfit: Empty, or why the value is not of the type that the configuration or we expect.
    """

    value: SignalValue
    quality: Quality
    status: str
    misfit: str = ""


def quality_of(status: int) -> Quality:
    """Severity of a status code: its top two bits, 3 being reserved and read as bad."""
    severity = status >> 30
    return (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)[severity]


def overflowed(status: int) -> bool:
    """Whether the server says that values were lost in the item's queue."""
    return status & _GOOD_OVERFLOW_MASK == _GOOD_OVERFLOW


@lru_cache(maxsize=1024)
def status_text(status: int) -> str:
    """Name of a status with its number where it has info bits or no name."""
    name, _doc = code_to_name_doc.get(status & 0xFFFF_0000, ("", ""))
    if name and not status & 0xFFFF:
        return name
    return f"{name} 0x{status:08X}".strip()


def type_name(kind: int) -> str:
    """Name of a built-in type number, with `[]` for arrays."""
    number = kind & ~ARRAY
    name = _NAMES[number] if number < len(_NAMES) else f"type {number}"
    return f"{name}[]" if kind & ARRAY else name


def family(kind: int) -> str:
    """What a built-in type is to us: `bool`, `int`, `float`, `text`, or empty: nothing we read."""
    if kind == decoding.BOOLEAN:
        return "bool"
    if kind in INTEGER_RANGES or kind == decoding.STATUS:
        return "int"
    if kind in _FLOATS:
        return "float"
    if kind in _TEXTS or kind in {decoding.DATE_TIME, decoding.GUID, decoding.BYTES}:
        return "text"
    return ""


def meaning(raw: RawValue, wanted: str) -> Meaning:
    """Read one value.

    Args:
        raw: As decoded.
        wanted: `bool`, `int`, `float`, `text`, or empty for whatever comes.
    """
    status = raw.status
    quality = Quality.GOOD if status < 0x4000_0000 else quality_of(status)  # noqa: PLR2004
    text = status_text(status)
    if quality is Quality.BAD:
        return Meaning(None, quality, text)
    kind = raw.kind
    found = family(kind)
    if not found or (wanted and found != wanted and not (wanted == "float" and found == "int")):
        if kind == decoding.NULL:
            return Meaning(None, Quality.BAD, f"{text}, no value")
        misfit = f"is {type_name(kind)}, expected {wanted or 'one number, text or boolean'}"
        return Meaning(None, Quality.BAD, f"{text}, {misfit}", misfit)
    value = scalar(raw)
    if isinstance(value, float) and not math.isfinite(value):
        return Meaning(None, Quality.BAD, f"{text}, {value}")
    if wanted == "float" and isinstance(value, int):
        value = float(value)
    return Meaning(value, quality, text)


def scalar(raw: RawValue) -> SignalValue:
    """The value of a scalar in our types; None for an absent time."""
    kind, value = raw.kind, raw.value
    if kind == decoding.FLOAT:
        return _shortest(value)
    if kind in _TEXTS:
        return value or ""
    if kind == decoding.DATE_TIME:
        return "" if value is None else format_rfc3339(value)
    if kind == decoding.BYTES:
        return (value or b"").hex()
    return value


@lru_cache(maxsize=4096)
def _shortest(value: float) -> float:
    """The shortest decimal that is this 32-bit number: a REAL of 0.1 is 0.1, not 0.10000000149."""
    if not math.isfinite(value):
        return value
    packed = _F32.pack(value)
    for digits in _F32_DIGITS:
        short = float(f"{value:.{digits}g}")
        try:
            if _F32.pack(short) == packed:
                return short
        except OverflowError:
            continue
    return value


def fits(value: SignalValue, kind: int) -> str:
    """Whether a value may be written to a variable of a built-in type.

    Returns:
        Empty, or what would fit.
    """
    if kind == decoding.BOOLEAN:
        return "" if isinstance(value, bool) else "true or false"
    if kind == decoding.STRING:
        return "" if isinstance(value, str) else "text"
    if kind in INTEGER_RANGES:
        least, most = INTEGER_RANGES[kind]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return f"a whole number from {least} to {most}"
        return ""
    if kind in _FLOATS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "a number"
        return "" if _fits_float(value, kind) else f"a number that a {type_name(kind)} can hold"
    return f"nothing: {type_name(kind)} cannot be written"


def _fits_float(value: float, kind: int) -> bool:
    try:
        (_F32 if kind == decoding.FLOAT else _F64).pack(value)
    except (OverflowError, struct.error):
        return False
    return math.isfinite(value)
