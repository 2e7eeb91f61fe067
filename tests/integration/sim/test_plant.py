"""The bare plant with its real servers: real edge agents are pointed at it and scored."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from lineside.contracts.clock import sleep_blocking
from lineside.sim import scenario

BIN = Path(sys.executable).parent
DEADLINE_S = 45


def wait_for(what, true):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := true():
            return found
        sleep_blocking(0.1)
    pytest.fail(f"in {DEADLINE_S} s not: {what}")


@pytest.fixture
def plant(tmp_path):
    """A plant in a process of its own: what it has announced."""
    announce = tmp_path / "plant.json"
    with (tmp_path / "plant.log").open("wb") as log:
        process = subprocess.Popen(
            [
                BIN / "lineside-sim",
                "plant",
                *("--announce", announce, "--keep", tmp_path / "plant", "--json"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for("the plant is ready", lambda: announce.exists() and announce.read_text())
        yield json.loads(announce.read_text()), announce
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (tmp_path / "plant.log").read_text()[-3000:]
    assert not announce.exists()


@pytest.fixture
def agents(plant, tmp_path):
    """An agent for each configuration that the plant has written: edge to address."""
    found, _ = plant
    processes, addresses = [], {}
    with (tmp_path / "agents.log").open("wb") as log:
        for edge, file in found["configurations"].items():
            processes.append(
                subprocess.Popen([BIN / "lineside-edge", "run", file], stdout=log, stderr=log)
            )
            listen = next(
                line for line in Path(file).read_text().splitlines() if line.startswith("listen")
            )
            addresses[edge] = f"http://{listen.partition('=')[2].strip().strip(chr(34))}"
    try:
        yield addresses
    finally:
        for process in processes:
            process.terminate()
        ended = [process.wait(20) for process in processes]
        asked = {0, -signal.SIGTERM}  # the latter when it had no time to begin
        assert asked.issuperset(ended), (tmp_path / "agents.log").read_text()[-3000:]


def facts_of(address):
    try:
        return httpx.get(f"{address}/healthz", timeout=2).json()["head_seq"]
    except httpx.HTTPError:
        return 0


def score(announce, found, addresses, *more):
    words = []
    for edge, address in addresses.items():
        journal = Path(found["configurations"][edge]).parent / "data" / "journal.db"
        words += ["--edge", f"{edge}={address}", "--journal", f"{edge}={journal}"]
    done = subprocess.run(
        [BIN / "lineside-sim", "score", "--demo-file", announce, "--json", *words, *more],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(150)
def test_a_real_agent_books_what_the_machines_of_a_bare_plant_did(plant, agents):
    """OPC UA, Modbus TCP and serial scanners, read by edge agents without central."""
    found, announce = plant
    for address in agents.values():
        wait_for("facts are recorded", lambda address=address: facts_of(address) > 40)
    _, judged = score(announce, found, agents)
    assert judged["differences"] == []
    assert not judged["moving"]
    assert judged["compared"]["pieces"] > 10
    assert judged["compared"]["facts"] > 80
    assert any("no orders, units and genealogy" in line for line in judged["left_out"])
    ledger = httpx.get(f"{found['simulator']}/ledger").json()
    assert ledger["moving"], "the plant goes on after it was judged"


@pytest.mark.timeout(120)
def test_a_scanner_of_the_plant_reads_what_is_asked(plant, agents):
    found, _ = plant
    address = agents[scenario.EDGE_2]
    wait_for("the agent answers", lambda: facts_of(address) > 5)

    def refused():
        body = {"station": "L2-BENCH", "code": "SP18-00000001"}
        assert httpx.post(f"{found['simulator']}/scan", json=body).status_code == 200
        entries = httpx.get(f"{address}/api/stations/L2-BENCH").json()["entries"]
        return [entry for entry in entries if entry["kind"] == "scan_refused"]

    wait_for("the scan is booked as refused", refused)
    answer = httpx.post(f"{found['simulator']}/scan", json={"station": "L9", "code": "x"})
    assert answer.status_code == 422


def test_a_plant_ends_by_itself_and_says_where_everything_is(tmp_path):
    announce = tmp_path / "plant.json"
    done = subprocess.run(
        [BIN / "lineside-sim", "plant", "--seconds", "3", "--announce", announce],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "READY" in done.stdout
    assert "opc.tcp://" in done.stdout
    assert "Modbus    127.0.0.1:" in done.stdout
    assert "L2-PACK: " in done.stdout.splitlines()[-1]
    assert not announce.exists()
