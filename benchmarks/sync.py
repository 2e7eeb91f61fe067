"""Edge to central through a real broker into a real PostgreSQL, beside the raw wire and bare COPY.

The raw wire: one client publishes the same events in messages of 100 at QoS 1, another receives
them; nothing is unpacked, checked or stored.

Prints one line of JSON. Run: `python -m benchmarks.sync [events]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.broker import EmbeddedBroker, MosquittoBroker
from lineside.central.db import metadata, open_engine
from lineside.central.ingest import models
from lineside.central.ingest.edges import enrol
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import SystemClock
from lineside.contracts.envelope import Batch, pack
from lineside.contracts.events import CounterRead
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.mqtt import Broker
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.sync.source import wire_group

CLOCK = SystemClock()
COPY_EVENTS, WIRE_EVENTS = 2_000, 100
CENTRAL = """
import sys, threading
from lineside.central.db import open_engine
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.mqtt import BrokerAddress, IngestService
from lineside.contracts.clock import SystemClock
store = PostgresEventStore(open_engine(sys.argv[1]), now=1)
inbound = Inbound(store, clock=SystemClock())
service = IngestService(inbound, BrokerAddress("127.0.0.1", int(sys.argv[2])))
service.start()
service.connected.wait(30)
sys.stdout.write("ready\\n"); sys.stdout.flush()
threading.Event().wait()
"""


def fill(journal: Journal, count: int) -> None:
    """Readings of ten stations with uneven times, so that packing is not easier than in a plant."""
    chance = random.Random(1)
    futures = []
    now = CLOCK.now()
    for _ in range(0, count, 100):
        times = [now := now + chance.randrange(1_000, 900_000) for _ in range(100)]
        futures.append(
            journal.append(
                [
                    CounterRead(
                        occurred_at=at,
                        recorded_at=at + chance.randrange(500, 60_000),
                        station=f"press-{chance.randrange(10)}",
                        counter="good",
                        value=chance.randrange(65_536),
                        max_per_min=Decimal(60),
                    )
                    for at in times
                ],
                wait=False,
            )
        )
    for future in futures:
        future.result()


def wire_bytes(journal: Journal) -> float:
    """Bytes an event in messages as the uplink makes them."""
    after = sent = 0
    while groups := journal.groups(after, 500, 700 * 1024):
        batch = Batch(
            edge="edge-1",
            lane="facts",
            epoch=journal.epoch,
            groups=tuple(wire_group(group) for group in groups),
        )
        sent += len(pack(batch))
        after = groups[-1].last_seq
    return sent / after


def copy_rate(engine: Engine, rows: list[tuple[object, ...]]) -> float:
    """Rows a second: COPY into a staging table, insert what is new, commit, in portions."""
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE bare (LIKE raw_event INCLUDING ALL)"))
        connection.execute(text("CREATE UNLOGGED TABLE staging (LIKE raw_event)"))
    began = time.perf_counter()
    for at in range(0, len(rows), COPY_EVENTS):
        with transaction(engine) as connection:
            driver = connection.connection.driver_connection
            with driver.cursor() as cursor:
                with cursor.copy("COPY staging FROM STDIN") as copy:
                    for row in rows[at : at + COPY_EVENTS]:
                        copy.write_row(row)
                cursor.execute("INSERT INTO bare SELECT * FROM staging ON CONFLICT DO NOTHING")
                cursor.execute("TRUNCATE staging")
    return len(rows) / (time.perf_counter() - began)


def wire_rate(journal: Journal, port: int) -> float:
    """Events a second from publisher to subscriber through the broker, 100 to a message."""
    messages: list[bytes] = []
    after = 0
    while groups := journal.groups(after, WIRE_EVENTS, 700 * 1024):
        wired = tuple(wire_group(group) for group in groups)
        messages.append(pack(Batch(edge="e", lane="facts", epoch="1", groups=wired)))
        after = groups[-1].last_seq
    arrived = threading.Semaphore(0)
    receiver, sender = (
        Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        for name in ("bench-receiver", "bench-sender")
    )
    subscribed = threading.Event()
    receiver.on_message = lambda *_: arrived.release()
    receiver.on_subscribe = lambda *_: subscribed.set()
    receiver.connect("127.0.0.1", port)
    receiver.loop_start()
    receiver.subscribe("bench/wire", options=SubscribeOptions(qos=1))
    assert subscribed.wait(10)
    sender.max_inflight_messages_set(100)
    sender.connect("127.0.0.1", port)
    sender.loop_start()
    began = time.perf_counter()
    for payload in messages:
        sender.publish("bench/wire", payload, qos=1)
    for _ in messages:
        assert arrived.acquire(timeout=60)
    rate = after / (time.perf_counter() - began)
    for client in (sender, receiver):
        client.disconnect()
        client.loop_stop()
    return rate


async def sync_rate(journal: Journal, folder: Path, port: int) -> float:
    """Events a second from the first hello to the edge's knowledge that all are committed."""
    service = SyncService(
        "edge-1",
        Broker("127.0.0.1", port),
        journal=journal,
        desired=DesiredStore(folder / "desired.db"),
        clock=CLOCK,
    )
    began = time.perf_counter()
    task = asyncio.create_task(service.run())
    while service.uplink.durable_through < journal.head():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    rate = journal.head() / (time.perf_counter() - began)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return rate


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        folder = Path(scratch)
        server = embedded_postgres.start(folder / "pg")
        stack.callback(embedded_postgres.stop, server)
        engine = open_engine(server.dsn())
        stack.callback(engine.dispose)
        metadata.create_all(
            engine, tables=[t for t in vars(models).values() if t in metadata.sorted_tables]
        )
        with transaction(engine) as connection:
            enrol(connection, "edge-1", now=CLOCK.now())
        broker = (
            MosquittoBroker(folder / "broker", tls=None)
            if MosquittoBroker.program()
            else EmbeddedBroker(folder / "broker")
        )
        broker.start()
        stack.callback(broker.stop)
        journal = stack.enter_context(Journal.open(folder / "journal.db", clock=CLOCK))
        fill(journal, count)
        per_event = wire_bytes(journal)
        wire = wire_rate(journal, broker.port)
        central = subprocess.Popen(
            [sys.executable, "-c", CENTRAL, server.dsn(), str(broker.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(central.kill)
        assert central.stdout is not None
        central.stdout.readline()
        rate = asyncio.run(sync_rate(journal, folder, broker.port))
        central.kill()
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(text("SELECT * FROM raw_event"))]
        assert len(rows) == count
        bare = copy_rate(engine, rows)
        result = {
            "events": count,
            "broker": type(broker).__name__,
            "events_per_s": {
                "edge_to_committed": round(rate),
                "raw_wire": round(wire),
                "copy_staging": round(bare),
            },
            "ratio_to_slower": rate / min(bare, wire),
            "bytes_per_event": per_event,
        }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
