# pyright: basic
"""The small parts that answers of a server are made of: texts, node ids, diagnostics.

Nothing here makes more of a length than there are bytes, whatever the length says.
"""

from __future__ import annotations

import struct

from asyncua.common.utils import Buffer
from asyncua.ua import ua_binary

_I32 = struct.Struct("<i")


def localized_text(data: bytes, position: int) -> tuple[str, int]:
    """The text of a LocalizedText, empty where there is none; and the position after it."""
    mask = data[position]
    position += 1
    if mask & 1:
        position = skip_bytes(data, position)
    text = None
    if mask & 2:
        text, position = text_or_bytes(data, position)
    return "" if text is None else text.decode("utf-8", errors="replace"), position


def text_or_bytes(data: bytes, position: int) -> tuple[bytes | None, int]:
    """Bytes with their length before them, None for null; and the position after them."""
    (length,) = _I32.unpack_from(data, position)
    position += 4
    if length < 0:
        return None, position
    end = position + length
    if end > len(data):
        message = "a text is longer than its message"
        raise ValueError(message)
    return data[position:end], end


def skip_bytes(data: bytes, position: int) -> int:
    """Position after bytes with their length before them."""
    (length,) = _I32.unpack_from(data, position)
    return position + 4 + max(length, 0)


def node_number(data: bytes, position: int) -> tuple[int, int]:
    """Numeric node id; -1 for another kind of identifier."""
    encoding = data[position]
    if encoding == 0:
        return data[position + 1], position + 2
    if encoding == 1:
        return int.from_bytes(data[position + 2 : position + 4], "little"), position + 4
    buffer = Buffer(data, position)
    node = ua_binary.nodeid_from_binary(buffer)
    number = node.Identifier if isinstance(node.Identifier, int) else -1
    return number, buffer.cur_pos


def skip_diagnostics(data: bytes, position: int) -> int:
    """Position after a DiagnosticInfo."""
    while True:
        mask = data[position]
        position += 1
        for bit in (0x01, 0x02, 0x04, 0x08):  # symbolic id, namespace, locale, localized text
            position += 4 if mask & bit else 0
        if mask & 0x10:
            position = skip_bytes(data, position)
        position += 4 if mask & 0x20 else 0
        if not mask & 0x40:  # no inner diagnostics
            return position
