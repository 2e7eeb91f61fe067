"""The agents of older releases as processes, against the present central, through a broker."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from lineside.central.authority import Authority
from lineside.central.downlink import desired
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.projections.runner import Runner
from lineside.central.wiring import listeners, readers
from lineside.contracts.clock import SystemClock
from lineside.contracts.commands import (
    ComponentNeed,
    Document,
    ItemInfo,
    OperationStep,
    Person,
    WorkOrder,
)

from ..integration.sync.stand import (  # noqa: TID252 - has no package name
    BrokerAddress,
    Central,
    wait_until,
)
from .corpus import Corpus, corpora

EDGE = "old-1"
CONFIGURATION = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[identity]
certificate = "edge.crt"
key = "edge.key"
authority = "authority/ca.crt"
[sync]
broker = "mqtt://127.0.0.1:{port}"
[[station]]
id = "BENCH"
state_from = "acts"
counts_from = "unit_finished"
"""
RUN = """
import argparse, pathlib
from lineside.edge_agent.commands import agent
agent.run(argparse.Namespace(file=pathlib.Path("edge.toml"), log_json=True))
"""
"""Its `run`, without the commands that look at devices: no drivers of devices are kept."""

CLOCK = SystemClock()


def order(number: str, state: str = "released") -> WorkOrder:
    step = OperationStep(
        operation="10", name="assembly", stations=("BENCH",), edge=EDGE, starts_unit=True,
        components=(ComponentNeed(item="SPRING", quantity=Decimal(1), tracking="none"),),
    )  # fmt: skip
    return WorkOrder(order=number, item="HV-22", quantity=Decimal(5), state=state, steps=(step,))


@contextmanager
def old_agent(corpus: Corpus, folder: Path, port: int) -> Generator[httpx.Client]:
    """A release's agent as a process; its terminal."""
    code = corpus.unpack_agent(folder / "code")
    Authority.create(folder / "authority", site="old", now=CLOCK.now()).issue_edge(
        EDGE, now=CLOCK.now()
    ).save(folder, "edge")
    (folder / "edge.toml").write_text(CONFIGURATION.format(port=port), encoding="utf-8")
    with (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN], cwd=folder, env={"PYTHONPATH": str(code)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert "terminal at http" in said, (folder / "agent.log").read_text(errors="replace")
        with httpx.Client(base_url=said.split()[-1], timeout=20) as terminal:
            yield terminal
        assert process.poll() is None, "it ended by itself"
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def orders_on(terminal: httpx.Client) -> dict[str, str]:
    """Order to its state on the older agent's screen."""
    answer = terminal.get("/api/stations/BENCH")
    if not answer.is_success:
        return {}
    return {one["order"]: one["state"] for one in answer.json()["orders"]}


def scan(terminal: httpx.Client, *codes: str) -> None:
    for number, raw in enumerate(codes):
        body = {"id": f"a-{time.monotonic_ns()}-{number}", "station": "BENCH", "kind": "scan"}
        answer = terminal.post("/api/acts", json={**body, "raw": raw}).json()
        assert answer["answer"] == "accepted", answer


@pytest.mark.fault("F-61", "F-62")
@pytest.mark.parametrize(
    "corpus", [one for one in corpora() if one.has_agent], ids=lambda corpus: corpus.name
)
def test_an_older_agent_sends_facts_to_this_central_and_takes_orders_from_it(
    corpus, engine, embedded, tmp_path
):
    """Orders go down and change, facts arrive and are read; nothing is quarantined or refused."""

    def put(kind: str, identity: str, document: Document) -> None:
        with engine.begin() as connection:
            desired.put(connection, EDGE, kind, identity, document, now=CLOCK.now())
        central.publisher.wake()

    def kinds() -> list[str]:
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT type FROM raw_event")).scalars())

    heard = listeners(DownlinkListeners(Publisher(engine, CLOCK)))
    runner = Runner(engine, CLOCK, readers(), heard)
    address = BrokerAddress("127.0.0.1", embedded.port)
    with (
        Central(engine, address, EDGE) as central,
        old_agent(corpus, tmp_path, embedded.port) as terminal,
    ):
        put("person", "P-1", Person(person="P-1", badge="B-1", name="Ada"))
        put("item", "HV-22", ItemInfo(item="HV-22", name="V", serial_pattern=r"HV22-\d{4}"))
        put("work_order", "WO-2", order("WO-2"))
        put("work_order", "WO-3", order("WO-3"))
        wait_until(lambda: set(orders_on(terminal)) == {"WO-2", "WO-3"}, "both orders are here")
        scan(terminal, "B-1", "WO-2", "HV22-0001")
        wait_until(lambda: "unit_started" in kinds(), "the facts are at central")
        put("work_order", "WO-3", order("WO-3", state="held"))
        wait_until(lambda: orders_on(terminal).get("WO-3") == "held", "the change is here")
        wait_until(lambda: kinds().count("intention_applied") >= 5, "and is answered by a fact")

        runner.run_until_idle()
        with engine.connect() as connection:
            lines = connection.execute(text("SELECT type FROM thing_line")).scalars()
            refused = connection.execute(text("SELECT code FROM ingest_refusal")).scalars()
            problems = connection.execute(text("SELECT problem FROM reader_problem")).scalars()
            assert (list(lines), list(refused), list(problems)) == (["unit_started"], [], [])
