"""PostgreSQL fails over to a replica that lags behind what central has acknowledged (F-48)."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from lineside.central import embedded_postgres
from lineside.central.db import metadata, open_engine
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.incarnation import current_incarnation
from lineside.central.ingest.mqtt import BrokerAddress
from lineside.central.kit.unit_of_work import transaction
from lineside.edge_agent.sync.mqtt import Broker

from ..sync.stand import (  # noqa: TID252 - the stand of the neighbours
    CLOCK,
    Central,
    count_stored,
    facts_of,
    running_edge,
    stored,
    until,
    wait_until,
)

FAST = {"fsync": "off"}


class Cluster:
    """A primary with a streaming replica, and one address that leads to either, as DNS does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.primary = embedded_postgres.start(folder / "a", options=FAST)
        self.address = folder / "db"
        self.point_to(self.primary)

    def point_to(self, server: embedded_postgres.EmbeddedPostgres) -> None:
        self.address.unlink(missing_ok=True)
        self.address.symlink_to(server.socket_directory)

    def dsn(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.address}"

    def add_replica(self) -> None:
        user, folder = embedded_postgres._server_user(), self.folder / "b"
        folder.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(folder, user.pw_uid, user.pw_gid)
        source = f"host={self.primary.socket_directory} user=postgres"
        command = [
            str(embedded_postgres._programs() / "pg_basebackup"),
            *("-D", str(folder), "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source),
        ]
        embedded_postgres._run(command, user, self.primary.directory)
        (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # of the socket beside the data
        self.replica = embedded_postgres.start(folder, options=FAST)

    def on_replica(self, statement: str) -> object:
        with psycopg.connect(f"host={self.replica.socket_directory} user=postgres") as connection:
            connection.autocommit = True
            cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None

    def cut_replica_off(self) -> None:
        """From now on it lags: nothing more reaches it."""
        self.on_replica("ALTER SYSTEM SET primary_conninfo = ''")
        self.on_replica("SELECT pg_reload_conf()")
        asked = "SELECT 1 FROM pg_stat_wal_receiver"
        wait_until(lambda: self.on_replica(asked) is None, "the replica hears no more")

    def lose_primary(self) -> None:
        command = [str(embedded_postgres._programs() / "pg_ctl"), "-D", str(self.primary.directory)]
        user = embedded_postgres._server_user()
        embedded_postgres._run([*command, "-m", "immediate", "stop"], user, self.primary.directory)

    def stop(self) -> None:
        embedded_postgres.stop(self.primary)
        if hasattr(self, "replica"):
            embedded_postgres.stop(self.replica)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="lineside-ha-"))
    folder.chmod(0o711)
    found = Cluster(folder)
    yield found
    found.stop()
    shutil.rmtree(folder)


@pytest.mark.fault("F-48")
async def test_facts_that_a_lagging_replica_lacks_are_sent_again_after_the_failover(
    cluster, embedded, tmp_path
):
    """Acknowledged, lost with the old server, and back: the new server has another life."""
    engine = open_engine(cluster.dsn(), pool_connections=3)
    metadata.create_all(engine)
    central = Central(engine, BrokerAddress("127.0.0.1", embedded.port), "edge-1")
    before = central.store.incarnation
    with central:
        async with running_edge(tmp_path, Broker("127.0.0.1", embedded.port)) as edge:
            edge.tell(*(f"early {number}" for number in range(50)))
            await until(edge.drained, "the first facts are acknowledged")
            await asyncio.to_thread(cluster.add_replica)
            known = "SELECT count(*) FROM raw_event"
            await until(lambda: cluster.on_replica(known) == (50,), "the replica has them")
            await asyncio.to_thread(cluster.cut_replica_off)
            edge.tell(*(f"late {number}" for number in range(70)))
            await until(edge.drained, "facts are acknowledged that the replica does not have")

            await asyncio.to_thread(cluster.lose_primary)
            cluster.point_to(cluster.replica)
            edge.tell("while central reaches only a replica")
            await until(lambda: "is a replica" in _refused(engine), "central says what it reaches")
            assert count_stored(engine) == 50
            assert edge.journal.watermarks().durable_through == 120
            cluster.on_replica("SELECT pg_promote()")
            await until(lambda: count_stored(engine) == 121, "what was lost is there again")
            await until(edge.drained, "and acknowledged anew")
            told = facts_of(edge.journal)

    assert [data for _, _, data in stored(engine)] == told
    number, _, chance = central.store.incarnation.partition("-")
    assert (int(number), chance) > (int(before.partition("-")[0]), "")
    assert PostgresEventStore(engine, now=CLOCK.now()).incarnation == central.store.incarnation
    engine.dispose()


def _refused(engine: Engine) -> str:
    """Why nothing can be acknowledged; connections of the lost server are used up first."""
    try:
        with transaction(engine) as connection:
            current_incarnation(connection)
    except (SQLAlchemyError, psycopg.Error) as problem:
        return str(problem)
    return ""


@pytest.mark.fault("F-48")
def test_the_same_server_after_a_restart_has_the_same_life(cluster):
    engine = open_engine(cluster.dsn(), pool_connections=1)
    metadata.create_all(engine)
    first = PostgresEventStore(engine, now=CLOCK.now()).incarnation

    cluster.lose_primary()
    cluster.primary = embedded_postgres.start(cluster.primary.directory, options=FAST)

    engine.dispose()
    store = PostgresEventStore(engine, now=CLOCK.now())
    assert store.incarnation == first
    with store.transaction() as work:
        assert work.connection.execute(text("SELECT 1")).scalar_one() == 1
    assert store.incarnation == first
    engine.dispose()
