"""At each connection the broker proves that it keeps the topics of edges apart, or nothing goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from lineside.central.broker import BrokerTls, MosquittoBroker, access_list, listens
from lineside.contracts.clock import SystemClock
from lineside.contracts.topics import foreign
from lineside.edge_agent.sync.mqtt import Broker, MqttLink

from .stand import BrokerAddress, Central, count_stored, refusals, running_edge, until

CONNECT, SUBSCRIBE, PUBLISH = 0x10, 0x82, 0x30
OPEN = "sync.broker_open"
EVERYBODY_ALL = "topic readwrite v1/#\npattern readwrite v1/#\n"
READS_ALL = access_list() + "pattern read v1/#\n"
WRITES_ALL = access_list() + "pattern write v1/+/up/#\n"


@pytest.fixture
def guarded_by(mosquitto, files, tmp_path) -> Iterator[Callable[[str], MosquittoBroker]]:
    """A Mosquitto with mutual TLS and the access list that a test wants."""
    started: list[MosquittoBroker] = []
    mosquitto.stop()

    def start(text: str) -> MosquittoBroker:
        access = tmp_path / "access"
        access.write_text(text)
        access.chmod(0o600)
        names = ("ca.crt", "server.crt", "server.key")
        tls = BrokerTls(*(files.folder / name for name in names), access=access)
        started.append(MosquittoBroker(tmp_path / "own-broker", tls=tls))
        started[0].start()
        return started[0]

    yield start
    for broker in started:
        broker.stop()


@pytest.mark.fault("F-71")
async def test_the_right_access_list_is_proved_without_a_word(guarded_by, files, engine, tmp_path):
    """Facts rise; neither people nor central hear of the proof."""
    broker = guarded_by(access_list())
    side = Broker("127.0.0.1", broker.port, files.edge("edge-1"))
    assert side.must_guard
    with Central(engine, files.central(broker.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a", "b")
            await until(edge.drained, "the edge is drained")
            assert not edge.notices.get(OPEN)
    assert count_stored(engine) == 2
    assert refusals(engine) == set()


@pytest.mark.fault("F-71")
@pytest.mark.parametrize(
    ("access", "lets"),
    [(EVERYBODY_ALL, "write"), (WRITES_ALL, "write"), (READS_ALL, "read")],
    ids=["no list", "every edge writes everywhere", "every edge reads everything"],
)
async def test_nothing_is_sent_through_a_broker_that_does_not_keep_edges_apart(
    access, lets, guarded_by, files, engine, tmp_path
):
    """People are told what it lets; when the list is put right, everything is sent by itself."""
    broker = guarded_by(access)
    side = Broker("127.0.0.1", broker.port, files.edge("edge-1"))
    with Central(engine, files.central(broker.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a", "b")
            await until(lambda: bool(edge.notices.get(OPEN)), "the open broker is found")
            assert f"lets this edge {lets} v1/" in edge.notices[OPEN]
            assert "Nothing is sent" in edge.notices[OPEN]
            assert count_stored(engine) == 0
            assert not edge.drained()
            (tmp_path / "access").write_text(access_list())
            broker.reload()
            await until(edge.drained, "the edge is drained")
            assert edge.notices[OPEN] == ""
    assert count_stored(engine) == 2
    assert refusals(engine) == set()


@pytest.mark.fault("F-71")
async def test_an_open_broker_is_used_where_the_configuration_says_so(
    guarded_by, files, engine, tmp_path
):
    """And people hear of it all the time."""
    broker = guarded_by(EVERYBODY_ALL)
    side = Broker("127.0.0.1", broker.port, files.edge("edge-1"), may_be_open=True)
    with Central(engine, files.central(broker.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a")
            await until(edge.drained, "the edge is drained")
            assert "can speak for any of them" in edge.notices[OPEN]
            assert foreign("edge-1") in edge.notices[OPEN]


@pytest.mark.fault("F-71")
async def test_the_embedded_broker_is_used_on_this_computer_and_said_to_be_open(
    embedded, engine, tmp_path
):
    """It cannot know who publishes; that stands in the agent's health while it is used."""
    with Central(engine, BrokerAddress("127.0.0.1", embedded.port), "edge-1"):
        async with running_edge(tmp_path, Broker("127.0.0.1", embedded.port)) as edge:
            edge.tell("a")
            await until(edge.drained, "the edge is drained")
            assert "does not keep edges apart" in edge.notices[OPEN]
    assert refusals(engine) == set()
    assert listens("127.0.0.1", embedded.port)
    assert not listens("127.0.0.2", embedded.port), "no other address, so no other computer"


@pytest.mark.fault("F-71")
async def test_a_broker_that_ends_the_connection_of_an_intruder_guards_as_well():
    """Some brokers do so instead of refusing the message; twice is enough to know it."""
    published: list[int] = []
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        try:
            while True:
                (kind,) = await reader.readexactly(1)
                (length,) = await reader.readexactly(1)
                assert length < 0x80
                packet = await reader.readexactly(length)
                if kind == CONNECT:
                    writer.write(b"\x20\x03\x00\x00\x00")
                elif kind == SUBSCRIBE and len(packet) > 60:  # the three topics of this edge
                    writer.write(b"\x90\x06" + packet[:2] + b"\x00\x01\x01\x01")
                elif kind & 0xF0 == PUBLISH:
                    published.append(len(connections))
                    writer.write(b"\xe0\x02\x87\x00")  # disconnected: not authorised
        except asyncio.IncompleteReadError:
            writer.close()

    connected = threading.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = MqttLink(
        "edge-1", Broker("127.0.0.1", server.sockets[0].getsockname()[1]), clock=SystemClock(),
        on_connected=connected.set, on_disconnected=lambda _: None, on_message=lambda *_: None,
    )  # fmt: skip
    async with server:
        link.start()
        assert await asyncio.to_thread(connected.wait, 30)
        await asyncio.to_thread(link.stop)
    assert published == [1, 2]
    assert len(connections) == 3
