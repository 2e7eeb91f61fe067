"""The whole agent over real sockets: devices, scanner, stream, program."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from lineside.contracts.events import GapFound
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.host import PlantClock

PLC = """steps = [
  {{ values = {{ state = 4, total = 5, scrap = 0, sequence = 3, good = true, diameter = 0.0 }} }},
  {{ after_s = {pause}, values = {{ state = 6 }} }},
  {{ after_s = 0.1, values = {{ total = 6, sequence = 4, diameter = 18.001, good = true }} }},
  {{ after_s = 0.1, values = {{ state = 4 }} }},
  {{ after_s = 0.2, lost = true }},
  {{ values = {{ state = 6, total = 9, sequence = 6 }} }},
]"""
SCANNER = """steps = [
  {{ after_s = {pause}, scan = "B-1" }},
  {{ after_s = 0.1, scan = "WO-1" }},
  {{ after_s = 0.1, scan = "LOT-BAR-1" }},
  {{ after_s = 0.1, scan = "SP18-0001" }},
  {{ after_s = 0.1, scan = "]d20109506", problem = "partial" }},
]"""
DEADLINE_S = 30.0
PAGE_OPEN_S, PIECE_BEGUN_S = 901.0, 902.0
"""Pauses of the scripts that end when something has happened: see `CueClock`."""


class CueClock(PlantClock):
    """Ends some pauses of a script when the test says so, however slow the computer is."""

    def __init__(self) -> None:
        super().__init__()
        self.cues = {PAGE_OPEN_S: asyncio.Event(), PIECE_BEGUN_S: asyncio.Event()}

    async def sleep(self, seconds: float) -> None:
        cue = self.cues.get(seconds)
        await (super().sleep(seconds) if cue is None else cue.wait())


async def until(condition, what: str):
    """Wait for a condition with a deadline; the value that it gave."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def test_devices_scans_and_pages_of_a_running_agent(tmp_path, line_at):
    """Scans come by the device, verdicts by the stream, a lost device is told and found again."""
    async with line_at(tmp_path):
        pass  # central's documents are here from before
    text = _file(line_at)
    checked = configuration.parse(text.encode(), file="edge.toml", folder=tmp_path)
    clock = CueClock()
    agent = Agent(checked, clock=clock)
    running = asyncio.create_task(agent.run())
    await asyncio.wait_for(agent.ready.wait(), DEADLINE_S)
    base = f"http://127.0.0.1:{agent.port}"
    verdicts: list[dict] = []
    try:
        async with httpx.AsyncClient(base_url=base, timeout=10) as http:
            listening = asyncio.create_task(_listen(http, verdicts, clock))

            async def finished():
                journal = agent.journal.read(0, 10_000)
                kinds = [type(one.event).__name__ for one in journal]
                return kinds if "GapFound" in kinds and len(verdicts) >= 5 else None

            kinds = await until(finished, "the script did not run to its end")
            assert [one["answer"]["code"] for one in verdicts[:5]] == [
                "person.on",
                "order.started",
                "material.mounted",
                "unit.started",
                "scan.partial",
            ]
            assert kinds.count("UnitFinished") == 1
            assert kinds.index("DeviceLost") < kinds.index("DeviceBack")
            screen = (await http.get("/api/stations/TURN")).json()
            assert screen["machine"]["connected"]
            page = await http.get("/")
            assert page.status_code == 200
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            cross = await http.post("/api/acts", json={}, headers={"sec-fetch-site": "cross-site"})
            assert cross.status_code == 403
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    gaps = [event for event in _events(tmp_path) if isinstance(event, GapFound)]
    assert [(gap.signal, gap.missing) for gap in gaps] == [("piece", 1)]


def _file(line_at) -> str:

    template = line_at.__wrapped__.__globals__["EDGE_TOML"]
    return template.format(
        edge="", device=PLC.format(pause=PIECE_BEGUN_S), scanner=SCANNER.format(pause=PAGE_OPEN_S)
    )


def _events(folder: Path):
    from lineside.edge_agent.journal.reading import JournalReader

    reader = JournalReader(folder / "data" / "journal.db")
    try:
        return [stored.event for stored in reader.read(0, 10_000)]
    finally:
        reader.close()


async def _listen(http: httpx.AsyncClient, verdicts: list[dict], clock: CueClock) -> None:
    """A page: the scanner begins when it is open, the machine when a piece was begun."""
    async with http.stream("GET", "/api/stations/TURN/stream", timeout=None) as answer:
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:") and kind == "state":
                clock.cues[PAGE_OPEN_S].set()
            elif line.startswith("data:") and kind == "verdict":
                verdicts.append(json.loads(line.removeprefix("data:")))
                if verdicts[-1]["answer"]["code"] == "unit.started":
                    clock.cues[PIECE_BEGUN_S].set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_prints_its_address_and_ends_in_order(tmp_path, number):
    """`lineside-edge run` says where the terminal is, and stops with status 0."""
    file = tmp_path / "edge.toml"
    file.write_text('[edge]\nlisten = "127.0.0.1:0"\n', encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lineside.edge_agent.cli", "run", str(file),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()
        assert "http://127.0.0.1:" in line
        address = line.rsplit(" ", 1)[1].strip()
        async with httpx.AsyncClient(base_url=address) as http:
            assert (await http.get("/healthz")).status_code == 200
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    kinds = [type(event).__name__ for event in _events(tmp_path)]
    assert kinds == ["AgentStarted", "ConfigurationApplied", "AgentStopped"]
