"""`lineside-edge config` beside a real agent, which is killed in the middle of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lineside.edge_agent.cli import main
from lineside.edge_agent.config import standing
from lineside.edge_agent.journal.reading import JournalReader
from lineside.sim.servers.modbus import SimModbusServer

pytestmark = pytest.mark.fault("F-56")
PROGRAM = (sys.executable, "-m", "lineside.edge_agent.cli")
DEADLINE_S = 40.0
TEXT = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[[device]]
id = "press"
driver = "modbus"
host = "127.0.0.1"
port = {port}
timeout_s = 0.3
addressing = "modicon"
poll_s = {poll}
signals = [{{ name = "state", address = 40001 }}, {{ name = "total", address = 40002 }}]
"""
STATION = """
[[station]]
id = "{name}"
device = "press"
[station.state]
signal = "state"
map = {{ "1" = "RUN" }}
[[station.counter]]
name = "total"
signal = "total"
max_per_min = 60000
"""


def marks(folder: Path) -> dict[str, bytes]:
    path = folder / "data" / "journal.db"
    if not path.is_file():
        return {}
    reader = JournalReader(path)
    try:
        return reader.baselines()
    finally:
        reader.close()


def facts(folder: Path) -> list[Any]:
    reader = JournalReader(folder / "data" / "journal.db")
    try:
        return [stored.event for stored in reader.read(0, 10_000)]
    finally:
        reader.close()


async def until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return found


@contextlib.asynccontextmanager
async def agent(folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """An agent as a program of its own, which listens already."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "run", "edge.toml", cwd=folder, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert b"terminal at" in await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def command(folder: Path, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "config", *words, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode or 0, output.decode()


@pytest.fixture
async def server() -> AsyncIterator[SimModbusServer]:
    async with SimModbusServer([1]) as found:
        found.set(1, state=1, total=100)
        yield found


async def test_an_agent_killed_in_the_middle_of_a_trial_runs_the_old_one_whole_then_the_new(
    tmp_path, server
):
    """A device that hangs keeps the trial open; the agent is killed in it, and nothing is half."""
    old = TEXT.format(port=server.port, poll="0.1") + STATION.format(name="S")
    (tmp_path / "edge.toml").write_text(old)
    new = old.replace("poll_s = 0.1", "poll_s = 0.2") + STATION.format(name="T")
    (tmp_path / "new.toml").write_text(new)
    async with agent(tmp_path) as first:
        await until(lambda: b"100" in marks(tmp_path).get("counter:S/total", b""))
        server.silence(1)
        asking = asyncio.create_task(command(tmp_path, "apply", "new.toml", "edge.toml"))
        await until(lambda: standing.staged(marks(tmp_path)))
        first.send_signal(signal.SIGKILL)
        await first.wait()
        running = standing.running(marks(tmp_path))
        assert running is not None
        assert running.text == old
    server.silence(1, on=False)
    server.count(1, "total", 5)

    async with agent(tmp_path):
        assert (await asking)[0] == 0

    running = standing.running(marks(tmp_path))
    assert running is not None
    assert running.text == new == (tmp_path / "edge.toml").read_text()
    assert standing.staged(marks(tmp_path)) is None
    made = [
        one.increment
        for one in facts(tmp_path)
        if type(one).__name__ == "CounterRead" and one.station == "S"
    ]
    assert sum(made) == 5


async def test_apply_and_check_tell_what_becomes_of_a_file(tmp_path, server, capsys, monkeypatch):
    """A file whose device does not answer is taken back, and the old file stays."""
    old = TEXT.format(port=server.port, poll="0.1") + STATION.format(name="S")
    (tmp_path / "edge.toml").write_text(old)
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    (tmp_path / "new.toml").write_text(old.replace(f"port = {server.port}", f"port = {port}"))
    async with agent(tmp_path):
        await until(lambda: b"100" in marks(tmp_path).get("counter:S/total", b""))

        code, said = await command(tmp_path, "apply", "new.toml", "edge.toml", "--trial", "1")

        assert code == 1
        assert "press did not answer within 1 s." in said
        assert (tmp_path / "edge.toml").read_text() == old
    monkeypatch.chdir(tmp_path)
    assert main(["config", "check", "new.toml"]) == 0
    said = capsys.readouterr().out
    assert f"port: {server.port} -> {port}" in said
    assert "= stations not touched: S" in said
    assert main(["config", "check", "new.toml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["changes"]["devices"]["changed"]) == ["press"]
    assert found["runs"]["origin"] == "file"
    draft = tmp_path / "draft.toml"
    draft.write_text(old)
    assert main(["config", "check", "draft.toml", "--edge", "edge.toml"]) == 1
    assert "edge is '[edge]'" in capsys.readouterr().err
    assert main(["config", "apply", "new.toml", "edge.toml"]) == 0
    assert "when it is started" in capsys.readouterr().out
    assert (tmp_path / "data" / standing.REQUEST_FILE).is_file()
