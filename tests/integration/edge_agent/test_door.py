"""Nobody on the network finds a terminal before somebody has signed on at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.door import SIGNED_ON
from lineside.edge_agent.host import PlantClock

CONFIGURATION = """
[edge]
data_dir = "data"
listen = "0.0.0.0:0"
[[station]]
id = "BENCH"
state_from = "acts"
counts_from = "unit_finished"
"""
DEADLINE_S = 30.0


@asynccontextmanager
async def running(folder) -> AsyncGenerator[Agent]:
    checked = configuration.parse(CONFIGURATION.encode(), file="edge.toml", folder=folder)
    agent = Agent(checked, clock=PlantClock())
    task = asyncio.create_task(agent.run())
    await asyncio.wait_for(agent.ready.wait(), DEADLINE_S)
    try:
        yield agent
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answers(host: str, port: int) -> bool:
    """Whether the agent answers at an address; 127.0.0.2 stands for one of the network."""
    async with httpx.AsyncClient(timeout=10) as http:
        try:
            return (await http.get(f"http://{host}:{port}/healthz")).is_success
        except httpx.ConnectError:
            return False


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 - asked over the network
            await asyncio.sleep(0.05)


@pytest.fixture
async def folder(tmp_path, line_at):
    """Of an edge that knows its people, and where nobody was yet."""
    async with line_at(tmp_path):
        pass
    return tmp_path


async def test_the_configured_address_is_used_from_the_first_sign_on_on(folder):
    """Without a restart, and the page that was open goes on; at the next start at once."""
    async with running(folder) as agent, httpx.AsyncClient(timeout=10) as http:
        here = f"http://127.0.0.1:{agent.port}"
        assert agent.door.host == "127.0.0.1"
        assert not await answers("127.0.0.2", agent.port)
        problems = (await http.get(f"{here}/healthz")).json()["problems"]
        assert any("scan a badge" in problem for problem in problems)

        act = {"id": "a-1", "station": "BENCH", "kind": "sign_on", "badge": "B-1"}
        assert (await http.post(f"{here}/api/acts", json=act)).json()["answer"] == "accepted"
        await until(lambda: answers("127.0.0.2", agent.port))
        health = await http.get(f"{here}/healthz")
        assert not any("scan a badge" in problem for problem in health.json()["problems"])

    async with running(folder) as agent:
        assert agent.door.host == "0.0.0.0"
        assert await answers("127.0.0.2", agent.port)


async def test_an_edge_that_is_older_than_this_rule_stays_open(folder):
    """Its journal tells that somebody was there; nobody need be signed on now."""
    async with running(folder) as agent, httpx.AsyncClient(timeout=10) as http:
        on = {"id": "a-1", "station": "BENCH", "kind": "sign_on", "badge": "B-1"}
        off = {"id": "a-2", "station": "BENCH", "kind": "sign_off", "person": "P-1"}
        for act in (on, off):
            answer = await http.post(f"http://127.0.0.1:{agent.port}/api/acts", json=act)
            assert answer.json().get("answer") == "accepted", answer.text
    (folder / "data" / SIGNED_ON).unlink(missing_ok=True)

    async with running(folder) as agent:
        assert agent.door.host == "0.0.0.0"
