"""Answers to Publish and Read, from bytes to plain tuples.

Most of what a machine sends are numbers and texts. A number is unpacked with its handle, status and
times by one precompiled struct, a text by two: many times faster than the general decoder of the
library. The rest is read part by part, and of what a signal cannot be (arrays, structures) only the
length is found, so that what stands behind it still reads well.

Source of the layout: OPC 10000-6, section 5.2.
"""
# pyright: basic
# (the general decoder of the library is untyped)

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua import ua_binary
from asyncua.ua.uaerrors import UaError

from lineside.contracts.clock import Microseconds
from lineside.contracts.errors import InvalidMessageError
from lineside.drivers.opcua.layouts import (
    HAS_SERVER,
    HAS_SERVER_PICO,
    HAS_SOURCE,
    HAS_SOURCE_PICO,
    HAS_STATUS,
    HAS_VALUE,
    LAYOUTS,
    NUMBERS,
    STATUS,
    STRING,
    TEXT_HEAD,
)
from lineside.drivers.opcua.primitives import (
    localized_text,
    node_number,
    skip_bytes,
    skip_diagnostics,
    text_or_bytes,
)

PUBLISH_RESPONSE = 829
READ_RESPONSE = 634
REPUBLISH_RESPONSE = 835
SERVICE_FAULT = 397
DATA_CHANGE = 811
STATUS_CHANGE = 820

ARRAY = 0x80
"""Bit in `RawValue.kind`: not a scalar."""
NULL, BOOLEAN, FLOAT, DOUBLE, DATE_TIME, GUID, BYTES, XML = 0, 1, 10, 11, 13, 14, 15, 16
QUALIFIED_NAME, LOCALIZED_TEXT = 20, 21
_NODE_ID, _EXPANDED_NODE_ID, _EXTENSION_OBJECT, _DATA_VALUE, _VARIANT = 17, 18, 22, 23, 24
_DIAGNOSTICS = 25

_EPOCH_TICKS = 116_444_736_000_000_000  # 1970 in 100 ns since 1601
_TICKS_PER_US = 10
_TICKS_MAX = 2_650_467_743_990_000_000  # end of the year 9999: "no time"
_BAD = 0x8000_0000
_LENGTHS = {GUID: 16, DATE_TIME: 8, STATUS: 4}
_SIZES = _LENGTHS | {kind: struct.calcsize(f"<{form}") for kind, form in NUMBERS.items()}
_SCALAR_BYTES = {STRING, BYTES, XML}

_UNREADABLE = (
    *(struct.error, IndexError, ValueError, UaError, NotEnoughData, RecursionError),
    # asyncua's own decoder, which reads node ids, trips over absurd ones
    *(TypeError, AttributeError, KeyError, OverflowError),
)
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_I64 = struct.Struct("<q")
_HEADER = struct.Struct("<qII")
_MESSAGE = struct.Struct("<Iqi")


class RawValue(msgspec.Struct, frozen=True, gc=False):
    """One value as the server sent it.

    Attributes:
        handle: Our number of the monitored item; 0 in answers to Read.
        value: Python value of a scalar, None where it is null or no scalar.
        kind: Built-in type number (Part 6, table 1), with `ARRAY` set for arrays.
        status: Status code, 0 is good.
        source_at, server_at: Microseconds UTC, None where not given.
    """

    handle: int
    value: Any
    kind: int
    status: int
    source_at: Microseconds | None
    server_at: Microseconds | None


@dataclass(slots=True, kw_only=True)
class Notification:
    """One answer to Publish or Republish.

    Attributes:
        service_result: Status of the answer itself; not good: nothing else is filled.
        subscription: Whose message it is.
        sequence: Number of the message; a keep-alive carries the next one and uses none up.
        values: Data changes in the order in which they stand.
        status_change: Status code of a StatusChangeNotification, else None.
        keep_alive: Nothing but a sign of life.
        missed: Messages before this one that are lost for good; set by `publishing.py`.
    """

    service_result: int = 0
    subscription: int = 0
    sequence: int = 0
    values: list[RawValue]
    status_change: int | None = None
    keep_alive: bool = False
    missed: int = 0


def publish_response(data: bytes) -> Notification:
    """Read the answer to a Publish.

    Raises:
        InvalidMessageError: Not such an answer, or cut off.
    """
    try:
        result, position = _response_header(data, PUBLISH_RESPONSE)
        if result & _BAD:
            return Notification(service_result=result, values=[])
        subscription, count = struct.unpack_from("<Ii", data, position)
        position += 8 + 4 * max(count, 0) + 1  # available sequence numbers, more notifications
        message = _message(data, position)
    except _UNREADABLE as error:
        raise InvalidMessageError(f"No readable answer to Publish: {error}.") from error
    message.subscription = subscription
    return message


def republish_response(data: bytes) -> Notification:
    """Read the answer to a Republish.

    Raises:
        InvalidMessageError: Not such an answer, or cut off.
    """
    try:
        result, position = _response_header(data, REPUBLISH_RESPONSE)
        if result & _BAD:
            return Notification(service_result=result, values=[])
        return _message(data, position)
    except _UNREADABLE as error:
        raise InvalidMessageError(f"No readable answer to Republish: {error}.") from error


def fault(data: bytes) -> int:
    """Status code of a ServiceFault, Bad where it cannot be read; 0 for another answer."""
    try:
        if node_number(data, 0)[0] != SERVICE_FAULT:
            return 0
        return _response_header(data, SERVICE_FAULT)[0]
    except _UNREADABLE:
        return _BAD


def read_response(data: bytes) -> list[RawValue]:
    """Read the answer to a Read; the caller has looked at its service result.

    Raises:
        InvalidMessageError: Not such an answer, or cut off.
    """
    try:
        _result, position = _response_header(data, READ_RESPONSE)
        (count,) = _I32.unpack_from(data, position)
        position += 4
        values: list[RawValue] = []
        for _ in range(max(count, 0)):
            value, position = _data_value(data, position, 0)
            values.append(value)
    except _UNREADABLE as error:
        raise InvalidMessageError(f"No readable answer to Read: {error}.") from error
    return values


def _response_header(data: bytes, expected: int) -> tuple[int, int]:
    kind, position = node_number(data, 0)
    _timestamp, _handle, result = _HEADER.unpack_from(data, position)
    position = skip_diagnostics(data, position + 16)
    (strings,) = _I32.unpack_from(data, position)
    position += 4
    for _ in range(max(strings, 0)):
        position = skip_bytes(data, position)
    _extra, position = node_number(data, position)
    body = data[position]
    position += 1
    if body:
        position = skip_bytes(data, position)
    if kind == SERVICE_FAULT:
        return result or _BAD, position
    if kind != expected:
        message = f"type {kind} instead of {expected}"
        raise ValueError(message)
    return result, position


def _message(data: bytes, position: int) -> Notification:
    sequence, _published, parts = _MESSAGE.unpack_from(data, position)
    position += 16
    message = Notification(sequence=sequence, values=[], keep_alive=parts <= 0)
    for _ in range(max(parts, 0)):
        kind, position = node_number(data, position)
        if data[position] == 0:  # no body
            position += 1
            continue
        (length,) = _I32.unpack_from(data, position + 1)
        position += 5
        end = position + max(length, 0)
        if kind == DATA_CHANGE:
            _data_changes(data, position, end, message.values)
        elif kind == STATUS_CHANGE:
            (message.status_change,) = _U32.unpack_from(data, position)
        position = end
    return message


def _data_changes(data: bytes, position: int, end: int, values: list[RawValue]) -> None:
    """The hot loop; the values of one message often have the same times, which are read once."""
    (count,) = _I32.unpack_from(data, position)
    position += 4
    add = values.append
    source_ticks = server_ticks = 0
    source_at = server_at = None
    for _ in range(max(count, 0)):
        found = LAYOUTS.get(data[position + 4] << 8 | data[position + 5])
        if found is None:
            (handle,) = _U32.unpack_from(data, position)
            raw, position = _data_value(data, position + 4, handle)
            add(raw)
            continue
        layout, size, is_text, has_status, has_source, has_server = found
        if is_text:
            handle, kind, length = TEXT_HEAD.unpack_from(data, position)
            position += TEXT_HEAD.size
            value, position = _text(data, position, length, end)
            fields = layout.unpack_from(data, position)
        else:
            fields = layout.unpack_from(data, position)
            handle, kind, value = fields[0], fields[1], fields[2]
        position += size
        if has_source >= 0 and fields[has_source] != source_ticks:
            source_ticks = fields[has_source]
            source_at = _time(source_ticks)
        if has_server >= 0 and fields[has_server] != server_ticks:
            server_ticks = fields[has_server]
            server_at = _time(server_ticks)
        add(
            RawValue(
                handle,
                value,
                kind,
                fields[has_status] if has_status >= 0 else 0,
                source_at if has_source >= 0 else None,
                server_at if has_server >= 0 else None,
            )
        )
    if position > end:
        message = "a data change is longer than its frame"
        raise ValueError(message)


def _text(data: bytes, position: int, length: int, end: int) -> tuple[str | None, int]:
    if length < 0:
        return None, position
    after = position + length
    if after > end:
        message = "a text is longer than its frame"
        raise ValueError(message)
    return str(data[position:after], "utf-8", "replace"), after


def _data_value(data: bytes, position: int, handle: int) -> tuple[RawValue, int]:
    mask = data[position]
    position += 1
    value, kind, status = None, NULL, 0
    source = server = None
    if mask & HAS_VALUE:
        value, kind, position = _variant(data, position)
    if mask & HAS_STATUS:
        (status,) = _U32.unpack_from(data, position)
        position += 4
    if mask & HAS_SOURCE:
        source = _time(_I64.unpack_from(data, position)[0])
        position += 8
    if mask & HAS_SOURCE_PICO:
        position += 2
    if mask & HAS_SERVER:
        server = _time(_I64.unpack_from(data, position)[0])
        position += 8
    if mask & HAS_SERVER_PICO:
        position += 2
    return RawValue(handle, value, kind, status, source, server), position


def _variant(data: bytes, position: int) -> tuple[Any, int, int]:
    kind = data[position]
    position += 1
    if kind == NULL:
        return None, NULL, position
    if letter := NUMBERS.get(kind):
        layout = _number(letter)
        return layout.unpack_from(data, position)[0], kind, position + layout.size
    if kind in _SCALAR_BYTES:
        value, position = text_or_bytes(data, position)
        if value is not None and kind != BYTES:
            return value.decode("utf-8", errors="replace"), kind, position
        return value, kind, position
    if length := _LENGTHS.get(kind):
        return _fixed(data, position, kind), kind, position + length
    if kind == LOCALIZED_TEXT:
        text, position = localized_text(data, position)
        return text, kind, position
    if kind == QUALIFIED_NAME:
        name, position = text_or_bytes(data, position + 2)
        return (name or b"").decode("utf-8", errors="replace"), kind, position
    if not kind & 0xC0:
        return None, kind, _after_element(data, position, kind)
    return None, (kind & 0x3F) | ARRAY, _after_array(data, position, kind)


def _after_array(data: bytes, position: int, kind: int) -> int:
    """Position after an array. Its values are not used, so none is made, however many are said."""
    (count,) = _I32.unpack_from(data, position)
    position += 4
    if count > len(data) - position:
        message = "an array is longer than its message"
        raise ValueError(message)
    element = kind & 0x3F
    if size := _SIZES.get(element):
        position += size * max(count, 0)
    else:
        for _ in range(max(count, 0)):
            position = _after_element(data, position, element)
    if kind & 0x40:  # dimensions
        (count,) = _I32.unpack_from(data, position)
        position += 4 + 4 * max(count, 0)
    if position > len(data):
        message = "an array is longer than its message"
        raise ValueError(message)
    return position


def _after_element(data: bytes, position: int, kind: int) -> int:
    """Position after one value of a built-in type that is no number, text or time."""
    if kind in {_NODE_ID, _EXPANDED_NODE_ID}:
        buffer = Buffer(data, position)
        ua_binary.nodeid_from_binary(buffer)
        return buffer.cur_pos
    if kind == QUALIFIED_NAME:
        return skip_bytes(data, position + 2)
    if kind == LOCALIZED_TEXT:
        return localized_text(data, position)[1]
    if kind == _EXTENSION_OBJECT:
        _, position = node_number(data, position)
        return skip_bytes(data, position + 1) if data[position] else position + 1
    if kind == _DATA_VALUE:
        return _data_value(data, position, 0)[1]
    if kind == _VARIANT:
        return _variant(data, position)[2]
    if kind == _DIAGNOSTICS:
        return skip_diagnostics(data, position)
    if kind in _SCALAR_BYTES or kind > _DIAGNOSTICS:  # reserved ones are written as byte strings
        return skip_bytes(data, position)
    return position + _SIZES.get(kind, 0)


def _fixed(data: bytes, position: int, kind: int) -> int | str | None:
    if kind == DATE_TIME:
        return _time(_I64.unpack_from(data, position)[0])
    if kind == STATUS:
        return _U32.unpack_from(data, position)[0]
    return str(uuid.UUID(bytes_le=data[position : position + 16]))


@lru_cache(maxsize=16)
def _number(letter: str) -> struct.Struct:
    return struct.Struct("<" + letter)


def _time(ticks: int) -> Microseconds | None:
    if 0 < ticks < _TICKS_MAX:
        return (ticks - _EPOCH_TICKS) // _TICKS_PER_US
    return None
