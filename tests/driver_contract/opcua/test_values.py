"""What comes out of a server: values, qualities, times, order."""

import asyncio

import pytest
import pytest_asyncio

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import DriverConfigurationError
from lineside.contracts.samples import Quality
from lineside.drivers.base import Driver
from lineside.sim.servers.opcua import MACHINE_VARIABLES, SimOpcUaServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(server_identity):
    """One server for all tests here: starting one takes a second."""
    async with SimOpcUaServer(namespace="urn:lineside:test", identity=server_identity) as started:
        await started.add_machine("M1", parameters={"torque": 1.5})
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def plc(server):
    """The server with its machine as it was at the start."""
    for variable, (_, value) in MACHINE_VARIABLES.items():
        await server.set(f"M1.{variable}", value)
    return server


@pytest_asyncio.fixture(loop_scope="module")
async def make_driver(drivers, tmp_path):
    async with drivers(tmp_path) as make:
        yield make


async def test_the_first_values_are_no_changes(plc, connect, read, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("state", "counter", "good"))

    assert isinstance(driver, Driver)
    assert [notice.kind for notice in reader.notices] == ["connected"]
    assert all(sample.initial for sample in reader.samples)

    await plc.set("M1.Counter", 1)
    await reader.until(lambda r: r.last("counter").value == 1)
    assert not reader.last("counter").initial


async def test_every_step_of_a_trigger_arrives_with_the_devices_time(
    plc, connect, read, plc_signals
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("sequence"))
    begin = SystemClock().now()
    for number in range(1, 61):
        await plc.set("M1.Sequence", number, source_at=begin + number)

    await reader.until(lambda r: r.last("sequence").value == 60)
    steps = [sample for sample in reader.samples if sample.signal == "sequence"]
    assert [step.value for step in steps] == list(range(61))
    assert [step.source_at for step in steps[1:]] == [begin + n for n in range(1, 61)]
    assert all(step.server_at is not None for step in steps)
    assert reader.told("gap") == []


async def test_values_of_one_message_are_in_order_of_source_time(plc, connect, read, plc_signals):
    """The counter is an earlier item than the flag, but its value is younger."""
    driver = await connect(plc.endpoint, plc_signals(plc), publishing_ms=300)
    reader = await read(driver).until(lambda r: r.has("good", "counter", "state"))
    begin = SystemClock().now()
    await plc.set("M1.Counter", 9, source_at=begin + 30)
    await plc.set("M1.State", 6, source_at=begin + 20)
    await plc.set("M1.Good", False, source_at=begin + 10)
    seen = len(reader.samples)

    await reader.until(lambda r: r.last("counter").value == 9)
    assert [sample.signal for sample in reader.samples[seen:]] == ["good", "state", "counter"]
    assert len({sample.sequence for sample in reader.samples[seen:]}) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x80310000, (Quality.BAD, None, "BadNoCommunication")),
        (0x40900000, (Quality.UNCERTAIN, 6, "UncertainLastUsableValue")),
        (0x00960000, (Quality.GOOD, 6, "GoodLocalOverride")),
    ],
)
async def test_the_status_decides_the_quality(plc, connect, read, status, expected):
    driver = await connect(plc.endpoint, [{"name": "state", "node": plc.node("M1.State")}])
    reader = await read(driver).until(lambda r: r.has("state"))
    await plc.set("M1.State", 6, status=status)

    await reader.until(lambda r: r.last("state").status != "Good")
    sample = reader.last("state")
    assert (sample.quality, sample.value, sample.status) == expected


async def test_a_first_value_that_is_bad_leaves_the_next_one_the_first(
    plc, connect, read, plc_signals
):
    await plc.set("M1.Counter", 0, status=0x80320000)
    driver = await connect(plc.endpoint, plc_signals(plc))
    reader = await read(driver).until(lambda r: r.has("counter"))
    await plc.set("M1.Counter", 7)
    await reader.until(lambda r: r.last("counter").quality is Quality.GOOD)
    assert reader.last("counter").initial


async def test_types_come_as_ours(plc, connect, read):
    signals = []
    for name, kind, value in (
        ("Real", "Float", 0.1),
        ("LReal", "Double", 0.1),
        ("Big", "UInt64", 2**64 - 1),
        ("Name", "String", "\u4e0a\u6d77"),
        ("Flag", "Boolean", True),
    ):
        node = await plc.add(f"M1.{name}", kind, value)
        signals.append({"name": name, "node": node})
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: r.has("Real", "LReal", "Big", "Name", "Flag"))
    found = {sample.signal: sample.value for sample in reader.samples}
    assert found == {
        "Real": 0.1,
        "LReal": 0.1,
        "Big": 2**64 - 1,
        "Name": "\u4e0a\u6d77",
        "Flag": True,
    }


async def test_not_a_number_is_no_value(plc, connect, read):
    node = await plc.add("M1.Level", "Double", 1.0)
    driver = await connect(plc.endpoint, [{"name": "level", "node": node}])
    reader = await read(driver).until(lambda r: r.has("level"))
    await plc.set("M1.Level", float("nan"))
    await reader.until(lambda r: r.last("level").quality is Quality.BAD)
    assert reader.last("level").value is None


@pytest.mark.fault("F-24")
async def test_unknown_nodes_and_wrong_types_stop_only_their_signals(
    plc, connect, read, plc_signals
):
    signals = [
        *plc_signals(plc),
        {"name": "ghost", "node": plc.node("M1.Ghost")},
        {"name": "elsewhere", "node": "nsu=urn:nobody;s=X"},
        {"name": "odd", "node": plc.node("M1.Program"), "type": "int"},
        {"name": "folder", "node": plc.node("M1")},
    ]
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: r.has("state", "counter"))
    told = {notice.signal: notice.detail for notice in reader.told("signal_error")}
    assert set(told) == {"ghost", "elsewhere", "odd", "folder"}
    assert "BadNodeIdUnknown" in told["ghost"]
    assert "urn:nobody" in told["elsewhere"]
    assert "String" in told["odd"]
    assert "no variable" in told["folder"]


async def test_nothing_usable_is_a_configuration_error(plc, connect):
    with pytest.raises(DriverConfigurationError, match=r"ghost: node .*BadNodeIdUnknown"):
        await connect(plc.endpoint, [{"name": "ghost", "node": plc.node("M1.Ghost")}])


@pytest.mark.fault("F-24")
async def test_a_signal_that_appears_later_is_taken_up(plc, connect, read, plc_signals):
    ghost = {"name": "ghost", "node": plc.node("M1.Late")}
    driver = await connect(plc.endpoint, [*plc_signals(plc), ghost], retry_signals_s=0.3)
    reader = await read(driver).until(lambda r: r.told("signal_error", "ghost"))
    await plc.add("M1.Late", "Int32", 41)
    await reader.until(lambda r: r.has("ghost"))
    assert (reader.last("ghost").value, reader.last("ghost").initial) == (41, True)


async def test_a_deadband_swallows_small_changes_only(plc, connect, read):
    node = plc.node("M1.Parameters.torque")
    signals = [{"name": "torque", "node": node, "deadband": 0.5}]
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: r.has("torque"))
    for value in (1.6, 1.7, 9.0):
        await plc.set("M1.Parameters.torque", value)
        await asyncio.sleep(0.1)
    await reader.until(lambda r: r.last("torque").value == 9.0)
    assert reader.values("torque")[0] == 1.5
    assert 1.6 not in reader.values("torque")


async def test_writing_is_exact_and_confirmed(plc, connect, plc_signals):
    driver = await connect(plc.endpoint, plc_signals(plc))
    await driver.write("ack", 4_294_967_295)
    assert plc.value("M1.Ack") == 4_294_967_295
    for wrong in (-1, 4_294_967_296, "5", True, 1.5, None):
        with pytest.raises(DriverConfigurationError, match="a whole number from 0"):
            await driver.write("ack", wrong)
    with pytest.raises(DriverConfigurationError, match="not writable"):
        await driver.write("counter", 1)
    with pytest.raises(DriverConfigurationError, match="not writable"):
        await driver.write("nobody", 1)


async def test_a_write_that_the_server_refuses_is_told(plc, connect):
    signals = [{"name": "counter", "node": plc.node("M1.Counter"), "writable": True}]
    driver = await connect(plc.endpoint, signals)
    with pytest.raises(DriverConfigurationError, match="BadUserAccessDenied"):
        await driver.write("counter", 5)


async def test_eleven_hundred_signals_over_an_encrypted_channel(plc, connect, read):
    """Large batches cross several chunks and requests."""
    signals = [
        {"name": f"tag{n}", "node": await plc.add(f"M1.Tag{n}", "Double", n / 4)}
        for n in range(1100)
    ]
    driver = await connect(plc.endpoint, signals)
    reader = await read(driver).until(lambda r: len(r.samples) >= 1100)
    assert {sample.signal: sample.value for sample in reader.samples} == {
        f"tag{n}": n / 4 for n in range(1100)
    }
