"""Many edges come back at once: their machines are real, their connections share one client."""

from __future__ import annotations

import os
import random
import time
from collections import deque

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy import text

from lineside.central.broker import MosquittoBroker
from lineside.central.ingest.mqtt import BrokerAddress
from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.edge_agent.sync.actions import Action, Publish, Remember
from lineside.edge_agent.sync.uplink import Uplink
from tests.unit.edge_agent.sync.memory_journal import MemoryJournal

from .stand import Central

CLOCK = SystemClock()
EDGES, BACKLOG_GROUPS, GROUP = 200, 4, 100


class Herd:
    """Uplinks of many edges over one connection to the broker."""

    def __init__(self, port: int, names: list[str]) -> None:
        self.journals = {name: MemoryJournal() for name in names}
        self.uplinks = {
            name: Uplink(
                name,
                journal,
                clock=CLOCK,
                desired=lambda: (0, ""),
                chance=random.Random(number),
            )
            for number, (name, journal) in enumerate(self.journals.items())
        }
        self.heard: deque[tuple[str, bytes]] = deque()
        self.marks = dict.fromkeys(names, 0)
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id="herd", protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.max_inflight_messages_set(500)
        self.client.max_queued_messages_set(0)
        self.client.on_message = lambda _c, _u, m: self.heard.append((m.topic, bytes(m.payload)))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("v1/+/down/#", options=SubscribeOptions(qos=1))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def do(self, name: str, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    self.client.publish(action.topic, action.payload, qos=1)
                case Remember():
                    self.marks[name] = int(action.changes["durable_through"])
                case _:
                    pass

    def step(self) -> None:
        while self.heard:
            topic, payload = self.heard.popleft()
            name = topic.split("/")[1]
            if not topic.endswith("/desired"):
                self.do(name, self.uplinks[name].received(topic, payload))
        for name, uplink in self.uplinks.items():
            self.do(name, uplink.tick())

    def drained(self) -> bool:
        return all(self.marks[name] == one.head() for name, one in self.journals.items())

    def until_drained(self, patience_s: float) -> float:
        began = time.monotonic()
        while not self.drained():
            waiting = [n for n, one in self.journals.items() if self.marks[n] != one.head()]
            assert time.monotonic() - began < patience_s, (
                f"{len(waiting)} edges wait: {waiting[:3]}"
            )
            self.step()
            sleep_blocking(0.005)
        return time.monotonic() - began


@pytest.mark.fault("F-44")
def test_two_hundred_edges_that_come_back_at_once_are_all_served(engine, tmp_path) -> None:
    """Their backlogs are in within a minute; then a fact is acknowledged within two seconds."""
    if MosquittoBroker.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    broker = MosquittoBroker(tmp_path / "broker", tls=None)
    broker.start()
    names = [f"edge-{number}" for number in range(EDGES)]
    herd = Herd(broker.port, names)
    try:
        for journal in herd.journals.values():
            for number in range(BACKLOG_GROUPS):
                journal.append(*(f"{number}/{index}" for index in range(GROUP)))
        with Central(engine, BrokerAddress("127.0.0.1", broker.port), *names) as central:
            for name, uplink in herd.uplinks.items():
                herd.do(name, uplink.connected())
            herd.until_drained(55)
            assert central.service.dropped == 0

            for journal in herd.journals.values():
                journal.append("one more")
            for name, uplink in herd.uplinks.items():
                herd.do(name, uplink.head_moved())
            assert herd.until_drained(20) < 2 * 3  # a shared machine is slower than a plant's
    finally:
        herd.close()
        broker.stop()

    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT edge, count(*), max(seq) FROM raw_event GROUP BY edge")
        ).all()
    assert len(rows) == EDGES
    assert {(count, last) for _, count, last in rows} == {(BACKLOG_GROUPS * GROUP + 1,) * 2}
