"""Configurations that are put in while the agent runs, over real Modbus servers and sockets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from lineside.contracts.commands import EdgeConfiguration, encode_document
from lineside.contracts.envelope import DesiredObject
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.config import standing
from lineside.edge_agent.config.standing import Staged
from lineside.sim.servers.modbus import SimModbusServer

pytestmark = pytest.mark.fault("F-56")
DEADLINE_S = 30.0
DEVICE = """
[[device]]
id = "{name}"
driver = "modbus"
host = "127.0.0.1"
port = {port}
timeout_s = 0.3
retries = 0
addressing = "modicon"
poll_s = 0.1
silent_pause_max_s = 1
signals = [
  {{ name = "state", address = 40001 }},
  {{ name = "total", address = {total} }},
]
"""
STATION = """
[[station]]
id = "{name}"
name = "{shown}"
device = "{device}"
[station.state]
signal = "state"
map = {{ "1" = "RUN", "0" = "STOP" }}
[[station.counter]]
name = "total"
signal = "total"
max_per_min = {rate}
"""
OWN = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
"""


def device(name: str, port: int, total: int = 40_002) -> str:
    return DEVICE.format(name=name, port=port, total=total)


def station(name: str, of: str, *, rate: int = 60_000, shown: str = "") -> str:
    return STATION.format(name=name, device=of, rate=rate, shown=shown)


class Plant:
    """Two machines, an agent that reads them, and central's hand."""

    def __init__(self, folder: Path, left: SimModbusServer, right: SimModbusServer) -> None:
        self.left, self.right, self.folder = left, right, folder
        self.file = OWN + self.shop()
        self.opened: dict[str, int] = {"left": 0, "right": 0}
        self._sent = 0
        self.agent: Agent
        self._running: asyncio.Task[None]
        for name, server in (("left", left), ("right", right)):
            self._count(name, server)

    def _count(self, name: str, server: Any) -> None:
        accept = server._server.callback_new_connection

        def counted() -> Any:
            self.opened[name] += 1
            return accept()

        server._server.callback_new_connection = counted

    def shop(self, *, left: str = "", right: str = "", more: str = "") -> str:
        """The shop's sections, with parts exchanged."""
        return (
            (left or device("left", self.left.port) + station("L", "left"))
            + (right or device("right", self.right.port) + station("R", "right"))
            + more
        )

    async def start(self) -> None:
        self.agent = Agent(
            configuration.parse(
                self.file.encode(), file=str(self.folder / "edge.toml"), folder=self.folder
            )
        )
        self._running = asyncio.create_task(self.agent.run())
        await asyncio.wait_for(self.agent.ready.wait(), DEADLINE_S)

    async def stop(self) -> None:
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def reads(self, *devices: str) -> None:
        """Until these devices are read."""
        found = self.agent.devices
        await self.until(
            lambda: all(name in found and found[name].read_at is not None for name in devices)
        )

    async def until(self, condition: Any) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert not self._running.done(), self._running
            assert time.monotonic() < deadline, self.events()
            await asyncio.sleep(0.05)
        return found

    def send(self, text: str, *, version: int, trial_s: int = 20, content_hash: str = "") -> None:
        """Central sends a configuration."""
        self._sent += 1
        document = EdgeConfiguration(
            version=version,
            content_hash=content_hash or hashlib.sha256(text.encode()).hexdigest(),
            text=text,
            trial_s=trial_s,
        )
        body = msgspec.Raw(encode_document(document))
        position = self.agent.desired.cursor + 1
        self.agent.desired.apply(
            [
                DesiredObject(
                    kind="configuration",
                    id="edge",
                    revision=position,
                    position=position,
                    body=body,
                )
            ],
            through=position,
        )

    def events(self, *kinds: str) -> list[Any]:
        found = [stored.event for stored in self.agent.journal.read(0, 10_000)]
        return [one for one in found if not kinds or type(one).__struct_config__.tag in kinds]

    async def answer(self, version: int) -> Any:
        """What became of a version of central's."""
        kinds = ("configuration_applied", "configuration_reverted")
        found = await self.until(
            lambda: [one for one in self.events(*kinds) if one.version == version]
        )
        return found[-1]

    async def counted(self, of: str, pieces: int) -> None:
        """Until so many pieces are booked at a station; and no more."""
        await self.until(lambda: self.pieces(of) == pieces)

    def pieces(self, of: str) -> int:
        read = [one for one in self.events("counter_read") if one.station == of]
        return sum(int(one.increment or 0) for one in read)

    async def notice(self, of: str) -> dict[str, Any]:
        """The only banner of a station, once there is one."""
        deadline = time.monotonic() + DEADLINE_S
        while not (notices := (await self.screen(of))["notices"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        (only,) = notices
        return only

    async def screen(self, of: str) -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.agent.port}") as http:
            answer = await http.get(f"/api/stations/{of}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    async with SimModbusServer([1]) as left, SimModbusServer([1]) as right:
        for server in (left, right):
            server.set(1, state=1, total=100)
        made = Plant(tmp_path, left, right)
        await made.start()
        try:
            await made.reads("left", "right")
            yield made
        finally:
            await made.stop()


async def test_only_what_differs_is_touched_and_the_other_connection_is_never_opened_again(plant):
    """Another pace at the right machine: the left one keeps connection, task, interpreter."""
    agent = plant.agent
    kept, line = agent.devices["left"], agent.lines[0]
    task, opened = agent.connectors._tasks["left"], dict(plant.opened)
    slower = device("right", plant.right.port).replace("poll_s = 0.1", "poll_s = 0.2")
    text = plant.shop(right=slower + station("R", "right"))

    plant.send(text, version=4)
    applied = await plant.answer(4)

    assert (applied.origin, applied.devices, applied.stations) == ("central", ("right",), ())
    assert applied.content_hash == hashlib.sha256(text.encode()).hexdigest()
    assert agent.devices["left"] is kept
    assert agent.lines[0] is line
    assert agent.connectors._tasks["left"] is task
    assert not task.done()
    assert plant.opened == {"left": opened["left"], "right": opened["right"] + 1}
    assert {one.device for one in plant.events("device_lost", "device_back")} == {"right"}
    plant.left.count(1, "total", 3)
    plant.right.count(1, "total", 5)
    await plant.counted("L", 3)
    await plant.counted("R", 5)
    assert (await plant.notice("L"))["code"] == "configuration.applied"


async def test_a_station_that_comes_to_a_running_device_knows_at_once_what_the_device_shows(plant):
    """The device is not asked again: its last word still holds, and nothing is booked of it."""
    opened = dict(plant.opened)
    plant.send(plant.shop(more=station("EXTRA", "left")), version=1)

    applied = await plant.answer(1)

    assert (applied.devices, applied.stations) == ((), ("EXTRA",))
    assert plant.opened == opened
    assert (await plant.screen("EXTRA"))["machine"]["state"] == "RUN"
    plant.left.count(1, "total", 2)
    await plant.counted("EXTRA", 2)


async def test_a_name_alone_leaves_the_interpreter_as_it_is(plant):
    """What only screens show needs no break in what is known of the machine."""
    line = plant.agent.lines[0]
    left = device("left", plant.left.port) + station("L", "left", shown="Left")

    plant.send(plant.shop(left=left), version=1)
    await plant.answer(1)

    assert plant.agent.lines[0] is line
    assert (await plant.screen("L"))["name"]["en"] == "Left"


async def test_what_is_open_at_a_station_that_is_taken_out_is_closed_by_the_system(plant):
    """Its state is unknown from then on, and the terminal does not serve it any more."""
    left = device("left", plant.left.port) + station("L", "left")
    plant.send(left, version=2)

    applied = await plant.answer(2)

    assert (applied.devices, applied.stations) == (("right",), ("R",))
    states = [one for one in plant.events("state_changed") if one.station == "R"]
    assert states[-1].state.value == "UNKNOWN"
    assert list(plant.agent.devices) == ["left"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{plant.agent.port}") as http:
        assert (await http.get("/api/stations/R")).status_code == 404
        assert (await http.get("/healthz")).json()["devices_lost"] == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[device]]\nid = 'left'\ndriver = 'modbus'\nhots = 'x'\n", "hots"),
        ("[edge]\ndata_dir = '/elsewhere'\n", "edge is '[edge]'"),
        ("[sync]\nbroker = 'mqtt://elsewhere'\n", "sync is '[sync]'"),
        ("[[station]]\nid = 'L'\ndevice = 'nobody'\n", "station[0].state"),
        ("not toml", "TOML in UTF-8"),
    ],
)
async def test_a_wrong_text_is_refused_with_its_key_and_touches_nothing(plant, text, why):
    """The document is answered, the terminals say it, and it is not tried a second time."""
    before, opened = list(plant.agent.devices.values()), dict(plant.opened)

    plant.send(text, version=7)
    reverted = await plant.answer(7)

    assert reverted.stage == "check"
    assert why in reverted.reason
    assert reverted.back_to == hashlib.sha256(plant.file.encode()).hexdigest()
    assert [one.refused for one in plant.agent.desired.unreported()] == [reverted.reason]
    assert list(plant.agent.devices.values()) == before
    assert plant.opened == opened
    notice = await plant.notice("L")
    assert notice["code"] == "configuration.taken_back_check"
    assert "版本 7" in notice["why"]["zh"]
    await plant.stop()
    await plant.start()
    await plant.reads("left", "right")
    assert plant.agent.reconfiguration._wanted() is None
    assert len(plant.events("configuration_reverted")) == 1


async def test_a_text_that_is_not_the_one_that_was_meant_is_refused(plant):
    """Its hash says so."""
    plant.send(plant.shop(), version=3, content_hash="0" * 64)

    reverted = await plant.answer(3)

    assert reverted.stage == "check"
    assert "SHA-256" in reverted.reason


async def test_a_device_that_does_not_come_back_brings_the_old_configuration_back(plant):
    """Everything runs as before, what was made meanwhile is booked once, and the reason is told."""
    opened = plant.opened["left"]
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    nobody = closed.sockets[0].getsockname()[1]
    closed.close()
    plant.right.count(1, "total", 2)
    await plant.counted("R", 2)
    text = plant.shop(right=device("right", nobody) + station("R", "right", rate=30_000))

    plant.send(text, version=9, trial_s=1)
    await plant.until(lambda: standing.staged(plant.agent.journal.baselines()))
    plant.right.count(1, "total", 5)
    reverted = await plant.answer(9)

    assert (reverted.stage, reverted.devices) == ("trial", ("right",))
    assert "right did not answer within 1 s." in reverted.reason
    await plant.counted("R", 7)
    plant.left.count(1, "total", 4)
    await plant.counted("L", 4)
    assert plant.opened["left"] == opened
    assert plant.agent.config.content_hash == reverted.back_to
    assert (await plant.notice("R"))["code"] == "configuration.taken_back_trial"
    # Not again, until central says something else.
    assert plant.agent.reconfiguration._wanted() is None
    plant.send(plant.shop(), version=10)
    assert (await plant.answer(10)).origin == "central"
    await plant.until(lambda: plant.agent.reconfiguration._taken is None)
    assert (await plant.notice("R"))["code"] == "configuration.applied"


async def test_the_difference_between_two_counters_is_never_booked_as_pieces(plant):
    """The name `total` moves to another register and back: what it showed there are no pieces."""
    plant.right.set(1, scrap=5_000)
    moved = device("right", plant.right.port, total=40_003) + station("R", "right")
    plant.send(plant.shop(right=moved), version=1)
    await plant.answer(1)
    plant.right.count(1, "scrap", 3)
    await plant.counted("R", 3)

    plant.send(plant.shop(), version=2)
    await plant.answer(2)
    plant.right.count(1, "total", 4)

    await plant.counted("R", 7)


async def test_what_central_has_confirmed_goes_before_the_file_after_a_restart(plant):
    """Until a person on the computer says otherwise; then central must say something newer."""
    text = plant.shop(more=station("EXTRA", "left"))
    plant.send(text, version=5)
    await plant.answer(5)
    await plant.stop()
    await plant.start()
    assert plant.agent.config.version == 5
    assert [line.station for line in plant.agent.lines] == ["L", "R", "EXTRA"]
    assert len(plant.events("configuration_applied")) == 2  # the file's at first, and central's

    asked = standing.Request(id="r-1", name="edge.toml", text=plant.file)
    request = plant.folder / "data" / standing.REQUEST_FILE
    request.write_bytes(msgspec.json.encode(asked))
    await plant.until(lambda: not request.exists())

    applied = plant.events("configuration_applied")[-1]
    assert (applied.origin, applied.version, applied.stations) == ("file", 0, ("EXTRA",))
    assert plant.agent.reconfiguration._wanted() is None
    await plant.stop()
    await plant.start()
    assert [line.station for line in plant.agent.lines] == ["L", "R"]
    plant.send(text, version=6)
    assert (await plant.answer(6)).stations == ("EXTRA",)


@pytest.mark.parametrize(("tries", "runs"), [(1, True), (2, False)])
async def test_a_trial_that_was_cut_short_is_tried_once_more(plant, tries, runs):
    """A power cut says nothing against it; a second one may be its fault."""
    text = plant.shop(more=station("EXTRA", "left"))
    await plant.stop()
    await plant.start()
    content_hash = hashlib.sha256(text.encode()).hexdigest()
    staged = Staged(content_hash=content_hash, text=text, version=8, tries=tries)
    await plant.agent.recorder.record([], baselines={standing.STAGED: standing.written(staged)})

    plant.send(text, version=8)
    answer = await plant.answer(8)

    assert getattr(answer, "stage", "runs") == ("runs" if runs else "trial")
    assert ("EXTRA" in [line.station for line in plant.agent.lines]) is runs
