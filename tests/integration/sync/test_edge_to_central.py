"""From a journal through a real broker into a real database, each fact once and in order."""

import asyncio
import os
import signal

import msgspec
import pytest
import zstandard
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import text

from lineside.central.authority import Authority
from lineside.central.downlink import desired
from lineside.central.ingest.edges import list_edges, revoke
from lineside.central.ingest.events import head_position, read_events
from lineside.central.ingest.incarnation import mark_backed_up, mint_incarnation
from lineside.central.ingest.mqtt import BrokerAddress
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.commands import ItemInfo
from lineside.contracts.envelope import Batch, Group, pack
from lineside.contracts.events import IntentionApplied
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.sync.mqtt import Broker, Tls

from .stand import (
    CLOCK,
    Central,
    count_stored,
    event,
    facts_of,
    refusals,
    running_edge,
    start_program,
    stored,
    until,
    wait_until,
)


@pytest.fixture(params=["mosquitto", "embedded"])
def wire(request, files):
    """(broker, how an edge connects, how central connects)."""
    broker = request.getfixturevalue(request.param)
    if request.param == "mosquitto":
        return (
            broker,
            lambda edge: Broker("127.0.0.1", broker.port, files.edge(edge)),
            files.central(broker.port),
        )
    return (
        broker,
        lambda edge: Broker("127.0.0.1", broker.port),
        BrokerAddress("127.0.0.1", broker.port),
    )


async def test_what_an_edge_tells_is_in_the_database_once_and_in_order(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    with Central(engine, central_side, "edge-1", "edge-2"):
        async with (
            running_edge(tmp_path, edge_side("edge-1")) as one,
            running_edge(tmp_path, edge_side("edge-2"), "edge-2") as two,
        ):
            for number in range(30):
                one.tell(*(f"{number}/{index}" for index in range(40)))
                two.tell(f"{number}")
            await until(lambda: one.drained() and two.drained(), "both edges are drained")
            told_one, told_two = facts_of(one.journal), facts_of(two.journal)
            epoch = one.journal.epoch

    rows = stored(engine)
    assert [data for _, _, data in rows] == told_one
    assert [(epoch_, seq) for epoch_, seq, _ in rows] == [(epoch, seq) for seq in range(1, 1_201)]
    assert [data for _, _, data in stored(engine, "edge-2")] == told_two
    with engine.connect() as connection:
        read = read_events(connection, 0, 10_000)
        assert head_position(connection) == len(read) == 1_230
        assert [one.position for one in read] == list(range(1, 1_231))
        assert read[0].event().reason


@pytest.mark.fault("F-40")
async def test_a_broker_that_is_killed_and_comes_back_empty_loses_nothing(
    mosquitto, files, engine, tmp_path
):
    broker = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        async with running_edge(tmp_path, broker) as edge:
            for number in range(5):
                edge.tell(*(f"{number}/{index}" for index in range(300)))
                if number == 2:
                    await until(lambda: count_stored(engine) > 0, "something is stored")
                await asyncio.to_thread(mosquitto.kill)
                edge.tell(f"while the broker is away {number}")
                await asyncio.to_thread(mosquitto.start)
            await until(edge.drained, "the edge is drained")
            told = facts_of(edge.journal)

    assert [data for _, _, data in stored(engine)] == told


@pytest.mark.fault("F-02")
def test_an_edge_that_is_killed_counts_on_without_loss_or_double(
    mosquitto, files, engine, tmp_path
):
    """What it said to have saved is there; its counter's baseline was in the same transaction."""
    files.edge("edge-1")
    total = 400
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        said = 0
        for kill_after in (40, 120, 200, None):
            edge = start_program("edge_program.py", tmp_path, mosquitto.port, files.folder, total)
            try:
                assert edge.stdout is not None
                for line in edge.stdout:
                    word, _, number = line.strip().partition(" ")
                    if word == "done":
                        break
                    if word != "saved":
                        continue  # the log
                    assert int(number) == said + 1, "an event that was said to be saved is gone"
                    said = int(number)
                    if kill_after is not None and said >= kill_after:
                        edge.send_signal(signal.SIGKILL)
                        said += edge.stdout.read().count("saved ")
                        break
                if kill_after is None:
                    wait_until(lambda: count_stored(engine) == total, "everything is stored")
                elif _committed_after(tmp_path) > said:
                    said = _committed_after(tmp_path)  # saved, and killed before it could say so
            finally:
                edge.kill()
                edge.wait()
                assert edge.stdout is not None
                edge.stdout.close()

    readings = [msgspec.json.decode(data)["value"] for _, _, data in stored(engine)]
    assert readings == list(range(1, total + 1))


def _committed_after(folder) -> int:
    reader = JournalReader(folder / "edge-1.db")
    try:
        return int(reader.baselines().get("counter", b"0"))
    finally:
        reader.close()


@pytest.mark.fault("F-47")
async def test_a_central_that_is_killed_again_and_again_loses_and_doubles_nothing(
    mosquitto, files, engine, dsn, tmp_path
):
    Central(engine, files.central(mosquitto.port), "edge-1")
    before: list[int] = []
    async with running_edge(
        tmp_path, Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    ) as edge:
        for number in range(4):
            edge.tell(*(f"{number}/{index}" for index in range(2_000)))
            before.append(count_stored(engine))
            central = start_program("central_program.py", dsn, mosquitto.port, files.folder)
            try:
                await until(lambda: count_stored(engine) > before[-1], "something more is stored")
                if number == 3:
                    await until(edge.drained, "the edge is drained")
            finally:
                os.kill(central.pid, signal.SIGKILL)
                central.wait()
                assert central.stdout is not None
                central.stdout.close()
        told = facts_of(edge.journal)

    assert [data for _, _, data in stored(engine)] == told


@pytest.mark.fault("F-57")
async def test_a_central_restored_from_backup_gets_everything_again(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    async with running_edge(tmp_path, edge_side("edge-1")) as edge:
        with Central(engine, central_side, "edge-1"):
            edge.tell("a", "b")
            edge.tell("c")
            await until(edge.drained, "the edge is drained")
        with transaction(engine) as connection:  # as if restored to after the first two
            connection.execute(text("DELETE FROM raw_event WHERE seq > 2"))
            connection.execute(
                text(
                    "UPDATE lane_watermark SET durable_through = 2, head_hash ="
                    " (SELECT group_hash FROM raw_event WHERE seq = 2) WHERE lane = 'facts'"
                )
            )
            assert mint_incarnation(connection, CLOCK.now()).startswith("2-")
        edge.tell("d")
        with Central(engine, central_side, "edge-1"):
            await until(lambda: count_stored(engine) == 4, "everything is there again")
            await until(edge.drained, "the edge knows it")
        assert [data for _, _, data in stored(engine)] == facts_of(edge.journal)
        assert "lost facts 3 to 3" in edge.notices["sync.central_lost_events"]


@pytest.mark.fault("F-58")
@pytest.mark.fault("F-10")
async def test_an_edge_restored_from_an_old_image_opens_an_epoch(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    with Central(engine, central_side, "edge-1"):
        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            edge.tell("a", "b")
            await until(edge.drained, "the edge is drained")
        image = (tmp_path / "edge-1.db").read_bytes()
        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            edge.tell("c")
            await until(edge.drained, "the edge is drained")
            old_epoch, told = edge.journal.epoch, facts_of(edge.journal)
        for rest in ("-wal", "-shm"):
            (tmp_path / f"edge-1.db{rest}").unlink(missing_ok=True)
        (tmp_path / "edge-1.db").write_bytes(image)

        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            edge.tell("d", "e")
            await until(lambda: count_stored(engine) == 5, "everything is there")
            await until(edge.drained, "the edge knows it")
            new_epoch, later = edge.journal.epoch, facts_of(edge.journal)[2:]

    rows = stored(engine)
    assert [data for _, _, data in rows] == [*told, *later]
    assert [(epoch, seq) for epoch, seq, _ in rows[3:]] == [(new_epoch, 3), (new_epoch, 4)]
    assert new_epoch != old_epoch


async def test_desired_state_descends_at_once_and_the_answer_is_a_fact(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    with transaction(engine) as connection:
        desired.put(connection, "edge-1", "item", "A", ItemInfo(item="A", name="V"), now=1)
    with Central(engine, central_side, "edge-1") as central:
        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            await until(lambda: edge.desired.revision("item", "A") == 1, "the item is here")
            with transaction(engine) as connection:
                desired.put(connection, "edge-1", "item", "A", ItemInfo(item="A", name="W"), now=2)
                desired.put(connection, "edge-1", "item", "B", ItemInfo(item="B", name="X"), now=2)
                desired.put(connection, "edge-2", "item", "C", ItemInfo(item="C", name="Y"), now=2)
            central.publisher.wake()
            central.service.wake()
            await until(lambda: edge.desired.revision("item", "B") == 1, "the change is here")
            with transaction(engine) as connection:
                desired.drop(connection, "edge-1", "item", "A", now=3)
            central.publisher.wake()
            await until(lambda: edge.desired.revision("item", "A") == 0, "the item is gone")
            await until(lambda: count_stored(engine) == 4, "the answers are stored")
            names = [found.item for found in edge.desired.documents(ItemInfo)]

    assert names == ["B"]
    with engine.connect() as connection:
        answers = [one.event() for one in read_events(connection, 0, 100)]
        assert list_edges(connection)[0].software == "test"
    assert [
        (answer.id, answer.revision) for answer in answers if isinstance(answer, IntentionApplied)
    ] == [("A", 1), ("A", 2), ("B", 1), ("A", 3)]


async def test_copies_that_differ_in_content_are_replaced_as_a_whole(wire, engine, tmp_path):
    """A central restored from backup may give a number twice; the content hash shows it."""
    _, edge_side, central_side = wire
    with transaction(engine) as connection:
        desired.put(connection, "edge-1", "item", "A", ItemInfo(item="A", name="V"), now=1)
    async with running_edge(tmp_path, edge_side("edge-1")) as edge:
        with Central(engine, central_side, "edge-1"):
            await until(lambda: edge.desired.revision("item", "A") == 1, "the item is here")
        with transaction(engine) as connection:
            connection.execute(text("DELETE FROM desired_object"))
            connection.execute(text("UPDATE desired_head SET position = 0, content_hash = ''"))
            desired.put(connection, "edge-1", "item", "B", ItemInfo(item="B", name="W"), now=1)
        with Central(engine, central_side, "edge-1"):
            await until(lambda: edge.desired.revision("item", "B") == 1, "the other is here")
        assert [found.item for found in edge.desired.documents(ItemInfo)] == ["B"]


async def test_what_is_in_a_verified_backup_is_told_to_the_edge(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    with Central(engine, central_side, "edge-1"):
        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            edge.tell("a", "b")
            await until(edge.drained, "the edge is drained")
            with transaction(engine) as connection:
                mark_backed_up(connection, head_position(connection))
            edge.tell("c")
            await until(
                lambda: edge.journal.watermarks().backed_up_through == 2, "the edge knows it"
            )


@pytest.mark.fault("F-68")
async def test_a_revoked_edge_is_heard_no_more_and_says_so(wire, engine, tmp_path):
    _, edge_side, central_side = wire
    with Central(engine, central_side, "edge-1"):
        async with running_edge(tmp_path, edge_side("edge-1")) as edge:
            edge.tell("a")
            await until(edge.drained, "the edge is drained")
            with transaction(engine) as connection:
                assert revoke(connection, "edge-1", now=CLOCK.now())
            edge.tell("b")
            await until(lambda: "ingest.not_enrolled" in refusals(engine), "it is refused")

    assert count_stored(engine) == 1


def stranger(broker: Broker, tls: Tls | None) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2, client_id="somebody", protocol=MQTTProtocolVersion.MQTTv5
    )
    if tls is not None:
        client.tls_set_context(tls.context())
    client.connect(broker.host, broker.port)
    client.loop_start()
    return client


def batch_of(edge: str) -> bytes:
    group = Group(
        first_seq=1, schema=1, previous="00" * 32, hash="00" * 32, events=(msgspec.Raw(b"{}"),)
    )
    return pack(Batch(edge=edge, lane="facts", epoch="ab", groups=(group,)))


@pytest.mark.fault("F-39")
@pytest.mark.fault("F-45")
async def test_rubbish_on_the_wire_harms_nobody(wire, files, engine, tmp_path):
    broker, edge_side, central_side = wire
    side = edge_side("edge-1")
    rubbish = {
        "cut short": batch_of("edge-1")[:-4],
        "another name": batch_of("edge-2"),
        "another version": zstandard.ZstdCompressor().compress(
            b'{"edge":"edge-1","lane":"facts","epoch":"ab","groups":[],"protocol":9}'
        ),
        "a megabyte": os.urandom(1_024 * 1_024),
        "a bomb": zstandard.ZstdCompressor().compress(b" " * 64 * 1_024 * 1_024),
        "nothing": b"",
    }
    with Central(engine, central_side, "edge-1"):
        client = await asyncio.to_thread(stranger, side, side.tls)
        for payload in rubbish.values():
            client.publish("v1/edge-1/up/facts", payload, qos=1).wait_for_publish(10)
        client.publish("v1/edge-1/up/facts/deeper", b"x", qos=1).wait_for_publish(10)
        await until(
            lambda: {"message.invalid", "message.unsupported_version"} <= refusals(engine),
            "the rubbish is refused visibly",
        )
        async with running_edge(tmp_path, side) as edge:
            edge.tell("a")
            await until(edge.drained, "the edge is drained")
        client.disconnect()
        client.loop_stop()

    assert count_stored(engine) == 1
    assert broker.is_running


@pytest.mark.fault("F-71")
async def test_an_edge_can_write_on_no_topic_but_its_own(mosquitto, files, engine, tmp_path):
    """Mosquitto goes by the certificate, whatever the client calls itself."""
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-2"))
    with Central(engine, files.central(mosquitto.port), "edge-1", "edge-2"):
        client = await asyncio.to_thread(stranger, side, side.tls)
        refused: list[int] = []
        client.on_publish = lambda _c, _u, _m, reason, _p: refused.append(reason.value)
        for topic in ("v1/edge-1/up/facts", "v1/edge-2/down/ack", "other"):
            client.publish(topic, batch_of("edge-1"), qos=1).wait_for_publish(10)
        await until(lambda: len(refused) == 3, "the broker has answered")
        client.disconnect()
        client.loop_stop()

    assert refused == [0x87] * 3  # not authorised
    assert refusals(engine) == set()


@pytest.mark.fault("F-46")
@pytest.mark.fault("F-71")
async def test_an_edge_without_a_certificate_of_ours_is_not_let_in(mosquitto, files, tmp_path):
    other = Authority.create(tmp_path / "other", site="other", now=CLOCK.now())
    other.issue_edge("edge-1", now=CLOCK.now()).save(tmp_path / "other", "edge-1")
    folder = tmp_path / "other"
    tls = Tls(files.folder / "ca.crt", folder / "edge-1.crt", folder / "edge-1.key")

    async with running_edge(tmp_path, Broker("127.0.0.1", mosquitto.port, tls)) as edge:
        edge.tell("a")
        await asyncio.sleep(1)
        assert not edge.service.connected
        assert edge.journal.append_now([event("the line goes on")]).last_seq == 2
