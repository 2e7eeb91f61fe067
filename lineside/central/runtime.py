"""Everything that runs beside the routes: database, readers, and the wire to the edges."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.broker import EmbeddedBroker
from lineside.central.config import CentralConfig
from lineside.central.db import open_engine
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.mqtt import BrokerAddress, IngestService
from lineside.central.kit.notices import Listeners
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.migrate import check_migrated, migrate
from lineside.central.platform.identity.service import make_first_run_code
from lineside.central.projections.runner import Runner
from lineside.central.wiring import listeners, readers
from lineside.contracts.clock import Clock

INGEST_CONNECTIONS = 2

log = structlog.get_logger("central")


@dataclass(slots=True)
class Central:
    """What a running central is made of."""

    config: CentralConfig
    clock: Clock
    engine: Engine
    publisher: Publisher
    listeners: Listeners
    runner: Runner
    first_run_code: str | None = None
    ingest: IngestService | None = None
    background: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @property
    def wire_problem(self) -> str:
        """Why edges cannot be reached now; empty when they can, or when no wire is wanted."""
        if self.ingest is None or self.ingest.connected.is_set():
            return ""
        return "central is not connected to the broker"


def open_database(
    config: CentralConfig,
) -> tuple[Engine, embedded_postgres.EmbeddedPostgres | None]:
    """An engine for the configured database; without a DSN our own server is started.

    Returns:
        The engine, and our own server where there is one.

    Raises:
        EmbeddedPostgresError: Our own server does not start.
    """
    if config.database.dsn:
        return open_engine(config.database.dsn), None
    server = embedded_postgres.start(config.database.directory)
    admin = open_engine(server.dsn(), pool_connections=1)
    try:
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            exists = connection.execute(
                text("SELECT 1 FROM pg_database WHERE datname = :name"),
                {"name": config.database.name},
            ).first()
            if exists is None:
                name = admin.dialect.identifier_preparer.quote(config.database.name)
                connection.execute(text(f"CREATE DATABASE {name}"))
    finally:
        admin.dispose()
    return open_engine(server.dsn(config.database.name)), server


def build(config: CentralConfig, engine: Engine, clock: Clock) -> Central:
    """Put the parts together; nothing runs yet."""
    publisher = Publisher(engine, clock)
    heard = listeners(DownlinkListeners(publisher))
    return Central(
        config=config,
        clock=clock,
        engine=engine,
        publisher=publisher,
        listeners=heard,
        runner=Runner(engine, clock, readers(), heard, simulation=config.simulation),
    )


@asynccontextmanager
async def running(
    config: CentralConfig, clock: Clock, engine: Engine | None = None
) -> AsyncGenerator[Central]:
    """A running central: database, readers, wire.

    Args:
        config: What to run.
        clock: The time it uses.
        engine: A database that is there already (tests); else the configured one, which is migrated
            when
            it is our own.

    Raises:
        NotReadyError: The database has another revision than this program.
    """
    server: embedded_postgres.EmbeddedPostgres | None = None
    own_engine = engine is None
    if engine is None:
        engine, server = await asyncio.to_thread(open_database, config)
    try:
        if server is not None:
            await asyncio.to_thread(migrate, engine)
        await asyncio.to_thread(check_migrated, engine)
        central = build(config, engine, clock)
        central.first_run_code = await asyncio.to_thread(_first_run_code, central)
        stop = asyncio.Event()
        async with _wire(central):
            central.background.append(asyncio.create_task(central.runner.run(stop)))
            try:
                yield central
            finally:
                stop.set()
                central.runner.wake()
                await asyncio.gather(*central.background)
    finally:
        if own_engine:
            await asyncio.to_thread(engine.dispose)
        if server is not None:  # also one that was left over by a crash
            await asyncio.to_thread(embedded_postgres.stop, server)


def _first_run_code(central: Central) -> str | None:
    with unit_of_work(central.engine, central.clock) as work:
        return make_first_run_code(work)


@asynccontextmanager
async def _wire(central: Central) -> AsyncGenerator[None]:
    """Broker, ingest and downlink, where the configuration wants them."""
    config = central.config.broker
    if not config.enabled:
        yield
        return
    broker: EmbeddedBroker | None = None
    port = config.port
    if config.embedded:
        folder = central.config.database.directory.parent / "broker"
        broker = EmbeddedBroker(folder, port=config.port)
        await asyncio.to_thread(broker.start)
        port = broker.port
        log.info("embedded_broker", port=port, note="it cannot prove who publishes")
    # Connections of its own: pages that take them all must not keep facts from being acknowledged.
    dsn = central.engine.url.render_as_string(hide_password=False)
    engine = open_engine(dsn, pool_connections=INGEST_CONNECTIONS)
    store = await asyncio.to_thread(PostgresEventStore, engine, now=central.clock.now())
    name = f"lineside-central-{secrets.token_hex(4)}"
    inbound = Inbound(
        store,
        clock=central.clock,
        owner=name,
        without_backup=central.config.backup.none_declared,
        on_greeted=central.publisher.greeted,
    )
    address = BrokerAddress(
        host=config.host if broker is None else broker.host,
        port=port,
        ca_file=config.ca_file,
        certificate_file=config.certificate_file,
        key_file=config.key_file,
        user=config.user,
        password_file=config.password_file,
    )
    service = IngestService(
        inbound,
        address,
        client_id=name,
        outgoing=central.publisher.push,
        on_stored=central.runner.wake,
    )
    central.ingest = service
    await asyncio.to_thread(service.start)
    try:
        yield
    finally:
        await asyncio.to_thread(service.stop)
        await asyncio.to_thread(engine.dispose)
        if broker is not None:
            await asyncio.to_thread(broker.stop)
