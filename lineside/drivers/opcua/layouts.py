"""How numbers and texts stand in a data change: handle, mask, type, value, status, times.

One struct, made when the program starts, for each combination of mask and type: 64 masks, of which
those with a value count, and 13 types.

Source: OPC 10000-6, sections 5.2.2.16 and 5.2.2.17.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HAS_VALUE, HAS_STATUS, HAS_SOURCE, HAS_SERVER, HAS_SOURCE_PICO, HAS_SERVER_PICO = 1, 2, 4, 8, 16, 32
"""Bits of a DataValue's mask; what they announce stands in the order of `_layout`."""
STRING, STATUS = 12, 19
NUMBERS = dict(zip(range(1, 12), "?bBhHiIqQfd", strict=True))
"""Built-in types from Boolean to Double with their letter of `struct`."""
TEXT_HEAD = struct.Struct("<IxBi")
"""Handle, type and length of a text; its bytes follow, and then what `Layout.fields` unpacks."""


class Layout(NamedTuple):
    """How one combination of mask and type is unpacked.

    Attributes:
        fields: Of a number its handle, type, value and all that follows; of a text what follows
            its bytes.
        size: Bytes of `fields`.
        is_text: It is a text.
        status, source, server: Where they stand among the fields; -1 where not given.
    """

    fields: struct.Struct
    size: int
    is_text: bool
    status: int
    source: int
    server: int


def _layout(mask: int, letter: str) -> Layout:
    """The layout of a number with this letter of `struct`; of a text without one."""
    code, at = (f"<IxB{letter}", 3) if letter else ("<", 0)
    where = {HAS_STATUS: -1, HAS_SOURCE: -1, HAS_SERVER: -1}
    for bit, part in (
        (HAS_STATUS, "I"),
        (HAS_SOURCE, "q"),
        (HAS_SOURCE_PICO, "2x"),
        (HAS_SERVER, "q"),
        (HAS_SERVER_PICO, "2x"),
    ):
        if mask & bit:
            code += part
            if bit in where:
                where[bit], at = at, at + 1
    fields = struct.Struct(code)
    return Layout(fields, fields.size, not letter, *where.values())


LAYOUTS = {
    mask << 8 | kind: _layout(mask, letter)
    for mask in range(64)
    if mask & HAS_VALUE
    for kind, letter in {**NUMBERS, STATUS: "I", STRING: ""}.items()
}
"""By mask and type, as `mask << 8 | type`."""
