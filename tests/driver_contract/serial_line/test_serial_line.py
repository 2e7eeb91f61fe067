"""The serial driver on real ttys: pseudo terminals whose other end is a simulated device."""

import asyncio
import fcntl
import os
import termios

import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import Quality, ScanRead
from lineside.drivers.serial_line.driver import build
from lineside.sim.servers.serial import SimScale, SimScanner, SimSerialDevice

BINARY = bytes(range(256)).replace(b"\r", b"")


@pytest.fixture
async def connect():
    drivers = []

    async def make(device, **settings):
        plain = {"port": str(device.path), "inter_byte_timeout_s": 0.05} | settings
        driver = build(plain, clock=SystemClock(), file="test.toml")
        drivers.append(driver)
        await driver.connect()
        return driver

    yield make
    for driver in drivers:
        await driver.close()


@pytest.fixture
def scanner(tmp_path):
    with SimScanner(tmp_path / "by-id/usb-scanner") as device:
        yield device


async def eventually(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen in 10 s")


async def take(driver, count):
    """The next readings, each as (bytes, problem)."""
    found = []
    async with asyncio.timeout(20):
        async for batch in driver.readings():
            for scan in batch:
                assert isinstance(scan, ScanRead)
                found.append((scan.raw, scan.problem))
            if len(found) >= count:
                return found
    raise AssertionError


async def test_a_scan_is_every_byte_between_the_frames(connect, scanner):
    driver = await connect(scanner)
    before = SystemClock().now()
    await scanner.scan(b"  0012 \x1d ")
    await scanner.scan(BINARY)
    assert await take(driver, 2) == [(b"  0012 \x1d ", ""), (BINARY, "")]
    await scanner.scan(b"A")
    async for [scan] in driver.readings():
        assert before <= scan.read_at <= SystemClock().now()
        break


@pytest.mark.fault("F-33")
async def test_a_scan_in_pieces_is_one_scan(connect, scanner):
    driver = await connect(scanner, inter_byte_timeout_s=2.0)
    task = asyncio.create_task(scanner.send(b"ABCDEFGHIJ\r", chunks=[1, 2, 1, 3, 2], pause_s=0.01))
    assert await take(driver, 1) == [(b"ABCDEFGHIJ", "")]
    await task


@pytest.mark.fault("F-33")
async def test_half_a_scan_garbage_and_a_good_one(connect, scanner):
    driver = await connect(scanner)
    await scanner.scan_half(b"SN001234")
    assert await take(driver, 1) == [(b"SN00", "partial")]
    await asyncio.sleep(0.2)
    await scanner.babble(b"\x00\xffnoise")
    assert await take(driver, 1) == [(b"\x00\xffnoise", "partial")]
    await asyncio.sleep(0.2)
    await scanner.scan(b"SN001234")
    assert await take(driver, 1) == [(b"SN001234", "")]


async def test_a_busy_consumer_does_not_join_what_came_apart(connect, scanner):
    """Half a code, a pause, a whole code: all while nobody asked for readings."""
    driver = await connect(scanner)
    await scanner.send(b"SN00")
    await asyncio.sleep(0.2)
    await scanner.send(b"SN0042\r")
    await asyncio.sleep(0.05)
    assert await take(driver, 2) == [(b"SN00", "partial"), (b"SN0042", "")]


async def test_stx_and_etx_keep_line_ends_inside_a_code(connect, tmp_path):
    with SimScanner(tmp_path / "s", prefix=b"\x02", suffix=b"\x03") as scanner:
        driver = await connect(scanner, prefix="\x02", suffix="\x03")
        await scanner.scan(b"[)>\x1e06\r\nX\x04")
        assert await take(driver, 1) == [(b"[)>\x1e06\r\nX\x04", "")]


@pytest.mark.fault("F-33")
async def test_five_thousand_bytes(connect, scanner):
    driver = await connect(scanner)
    sending = asyncio.create_task(scanner.send(b"z" * 5000 + b"\r" + b"SN1\r"))
    assert await take(driver, 2) == [(b"z" * 4096, "too_long"), (b"SN1", "")]
    await sending
    await driver.close()
    driver = await connect(scanner, max_length=8192)
    sending = asyncio.create_task(scanner.send(b"z" * 5000 + b"\r"))
    assert await take(driver, 1) == [(b"z" * 5000, "")]
    await sending


@pytest.mark.fault("F-34")
async def test_a_scanner_that_is_pulled_out_and_comes_back(connect, scanner):
    """Its half scan is not lost silently, and the same name works again."""
    driver = await connect(scanner)
    await scanner.scan(b"A")
    await scanner.scan_half(b"BC")
    assert await take(driver, 1) == [(b"A", "")]
    stream = driver.readings()
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    scanner.vanish()
    [scan] = await waiting
    assert (scan.raw, scan.problem) == (b"B", "partial")
    with pytest.raises(DriverUnavailableError, match="gone"):
        await anext(stream)
    await driver.close()

    with pytest.raises(DriverUnavailableError, match="does not exist"):
        await driver.connect()
    scanner.appear()
    await driver.connect()
    await scanner.scan(b"C")
    assert await take(driver, 1) == [(b"C", "")]


async def test_what_piled_up_before_connecting_is_not_a_scan_of_now(connect, scanner):
    """Codes scanned while nobody listened would be booked on whatever runs later."""
    await scanner.scan(b"OLD")
    driver = await connect(scanner)
    await scanner.scan(b"NEW")
    assert await take(driver, 1) == [(b"NEW", "")]


@pytest.mark.fault("F-34")
async def test_a_port_belongs_to_one_reader(connect, scanner):
    await connect(scanner)
    with pytest.raises(DriverUnavailableError, match=r"in use by .*\d+"):
        await connect(scanner)


async def test_a_port_is_locked_against_programs_that_do_not_ask(connect, scanner):
    """TIOCEXCL; the superuser may open it all the same, so look at the flag."""
    driver = await connect(scanner)
    other = (
        os.open(os.ttyname(scanner._terminal), os.O_RDWR | os.O_NOCTTY) if not os.getuid() else None
    )
    flag = bytearray(4)
    fcntl.ioctl(scanner._terminal, 0x80045440, flag)  # TIOCGEXCL
    assert flag != bytearray(4)
    await driver.close()
    fcntl.ioctl(scanner._terminal, 0x80045440, flag)
    assert flag == bytearray(4)
    if other is not None:
        os.close(other)
    assert termios.tcgetattr(scanner._terminal)


async def test_verdicts_go_back_to_the_scanner(connect, scanner):
    driver = await connect(scanner, verdict_good="\x06", verdict_bad="\x15!")
    await driver.write("verdict", True)
    await driver.write("verdict", False)
    await eventually(lambda: scanner.received() == b"\x06\x15!")
    for signal, value in (("verdict", "yes"), ("light", True)):
        with pytest.raises(DriverConfigurationError):
            await driver.write(signal, value)
    plain = build({"port": str(scanner.path)}, clock=SystemClock(), file="f")
    with pytest.raises(DriverConfigurationError, match="not writable"):
        await plain.write("verdict", True)
    await driver.close()
    await driver.close()
    with pytest.raises(DriverUnavailableError):
        await driver.write("verdict", True)


async def test_a_file_that_is_no_port_is_unavailable(connect, tmp_path):
    device = SimSerialDevice(tmp_path / "plain")
    device.path.write_text("x")
    with pytest.raises(DriverUnavailableError, match="cannot be opened"):
        await connect(device)


async def test_a_scale_that_sends_by_itself(connect, tmp_path):
    with SimScale(tmp_path / "scale") as scale:
        driver = await connect(scale, profile="scale", suffix="\r\n", silent_after_s=0.5)
        stream = driver.readings()
        await scale.send(scale.line("12.340"))
        weight, unit, stable, net = await anext(stream)
        assert (weight.value, weight.quality, weight.sequence) == ("12.340", Quality.GOOD, 1)
        assert (unit.value, stable.value, net.value) == ("kg", True, False)
        await scale.send(scale.line("-0.5", stable=False))
        weight, *_ = await anext(stream)
        assert (weight.value, weight.quality) == ("-0.5", Quality.UNCERTAIN)
        await scale.send(b"OL,GS,+99999999kg\r\n")
        weight, *_ = await anext(stream)
        assert (weight.value, weight.quality, weight.status) == (None, Quality.BAD, "overload")
        await scale.send(b"what?\r\n")
        weight, *_ = await anext(stream)
        assert (weight.value, weight.quality) == (None, Quality.BAD)
        assert "what?" in weight.status
        with pytest.raises(DriverUnavailableError, match="says nothing"):
            await anext(stream)


async def test_a_scale_that_is_asked(connect, tmp_path):
    with SimScale(tmp_path / "scale") as scale:
        driver = await connect(
            scale, profile="scale", suffix="\r\n", request="Q\r\n", poll_s=0.02, silent_after_s=5
        )
        stream = driver.readings()
        reading = asyncio.create_task(anext(stream))
        await eventually(lambda: b"Q\r\n" in scale.received())
        assert await scale.answer("7.5") > 0
        weight, *_ = await reading
        assert weight.value == "7.5"
        await stream.aclose()
