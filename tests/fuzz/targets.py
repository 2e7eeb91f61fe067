"""What is fuzzed: each parser as a function of bytes.

The first bytes of an input choose settings (a framing, an encoding, a request), the rest is what
the parser reads, so that one saved input says everything.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from asyncua.common.utils import NotEnoughData
from asyncua.ua.uaerrors import UaError

from lineside.central.config import load_config
from lineside.contracts.clock import ManualClock
from lineside.contracts.codec import decode_event
from lineside.contracts.commands import decode_document
from lineside.contracts.envelope import (
    MESSAGE_BYTES_MAX,
    UNPACKED_BYTES_MAX,
    Ack,
    Batch,
    Desired,
    Hello,
    Live,
    unpack,
)
from lineside.contracts.scancode import understand
from lineside.contracts.scancode.gs1 import parse
from lineside.contracts.scancode.raw import escape, unescape
from lineside.contracts.scancode.results import to_json
from lineside.contracts.topics import parse_up
from lineside.drivers import registry
from lineside.drivers.decoding import TYPES, Encoding, Table, WordOrder, decoder
from lineside.drivers.modbus import frames
from lineside.drivers.opcua import decoding as opcua
from lineside.drivers.opcua import nodeids, values
from lineside.drivers.serial_line.framing import Framer, Framing
from lineside.drivers.serial_line.scale import FORMATS, parse_weight
from lineside.edge_agent import config as edge_config

Target = Callable[[bytes], object]
TODAY = date(2026, 11, 23)
FRAMINGS = (
    Framing(suffix=b"\r"),
    Framing(suffix=b"\r\n"),
    Framing(prefix=b"\x02", suffix=b"\x03"),
    Framing(suffix=b""),
    Framing(suffix=b"", length=7),
    Framing(prefix=b"\x02", suffix=b"\x03\r", length_max=16),
)
REQUESTS = (
    frames.read_request(1, Table.HOLDING_REGISTERS, 0, 4),
    frames.read_request(17, Table.COILS, 3, 9),
    frames.write_register_request(1, 5, 77),
    frames.write_coil_request(2, 9, on=True),
    frames.echo_request(1, 0x1234),
)
MESSAGES = (Hello, Batch, Ack, Desired, Live)
WANTED = ("", "bool", "int", "float", "text")


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def scan(data: bytes) -> object:
    """A framed scan to its meaning; never raises."""
    understood = understand(data, reference_date=TODAY)
    if understood.result is not None:
        json.dumps(to_json(understood.result))
    return understood


def gs1(data: bytes) -> object:
    """Text to element strings, typed by hand or with strange separators; never raises."""
    if not data:
        return None
    result = parse(
        _text(data[1:]),
        separators="\x1d~" if data[0] & 1 else "\x1d",
        reference_date=TODAY,
        allow_hri=bool(data[0] & 2),
    )
    return to_json(result)


def escaped(data: bytes) -> object:
    """Escaped raw bytes come back as they were; other text is refused or read."""
    assert unescape(escape(data)) == data
    return unescape(_text(data))


def serial_framing(data: bytes) -> object:
    """A stream cut at every place: all bytes come out again, and nothing is held for ever."""
    if not data:
        return None
    framing = FRAMINGS[data[0] % len(FRAMINGS)]
    framer = Framer(framing)
    found: list[object] = []
    stream = data[1:]
    step = 1 + data[0] // len(FRAMINGS) % 7
    for at in range(0, len(stream), step):
        found += framer.feed(stream[at : at + step])
    for _ in range(3):
        found += framer.silence()
    held = sum(len(frame.raw) for frame in found)  # type: ignore[attr-defined]
    assert held <= len(stream)
    assert not framer._buffer
    return found


def scale(data: bytes) -> object:
    """A scale's line."""
    return [parse_weight(data[1:], FORMATS[data[0] % len(FORMATS)]) if data else None]


def envelope(data: bytes) -> object:
    """A message from the wire."""
    if not data:
        return None
    message = unpack(data[1:], MESSAGES[data[0] % len(MESSAGES)])
    return msgspec.json.encode(message)


def unpacked(data: bytes) -> object:
    """The same without the compression, which hides what is behind it from a fuzzer."""
    import zstandard

    if not data or len(data) > MESSAGE_BYTES_MAX:
        return None
    packed = zstandard.ZstdCompressor(level=1).compress(data[1:])
    return unpack(packed, MESSAGES[data[0] % len(MESSAGES)])


def event(data: bytes) -> object:
    """Stored bytes to an event."""
    return decode_event(data[1:], schema=1 if not data else data[0] % 3)


def document(data: bytes) -> object:
    """A desired-state document."""
    return decode_document(data)


def topic(data: bytes) -> object:
    """A topic of a rising message."""
    return parse_up(_text(data))


def edge_toml(data: bytes) -> object:
    """The agent's configuration with its device tables."""
    config = edge_config.parse(data, file="edge.toml", folder=Path("/nowhere"))
    return [
        registry.build(device.driver, device.settings, clock=ManualClock(), file="edge.toml")
        for device in config.devices
    ]


def central_toml(data: bytes) -> object:
    """Central's configuration."""
    return load_config(_InMemory.of(data))


class _InMemory(type(Path())):
    """A file that is nowhere."""

    data: bytes

    @classmethod
    def of(cls, data: bytes) -> Path:
        path = cls("/nowhere/central.toml")
        path.data = data
        return path

    def read_text(self, *_: Any, **__: Any) -> str:
        return self.data.decode("utf-8")

    def resolve(self, *_: Any, **__: Any) -> Path:
        return Path("/nowhere/central.toml")


def modbus_frames(data: bytes) -> object:
    """Bytes of a serial line, and of a TCP stream, as answers to a request."""
    if not data:
        return None
    request = REQUESTS[data[0] % len(REQUESTS)]
    found = frames.find_answer(data[1:], request)
    if found is not None:
        end, pdu = found
        assert end <= len(data) - 1
        frames.check_exception(request, pdu)
    if len(data) > 7:
        header = frames.mbap_header(data[1:8])
        if header.is_sound and request.accepts(data[8 : 7 + header.length]):
            return frames.check_exception(request, data[8 : 7 + header.length])
    return found


def modbus_values(data: bytes) -> object:
    """Registers to a value, in every type and order."""
    if len(data) < 4:
        return None
    kind = TYPES[data[0] % len(TYPES)]
    encoding = Encoding(
        type=kind,
        order=tuple(WordOrder)[data[1] % 4],
        length=1 + data[2] % 20,
        bit=data[2] % 16,
        factor=Decimal(data[3] - 128) / 7 if data[3] else Decimal(1),
        offset=Decimal(data[2]) if data[3] % 2 else Decimal(0),
        invalid=(0xFFFF,) if data[1] & 8 else (),
        text=("ascii", "latin-1", "utf-8", "gb18030")[data[1] // 16 % 4],
    )
    raw = data[4 : 4 + 2 * encoding.registers].ljust(2 * encoding.registers, b"\0")
    return decoder(encoding)(raw)


def opcua_publish(data: bytes) -> object:
    """Answers to Publish and Republish, with the meaning of their values."""
    if not data:
        return None
    read = opcua.republish_response if data[0] & 1 else opcua.publish_response
    return [_meanings(read(data[1:]).values), opcua.fault(data[1:])]


def opcua_values(data: bytes) -> object:
    """The values of a data change, in the quick way and one by one: both say the same."""
    body = len(data).to_bytes(4, "little") + data  # so many are said; the end comes first
    found: list[Any] = []
    try:
        opcua._data_changes(body, 0, len(body), found)
    except (struct.error, IndexError, ValueError, UaError, NotEnoughData):
        pass
    except (TypeError, AttributeError, KeyError, OverflowError):  # a node id, see `_UNREADABLE`
        pass
    at = 4
    for quick in found:
        (handle,) = struct.unpack_from("<I", body, at)
        slow, at = opcua._data_value(body, at + 4, handle)
        assert repr(quick) == repr(slow)
    return _meanings(found)


def opcua_read(data: bytes) -> object:
    """Answers to Read, with the meaning of their values."""
    return _meanings(opcua.read_response(data))


def _meanings(raw: list[Any]) -> list[object]:
    return [values.meaning(value, wanted) for value in raw for wanted in WANTED]


def opcua_nodeid(data: bytes) -> object:
    """A node id as people write it; the settings turn its ValueError into one of ours."""
    try:
        return nodeids.parse(_text(data))
    except ValueError as refusal:
        return str(refusal)


TARGETS: dict[str, Target] = {
    function.__name__: function
    for function in (
        scan, gs1, escaped, serial_framing, scale, envelope, unpacked, event, document, topic,
        edge_toml, central_toml, modbus_frames, modbus_values, opcua_publish, opcua_values,
        opcua_read, opcua_nodeid,
    )
}  # fmt: skip
NEVER_RAISES = frozenset({"scan", "gs1"})
SECONDS_MAX = 1.0
OUTPUT_BYTES_MAX = 4 * UNPACKED_BYTES_MAX
