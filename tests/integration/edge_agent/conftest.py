"""A small plant: a turning machine with a PLC, a grinder, an assembly bench without one."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.contracts.clock import ManualClock, parse_rfc3339
from lineside.contracts.commands import (
    Calendar,
    ComponentNeed,
    Document,
    ItemInfo,
    LotPassport,
    OperationStep,
    Person,
    Reasons,
    ShiftRule,
    UnitPassport,
    WorkOrder,
    encode_document,
)
from lineside.contracts.envelope import DesiredObject
from lineside.contracts.samples import Quality, SignalSample
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.host import PlantClock
from lineside.edge_agent.startup import UNENROLLED
from lineside.edge_agent.terminal.api import build_api

BEGIN = parse_rfc3339("2026-03-02T06:00:00Z")
SECOND = 1_000_000

EDGE_TOML = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
{edge}
[[device]]
id = "plc"
driver = "scripted"
writable = ["ack"]
{device}
[[device]]
id = "scanner-1"
driver = "scripted"
{scanner}
[[station]]
id = "TURN"
name = "Turning"
name_zh = "车削"
line = "Line 1"
device = "plc"
counts_from = "counter"
scanners = ["scanner-1"]
oee_target = 0.82
stop_ask_s = 60
[station.state]
signal = "state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "total"
bits = 16
max_per_min = 240
[[station.counter]]
name = "scrap"
signal = "scrap"
role = "scrap"
bits = 16
max_per_min = 240
[[station.trigger]]
name = "piece"
sequence = "sequence"
acknowledge = "ack"
good = "good"
parameters = ["diameter"]
modulus = 65536
[[station.discrete]]
signal = "program"
role = "program"

[[station]]
id = "GRIND"
device = "plc"
counts_from = "unit_finished"
state_from = "signals"
[station.state]
signal = "g_state"
profile = "packml"
[[station.trigger]]
name = "piece"
sequence = "g_sequence"
good = "g_good"

[[station]]
id = "BENCH"
state_from = "acts"
counts_from = "unit_finished"

[[station]]
id = "OVEN"
parallel = true
state_from = "acts"
counts_from = "declaration"
"""


def documents() -> dict[tuple[str, str], Document]:
    """What central has sent."""
    spool = (
        OperationStep(
            operation="10", name="turning", name_zh="车削", stations=("TURN",), edge=UNENROLLED,
            ideal_cycle_s=Decimal(30), starts_unit=True,
            components=(ComponentNeed(item="BAR", quantity=Decimal("0.2"), unit="m",
                                      tracking="lot", position="bar"),),
        ),
        OperationStep(
            operation="20", name="grinding", name_zh="精磨", stations=("GRIND",), edge=UNENROLLED,
            ideal_cycle_s=Decimal(20), inspected=True,
        ),
    )  # fmt: skip
    valve = (
        OperationStep(
            operation="10", name="assembly", name_zh="装配", stations=("BENCH",), edge=UNENROLLED,
            ideal_cycle_s=Decimal(60), starts_unit=True,
            components=(
                ComponentNeed(item="SP-18", quantity=Decimal(1), tracking="serial"),
                ComponentNeed(item="SPRING", quantity=Decimal(1), tracking="lot",
                              position="spring"),
            ),
        ),
    )  # fmt: skip
    heat = (
        OperationStep(operation="10", name="heat treatment", stations=("OVEN",), edge=UNENROLLED),
    )
    orders = [
        WorkOrder(order="WO-1", item="SP-18", item_name="Spool", quantity=Decimal(200),
                  steps=spool, routing_revision="R4"),
        WorkOrder(order="WO-2", item="HV-22", item_name="Valve", quantity=Decimal(50), steps=valve),
        WorkOrder(order="WO-3", item="SP-18", quantity=Decimal(10), state="held", steps=spool),
        WorkOrder(order="WO-5", item="RING", quantity=Decimal(100), steps=heat,
                  serial_tracked=False),
        WorkOrder(order="WO-6", item="RING", quantity=Decimal(100), steps=heat,
                  serial_tracked=False),
        WorkOrder(order="WO-7", item="SP-18", quantity=Decimal(100), steps=spool),
    ]  # fmt: skip
    people = [
        Person(person="P-1", badge="B-1", name="王芳"),
        Person(person="P-2", badge="B-2", name="李强"),
        Person(person="P-9", badge="B-9", name="张伟", roles=("shift_leader",)),
    ]
    calendar = Calendar(
        time_zone="UTC",
        shifts=(
            ShiftRule(id="early", local_start="06:00", local_end="14:00"),
            ShiftRule(id="late", local_start="14:00", local_end="22:00"),
        ),
        micro_stop_threshold_s=Decimal(10),
    )
    found: dict[tuple[str, str], Document] = {
        **{("work_order", one.order): one for one in orders},
        **{("person", one.person): one for one in people},
        ("calendar", "site"): calendar,
        ("reasons", "site"): Reasons(
            stops={"MAT": ("缺料", "no material"), "JAM": ("卡料", "jam")},
            defects={"DIM": ("尺寸超差", "out of dimension")},
        ),
        ("item", "SP-18"): ItemInfo(item="SP-18", name="Spool", serial_pattern=r"SP18-\d{4}"),
        ("item", "HV-22"): ItemInfo(
            item="HV-22", name="Valve", gtin="09506000134352", serial_pattern=r"HV22-\d{4}"
        ),
        ("lot_passport", "bar-1"): LotPassport(
            lot=Thing(kind=ThingKind.LOT, item="BAR", id="LOT-BAR-1"), quantity=Decimal(6),
            unit="m",
        ),
        ("lot_passport", "bar-2"): LotPassport(
            lot=Thing(kind=ThingKind.LOT, item="BAR", id="LOT-BAR-2"), quantity=Decimal(6),
            unit="m",
        ),
        ("lot_passport", "bar-3"): LotPassport(
            lot=Thing(kind=ThingKind.LOT, item="BAR", id="LOT-BAR-3"), quantity=Decimal(6),
            unit="m", status="blocked",
        ),
        ("lot_passport", "spring-1"): LotPassport(
            lot=Thing(kind=ThingKind.LOT, item="SPRING", id="LOT-SPR-1"), quantity=Decimal(100),
        ),
    }  # fmt: skip
    return found


class Line:
    """An agent, its HTTP interface in process, and hands to feed its machines."""

    def __init__(self, agent: Agent, clock: PlantClock, manual: ManualClock) -> None:
        self.agent = agent
        self.clock = clock
        self.manual = manual
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(build_api(agent.desk)), base_url="http://edge"
        )
        self._ids = itertools.count(1)
        self._positions = itertools.count(1)
        self.acknowledged: list[Any] = []

    def advance(self, seconds: float) -> None:
        """Let business time pass."""
        self.manual.advance(round(seconds * SECOND))

    async def signals(self, quality: Quality = Quality.GOOD, **values: Any) -> None:
        """The PLC shows values together, now."""
        now = self.clock.now()
        sequence = next(self._positions)
        batch = [
            SignalSample(signal=name, value=value, quality=quality, read_at=now, sequence=sequence)
            for name, value in values.items()
        ]
        for line in self.agent.lines:
            if "plc" in line.devices:
                for write in await line.take("plc", batch):
                    self.acknowledged.append(write.value)

    async def act(self, kind: str, station: str = "TURN", **fields: Any) -> dict[str, Any]:
        """Do something at a terminal."""
        body = {"id": f"act-{next(self._ids)}", "station": station, "kind": kind, **fields}
        answer = await self.http.post("/api/acts", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def scan(self, raw: str, station: str = "TURN") -> dict[str, Any]:
        """Scan something; a second passes, as between two scans."""
        self.advance(5)
        return await self.act("scan", station, raw=raw)

    async def must(self, raw: str, station: str = "TURN") -> dict[str, Any]:
        """Scan something that has to be accepted."""
        answer = await self.scan(raw, station)
        assert answer["answer"] == "accepted", (answer["code"], answer["why"]["en"])
        return answer

    async def screen(self, station: str = "TURN") -> dict[str, Any]:
        """The whole screen."""
        answer = await self.http.get(f"/api/stations/{station}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self, kind: str = "") -> list[Any]:
        """Events of the journal, of one kind or all."""
        found = [stored.event for stored in self.agent.journal.read(0, 10_000)]
        return [event for event in found if not kind or type(event).__struct_config__.tag == kind]

    def send(self, kind: str, identity: str, document: Document | None) -> None:
        """Central sends one more document."""
        store = self.agent.desired
        through = store.cursor + 1
        body = None if document is None else encode_document(document)
        store.apply([desired(kind, identity, body, through)], through=through)


def desired(kind: str, identity: str, body: bytes | None, position: int) -> DesiredObject:
    import msgspec

    return DesiredObject(
        kind=kind, id=identity, revision=position, position=position,
        body=msgspec.Raw(b"null" if body is None else body),
    )  # fmt: skip


OpenLine = Callable[..., "contextlib.AbstractAsyncContextManager[Line]"]


@contextlib.asynccontextmanager
async def open_line(
    folder: Path,
    *,
    begin: int | None = None,
    edge: str = "",
    device: str = "",
    scanner: str = "",
    more: str = "",
) -> AsyncGenerator[Line]:
    """An agent on a folder; opened again on the same folder it is the same edge after a restart."""
    text = EDGE_TOML.format(edge=edge, device=device, scanner=scanner) + more
    checked = configuration.parse(text.encode(), file="edge.toml", folder=folder)
    manual = ManualClock(begin if begin is not None else BEGIN)
    clock = PlantClock(manual)
    agent = Agent(checked, clock=clock)
    if not agent.desired.cursor:
        objects = [
            desired(kind, identity, encode_document(document), position)
            for position, ((kind, identity), document) in enumerate(documents().items(), start=1)
        ]
        agent.desired.apply(objects, through=len(objects))
    line = Line(agent, clock, manual)
    try:
        await agent.begin()
        yield line
    finally:
        await line.http.aclose()
        agent.close()


@pytest.fixture
def line_at() -> OpenLine:
    """Opens lines on folders."""
    return open_line


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """A running line."""
    async with open_line(tmp_path) as opened:
        yield opened


@pytest.fixture
def passport() -> Callable[..., UnitPassport]:
    """Passports of spools."""

    def make(serial: str, status: str = "finished", item: str = "SP-18") -> UnitPassport:
        return UnitPassport(
            unit=Thing(kind=ThingKind.UNIT, item=item, id=serial),
            status=status,
            order="WO-9",
            passed=("10", "20"),
        )

    return make
