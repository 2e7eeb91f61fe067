"""Real servers and a real browser."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from lineside.central import embedded_postgres
from lineside.central.app import create_app
from lineside.central.commands.sample import fill
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.db import open_engine
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.migrate import migrate
from lineside.central.platform.identity.service import add_user
from lineside.central.serving import serving
from lineside.contracts.clock import ManualClock, SystemClock, sleep_blocking

from . import valve_story
from .browsing import opened_browser
from .edge_stand import EdgeProgram

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STORY_BEGAN_MINUTES_AGO = 150
READ_DEADLINE_S = 30.0
USER, PASSWORD = "ada", "never-a-default-9"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: its loop must not stand in the way of asynchronous tests."""
    with opened_browser() as found:
        yield found


@pytest.fixture
def make_edge(tmp_path: Path) -> Iterator[Callable[..., EdgeProgram]]:
    """Edge agents as programs, started, on ports of their own."""
    made: list[EdgeProgram] = []

    def make(**settings: float) -> EdgeProgram:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = tmp_path / f"edge-{len(made)}"
        folder.mkdir()
        edge = EdgeProgram(folder, port, **settings)
        made.append(edge)
        edge.start()
        return edge

    yield make
    for edge in made:
        edge.end()


@pytest.fixture
def edge(make_edge: Callable[..., EdgeProgram]) -> EdgeProgram:
    """One running edge agent."""
    return make_edge()


@dataclass(frozen=True, slots=True)
class CentralStand:
    """A running central with the sample plant and a valve's life.

    Attributes:
        token: Of its administrator.
    """

    address: str
    token: str


@pytest.fixture(scope="module")
def central() -> Iterator[CentralStand]:
    """One central a module, with its own PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="lineside-e2e-"))
    server = embedded_postgres.start(folder / "pg", options=FAST)
    engine = open_engine(server.dsn("postgres"), pool_connections=5)
    clock = SystemClock()
    try:
        migrate(engine)
        config = CentralConfig(broker=BrokerConfig(enabled=False))
        app = create_app(config, engine=engine, clock=clock)
        with serving(app) as address:
            start = clock.now() - STORY_BEGAN_MINUTES_AGO * valve_story.MINUTE
            # The orders were released before the story that is told of them.
            with unit_of_work(engine, ManualClock(start), app.state.central.listeners) as work:
                fill(work)
            with unit_of_work(engine, clock, app.state.central.listeners) as work:
                add_user(work, name=USER, password=PASSWORD, roles=["administrator"])
            valve_story.tell(engine, clock, start=start)
            app.state.central.runner.wake()
            yield CentralStand(address=address, token=_token_after_reading(address))
    finally:
        engine.dispose()
        embedded_postgres.stop(server)
        shutil.rmtree(folder)


def _token_after_reading(address: str) -> str:
    """Sign in, and wait until the readers have taken the story up."""
    with httpx.Client(base_url=address, timeout=10) as client:
        answer = client.post("/api/v1/auth/login", json={"user": USER, "password": PASSWORD})
        token: str = answer.json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        deadline = time.monotonic() + READ_DEADLINE_S
        while time.monotonic() < deadline:
            known = client.get("/api/v1/trace/known", headers=headers).json()
            if {one["edge"] for one in known if one["seq"] > 0} == {"line-1", "line-2"}:
                return token
            sleep_blocking(0.1)
    raise AssertionError("central's readers did not take the story up")
