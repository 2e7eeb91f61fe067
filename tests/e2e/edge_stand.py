"""A real edge agent as a program: a turning station with a scripted machine, a bench, an oven."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
from msgspec import structs

from lineside.contracts.clock import sleep_blocking
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
    WorkOrder,
    encode_document,
)
from lineside.contracts.envelope import DesiredObject
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.startup import UNENROLLED
from lineside.edge_agent.sync.desired_store import DesiredStore

START_S = 30.0
CONFIGURATION = """
[edge]
data_dir = "data"
listen = "127.0.0.1:{port}"
scan_repeat_s = 0.2

[[device]]
id = "plc"
driver = "scripted"
steps = [
  {{ values = {{ state = 6, program = "O2041" }} }},
  {{ after_s = 3600, values = {{ state = 6 }} }},
]

[[device]]
id = "scanner-1"
driver = "scripted"
steps = [
  {{ after_s = {scan_after_s}, scan = "SP18-0077" }},
  {{ after_s = 3600, values = {{ idle = 1 }} }},
]

[[station]]
id = "TURN"
name = "Turning 10 machine 1"
name_zh = "车削 10 · 1 号机"
line = "Line 1"
device = "plc"
state_from = "signals"
counts_from = "unit_finished"
scanners = ["scanner-1"]
oee_target = 0.82
stop_ask_s = 1
[station.state]
signal = "state"
profile = "packml"
[[station.discrete]]
signal = "program"
role = "program"

[[station]]
id = "BENCH"
name = "Assembly bench"
name_zh = "装配台"
line = "Line 1"
stop_ask_s = 1
state_from = "acts"
counts_from = "unit_finished"

[[station]]
id = "OVEN"
name = "Oven"
name_zh = "热处理炉"
line = "Line 1"
parallel = true
state_from = "acts"
counts_from = "declaration"
"""


def documents() -> dict[tuple[str, str], Document]:
    """What central has told this edge."""
    bar = ComponentNeed(
        item="BAR", quantity=Decimal("0.2"), unit="m", tracking="lot", position="bar"
    )
    turning = OperationStep(
        operation="10", name="Turning", name_zh="车削", stations=("TURN",), edge=UNENROLLED,
        ideal_cycle_s=Decimal(30), starts_unit=True, components=(bar,),
    )  # fmt: skip
    assembly = OperationStep(
        operation="50", name="Assembly", name_zh="装配", stations=("BENCH",), edge=UNENROLLED,
        ideal_cycle_s=Decimal(60), starts_unit=True,
        components=(ComponentNeed(item="SP-18", quantity=Decimal(1), tracking="serial"),),
    )  # fmt: skip
    heat = OperationStep(
        operation="30", name="Heat treatment", name_zh="热处理", stations=("OVEN",), edge=UNENROLLED
    )
    spool = WorkOrder(
        order="WO-417", item="SP-18", item_name="Spool SP-18", item_name_zh="阀芯 SP-18",
        quantity=Decimal(200), steps=(turning,),
    )  # fmt: skip
    orders = [
        spool,
        structs.replace(spool, order="WO-421", quantity=Decimal(80), priority=10),
        structs.replace(spool, order="WO-398", quantity=Decimal(60), state="held"),
        WorkOrder(order="WO-500", item="VA-10", item_name="Valve", item_name_zh="阀",
                  quantity=Decimal(50), steps=(assembly,)),
        WorkOrder(order="WO-300", item="RING", item_name="Ring", item_name_zh="环",
                  quantity=Decimal(100), steps=(heat,), serial_tracked=False),
    ]  # fmt: skip
    people = [
        Person(person="P-1042", badge="B-1042", name="李工"),
        Person(person="P-9", badge="B-9", name="张伟", roles=("shift_leader",)),
    ]
    always = ShiftRule(id="day", local_start="00:00", local_end="00:00")
    lots = [
        LotPassport(
            lot=Thing(kind=ThingKind.LOT, item="BAR", id=number),
            quantity=Decimal(6),
            unit="m",
            status=status,
        )
        for number, status in (
            ("LOT-BAR-1", "released"),
            ("LOT-BAR-2", "released"),
            ("LOT-BAR-3", "blocked"),
        )
    ]
    return {
        **{("work_order", one.order): one for one in orders},
        **{("person", one.person): one for one in people},
        **{("lot_passport", lot.lot.id): lot for lot in lots},
        ("calendar", "site"): Calendar(
            time_zone="Asia/Shanghai", shifts=(always,), micro_stop_threshold_s=Decimal(1)
        ),
        ("reasons", "site"): Reasons(
            stops={"MAT": ("缺料", "No material"), "TOOL": ("换刀", "Tool change")},
            defects={"DIM": ("尺寸超差", "Out of dimension"), "SCR": ("划伤", "Scratch")},
        ),
        ("item", "SP-18"): ItemInfo(
            item="SP-18", name="Spool", name_zh="阀芯", serial_pattern=r"SP18-\d{4}"
        ),
        ("item", "VA-10"): ItemInfo(
            item="VA-10", name="Valve", name_zh="阀", serial_pattern=r"VA10-\d{4}"
        ),
    }


class EdgeProgram:
    """`lineside-edge run` on a folder and a port that stay the same over a restart."""

    def __init__(self, folder: Path, port: int, *, scan_after_s: float = 3600) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._file = folder / "edge.toml"
        self._log = folder / "edge.log"
        self._process: subprocess.Popen[bytes] | None = None
        text = CONFIGURATION.format(port=port, scan_after_s=scan_after_s)
        self._file.write_text(text, encoding="utf-8")
        (folder / "data").mkdir(mode=0o700)
        store = DesiredStore(folder / "data" / "desired.db")
        objects = [
            DesiredObject(
                kind=kind, id=identity, revision=position, position=position,
                body=msgspec.Raw(encode_document(document)),
            )
            for position, ((kind, identity), document) in enumerate(documents().items(), start=1)
        ]  # fmt: skip
        store.apply(objects, through=len(objects))
        store.close()

    def start(self) -> None:
        """Start and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(self._file)],
                stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            try:
                if httpx.get(f"{self.address}/healthz", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                sleep_blocking(0.05)
        raise AssertionError(self._log.read_text(encoding="utf-8"))

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, in order or by force."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(timeout=20)
        self._process = None

    def pause(self) -> None:
        """Freeze the program: its connections stay open and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen program go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def entries(self, station: str = "TURN") -> list[dict[str, object]]:
        """The last entries of a station, newest first."""
        return httpx.get(f"{self.address}/api/stations/{station}", timeout=5).json()["entries"]

    def codes(self) -> set[str]:
        """Command codes that the agent knows."""
        commands = httpx.get(f"{self.address}/api/texts", timeout=5).json()["commands"]
        return {re.sub(r"\s", "", one["code"]) for one in commands}
