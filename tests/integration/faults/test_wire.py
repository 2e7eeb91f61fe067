"""Somebody else at the broker's address, and messages that are too large."""

from __future__ import annotations

import asyncio
import ssl
import threading

import pytest

from lineside.central.authority import Authority
from lineside.central.broker import EmbeddedBroker
from lineside.contracts.clock import SystemClock
from lineside.contracts.codec import EVENT_BYTES_MAX
from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.mqtt import Broker, MqttLink
from lineside.edge_agent.sync.trouble import unreachable

from ..sync.stand import running_edge, until  # noqa: TID252 - the stand of the neighbours

CLOCK = SystemClock()


class Listener:
    """What a link says when it cannot connect."""

    def __init__(self) -> None:
        self.why: list[str] = []
        self.connected = threading.Event()
        self.heard = threading.Event()

    def lost(self, why: str) -> None:
        self.why.append(why)
        self.heard.set()

    async def of(self, broker: Broker) -> str:
        link = MqttLink(
            "edge-1", broker, clock=CLOCK, on_connected=self.connected.set,
            on_disconnected=self.lost, on_message=lambda *_: None,
        )  # fmt: skip
        link.start()
        try:
            assert await asyncio.to_thread(self.heard.wait, 30), "nothing was said"
        finally:
            await asyncio.to_thread(link.stop)
        assert not self.connected.is_set()
        return self.why[0]


async def answering(folder, names: list[str] | None):
    """A server that is not ours: with a certificate of another authority, or with plain HTTP."""
    got: list[bytes] = []
    context = None
    if names is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(100))
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1], got


@pytest.mark.fault("F-46")
async def test_a_box_that_opens_tls_is_refused_and_named(files, tmp_path):
    """Its certificate fits the name and is of another authority: no byte of ours reaches it."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    other = Authority.create(foreign, site="firewall", now=CLOCK.now())
    other.issue_server(["127.0.0.1", "localhost"], now=CLOCK.now()).save(foreign, "server")
    server, port, got = await answering(foreign, ["127.0.0.1"])
    async with server:
        why = await Listener().of(Broker("127.0.0.1", port, files.edge("edge-1")))
    assert "certificate verify failed" in why
    assert "another authority" in unreachable("127.0.0.1", port, why)
    assert got == []


@pytest.mark.fault("F-46")
async def test_a_server_of_ours_with_another_name_is_refused_and_named(files):
    """Somebody bends the name of the broker to another server of this site."""
    files.authority.issue_server(["elsewhere"], now=CLOCK.now()).save(files.folder, "server")
    server, port, got = await answering(files.folder, ["elsewhere"])
    async with server:
        why = await Listener().of(Broker("127.0.0.1", port, files.edge("edge-1")))
    assert "127.0.0.1" in why
    assert "certificate" in why
    assert "for another name" in unreachable("127.0.0.1", port, why)
    assert got == []


@pytest.mark.fault("F-46")
async def test_a_captive_portal_is_no_broker(files, tmp_path):
    """It answers HTTP where TLS was begun."""
    server, port, _ = await answering(tmp_path, None)
    async with server:
        why = await Listener().of(Broker("127.0.0.1", port, files.edge("edge-1")))
    assert "SSL" in why
    assert "does not speak TLS" in unreachable("127.0.0.1", port, why)


@pytest.mark.fault("F-46")
async def test_a_name_that_nobody_knows_is_said(files):
    """RFC 2606 keeps `.invalid` free of answers."""
    why = await Listener().of(Broker("central.invalid", 8883, files.edge("edge-1")))
    assert "ame" in why  # "Name or service not known", "Temporary failure in name resolution"
    assert "central.invalid of the broker is not known" in unreachable("central.invalid", 8883, why)


@pytest.mark.fault("F-46")
async def test_the_reason_is_a_notice_until_there_is_a_connection(tmp_path):
    """Not only in the log: `/healthz`, the terminal and `doctor` show notices."""
    broker = EmbeddedBroker(tmp_path / "broker")
    async with running_edge(tmp_path, Broker("127.0.0.1", broker.port)) as edge:
        await until(lambda: bool(edge.notices.get("sync.unreachable")), "why is said")
        assert "Nobody listens" in edge.notices["sync.unreachable"]
        broker.start()
        try:
            await until(lambda: not edge.notices["sync.unreachable"], "it is settled")
        finally:
            broker.stop()


@pytest.mark.fault("F-45")
def test_a_huge_fact_is_refused_before_it_is_stored_and_the_next_one_is_taken(tmp_path):
    """The act fails where the person stands, not days later on the wire."""
    with Journal.open(tmp_path / "journal.db", clock=CLOCK) as journal:
        huge = SignedOn(occurred_at=1, recorded_at=1, reason="x" * EVENT_BYTES_MAX)
        with pytest.raises(InvalidMessageError, match="larger than"):
            journal.append_now([huge])
        with pytest.raises(InvalidMessageError, match="larger than"):
            journal.append_now([SignedOn(occurred_at=1, recorded_at=1), huge])
        assert journal.head() == 0
        fits = SignedOn(occurred_at=1, recorded_at=1, reason="x" * (EVENT_BYTES_MAX - 1_000))
        assert journal.append_now([fits]).last_seq == 1


@pytest.mark.fault("F-45")
async def test_a_huge_scan_at_a_terminal_is_refused_and_recorded_short(line):
    """Whatever is sent to it, the terminal answers, and the journal keeps no megabyte."""
    answer = await line.http.post(
        "/api/acts",
        json={"id": "a-1", "station": "TURN", "kind": "scan", "raw": "9" * 1_000_000},
    )
    assert answer.status_code in {200, 413, 422}, answer.text[:200]
    if answer.status_code == 200:
        assert answer.json()["answer"] == "refused"
    assert all(len(str(one)) < EVENT_BYTES_MAX for one in line.events())
    await line.must("B-1")
