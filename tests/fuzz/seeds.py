"""Makes the first inputs of the corpus out of the project's own vectors and samples."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lineside.central import config as central_config
from lineside.contracts import envelope
from lineside.contracts.codec import encode_event
from lineside.contracts.commands import ItemInfo, encode_document
from lineside.contracts.events import CounterRead, ScanRefused
from lineside.drivers.modbus import frames

from . import corpus_files

ROOT = Path(__file__).resolve().parents[2]
MESSAGE: dict[str, Any] = {"edge": "edge-1", "epoch": "ab12"}


def gs1_scans() -> list[bytes]:
    """Scans of the vectors that are Latin-1."""
    text = (ROOT / "tests/cases/gs1-vectors.json").read_text(encoding="utf-8")
    scans = [case["scan"] for case in json.loads(text)["cases"]]
    return [scan.encode("latin-1") for scan in scans if all(ord(letter) < 256 for letter in scan)]


def messages() -> list[bytes]:
    """One message of each kind, with the byte before it that names the kind."""
    event = encode_event(
        CounterRead(occurred_at=1, recorded_at=2, counter="total", value=7, max_per_min=Decimal(60))
    )
    group = envelope.Group(
        first_seq=1, schema=1, previous="00" * 32, hash="11" * 32, events=(msgspec.Raw(event),)
    )
    found: Sequence[msgspec.Struct] = [
        envelope.Hello(
            **MESSAGE, head_seq=1, head_hash="", oldest_seq=1, cursor=0, desired_hash="",
            boot="cd34", sent_at=5,
        ),
        envelope.Batch(**MESSAGE, lane="facts", groups=(group,)),
        envelope.Ack(
            **MESSAGE, lane="facts", durable_through=1, backed_up_through=0, incarnation="1-a",
            server_at=9,
        ),
        envelope.Desired(
            edge="edge-1", after=0, through=1,
            objects=(
                envelope.DesiredObject(
                    kind="item", id="A", revision=1, position=1,
                    body=msgspec.Raw(encode_document(ItemInfo(item="A", name="B"))),
                ),
            ),
        ),
        envelope.Live(edge="edge-1", sent_at=1, head_seq=1, stations={"M1": {"state": "RUN"}}),
    ]  # fmt: skip
    return [bytes([number]) + envelope.pack(message) for number, message in enumerate(found)]


def opcua_answers() -> dict[str, list[bytes]]:
    """A read answer with a number, a text and a null, and a publish answer with one value."""
    header = struct.pack("<BBH", 1, 0, 634) + struct.pack("<qII", 0, 1, 0) + b"\0" + b"\xff" * 4
    header += b"\0\0\0"
    read = header + struct.pack("<i", 3)
    read += b"\x01\x0b" + struct.pack("<d", 1.5)
    read += b"\x01\x0c" + struct.pack("<i", 3) + b"abc"
    read += b"\x00" + struct.pack("<i", 0)
    publish = struct.pack("<BBH", 1, 0, 829) + struct.pack("<qII", 0, 1, 0) + b"\0" + b"\xff" * 4
    publish += b"\0\0\0" + struct.pack("<Ii", 7, 0) + b"\0"
    item = struct.pack("<I", 1) + b"\x01\x06" + struct.pack("<i", 42)
    body = struct.pack("<i", 1) + item + struct.pack("<i", 0)
    change = struct.pack("<BBH", 1, 0, 811) + b"\x01" + struct.pack("<i", len(body)) + body
    publish += struct.pack("<Iqi", 1, 0, 1) + change
    whole = struct.pack("<IBBdIqHqH", 2, 0x3F, 11, 1.5, 0x480, 5, 1, 6, 2)
    text = struct.pack("<IBBi", 3, 0x0D, 12, 3) + b"abc" + struct.pack("<qq", 5, 6)
    return {
        "opcua_read": [read, header],
        "opcua_publish": [b"\0" + publish, b"\1" + publish],
        "opcua_values": [item + whole + text, text + text],
    }


def inputs() -> dict[str, list[bytes]]:
    """First inputs of every target."""
    scans = gs1_scans()
    events = sorted((ROOT / "tests/cases/events").rglob("*.json"))
    golden = [path.read_bytes().strip() for path in events][:12]
    samples = [path.read_bytes() for path in sorted((ROOT / "lineside").rglob("sample.toml"))]
    refused = encode_event(ScanRefused(occurred_at=1, recorded_at=1, raw="x"))
    answer = frames.rtu_frame(1, bytes((3, 8, 0, 1, 0, 2, 0, 3, 0, 4)))
    packed = messages()
    return {
        "scan": scans,
        "gs1": [bytes([number % 4]) + one for number, one in enumerate(scans)],
        "escaped": [*scans[:10], b"\\x1d\\\\", b"\\xzz"],
        "serial_framing": [
            bytes([number]) + b"\x02ABC\x03\r\nDEF\r" + scan
            for number, scan in enumerate(scans[:12])
        ],
        "scale": [b"\0ST,GS,+  12.340kg", b"\1S S     12.34 g", b"\1S I", b"\0ST,NT,-0.000kg"],
        "envelope": packed,
        "unpacked": [one[:1] + _plain(one[1:]) for one in packed],
        "event": [b"\x01" + one for one in (*golden, refused)],
        "document": [encode_document(ItemInfo(item="A", name="B", gtin="09506000134352"))],
        "topic": [b"v1/edge-1/up/facts", b"v1/a/b/up/hello"],
        "edge_toml": samples,
        "central_toml": [central_config.SAMPLE.encode()],
        "modbus_frames": [b"\0" + answer, b"\0\x01" + answer, b"\0\x01\x83\x02\xc0\xf1"],
        "modbus_values": [bytes([kind, order, 3, 0]) + bytes(range(1, 17))
                          for kind in range(11) for order in (0, 1)],
        "opcua_nodeid": [b"ns=2;s=Line/Total", b"nsu=urn:x;i=85", b"g=1", b"ns=0;b=AAAA"],
        **opcua_answers(),
    }  # fmt: skip


def _plain(packed: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdDecompressor().decompress(packed)


if __name__ == "__main__":
    for target, found in inputs().items():
        known = corpus_files.load(corpus_files.CORPUS, target)
        corpus_files.save(corpus_files.CORPUS, target, [*known, *found])
