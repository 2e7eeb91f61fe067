"""What the agent tells systemd, over a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from lineside.contracts.errors import LinesideError
from lineside.edge_agent.commands import agent as command
from lineside.edge_agent.host import tell_service_manager, watchdog_s
from lineside.edge_agent.journal.errors import JournalFailedError

DEADLINE_S = 30.0


@pytest.fixture
def manager(tmp_path) -> Iterator[socket.socket]:
    """The socket on which the service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(DEADLINE_S)
        yield listening


@pytest.fixture
def program(tmp_path, manager) -> Iterator[subprocess.Popen[str]]:
    """A real agent that is watched every 0.6 s."""
    file = tmp_path / "edge.toml"
    file.write_text('[edge]\nlisten = "127.0.0.1:0"\n')
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "600000",
        "PYTHONUNBUFFERED": "1",
    }
    running = subprocess.Popen(
        [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(file)],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield running
    running.kill()
    running.communicate()


def test_ready_is_told_when_the_terminal_listens_life_while_it_works_and_the_end(manager, program):
    assert manager.recv(100) == b"READY=1"
    assert program.stdout is not None
    address = program.stdout.readline().rsplit(" ", 1)[1].strip()
    with urllib.request.urlopen(address + "healthz", timeout=DEADLINE_S) as said:
        assert said.status == 200
    assert [manager.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3

    program.send_signal(signal.SIGTERM)
    while (told := manager.recv(100)) == b"WATCHDOG=1":
        pass
    assert told == b"STOPPING=1"
    assert program.wait(DEADLINE_S) == 0


def test_an_agent_that_stands_still_tells_nothing(manager, program):
    assert manager.recv(100) == b"READY=1"
    assert manager.recv(100) == b"WATCHDOG=1"
    program.send_signal(signal.SIGSTOP)
    manager.setblocking(False)
    with suppress(BlockingIOError):
        while manager.recv(100):  # what was on its way when it stopped
            pass
    manager.settimeout(1.5)
    with pytest.raises(TimeoutError):
        manager.recv(100)


@pytest.mark.parametrize("problem", [TimeoutError(), JournalFailedError("the disk is gone")])
async def test_an_agent_whose_writer_does_not_answer_is_not_spoken_for(
    manager, monkeypatch, problem
):
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    problems: list[LinesideError | TimeoutError] = [problem] * 3

    def answers(_within_s: float) -> None:
        if problems:
            raise problems.pop()
        loop.call_soon_threadsafe(asked.set)

    agent = SimpleNamespace(journal=SimpleNamespace(answers=answers))
    showing = asyncio.create_task(command._show_life(agent))  # pyright: ignore[reportArgumentType]
    manager.setblocking(False)
    while problems:
        with pytest.raises(BlockingIOError):
            manager.recv(100)
        await asyncio.sleep(0.005)
    await asyncio.wait_for(asked.wait(), DEADLINE_S)
    manager.settimeout(DEADLINE_S)
    assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
    showing.cancel()


def test_without_a_service_manager_nothing_is_told_and_nothing_breaks(tmp_path):
    assert not tell_service_manager("READY=1", {})
    assert not tell_service_manager("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})


def test_an_abstract_socket_is_told(tmp_path):
    name = f"lineside-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        listening.settimeout(DEADLINE_S)
        assert tell_service_manager("READY=1", {"NOTIFY_SOCKET": "@" + name})
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "period"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_answered_only_where_it_watches_us(environment, period):
    assert watchdog_s(environment) == period


def test_a_journal_whose_writer_is_gone_does_not_answer(tmp_path: Path):
    from lineside.contracts.clock import SystemClock
    from lineside.edge_agent.journal.store import Journal

    with Journal.open(tmp_path / "journal.db", clock=SystemClock()) as journal:
        journal.answers(DEADLINE_S)
        head = journal.head()
    assert head == 0
    with pytest.raises(JournalFailedError):
        journal.answers(DEADLINE_S)
