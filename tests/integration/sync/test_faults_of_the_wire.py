"""Faults between edge and central with a real broker: frozen lines, refusals, two of one name."""

import asyncio
import shutil
import time

import pytest
from sqlalchemy import make_url, text

from lineside.central.broker import BrokerTls, MosquittoBroker
from lineside.central.db import open_engine
from lineside.central.ingest import doors
from lineside.central.ingest.inbound import Inbound
from lineside.contracts.clock import sleep_blocking
from lineside.edge_agent.sync import mqtt as edge_mqtt
from lineside.edge_agent.sync.mqtt import Broker

from .proxy import Proxy
from .stand import (
    Central,
    count_stored,
    facts_of,
    refusals,
    running_edge,
    start_program,
    stored,
    until,
)


@pytest.mark.fault("F-35")
async def test_a_line_that_freezes_is_given_up_and_nothing_is_lost(
    mosquitto, files, engine, tmp_path, monkeypatch
):
    """No packet comes through and neither end is told: after some silence, a new connection."""
    monkeypatch.setattr(edge_mqtt, "KEEPALIVE_S", 2)
    tls = files.edge("edge-1")
    async with Proxy("127.0.0.1", mosquitto.port) as proxy:
        with Central(engine, files.central(mosquitto.port), "edge-1"):
            async with running_edge(tmp_path, Broker("127.0.0.1", proxy.port, tls)) as edge:
                edge.tell("before")
                await until(edge.drained, "the edge is drained")
                proxy.freeze()
                edge.tell("while the line is dead")
                await until(lambda: not edge.service.connected, "the edge gives the line up")
                proxy.thaw()
                await until(edge.drained, "the edge is drained again")
                told = facts_of(edge.journal)
    assert proxy.connections >= 2
    assert [data for _, _, data in stored(engine)] == told


@pytest.mark.fault("F-49")
async def test_a_database_that_is_gone_for_a_while_makes_edges_wait_and_loses_nothing(
    mosquitto, files, engine, dsn, server, tmp_path, monkeypatch
):
    monkeypatch.setattr(doors, "CLOSED_MAX_S", 2)
    name = str(make_url(dsn).database)
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        async with running_edge(
            tmp_path, Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
        ) as edge:
            edge.tell("before")
            await until(edge.drained, "the edge is drained")
            _lock_out(server, name, allowed=False)
            edge.tell("while the database is away")
            await until(lambda: bool(edge.notices.get("sync.busy")), "the edge is asked to wait")
            _lock_out(server, name, allowed=True)
            await until(edge.drained, "the edge is drained again")
            assert edge.notices["sync.busy"] == ""
            told = facts_of(edge.journal)
    assert [data for _, _, data in stored(engine)] == told


def _lock_out(server, name: str, *, allowed: bool) -> None:
    admin = open_engine(server.dsn("postgres"), pool_connections=1)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"))
        if not allowed:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                ),
                {"name": name},
            )
    admin.dispose()


@pytest.mark.fault("F-42")
async def test_two_agents_with_one_certificate_are_told_apart_and_one_wins(
    mosquitto, files, engine, tmp_path, monkeypatch
):
    """They throw each other off the broker; central sees two runs and takes facts of one alone."""
    tls = files.edge("edge-1")
    side = Broker("127.0.0.1", mosquitto.port, tls)
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a", "b")
            await until(edge.drained, "the edge is drained")
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in tmp_path.glob("edge-1*"):
            if path.is_file():
                shutil.copy(path, copy)
        async with running_edge(tmp_path, side) as one, running_edge(copy, side) as other:
            one.tell("of the one")
            other.tell("of the other")
            both = (one, other)
            await until(lambda: "ingest.two_agents" in refusals(engine), "two are seen")
            await until(lambda: any(e.notices.get("sync.fenced") for e in both), "one is fenced")
            winner = next(e for e in both if not e.notices.get("sync.fenced"))
            await until(
                lambda: bool(winner.notices.get("sync.two_agents")), "the winner hears of it"
            )
            winner.tell("the winner goes on")
            await until(winner.drained, "the winner is drained")
            told = facts_of(winner.journal)
    in_central = [data for _, _, data in stored(engine)]
    assert [data for data in told if data not in in_central] == []
    assert len(in_central) == len(set(in_central))


@pytest.mark.fault("F-43")
async def test_a_broker_that_refuses_what_an_edge_publishes_is_told_to_people(
    mosquitto, files, engine, tmp_path
):
    """MQTT 5 gives the reason; nobody waits for a silence to be noticed."""
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    access = tmp_path / "broker" / "access"
    right = access.read_text()
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a")
            await until(edge.drained, "the edge is drained")
            access.write_text(right.replace("pattern write", "pattern deny"))
            mosquitto.reload()
            await asyncio.sleep(0.5)
            edge.tell("b")
            await until(lambda: bool(edge.notices.get("sync.broker_refuses")), "people are told")
            assert "Not authorized" in edge.notices["sync.broker_refuses"]
            assert count_stored(engine) == 1
            access.write_text(right)
            mosquitto.reload()
            await until(edge.drained, "the edge is drained again")
            assert edge.notices["sync.broker_refuses"] == ""
    assert count_stored(engine) == 2


@pytest.mark.fault("F-40")
async def test_another_empty_broker_in_the_place_of_the_old_one_loses_nothing(
    mosquitto, files, engine, tmp_path
):
    """It stands on the same address and knows nothing of what the first one had taken."""
    tls = BrokerTls(
        files.folder / "ca.crt", files.folder / "server.crt", files.folder / "server.key"
    )
    other = MosquittoBroker(tmp_path / "other-broker", tls=tls, port=mosquitto.port)
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    try:
        with Central(engine, files.central(mosquitto.port), "edge-1"):
            async with running_edge(tmp_path, side) as edge:
                edge.tell(*(f"{number}" for number in range(500)))
                await asyncio.to_thread(mosquitto.kill)
                edge.tell("while there is none")
                await asyncio.to_thread(other.start)
                await until(edge.drained, "the edge is drained")
                told = facts_of(edge.journal)
    finally:
        other.stop()
    assert [data for _, _, data in stored(engine)] == told


@pytest.mark.fault("F-50")
async def test_of_two_ingest_processes_one_answers_and_the_other_takes_over_when_it_is_killed(
    mosquitto, files, engine, dsn, tmp_path
):
    Central(engine, files.central(mosquitto.port), "edge-1")
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    programs = {
        name: start_program("central_program.py", dsn, mosquitto.port, files.folder, name)
        for name in ("one", "other")
    }
    try:
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a", "b")
            await until(edge.drained, "the edge is drained")
            with engine.connect() as connection:
                owner = connection.execute(text("SELECT owner FROM edge_lease")).scalar_one()
            programs[owner].kill()
            edge.tell("c")
            await until(edge.drained, "the other process has taken over")
            told = facts_of(edge.journal)
            with engine.connect() as connection:
                new_owner = connection.execute(text("SELECT owner FROM edge_lease")).scalar_one()
    finally:
        for program in programs.values():
            program.kill()
            program.wait()
            assert program.stdout is not None
            program.stdout.close()
    assert {owner, new_owner} == {"one", "other"}
    assert [data for _, _, data in stored(engine)] == told


@pytest.mark.fault("F-36")
async def test_the_newest_state_is_at_central_within_two_seconds_while_a_backlog_drains(
    mosquitto, files, engine, tmp_path, monkeypatch
):
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    async with running_edge(tmp_path, Broker("127.0.0.1", 9)) as edge:  # nobody there
        for number in range(100):
            edge.tell(*(f"{number}/{index}" for index in range(300)))
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        slow = Inbound.receive

        def receive(self, messages):  # a central that cannot follow
            sleep_blocking(0.05)
            return slow(self, messages)

        monkeypatch.setattr(Inbound, "receive", receive)
        async with running_edge(tmp_path, side) as edge:
            await until(lambda: count_stored(engine) > 0, "the backlog has begun to drain")
            assert edge.service.publish_live({"press-1": {"state": "running"}})
            began = time.monotonic()
            await until(lambda: _live(engine) > 0, "the newest state is there", 10)
            took = time.monotonic() - began
            stored_then, head_seq = count_stored(engine), _live(engine)
            await until(edge.drained, "the edge is drained")
            assert stored_then < head_seq == edge.journal.head()
    assert took < 2


def _live(engine) -> int:
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT coalesce(max(head_seq), 0) FROM edge_live")
        ).scalar_one()
