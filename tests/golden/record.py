"""Lets an edge agent of some release work a little, and keeps what it says and what it leaves.

Run as a program with a release's tree first on the path: everything that is imported here is of
that release. Arguments: the tree, the folder for the corpus.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard

from lineside.central.authority import Authority
from lineside.contracts import topics
from lineside.contracts.clock import format_rfc3339
from lineside.contracts.codec import GENESIS_HASH, SCHEMA, encode_event
from lineside.contracts.commands import encode_document
from lineside.contracts.envelope import PROTOCOL, Ack, Desired, pack
from lineside.contracts.events import EVENT_TYPES
from lineside.contracts.examples import example
from lineside.edge_agent.sync.mqtt import Broker
from lineside.edge_agent.sync.service import SyncService

EDGE = "golden-1"
IDENTITY = (
    '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "authority/ca.crt"\n'
)
PIECES = 6


class Wire:
    """Stands where the connection stands, and keeps what is handed to it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, int]] = []

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        self.sent.append((topic, payload, qos))
        return True


def stand_of(tree: Path) -> ModuleType:
    """The small plant that the release's own tests of the agent use."""
    path = tree / "tests" / "integration" / "edge_agent" / "conftest.py"
    spec = importlib.util.spec_from_file_location("golden_stand", path)
    assert spec is not None
    assert spec.loader is not None
    stand = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand)
    vars(stand)["UNENROLLED"] = EDGE  # the documents name this edge
    return stand


async def work(line: Any) -> None:
    """A shift in small: pieces good and bad, a stop with its reason, assembly, a declaration."""
    await line.signals(state=4, total=10, scrap=0, sequence=7, ack=7, good=True, diameter=0.0)
    for raw in ("B-1", "WO-1", "LOT-BAR-1"):
        await line.must(raw)
    for number in range(1, PIECES + 1):
        await line.must(f"SP18-000{number}")
        await line.signals(state=6)
        line.advance(30)
        scrap = 1 if number >= PIECES - 1 else 0
        await line.signals(
            diameter=18.0 + number / 1000, good=number != PIECES - 1, total=10 + number,
            scrap=scrap, sequence=7 + number,
        )  # fmt: skip
        await line.signals(state=4)
        if number == PIECES // 2:
            stood_from = format_rfc3339(line.clock.now())
            line.advance(300)
            until = format_rfc3339(line.clock.now())
            await line.act("reason", code="MAT", **{"from": stood_from, "to": until})
    await line.scan("WO-404")  # refused, which is a fact as well
    await line.signals(g_state=4, g_sequence=2, g_good=True)
    for raw in ("WO-1", "SP18-0001"):
        await line.must(raw, "GRIND")
    await line.signals(g_state=6)
    line.advance(20)
    await line.signals(g_state=4, g_sequence=3, g_good=True)
    for raw in ("B-2", "WO-2", "LOT-SPR-1", "HV22-0001", "SP18-0001"):
        await line.must(raw, "BENCH")
    line.advance(60)
    await line.act("start_order", "OVEN", order="WO-5", booking="b1")
    line.advance(600)
    await line.act(
        "finish_order", "OVEN", booking="b1", order="WO-5", completed="60", scrap="1",
        complete=False,
    )  # fmt: skip
    await line.must("LOT-BAR-2")
    await line.must("CMD-UNDO")
    await line.scan("WO-1")
    await line.must("CMD-FINISH")


async def sync(agent: Any, clock: Any) -> Wire:
    """Hello, receipts, every fact in batches, the live state: as on a first connection."""
    wire = Wire()
    service = SyncService(
        EDGE, Broker("127.0.0.1", 1), journal=agent.journal, desired=agent.desired, clock=clock,
        software="golden",
    )  # fmt: skip
    vars(service)["_link"] = wire
    service._loop = asyncio.get_running_loop()
    await service._record_applied()
    await service._carry_out(service._take("connected", "", b""))
    durable = 0
    while durable < agent.journal.head():
        ack = Ack(
            edge=EDGE, lane="facts", epoch=agent.journal.epoch, durable_through=durable,
            backed_up_through=0, incarnation="1-golden", server_at=clock.now(),
            welcome=durable == 0, head_hash=GENESIS_HASH.hex() if durable == 0 else "",
        )  # fmt: skip
        before = len(wire.sent)
        taken = service._take("message", topics.down(EDGE, "ack"), pack(ack))
        await service._carry_out(taken)
        await service._carry_out(service.uplink.tick())
        if len(wire.sent) == before and durable:
            break
        durable = agent.journal.head() if durable else 1
    service.publish_live({"TURN": {"state": "IDLE"}})
    return wire


async def record(tree: Path, out: Path) -> None:
    """Make the corpus of the release in `tree`."""
    stand = stand_of(tree)
    folder = Path(tempfile.mkdtemp(prefix="golden-"))
    authority = Authority.create(folder / "authority", site="golden", now=stand.BEGIN)
    authority.issue_edge(EDGE, now=stand.BEGIN, days=3650).save(folder, "edge")
    async with stand.open_line(folder, edge=IDENTITY) as line:
        await work(line)
        wire = await sync(line.agent, line.clock)
        about = {
            "edge": EDGE,
            "schema": SCHEMA,
            "protocol": PROTOCOL,
            "begin": stand.BEGIN,
            "end": line.clock.now(),
            "epoch": line.agent.journal.epoch,
            "head": line.agent.journal.head(),
            "desired_hash": line.agent.desired.content_hash,
        }
    objects = tuple(
        stand.desired(kind, identity, encode_document(document), position)
        for position, ((kind, identity), document) in enumerate(stand.documents().items(), 1)
    )
    down = Desired(edge=EDGE, after=0, through=len(objects), objects=objects, complete=True)
    _keep(folder, out, about, wire, down)
    shutil.rmtree(folder)


def _keep(folder: Path, out: Path, about: dict[str, Any], wire: Wire, down: Desired) -> None:
    out.mkdir(parents=True, exist_ok=True)
    _lines(out / "up.jsonl", [_message(*one) for one in wire.sent])
    _lines(out / "down.jsonl", [_message(topics.down(EDGE, "desired"), pack(down), 1)])
    types = b"\n".join(encode_event(example(kind)) for kind in EVENT_TYPES)
    (out / "types.jsonl.zst").write_bytes(_packed(types))
    for name in ("journal.db", "desired.db"):
        (out / f"{name}.zst").write_bytes(_packed(_whole(folder / "data" / name)))
    (out / "about.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def _whole(path: Path) -> bytes:
    """A closed SQLite file without a write-ahead log beside it."""
    assert path.is_file(), f"{path.name} is not in {sorted(path.parent.iterdir())}"
    assert not path.with_name(f"{path.name}-wal").exists(), "the file is still open"
    return path.read_bytes()


def _packed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(data)


def _message(topic: str, payload: bytes, qos: int) -> str:
    return json.dumps({"topic": topic, "qos": qos, "payload": base64.b64encode(payload).decode()})


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]), Path(sys.argv[2])))
