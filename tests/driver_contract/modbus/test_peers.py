"""Our driver against servers that other people wrote, and our simulator against their client."""

import asyncio
import subprocess

import pytest

from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, Quality
from lineside.drivers.decoding import Table
from lineside.drivers.modbus import frames
from lineside.drivers.modbus.frames import NoAnswerError
from lineside.drivers.modbus.rtu import RtuLink
from lineside.drivers.modbus.transport import TcpLink
from lineside.drivers.serial_port import PortSettings, SerialStream
from lineside.drivers.streams import TcpStream
from lineside.sim.servers.modbus import SimModbusServer

SIGNALS = (
    {"name": "first", "address": 0},
    {"name": "count", "address": 10, "type": "int32", "order": "CDAB"},
    {"name": "pressure", "address": 12, "type": "float32"},
)


def values(known):
    return {name: sample.value for name, sample in known.items()}


def all_good(count):
    return lambda known: (
        len(known) == count and all(sample.quality is Quality.GOOD for sample in known.values())
    )


async def test_modbus_serial_tcp(connect, latest, modbus_serial_port):
    driver = await connect(
        *SIGNALS,
        {"name": "other_unit", "address": 5, "unit": 2},
        {"name": "even", "address": 8, "table": "discrete"},
        {"name": "coil", "address": 9, "table": "coils"},
        {"name": "input", "address": 3, "table": "input"},
        {"name": "ack", "address": 20, "writable": True},
        {"name": "setpoint", "address": 22, "type": "int32", "order": "DCBA", "writable": True},
        host="127.0.0.1",
        port=modbus_serial_port,
    )
    known = values(await latest(driver, all_good(9)))
    assert known.pop("pressure") == pytest.approx(123.456)
    assert known == {
        "first": 1000,
        "count": 100_000,
        "other_unit": 2005,
        "even": True,
        "coil": True,
        "input": 1003,
        "ack": 1020,
        "setpoint": int.from_bytes((1022).to_bytes(2) + (1023).to_bytes(2), "little", signed=True),
    }
    await driver.write("ack", 7)
    await driver.write("setpoint", -5)
    await latest(driver, lambda known: values(known).get("ack") == 7)
    await latest(driver, lambda known: values(known).get("setpoint") == -5)


async def test_modbus_serial_hole_is_split_and_the_rest_is_good(
    connect, latest, modbus_serial_port
):
    driver = await connect(
        {"name": "there", "address": 58},
        {"name": "missing", "address": 61},
        {"name": "refused", "address": 30, "writable": True},
        host="127.0.0.1",
        port=modbus_serial_port,
    )
    known = await latest(driver, lambda known: len(known) == 3)
    assert known["there"].value == 1058
    assert (known["missing"].quality, known["missing"].value) == (Quality.BAD, None)
    with pytest.raises(DriverConfigurationError, match="exception 02"):
        await driver.write("refused", 1)


async def test_libmodbus_tcp(connect, latest, libmodbus_port):
    driver = await connect(
        *SIGNALS,
        {"name": "coil", "address": 3, "table": "coils", "writable": True},
        {"name": "bit", "address": 4, "type": "bit", "bit": 2},
        {"name": "last", "address": 99, "writable": True},
        {"name": "text", "address": 30, "type": "string", "length": 4, "writable": True},
        host="127.0.0.1",
        port=libmodbus_port,
    )
    known = values(await latest(driver, lambda known: len(known) == 7))
    assert known.pop("pressure") == pytest.approx(123.456)
    found = {name: known[name] for name in ("first", "count", "coil", "last")}
    assert found == {"first": 1000, "count": 100_000, "coil": True, "last": 1099}
    assert known["bit"] is bool(1004 & 4)
    await driver.write("coil", False)
    await driver.write("last", 65_535)
    await driver.write("text", "SN-0042")
    await latest(driver, lambda known: values(known).get("coil") is False)
    await latest(driver, lambda known: values(known).get("last") == 65_535)
    await latest(driver, lambda known: values(known).get("text") == "SN-0042")


@pytest.mark.fault("F-29")
async def test_libmodbus_late_answer_over_tcp(libmodbus_port):
    """A device that takes 700 ms for one register, and a time limit of 300 ms."""
    link = TcpLink(lambda: TcpStream.open("127.0.0.1", libmodbus_port, timeout_s=2), timeout_s=0.3)
    await link.open()
    try:
        with pytest.raises(NoAnswerError):
            await link.request(frames.read_request(1, Table.HOLDING_REGISTERS, 90, 2))
        for _ in range(20):
            try:
                answer = await link.request(frames.read_request(1, Table.HOLDING_REGISTERS, 50, 2))
            except NoAnswerError:
                continue  # it still sleeps over the first one
            assert answer == bytes((3, 4)) + (1050).to_bytes(2, "big") + (1051).to_bytes(2, "big")
            break
        else:
            pytest.fail("the device did not come back")
    finally:
        await link.close()


@pytest.mark.fault("F-29")
async def test_libmodbus_rtu_and_its_late_answer(line, run_peer, libmodbus_server):
    """The trap of RTU on a real line: the late answer for 90 has the shape of that for 50.

    libmodbus ignores the echo function in silence, so the probes take turns.
    """
    ours, theirs = line()
    settings = PortSettings(port=str(ours), baud=19_200)
    with run_peer(libmodbus_server, "rtu", str(theirs), "17"):
        link = RtuLink(
            lambda: SerialStream.open(settings),
            timeout_s=0.3,
            late_answer_s=0.2,
            characters_per_s=settings.characters_per_s,
        )
        await link.open()
        try:
            early = frames.read_request(17, Table.HOLDING_REGISTERS, 50, 2)
            expected = bytes((3, 4)) + (1050).to_bytes(2, "big") + (1051).to_bytes(2, "big")
            assert await link.request(early) == expected
            with pytest.raises(NoAnswerError):
                await link.request(frames.read_request(17, Table.HOLDING_REGISTERS, 90, 2))
            found = []
            for _ in range(20):
                try:
                    found.append(await link.request(early))
                except NoAnswerError:
                    continue
                if len(found) == 3:
                    break
            assert found == [expected] * 3
            assert link.statistics.stray_bytes > 0
        finally:
            await link.close()


async def test_libmodbus_rtu_through_the_driver(connect, latest, line, run_peer, libmodbus_server):
    """Only units that are there: libmodbus takes what follows a request for its answer."""
    ours, theirs = line()
    with run_peer(libmodbus_server, "rtu", str(theirs), "17"):
        driver = await connect(
            *SIGNALS,
            {"name": "last", "address": 99, "writable": True},
            transport="rtu",
            unit=17,
            late_answer_s=0.05,
            serial={"port": str(ours), "parity": "none"},
        )
        known = await latest(driver, all_good(4))
        assert known["count"].value == 100_000
        await driver.write("last", 5)
        await latest(driver, lambda known: values(known).get("last") == 5)


async def test_rtu_line_that_vanishes_is_unavailable(
    connect, latest, line, run_peer, libmodbus_server
):
    ours, theirs = line()
    with run_peer(libmodbus_server, "rtu", str(theirs), "17"):
        driver = await connect(
            {"name": "first", "address": 0},
            transport="rtu",
            unit=17,
            serial={"port": str(ours), "parity": "none"},
        )
        await latest(driver, all_good(1))
        line.end()
        with pytest.raises(DriverUnavailableError, match="gone"):
            await latest(driver, lambda _: False)


async def test_mbpoll_reads_our_simulated_server(find_program):
    mbpoll = find_program("mbpoll")
    async with SimModbusServer([1, 2]) as server:
        server.set(2, state=6, total=70_000, parameter=123.456, setpoint=-5)

        async def poll(*options):
            command = [
                mbpoll,
                "-1",
                "-0",
                "-m",
                "tcp",
                "-p",
                str(server.port),
                *options,
                "127.0.0.1",
            ]
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, timeout=20, check=False
            )
            return done.stdout

        registers = await poll("-a", "2", "-t", "4", "-r", "0", "-c", "2")
        assert "[0]: \t6" in registers
        assert f"[1]: \t{70_000 - 65_536}" in registers
        assert "[6]: \t123.456" in await poll("-a", "2", "-t", "4:float", "-r", "6")
        assert "[12]: \t-5" in await poll("-a", "2", "-t", "4:int", "-r", "12")


async def test_pymodbus_simulator_with_all_its_faults(connect, latest):
    async with SimModbusServer([1, 2, 3]) as server:
        signals = [
            {"name": f"{name}-{unit}", "unit": unit, "group": f"piece-{unit}"} | place
            for unit in (1, 2, 3)
            for name, place in (
                ("total", {"address": 1}),
                ("sequence", {"address": 3}),
                ("parameter", {"address": 6, "type": "float32", "order": "CDAB"}),
            )
        ]
        ack = {"name": "ack-1", "unit": 1, "address": 10, "writable": True}
        server.set(1, total=65_535, sequence=9, parameter=315.25)
        driver = await connect(
            *signals, ack, host="127.0.0.1", port=server.port, retries=0, silent_pause_max_s=1
        )
        known = await latest(driver, all_good(10))
        assert known["parameter-1"].value == 315.25
        assert known["total-1"].sequence == known["sequence-1"].sequence

        server.count(1, "total")
        assert values(await latest(driver, lambda k: values(k).get("total-1") == 0))["total-1"] == 0
        await driver.write("ack-1", 9)
        assert server.get(1, "acknowledge") == 9

        def bad(name, status):
            return lambda k: (
                {name, "total-3"} <= set(k)
                and k[name].quality is Quality.BAD
                and status in k[name].status
                and k["total-3"].quality is Quality.GOOD
            )

        server.refuse(1, 4)
        await latest(driver, bad("total-1", "exception 04"))
        server.refuse(1)
        server.refuse(2, 0x0B)
        await latest(driver, bad("total-2", "exception 0B"))
        server.refuse(2)
        await latest(driver, all_good(10))
        server.silence(2)
        await latest(driver, bad("total-2", "no answer"))
        server.silence(2, on=False)
        await latest(driver, all_good(10))
        server.answer_as(1, 2)
        await latest(driver, bad("total-1", "no answer"))
        server.answer_as(1, None)
        await latest(driver, all_good(10))


@pytest.mark.fault("F-29")
async def test_unknown_unit_behind_a_gateway_is_bad_and_the_connection_stays(connect, latest):
    async with SimModbusServer([1]) as server:
        driver = await connect(
            {"name": "here", "address": 0},
            {"name": "nobody", "address": 0, "unit": 9},
            host="127.0.0.1",
            port=server.port,
        )
        known = await latest(driver, lambda k: len(k) == 2)
        assert known["here"].quality is Quality.GOOD
        assert "exception 0B" in known["nobody"].status
        assert driver.statistics.resyncs == 0


@pytest.mark.fault("F-22")
async def test_a_server_that_restarts_is_lost_and_found(connect, latest):
    server = SimModbusServer([1])
    await server.start()
    driver = await connect({"name": "total", "address": 1}, host="127.0.0.1", port=server.port)
    await latest(driver, all_good(1))
    await server.stop()
    with pytest.raises(DriverUnavailableError):
        await latest(driver, lambda _: False)
    await driver.close()
    with pytest.raises(DriverUnavailableError, match="cannot be reached"):
        await driver.connect()
    await server.start()
    try:
        await driver.connect()
        known = await latest(driver, all_good(1))
        assert known["total"].initial
    finally:
        await server.stop()


@pytest.mark.fault("F-29")
async def test_a_value_of_two_registers_is_never_torn_on_the_wire(connect, latest):
    """The server moves both words at once between requests; every value read must be one it had."""
    async with SimModbusServer([1]) as server:
        driver = await connect(
            {"name": "setpoint", "address": 12, "type": "int32", "order": "CDAB"},
            *({"name": f"s{n}", "address": n} for n in (0, 3, 9)),
            host="127.0.0.1",
            port=server.port,
            poll_s=0.001,
            max_registers=4,
        )
        seen = set()
        value = 0x0001_FFFF
        async for batch in driver.readings():
            for reading in batch:
                if reading.signal == "setpoint" and not isinstance(reading, DriverNotice):
                    seen.add(reading.value)
            value = 0x0001_FFFF if value == 0x0002_0000 else 0x0002_0000
            server.set(1, setpoint=value)
            if len(seen) > 2 or sum(f[1] == 12 for f in server.requests(1)) > 50:
                break
        assert seen <= {0, 0x0001_FFFF, 0x0002_0000}
        assert {request[1:] for request in server.requests(1) if 12 <= request[1] <= 13} == {
            (12, 2)
        }


async def test_a_hole_in_the_simulated_server_is_split_once(connect, latest):
    async with SimModbusServer([1]) as server:
        server.dig_hole(1, 5)
        driver = await connect(
            *({"name": f"s{n}", "address": n} for n in (0, 1, 8, 10)),
            host="127.0.0.1",
            port=server.port,
        )
        await latest(driver, all_good(4))
        asked = [request[1:] for request in server.requests(1)]
        assert asked[:3] == [(0, 11), (0, 2), (8, 3)]
        for _ in range(5):
            await latest(driver, all_good(4))
        assert [request[1:] for request in server.requests(1)].count((0, 11)) == 1
