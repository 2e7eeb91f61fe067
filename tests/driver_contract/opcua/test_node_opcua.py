"""Our driver against the server of other people (the npm package node-opcua-server)."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from lineside.contracts.errors import DriverTrustError, DriverUnavailableError
from lineside.contracts.samples import Quality

URI = "urn:lineside:test:machines"


def signal(name, **settings):
    return {"name": name.lower(), "node": f"nsu={URI};s=M1.{name}"} | settings


SIGNALS = [
    signal("State", type="int"),
    signal("Counter", type="int"),
    signal("Sequence", trigger=True, sampling_ms=0),
    signal("Ack", writable=True),
    signal("Good", type="bool"),
    signal("Torque", type="float"),
    signal("Energy", type="float"),
    signal("Program", type="text"),
    signal("Big", type="int"),
    signal("Text", type="text"),
]
NAMES = tuple(one["name"] for one in SIGNALS)


@pytest.fixture
async def trusted(peer, peer_folder, make_driver, trust, tmp_path):
    """Starts the peer with our certificate trusted and its trusted by us; gives a driver."""
    own = tmp_path / "pki/own/certificate.der"

    async def start(stack, signals=SIGNALS, *, settings=None, through=None, **options):
        if not own.exists():  # the first, refused attempt makes our certificate
            waiting = make_driver("opc.tcp://127.0.0.1:9", signals)
            with pytest.raises(DriverUnavailableError):
                await waiting.connect()
        endpoint, ask = await stack.enter_async_context(
            peer(peer_folder, trusted=str(own), **options)
        )
        if through is not None:
            wire = await stack.enter_async_context(through(port_of(endpoint)))
            endpoint = f"opc.tcp://127.0.0.1:{wire.port}/UA/Peer"
            ask = wire, ask
        pace = {"sampling_ms": 50, "publishing_ms": 100}
        driver = make_driver(endpoint, signals, **(pace | (settings or {})))
        try:
            await driver.connect()
        except DriverTrustError:
            trust(tmp_path)
            await driver.connect()
        return driver, ask

    return start


def port_of(endpoint):
    return int(endpoint.split(":")[2].split("/")[0])


async def give_up(reader):
    with pytest.raises(DriverUnavailableError):
        await reader.until(lambda _: False, timeout_s=20)


async def test_values_of_all_types_and_a_write(trusted, read, stack):
    """The server takes 7 nodes a read and 6 items a call; Torque is a 32-bit float."""
    driver, ask = await trusted(stack)
    reader = await read(driver).until(lambda r: r.has(*NAMES))
    assert {sample.signal: sample.value for sample in reader.samples} == {
        "state": 4,
        "counter": 0,
        "sequence": 0,
        "ack": 0,
        "good": True,
        "torque": 0.1,
        "energy": 1.5,
        "program": "A-1",
        "big": 2**32 + 2,
        "text": "Hallo",
    }
    assert reader.told("signal_error") == []

    await ask(set="M1.State", value=6, at=1_700_000_000_123)
    await reader.until(lambda r: r.last("state").value == 6)
    assert reader.last("state").source_at == 1_700_000_000_123_000
    await ask(set="M1.Counter", value=1, status="BadNoCommunication")
    await reader.until(lambda r: r.last("counter").quality is Quality.BAD)
    assert reader.last("counter").status == "BadNoCommunication"

    await driver.write("ack", 17)
    assert await ask(get="M1.Ack") == 17


async def test_revised_queues_are_told(trusted, read, stack):
    signals = [signal("Sequence", trigger=True, sampling_ms=0, queue_size=6000), signal("State")]
    driver, _ = await trusted(stack, signals)
    reader = await read(driver).until(lambda r: r.has("sequence", "state"))
    told = reader.told("signal_error")
    assert [notice.signal for notice in told] == ["sequence"]
    assert "5000 values instead of 6000" in told[0].detail


@pytest.mark.fault("F-27")
async def test_a_paused_consumer_is_told_what_the_queue_lost(trusted, read, stack):
    signals = [signal("Sequence", trigger=True, sampling_ms=0, queue_size=12)]
    driver, ask = await trusted(stack, signals)
    reader = await read(driver).until(lambda r: r.has("sequence"))
    await ask(burst="M1.Sequence", values=list(range(1, 61)), every=25)
    await ask(set="M1.Sequence", value=99)
    await reader.until(lambda r: r.last("sequence").value == 99)
    assert len(reader.values("sequence")) < 62
    assert reader.told("gap", "sequence")
    assert any(sample.overflow for sample in reader.samples)


@pytest.mark.fault("F-25")
async def test_a_cut_connection_is_taken_up_without_loss(trusted, read, stack, cable):
    """The port that the server names itself leads nowhere near the cable, as behind NAT."""
    signals = [signal("Sequence", trigger=True, sampling_ms=0), signal("State")]
    driver, (wire, ask) = await trusted(stack, signals, through=cable)
    reader = await read(driver).until(lambda r: r.has("sequence"))
    await ask(set="M1.Sequence", value=1)
    await reader.until(lambda r: r.last("sequence").value == 1)
    wire.cut()
    await give_up(reader)
    await ask(burst="M1.Sequence", values=list(range(2, 41)), every=20)

    await driver.close()
    await driver.connect()
    again = await read(driver).until(lambda r: r.has("sequence") and r.last("sequence").value == 40)
    assert reader.values("sequence") + again.values("sequence") == list(range(41))
    assert [notice.kind for notice in again.notices] == ["connected"]


@pytest.mark.fault("F-25")
async def test_messages_that_were_sent_into_a_dead_wire_come_again(trusted, read, stack, cable):
    """Packets vanish while the socket looks well; the server believes that it has told all."""
    signals = [signal("Sequence", trigger=True, sampling_ms=0), signal("State")]
    driver, (wire, ask) = await trusted(stack, signals, through=cable, settings={"timeout_s": 2})
    reader = await read(driver).until(lambda r: r.has("sequence"))
    wire.swallows = True
    await ask(burst="M1.Sequence", values=list(range(1, 21)), every=40)
    await give_up(reader)
    wire.cut()
    wire.swallows = False

    await driver.close()
    await driver.connect()
    again = await read(driver).until(lambda r: r.has("sequence") and r.last("sequence").value == 20)
    assert reader.values("sequence") + again.values("sequence") == list(range(21))
    assert again.told("gap") == []


@pytest.mark.fault("F-26")
async def test_sessions_ended_by_the_server_give_a_gap(trusted, read, stack):
    driver, ask = await trusted(
        stack, [signal("Sequence", trigger=True, sampling_ms=0), signal("State")]
    )
    reader = await read(driver).until(lambda r: r.has("sequence"))
    await ask(forget=True)
    await give_up(reader)
    await driver.close()
    await driver.connect()
    again = await read(driver).until(lambda r: r.has("sequence"))
    assert [notice.kind for notice in again.notices] == ["connected", "gap"]
    assert again.last("sequence").initial


@pytest.mark.fault("F-26")
async def test_a_restart_with_another_order_of_namespaces(trusted, read, stack, peer, peer_folder):
    signals = [signal("Counter"), signal("State")]
    async with AsyncExitStack() as first:
        driver, ask = await trusted(first, signals)
        reader = await read(driver).until(lambda r: r.has("counter"))
    await give_up(reader)
    await driver.close()
    settings = driver._settings
    port, own = port_of(settings.endpoint), settings.certificate
    moved = ["urn:other:1", "urn:other:2", "urn:other:3"]
    _, ask = await stack.enter_async_context(
        peer(peer_folder, port=port, trusted=str(own), namespaces=moved)
    )
    await ask(set="M1.Counter", value=5)
    await driver.connect()
    again = await read(driver).until(lambda r: r.has("counter"))
    assert [notice.kind for notice in again.notices] == ["connected", "restarted", "gap"]
    assert again.last("counter").value == 5


async def test_a_server_that_does_not_know_us_is_named(peer, make_driver, trust, stack, tmp_path):
    endpoint, _ = await stack.enter_async_context(peer(tmp_path / "peer"))
    driver = make_driver(endpoint, SIGNALS)
    with pytest.raises(DriverTrustError, match="Nobody has trusted"):
        await driver.connect()
    trust(tmp_path)
    with pytest.raises(DriverTrustError) as caught:
        await driver.connect()
    assert "Trust our certificate at the server" in caught.value.hint
    assert "BadSecurityChecksFailed" in str(caught.value)


async def test_a_server_that_hides_its_endpoints_is_named(peer, peer_folder, make_driver, stack):
    endpoint, _ = await stack.enter_async_context(peer(peer_folder, hidden=True))
    with pytest.raises(DriverUnavailableError) as caught:
        await make_driver(endpoint, SIGNALS).connect()
    assert "Allow discovery" in caught.value.hint


@pytest.mark.parametrize("policy", ["Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"])
async def test_newer_policies_with_user_and_password(trusted, read, stack, policy):
    settings = {"security_policy": policy, "user": "edge", "password": "s3cret"}
    driver, _ = await trusted(stack, [signal("State")], settings=settings, users={"edge": "s3cret"})
    await read(driver).until(lambda r: r.has("state"))


async def test_the_channel_is_renewed(trusted, read, stack):
    settings = {"channel_lifetime_s": 5}
    driver, ask = await trusted(stack, [signal("Counter")], settings=settings)
    reader = await read(driver).until(lambda r: r.has("counter"))
    now = asyncio.get_running_loop().time
    number, end = 0, now() + 6
    while now() < end:
        number += 1
        await ask(set="M1.Counter", value=number)
        await reader.until(lambda r, n=number: r.last("counter").value == n)
