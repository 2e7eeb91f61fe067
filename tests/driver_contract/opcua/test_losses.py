"""What is lost is said: paused consumers, lost connections, restarted and sick servers."""

import asyncio

import pytest

from lineside.contracts.errors import DriverUnavailableError
from lineside.contracts.samples import Quality


async def lost(reader, timeout_s=20):
    """Read until the driver gives up."""
    with pytest.raises(DriverUnavailableError) as caught:
        await reader.until(lambda _: False, timeout_s=timeout_s)
    return str(caught.value)


async def connect_again(driver, tries=50):
    """What the supervisor does, without its pauses."""
    await driver.close()
    for _ in range(tries):
        try:
            return await driver.connect()
        except DriverUnavailableError:
            await asyncio.sleep(0.1)
    return await driver.connect()


@pytest.mark.fault("F-27")
async def test_a_paused_consumer_gets_a_gap_for_what_the_queue_lost(
    plc, connect, read, plc_signals
):
    signals = plc_signals(plc, ("Sequence", "Counter"))
    signals[0]["queue_size"] = 20
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: r.has("sequence"))
    for number in range(1, 201):  # nobody reads meanwhile
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.3)
    for number in range(201, 251):
        await plc.set("M1.Sequence", number)

    await reader.until(lambda r: r.last("sequence").value == 250)
    values = reader.values("sequence")
    assert len(values) < 251
    assert values == sorted(values)
    assert [notice.signal for notice in reader.told("gap")] == ["sequence"]
    marked = [sample for sample in reader.samples if sample.overflow]
    assert [sample.signal for sample in marked] == ["sequence"]


async def test_a_paused_consumer_loses_nothing_that_the_queue_holds(
    plc, connect, read, plc_signals
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("sequence"))
    for number in range(1, 61):
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.01)
    await reader.until(lambda r: r.last("sequence").value == 60)
    assert reader.values("sequence") == list(range(61))
    assert reader.told("gap") == []


@pytest.mark.fault("F-27")
async def test_a_server_that_hides_its_losses_is_suspected(
    plc, connect, read, plc_signals, monkeypatch
):
    monkeypatch.setattr("lineside.sim.servers.opcua_queues.OVERFLOW", 0)
    signals = plc_signals(plc, ("Sequence",))
    signals[0]["queue_size"] = 10
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: r.has("sequence"))
    for number in range(1, 101):
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.002)
    await reader.until(lambda r: r.last("sequence").value == 100)
    assert "may be lost" in reader.told("gap", "sequence")[0].detail


@pytest.mark.fault("F-25")
async def test_a_cut_connection_is_noticed_at_once_and_taken_up_without_loss(
    plc, connect, read, plc_signals
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("sequence"))
    await plc.set("M1.Sequence", 1)
    await reader.until(lambda r: r.last("sequence").value == 1)
    plc.drop_connections()
    await lost(reader, timeout_s=5)

    for number in range(2, 30):
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.01)
    await connect_again(driver)
    again = await read(driver).until(lambda r: r.has("sequence"))
    await again.until(lambda r: r.last("sequence").value == 29)
    assert reader.values("sequence") + again.values("sequence") == list(range(30))
    assert [notice.kind for notice in again.notices] == ["connected"]
    assert not any(sample.initial for sample in again.samples)
    assert plc.session_count() == 1


@pytest.mark.fault("F-25")
async def test_what_was_not_yet_stored_comes_again(plc, connect, read, plc_signals):
    """The consumer never came back for the batch, so it is not acknowledged."""
    driver = await connect(plc.endpoint, plc_signals(plc, ("Sequence", "Counter")))
    reader = await read(driver).until(lambda r: r.has("sequence"))
    await asyncio.sleep(0.2)
    for number in range(1, 6):
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.06)  # several messages, of which the consumer takes none
    plc.drop_connections()
    await lost(reader)
    await connect_again(driver)
    again = await read(driver).until(lambda r: r.has("sequence") and r.last("sequence").value == 5)
    told = reader.values("sequence") + again.values("sequence")
    assert sorted(set(told)) == list(range(6))
    assert again.told("gap") == []


@pytest.mark.fault("F-26")
async def test_a_server_that_lost_the_session_gives_a_gap_and_new_values(
    plc, connect, read, plc_signals, server_identity
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("sequence", "counter"))
    await plc.set("M1.Counter", 1)
    await reader.until(lambda r: r.last("counter").value == 1)
    seen_at = reader.last("counter").read_at
    await plc.restart(other_namespaces_first=("urn:other:a", "urn:other:b"))
    await lost(reader)
    await plc.set("M1.Counter", 40)

    await connect_again(driver)
    again = await read(driver).until(lambda r: r.has("sequence", "counter"))
    assert [notice.kind for notice in again.notices] == ["connected", "restarted", "gap"]
    gap = again.told("gap")[0]
    assert seen_at <= gap.since <= gap.read_at
    assert again.last("counter").value == 40
    assert again.last("counter").initial
    await driver.write("ack", 12)
    assert plc.value("M1.Ack") == 12


@pytest.mark.fault("F-24")
async def test_namespaces_that_move_under_a_living_session_are_noticed(
    plc, connect, read, plc_signals
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("state"))
    await plc._server.register_namespace("urn:after:download")
    assert "namespaces have changed" in await lost(reader)
    await connect_again(driver)
    again = await read(driver).until(lambda r: r.has("state"))
    assert again.told("gap")


async def test_a_server_that_does_not_run_has_no_values(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc, ("State", "Counter")))
    reader = await read(driver).until(lambda r: r.has("state", "counter"))
    await plc.set_server_state(3)
    await reader.until(lambda r: r.last("counter").quality is Quality.BAD)
    assert reader.last("state").status == "server state Suspended"
    await plc.set("M1.Counter", 5)
    await reader.until(lambda r: len(r.values("counter")) >= 3)
    assert reader.last("counter").value is None

    await plc.set_server_state(0)
    await reader.until(
        lambda r: {r.last(name).quality for name in ("state", "counter")} == {Quality.GOOD}
    )
    assert reader.last("counter").value == 5


@pytest.mark.fault("F-35")
async def test_silence_on_an_open_socket_is_a_loss(plc, connect, read, plc_signals):
    """The socket stands, requests are answered, only the subscription says nothing any more."""
    driver = await connect(plc.endpoint, plc_signals(plc), timeout_s=2)
    reader = await read(driver).until(lambda r: r.has("state"))
    for subscription in plc._server.iserver.subscription_service.subscriptions.values():
        subscription._task.cancel()
    async with asyncio.timeout(15):
        assert "keep-alive" in await lost(reader)


async def test_a_quiet_machine_is_no_loss(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc), timeout_s=1)
    reader = await read(driver).until(lambda r: r.has("state"))
    with pytest.raises(TimeoutError):
        await reader.until(lambda _: False, timeout_s=2.5)


@pytest.mark.fault("F-31")
async def test_a_server_that_hangs_is_a_loss(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc), timeout_s=2)
    reader = await read(driver).until(lambda r: r.has("state"))
    for client in plc._server.bserver.clients:
        client._task.cancel()  # nobody reads the connection any more
    async with asyncio.timeout(15):
        await lost(reader)


@pytest.mark.fault("F-31")
async def test_the_audit_finds_what_the_subscription_skipped(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc), audit_every_s=0.4)
    reader = await read(driver).until(lambda r: r.has("state", "counter"))
    variable = plc._server.iserver.aspace._nodes[plc._nodes["M1.Counter"].nodeid]
    attribute = next(value for key, value in variable.attributes.items() if key == 13)
    attribute.datachange_callbacks.clear()  # the server forgets to tell
    await plc.set("M1.Counter", 77)

    await reader.until(lambda r: r.last("counter").value == 77)
    assert "differ" in reader.told("gap", "counter")[0].detail


async def test_the_audit_keeps_quiet_while_all_is_well(plc, connect, read, plc_signals):
    signals = plc_signals(plc)
    signals[1]["queue_size"] = 200
    driver = await connect(plc.endpoint, signals, audit_every_s=0.2)
    reader = await read(driver).until(lambda r: r.has("state", "counter"))
    for number in range(1, 100):
        await plc.set("M1.Counter", number)
        await asyncio.sleep(0.015)
        if number % 10 == 0:
            await reader.until(lambda r, n=number: r.last("counter").value >= n - 10)
    await reader.until(lambda r: r.last("counter").value == 99)
    assert reader.told("gap") == []


async def test_reconnecting_opens_one_session_at_a_time(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc))
    for _ in range(4):
        reader = await read(driver).until(lambda r: r.told("connected"))
        await plc.set("M1.Counter", plc.value("M1.Counter") + 1)
        await reader.until(lambda r: r.has("counter"))
        plc.drop_connections()
        await lost(reader)
        await connect_again(driver)
        assert plc.session_count() == 1
    await driver.close()
    await driver.close()
    assert plc.session_count() == 0


async def test_the_channel_is_renewed_while_values_flow(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc), channel_lifetime_s=4)
    reader = await read(driver).until(lambda r: r.has("sequence"))
    for number in range(1, 80):
        await plc.set("M1.Sequence", number)
        await asyncio.sleep(0.05)
        await reader.until(lambda r, n=number: r.last("sequence").value >= n)
    assert reader.values("sequence") == list(range(80))
