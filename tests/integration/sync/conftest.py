"""Real brokers, a real PostgreSQL, real certificates."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.authority import Authority
from lineside.central.broker import BrokerTls, EmbeddedBroker, MosquittoBroker
from lineside.central.db import metadata, open_engine
from lineside.central.downlink import models as downlink_models
from lineside.central.ingest import models as ingest_models
from lineside.contracts.clock import SystemClock

from .stand import Files

assert downlink_models
assert ingest_models


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[embedded_postgres.EmbeddedPostgres]:
    directory = Path(tempfile.mkdtemp(prefix="lineside-sync-"))
    running = embedded_postgres.start(directory / "pg", options={"fsync": "off"})
    yield running
    embedded_postgres.stop(running)
    shutil.rmtree(directory)


@pytest.fixture
def dsn(server) -> Iterator[str]:
    """A database of this test's own with the tables of ingest and downlink."""
    name = f"sync_{secrets.token_hex(6)}"
    admin = open_engine(server.dsn("postgres"), pool_connections=1)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    address = server.dsn(name)
    engine = open_engine(address, pool_connections=1)
    mine = [
        table
        for module in (ingest_models, downlink_models)
        for table in vars(module).values()
        if table in metadata.sorted_tables
    ]
    metadata.create_all(engine, tables=mine)
    engine.dispose()
    yield address
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def engine(dsn) -> Iterator[Engine]:
    opened = open_engine(dsn, pool_connections=3)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority.create(
        tmp_path_factory.mktemp("authority"), site="test", now=SystemClock().now()
    )


@pytest.fixture
def files(authority, tmp_path) -> Files:
    """Certificates of central, of the broker, and of the edges that a test names."""
    return Files(authority, tmp_path / "certificates")


@pytest.fixture
def mosquitto(files, tmp_path) -> Iterator[MosquittoBroker]:
    """A Mosquitto with mutual TLS and topics by certificate."""
    if MosquittoBroker.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    files.server()
    broker = MosquittoBroker(
        tmp_path / "broker",
        tls=BrokerTls(
            files.folder / "ca.crt", files.folder / "server.crt", files.folder / "server.key"
        ),
    )
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def embedded(tmp_path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()
