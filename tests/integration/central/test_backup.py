"""Backups that were restored before anybody relies on them, and restores that edges notice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, text

from lineside.central import cli, embedded_postgres
from lineside.central.db import open_engine
from lineside.central.ingest.edges import enrol
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.verification import CopyDamagedError, verify_copy
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import SystemClock
from lineside.contracts.codec import GENESIS_HASH, SCHEMA, chain_hash, encode_event
from lineside.contracts.envelope import Batch, Group, Hello, pack
from lineside.contracts.events import SignedOn

CLOCK = SystemClock()


class Site:
    """A site of its own with an edge's facts in its database."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "central.toml"
        self.backups = folder / "backups"
        self._previous, self._seq = GENESIS_HASH, 0

    @property
    def directory(self) -> Path:
        return self.folder / "data/postgres"

    def engine(self) -> Engine:
        server = embedded_postgres.start(self.directory)
        return open_engine(server.dsn("lineside"), pool_connections=2)

    def stop(self) -> None:
        if self.directory.exists():
            embedded_postgres.stop(
                embedded_postgres.EmbeddedPostgres(self.directory, self.folder, True)
            )

    def tell(self, *texts: str) -> None:
        """Facts of edge-1 in one commit group, taken as from the wire."""
        engine = self.engine()
        with transaction(engine) as connection:
            enrol(connection, "edge-1", now=CLOCK.now())
        inbound = Inbound(PostgresEventStore(engine, now=CLOCK.now()), clock=CLOCK)
        events = [encode_event(SignedOn(occurred_at=1, recorded_at=1, reason=t)) for t in texts]
        hashed = chain_hash(self._previous, events)
        hello = Hello(
            edge="edge-1", epoch="ab", head_seq=self._seq, head_hash="", oldest_seq=1, cursor=0,
            desired_hash="", boot="cd", sent_at=CLOCK.now(),
        )  # fmt: skip
        group = Group(
            first_seq=self._seq + 1, schema=SCHEMA, previous=self._previous.hex(),
            hash=hashed.hex(), events=tuple(map(msgspec.Raw, events)),
        )  # fmt: skip
        batch = Batch(edge="edge-1", lane="facts", epoch="ab", groups=(group,))
        inbound.receive([("v1/edge-1/up/hello", pack(hello)), ("v1/edge-1/up/facts", pack(batch))])
        self._previous, self._seq = hashed, self._seq + len(events)
        engine.dispose()

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        engine = self.engine()
        with engine.begin() as connection:
            found = connection.execute(text(sql))
            rows = [tuple(row) for row in found] if found.returns_rows else []
        engine.dispose()
        return rows

    def backed_up(self) -> object:
        return self.ask("SELECT backed_up_through FROM lane_watermark WHERE lane = 'facts'")[0][0]

    def run(self, *arguments: str | Path) -> int:
        return cli.main([*map(str, arguments), "--config", str(self.config)])


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    """A new site, stopped; each test has a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="lineside-empty-"))
    assert cli.main(["init", "--directory", str(folder)]) == 0
    Site(folder).stop()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def site(empty) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="lineside-backup-"))
    # Owners stay: the server refuses a directory of somebody else.
    subprocess.run(["cp", "-a", f"{empty}/.", str(folder)], check=True)
    config = folder / "central.toml"
    config.write_text(config.read_text().replace(str(empty), str(folder)))
    made = Site(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


def test_a_backup_is_restored_and_counted_before_edges_may_forget(site, capsys) -> None:
    site.tell("a", "b")
    site.tell("c")
    assert site.backed_up() == 0
    capsys.readouterr()

    assert site.run("backup", site.backups, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["events"], told["position"]) == (3, 3)
    assert (site.backups / told["archive"]).exists()
    assert sorted(path.suffix for path in site.backups.iterdir()) == [".dump", ".json"]
    assert site.backed_up() == 3
    assert site.ask("SELECT kind, events, problem FROM backup_run") == [("own", 3, "")]


@pytest.mark.fault("F-55")
def test_an_archive_that_cannot_be_read_moves_nothing(site, monkeypatch, capsys) -> None:
    site.tell("a", "b")
    write = embedded_postgres.dump

    def torn(dsn: str, target: Path) -> None:
        write(dsn, target)
        os.truncate(target, target.stat().st_size // 2)

    monkeypatch.setattr(embedded_postgres, "dump", torn)

    assert site.run("backup", site.backups) == 1

    assert "pg_restore" in capsys.readouterr().err
    assert site.backed_up() == 0
    assert list(site.backups.iterdir()) == []
    ((problem,),) = site.ask("SELECT problem FROM backup_run")
    assert "pg_restore" in str(problem)


@pytest.mark.fault("F-55")
def test_a_copy_with_an_altered_fact_moves_nothing(site, capsys) -> None:
    """The chain in the restored copy is computed anew; the database's own word is not taken."""
    site.tell("a", "b")
    site.ask("UPDATE raw_event SET data = convert_to('{}', 'UTF8') WHERE seq = 1")

    assert site.run("backup", site.backups) == 1

    assert "chain breaks" in capsys.readouterr().err
    assert site.backed_up() == 0


DAMAGES = {
    "DELETE FROM raw_event WHERE seq = 2": "missing",
    "DELETE FROM raw_event WHERE seq = 5": "not whole",
    "UPDATE lane_watermark SET durable_through = 3": "watermark",
    "UPDATE raw_event SET group_hash = decode(repeat('00', 32), 'hex') WHERE seq = 3": "chain",
    "UPDATE raw_event SET data = 'x' WHERE seq = 4": "chain breaks at 5",
    "DELETE FROM central_identity": "identity",
}


@pytest.mark.fault("F-55")
def test_a_copy_that_lacks_something_is_found(site) -> None:
    site.tell("a", "b", "c")
    site.tell("d", "e")
    server = embedded_postgres.start(site.directory)
    admin = open_engine(server.dsn(), pool_connections=1)
    for number, (damage, found) in enumerate(DAMAGES.items()):
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE damaged_{number} TEMPLATE lineside"))
        engine = open_engine(server.dsn(f"damaged_{number}"), pool_connections=1)
        with transaction(engine) as connection:
            connection.execute(text(damage))
        with pytest.raises(CopyDamagedError, match=found):
            verify_copy(engine)
        engine.dispose()
    admin.dispose()


@pytest.mark.fault("F-57")
def test_a_restore_mints_an_incarnation_and_keeps_the_former_database(site, capsys) -> None:
    site.tell("a", "b")
    ((before,),) = site.ask("SELECT counter FROM central_identity")
    assert site.run("backup", site.backups) == 0
    site.tell("c")
    (archive,) = site.backups.glob("*.dump")
    capsys.readouterr()

    assert site.run("restore", archive) == 1
    assert "Central runs" in capsys.readouterr().err
    site.stop()
    assert site.run("restore", archive, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 2
    assert site.ask("SELECT count(*) FROM raw_event") == [(2,)]
    ((after,),) = site.ask("SELECT counter FROM central_identity")
    assert after > before
    assert Path(told["former_database"]).exists()
    assert site.backed_up() == 2


@pytest.mark.fault("F-57")
def test_of_two_restores_from_one_backup_the_later_has_the_higher_incarnation(site) -> None:
    site.tell("a")
    assert site.run("backup", site.backups) == 0
    (archive,) = site.backups.glob("*.dump")
    counters = []
    for _ in range(2):
        site.stop()
        assert site.run("restore", archive) == 0
        ((counter,),) = site.ask("SELECT counter FROM central_identity")
        counters.append(counter)
        while CLOCK.now() // 1_000_000 <= counter:
            pass

    assert counters[1] > counters[0]


@pytest.mark.fault("F-55")
def test_an_archive_that_changed_since_it_was_verified_is_not_restored(site, capsys) -> None:
    site.tell("a")
    assert site.run("backup", site.backups) == 0
    (archive,) = site.backups.glob("*.dump")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    site.stop()

    assert site.run("restore", archive) == 1

    assert "not what was verified" in capsys.readouterr().err
    assert site.ask("SELECT count(*) FROM raw_event") == [(1,)]


def test_a_copy_restored_by_other_tools_is_verified_and_recorded(site, capsys) -> None:
    site.tell("a", "b")
    server = embedded_postgres.start(site.directory)
    engine = open_engine(server.dsn(), pool_connections=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE copied TEMPLATE lineside"))
    site.tell("c")

    assert site.run("backup", "--outside", server.dsn("copied"), "--place", "vault 7") == 0

    assert site.backed_up() == 2
    assert site.ask("SELECT kind, place, events FROM backup_run") == [("outside", "vault 7", 2)]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE copied WITH (FORCE)"))
    engine.dispose()


def test_a_copy_of_another_database_is_refused(site, capsys) -> None:
    site.tell("a", "b")
    server = embedded_postgres.start(site.directory)
    engine = open_engine(server.dsn(), pool_connections=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE copied TEMPLATE lineside"))
    engine.dispose()
    site.ask("UPDATE central_identity SET chance = 'other'")

    assert site.run("backup", "--outside", server.dsn("copied")) == 1

    assert "does not belong" in capsys.readouterr().err
    assert site.backed_up() == 0


def test_only_the_newest_archives_are_kept(site) -> None:
    site.tell("a")
    for _ in range(3):
        assert site.run("backup", site.backups, "--keep", "2") == 0

    assert len(list(site.backups.glob("*.dump"))) == 2
    assert len(list(site.backups.glob("*.json"))) == 2
