"""A test stand: central and edges as they run, with real sockets, and waiting on conditions."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, text

from lineside.central.authority import Authority
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.edges import enrol
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.mqtt import BrokerAddress, IngestService
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.mqtt import Broker, Tls
from lineside.edge_agent.sync.service import SyncService

PATIENCE_S = 40.0
HERE = Path(__file__).parent
CLOCK = SystemClock()


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s} s for: {what}"
        sleep_blocking(0.02)


async def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"waited {patience_s} s for: {what}"
        await asyncio.sleep(0.02)


class Files:
    """Certificate files in one folder."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.authority, self.folder = authority, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.crt").write_bytes(authority.certificate)
        authority.issue_central(now=CLOCK.now()).save(folder, "central")

    def server(self) -> None:
        issued = self.authority.issue_server(["127.0.0.1", "localhost"], now=CLOCK.now())
        issued.save(self.folder, "server")

    def edge(self, edge: str) -> Tls:
        self.authority.issue_edge(edge, now=CLOCK.now()).save(self.folder, edge)
        return Tls(self.folder / "ca.crt", self.folder / f"{edge}.crt", self.folder / f"{edge}.key")

    def central(self, port: int) -> BrokerAddress:
        return BrokerAddress(
            "127.0.0.1",
            port,
            str(self.folder / "ca.crt"),
            str(self.folder / "central.crt"),
            str(self.folder / "central.key"),
        )


class Central:
    """Ingest and downlink of central in this process."""

    def __init__(self, engine: Engine, broker: BrokerAddress, *edges: str) -> None:
        self.engine = engine
        with transaction(engine) as connection:
            for edge in edges:
                enrol(connection, edge, now=CLOCK.now())
        self.store = PostgresEventStore(engine, now=CLOCK.now())
        self.publisher = Publisher(engine, CLOCK)
        self.inbound = Inbound(self.store, clock=CLOCK, on_greeted=self.publisher.greeted)
        self.service = IngestService(self.inbound, broker, outgoing=self.publisher.push)

    def __enter__(self) -> Self:
        self.service.start()
        wait_until(self.service.connected.is_set, "central is connected")
        return self

    def __exit__(self, *_: object) -> None:
        self.service.stop()


def stored(
    engine: Engine, edge: str = "edge-1", lane: str = "facts"
) -> list[tuple[str, int, bytes]]:
    """(epoch, seq, data) in order of position."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT epoch, seq, data FROM raw_event WHERE edge = :edge AND lane = :lane"
                " ORDER BY position"
            ),
            {"edge": edge, "lane": lane},
        )
        return [(row.epoch, row.seq, bytes(row.data)) for row in rows]


def count_stored(engine: Engine, edge: str = "edge-1") -> int:
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT count(*) FROM raw_event WHERE edge = :edge AND lane = 'facts'"),
            {"edge": edge},
        ).scalar_one()


def refusals(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT code FROM ingest_refusal")).scalars())


def facts_of(journal: Journal) -> list[bytes]:
    events: list[bytes] = []
    after = 0
    while read := journal.read(after, 5_000):
        events += [event.data for event in read]
        after = read[-1].seq
    return events


def event(text_: str) -> SignedOn:
    now = CLOCK.now()
    return SignedOn(occurred_at=now, recorded_at=now, reason=text_)


@dataclass
class Edge:
    """An edge's journal and sync in this process."""

    journal: Journal
    desired: DesiredStore
    service: SyncService
    task: asyncio.Task[None]
    notices: dict[str, str] = field(default_factory=dict)

    def tell(self, *texts: str) -> None:
        self.journal.append_now([event(text_) for text_ in texts])

    def drained(self) -> bool:
        assert not self.task.done(), "the sync of the edge ended by itself"
        return self.journal.watermarks().durable_through == self.journal.head()


@contextlib.asynccontextmanager
async def running_edge(folder: Path, broker: Broker, edge: str = "edge-1") -> AsyncGenerator[Edge]:
    journal = Journal.open(folder / f"{edge}.db", clock=CLOCK)
    desired = DesiredStore(folder / f"{edge}-desired.db")
    notices: dict[str, str] = {}
    service = SyncService(
        edge,
        broker,
        journal=journal,
        desired=desired,
        clock=CLOCK,
        software="test",
        on_notice=notices.__setitem__,
    )
    task = asyncio.create_task(service.run())
    try:
        yield Edge(journal, desired, service, task, notices)
        assert not task.done(), "the sync of the edge ended by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(journal.close)
        desired.close()


def start_program(name: str, *arguments: object) -> subprocess.Popen[str]:
    """One of the programs beside this file, in a process that can be killed."""
    return subprocess.Popen(
        [sys.executable, str(HERE / name), *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
