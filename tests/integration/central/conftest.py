"""One PostgreSQL a test session, one database a test, a client that is signed in."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres, tables
from lineside.central.app import create_app
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.db import open_engine
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.edges import enrol
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.storage import LaneState, NewEvent
from lineside.central.kit.notices import Listeners
from lineside.central.kit.unit_of_work import transaction, unit_of_work
from lineside.central.migrate import migrate
from lineside.central.platform.identity.entities import UserAccount
from lineside.central.platform.identity.service import SignInRules, issue_token
from lineside.central.projections.runner import Runner
from lineside.central.serving import serving
from lineside.central.wiring import listeners, readers
from lineside.contracts.clock import ManualClock, parse_rfc3339
from lineside.contracts.codec import SCHEMA, encode_event
from lineside.contracts.events import Event
from lineside.contracts.units import EventRef

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
NOW = parse_rfc3339("2026-11-24T08:00:00Z")


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[Callable[[str], str]]:
    """DSN by database name: of `LINESIDE_TEST_DSN`, else of an embedded server of this session."""
    given = os.environ.get("LINESIDE_TEST_DSN", "")
    if given:
        yield lambda name: given if name == "postgres" else given.rsplit("/", 1)[0] + "/" + name
        return
    directory = Path(tempfile.mkdtemp(prefix="lineside-test-"))
    server = embedded_postgres.start(directory / "pg", options=FAST)
    try:
        yield server.dsn
    finally:
        embedded_postgres.stop(server)
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def database(server_dsn: Callable[[str], str]) -> Iterator[str]:
    """A migrated database of this worker; tests get it one after the other, emptied."""
    name = f"test_{secrets.token_hex(6)}"
    with administrator(server_dsn) as run:
        run(f"CREATE DATABASE {name}")
    engine = open_engine(server_dsn(name), pool_connections=1)
    migrate(engine)
    engine.dispose()
    yield name
    with administrator(server_dsn) as run:
        run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def administrator(server_dsn: Callable[[str], str]) -> Generator[Callable[[str], object]]:
    """Runs statements that create and drop databases."""
    engine = open_engine(server_dsn("postgres"), pool_connections=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield lambda statement: connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def engine(server_dsn: Callable[[str], str], database: str) -> Iterator[Engine]:
    """A migrated, empty database."""
    engine = open_engine(server_dsn(database), pool_connections=3)
    with engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in tables.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names}"))
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def app(engine: Engine, clock: ManualClock) -> FastAPI:
    config = CentralConfig(broker=BrokerConfig(enabled=False))
    return create_app(config, engine=engine, clock=clock)


def make_token(
    engine: Engine, clock: ManualClock, *roles: str, grants: tuple[str, ...] = ()
) -> str:
    """A token of a new user with these roles; without the cost of a password."""
    with unit_of_work(engine, clock, Listeners()) as work:
        user = UserAccount(
            id=f"u-{secrets.token_hex(8)}",
            name=f"user-{secrets.token_hex(4)}",
            password_hash="none",
            roles=list(roles),
            grants=list(grants),
            person="",
            disabled=False,
            created_at=clock.now(),
            revision=1,
        )
        work.session.add(user)
        work.session.flush()
        return issue_token(work, SignInRules(), user).token


@pytest.fixture
def client(app: FastAPI, engine: Engine, clock: ManualClock) -> Iterator[httpx.Client]:
    """Signed in as an administrator, who may also see figures per person."""
    token = make_token(engine, clock, "administrator", grants=("figures.person",))
    headers = {"Authorization": f"Bearer {token}"}
    with (
        serving(app) as address,
        httpx.Client(base_url=address, headers=headers, timeout=60) as client,
    ):
        yield client


@pytest.fixture
def token_of(engine: Engine, clock: ManualClock) -> Callable[..., str]:
    return lambda *roles, **kwargs: make_token(engine, clock, *roles, **kwargs)


class Reported:
    """Facts of edges, stored as ingest stores them, and read by all readers."""

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.engine, self.clock = engine, clock
        self._seq: dict[str, int] = {}
        heard = listeners(DownlinkListeners(Publisher(engine, clock)))
        self.runner = Runner(engine, clock, readers(), heard)

    def edge(self, edge: str) -> None:
        with transaction(self.engine) as connection:
            enrol(connection, edge, now=self.clock.now())

    def store(self, edge: str, *events: Event, head: int = 0) -> list[EventRef]:
        """Store facts of an edge; `head` is what the edge says to have beyond them."""
        refs: list[EventRef] = []
        epoch = f"epoch{edge.replace('-', '')}"
        store = PostgresEventStore(self.engine, now=self.clock.now())
        with store.transaction() as work:
            assert work.edge(edge) is not None, "enrol the edge first"
            state = work.lane(edge, "facts", epoch) or LaneState(edge, "facts", epoch, 0, None)
            new: list[NewEvent] = []
            for event in events:
                seq = self._seq[edge] = self._seq.get(edge, 0) + 1
                refs.append(EventRef(edge=edge, epoch=epoch, seq=seq))
                new.append(
                    NewEvent(
                        edge=edge,
                        lane="facts",
                        epoch=epoch,
                        seq=seq,
                        schema=SCHEMA,
                        type=str(event.__struct_config__.tag),
                        station=event.station,
                        occurred_at=event.occurred_at,
                        received_at=self.clock.now(),
                        group_hash=None,
                        data=encode_event(event),
                    )
                )
            work.add(new)
            state.durable_through = self._seq[edge]
            state.reported_head = max(state.durable_through, head)
            work.save_lane(state, self.clock.now())
            record = work.edge(edge)
            assert record is not None
            record.epoch, record.heard_at = epoch, self.clock.now()
            work.save_edge(record)
        return refs

    def __call__(self, edge: str, *events: Event, head: int = 0) -> list[EventRef]:
        refs = self.store(edge, *events, head=head)
        self.runner.run_until_idle()
        return refs

    def problems(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT problem FROM reader_problem")).scalars())


@pytest.fixture
def report(engine: Engine, clock: ManualClock) -> Iterator[Reported]:
    """Facts of edges; at the end no reader may have had a problem."""
    reported = Reported(engine, clock)
    yield reported
    assert reported.problems() == []


@pytest.fixture
def at() -> Callable[[str], int]:
    """`09:12:30` of the test's day as microseconds UTC."""
    return lambda clock_time: parse_rfc3339(f"2026-11-24T{clock_time}Z")
