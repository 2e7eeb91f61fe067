"""Five weeks without central, and what a thief finds on the disk of an edge."""

# ruff: noqa: TID252 - fixtures of the neighbours, which have no package name
from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text

from lineside.central.ingest.mqtt import BrokerAddress
from lineside.contracts.clock import US_PER_SECOND, ManualClock, SystemClock
from lineside.contracts.events import CounterRead, ValueRecorded
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.certification import CentralRefusesError, enrol, renew
from lineside.edge_agent.enrolment import belongs, files_in
from lineside.edge_agent.journal.retention import prune
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.mqtt import Broker

from ..central.test_enrolment import site
from ..sync.stand import Central, count_stored, facts_of, running_edge, until

assert site
HOUR = 3_600 * US_PER_SECOND
HOURS = 35 * 24
RING = 1_500


@pytest.mark.fault("F-12")
async def test_five_weeks_offline_keep_every_fact_and_thin_telemetry_with_counted_gaps(
    embedded, engine, tmp_path
):
    """One commit of facts and one of telemetry an hour; the disk is nearly full all the time."""
    clock = ManualClock(SystemClock().now() - HOURS * HOUR)
    with Journal.open(tmp_path / "edge-1.db", clock=clock, telemetry_events_max=RING) as journal:
        for hour in range(HOURS):
            clock.advance(HOUR)
            now = clock.now()
            at: dict[str, Any] = {"occurred_at": now, "recorded_at": now, "station": "S1"}
            reads = [
                CounterRead(counter="c", value=hour * 3 + n, max_per_min=Decimal(60), **at)
                for n in (1, 2, 3)
            ]
            journal.append_now(reads)
            journal.append_now(
                [ValueRecorded(signal="t", value=str(hour), **at)] * 10, lane="telemetry"
            )
            if hour % 100 == 0:
                assert not prune(journal, used_share=0.95).events, "central has none of it"
        kept = len(journal.read(0, RING * 2, "telemetry"))
        assert kept <= RING
        ((first, last),) = journal.reader.telemetry_gaps()
        assert (first, last + kept) == (1, HOURS * 10)
        told = facts_of(journal)
    assert len(told) == HOURS * 3

    with Central(engine, BrokerAddress("127.0.0.1", embedded.port), "edge-1"):
        async with running_edge(tmp_path, Broker("127.0.0.1", embedded.port)) as edge:
            await until(edge.drained, "all facts have arrived")
            await until(lambda: _telemetry(engine) == kept, "what is left of telemetry, too")
    assert count_stored(engine) == HOURS * 3
    with engine.connect() as connection:
        stored = connection.execute(
            text("SELECT data FROM raw_event WHERE lane = 'facts' ORDER BY position")
        ).scalars()
        assert [bytes(one) for one in stored] == told
        gap = connection.execute(text("SELECT lane, first_seq, last_seq FROM event_gap")).one()
    assert tuple(gap) == ("telemetry", 1, last)


def _telemetry(engine) -> int:
    with engine.connect() as connection:
        counted = "SELECT count(*) FROM raw_event WHERE lane = 'telemetry'"
        return connection.execute(text(counted)).scalar_one()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.mark.fault("F-72")
async def test_a_stolen_disk_holds_no_secret_but_the_key_of_its_own_edge(site, tmp_path):
    """Every file of an enrolled edge that has run; afterwards its key opens nothing any more."""
    folder = tmp_path / "edge"
    token = site.invite()
    files = files_in(folder / "identity")
    enrol(site.address, token, files)
    checked = configuration.parse(
        f"""
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[sync]
broker = "mqtts://127.0.0.1:1"
[identity]
certificate = "{files.certificate}"
key = "{files.key}"
authority = "{files.authority}"
""".encode(),
        file="edge.toml",
        folder=folder,
    )
    agent = Agent(checked)
    await agent.begin()
    agent.close()

    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files.key in found
    assert any(path.name == "journal.db" for path in found)
    secrets = _secrets(site) | {token.encode(), token.split(".")[1].encode()}
    for path, content in found.items():
        assert not [one for one in secrets if one in content], path
        assert (b"PRIVATE KEY" in content) is (path == files.key), path
    assert belongs(files.certificate.read_bytes(), found[files.key])
    assert files.key.stat().st_mode & 0o077 == 0

    site.revoke()
    with pytest.raises(CentralRefusesError):
        renew(files)


def _secrets(site) -> set[bytes]:
    """Private keys of central as text, in their lines and as bytes; the address of its database."""
    found: set[bytes] = {str(site.engine.url).encode()}
    keys = list(site.folder.rglob("*.key"))
    assert keys, "the authority has a key"
    for path in keys:
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        found |= {der, base64.b64encode(der), pem.splitlines()[1]}
    return found
