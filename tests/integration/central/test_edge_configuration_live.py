"""A real edge agent, broker and central: a configuration is sent, runs, and is taken back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from lineside.central.app import create_app
from lineside.central.authority import Authority
from lineside.central.config import BrokerConfig, CentralConfig, DatabaseConfig
from lineside.contracts.clock import SystemClock, sleep_blocking

EDGE = "line-1"
PATIENCE_S = 40.0
OWN = """\
[edge]
data_dir = "data"
listen = "127.0.0.1:0"

[identity]
certificate = "line-1.crt"
key = "line-1.key"
authority = "ca.crt"

[sync]
broker = "mqtt://127.0.0.1:{port}"
"""
SHOP = """
[[device]]
id = "plc"
driver = "scripted"
steps = [{ values = { state = 6 } }, { after_s = 3600, values = { state = 6 } }]

[[station]]
id = "TURN"
device = "plc"
[station.state]
signal = "state"
profile = "packml"
"""
GOOD = SHOP + '\n[[station]]\nid = "BENCH"\nstate_from = "acts"\ncounts_from = "unit_finished"\n'
ELSEWHERE = """
[[device]]
id = "press"
driver = "modbus"
host = "127.0.0.1"
port = {port}
timeout_s = 0.3
addressing = "modicon"
signals = [{{ name = "state", address = 40001 }}]
"""
UNKNOWN_DRIVER = '\n[[device]]\nid = "press"\ndriver = "telepathy"\n'


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def port() -> int:
    """Of the broker."""
    return free_port()


@pytest.fixture
def app(engine: Engine, clock: SystemClock, tmp_path: Path, port: int) -> FastAPI:
    """Central with a broker of its own."""
    config = CentralConfig(
        broker=BrokerConfig(port=port), database=DatabaseConfig(directory=tmp_path / "central/pg")
    )
    return create_app(config, engine=engine, clock=clock)


@pytest.fixture
def edge(client: httpx.Client, tmp_path: Path, port: int) -> Iterator[Path]:
    """`lineside-edge run` as a program; gives its log."""
    client.post("/api/v1/mes/edges", json={"id": EDGE, "name": ""}).raise_for_status()
    folder = tmp_path / "edge"
    (folder / "data").mkdir(parents=True, mode=0o700)
    now = SystemClock().now()
    authority = Authority.create(tmp_path / "authority", site="test", now=now)
    authority.issue_edge(EDGE, now=now).save(folder, EDGE)
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "edge.toml").write_text(OWN.format(port=port) + SHOP, encoding="utf-8")
    log = folder / "edge.log"
    with log.open("wb") as out:
        program = subprocess.Popen(
            [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(folder / "edge.toml")],
            stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    yield log
    program.send_signal(signal.SIGTERM)
    program.wait(timeout=20)


def until(found: Callable[[], Any], what: str, log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < deadline, f"{what}; {log.read_text(encoding='utf-8')[-3000:]}"
        sleep_blocking(0.1)
    return value


@pytest.mark.fault("F-56")
def test_a_real_edge_runs_what_was_sent_and_takes_back_what_does_not_answer(
    client: httpx.Client, edge: Path
) -> None:
    """Its own file; a good version; a device that is not there; a driver that does not exist."""
    base = f"/api/v1/mes/edges/{EDGE}/configurations"

    def standing() -> dict[str, Any]:
        (found,) = client.get("/api/v1/mes/edge-configurations").json()
        return found

    def sent(text: str) -> int:
        version = client.post(base, json={"text": text}).json()["version"]
        client.post(f"{base}/{version}/send", json={"trial_s": 2}).raise_for_status()
        return version

    def ended(version: int, *states: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            wanted = standing()["wanted"]
            return (
                wanted
                if (wanted["version"], wanted["state"] in states) == (version, True)
                else None
            )

        return until(look, f"version {version} is {states}: {standing()}", edge)

    own = until(lambda: standing()["running"], "the edge tells what it runs", edge)
    assert (own["origin"], own["version"]) == ("file", 0)

    good = ended(sent(GOOD), "running", "refused", "reverted")
    assert good["state"] == "running", good
    assert good["stations"] == ["BENCH"], "the station that stays is not touched"
    assert standing()["running"]["version"] == 1

    lost = ended(sent(GOOD + ELSEWHERE.format(port=free_port())), "running", "refused", "reverted")
    assert (lost["state"], lost["stage"], lost["devices"]) == ("reverted", "trial", ["press"])
    assert "press" in lost["reason"]
    assert standing()["running"]["version"] == 1

    unknown = ended(sent(GOOD + UNKNOWN_DRIVER), "running", "refused", "reverted")
    assert unknown["state"] == "refused"
    assert "telepathy" in unknown["reason"]
    running = standing()["running"]
    assert (running["version"], running["origin"]) == (1, "central")
