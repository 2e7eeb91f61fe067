"""Framing, matching, and late answers: bytes against the links, without a socket."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.decoding import Table
from lineside.drivers.modbus import frames
from lineside.drivers.modbus.frames import ModbusExceptionError, NoAnswerError
from lineside.drivers.modbus.rtu import RtuLink
from lineside.drivers.modbus.transport import TcpLink
from lineside.drivers.streams import Inbox

TIMEOUT_S = 0.05
REGISTERS = Table.HOLDING_REGISTERS


def value_of(unit, address):
    return (unit * 1000 + address) & 0xFFFF


def answer_pdu(unit, pdu):
    function = pdu[0]
    if function in (3, 4):
        first, count = struct.unpack(">HH", pdu[1:5])
        data = struct.pack(f">{count}H", *(value_of(unit, first + i) for i in range(count)))
        return bytes((function, len(data))) + data
    if function in (5, 6, 8):
        return pdu
    return pdu[:5]


class FakeDevice:
    """A stream with a device at its end; `behaviour` gets each request and calls `reply`."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.opened = 0
        self.sent = []
        self.inbox = Inbox()

    async def open(self):
        self.opened += 1
        self.inbox = Inbox()
        return self

    def send(self, data):
        if self.inbox.error:
            raise self.inbox.error
        self.sent.append(data)
        self.behaviour(self, data)

    def reply(self, data, after_s=0.0):
        inbox = self.inbox
        asyncio.get_running_loop().call_later(after_s, inbox.feed, data)

    async def receive(self, timeout_s):
        return await self.inbox.receive(timeout_s)

    def discard(self):
        return self.inbox.take()

    def close(self):
        self.inbox.fail(DriverUnavailableError("closed"))


def read(unit=1, first=0, count=2):
    return frames.read_request(unit, REGISTERS, first, count)


def expected(unit=1, first=0, count=2):
    return answer_pdu(unit, read(unit, first, count).pdu)


async def tcp(behaviour):
    device = FakeDevice(behaviour)
    link = TcpLink(device.open, timeout_s=TIMEOUT_S)
    await link.open()
    return device, link


async def rtu(behaviour, **options):
    device = FakeDevice(behaviour)
    link = RtuLink(device.open, timeout_s=TIMEOUT_S, late_answer_s=TIMEOUT_S, **options)
    await link.open()
    return device, link


def tcp_answer(data, *, unit=None, transaction=None):
    header = frames.mbap_header(data)
    return frames.mbap_frame(
        header.transaction if transaction is None else transaction,
        header.unit if unit is None else unit,
        answer_pdu(header.unit, data[7:]),
    )


def rtu_answer(data):
    return frames.rtu_frame(data[0], answer_pdu(data[0], data[1:-2]))


# TCP


async def test_tcp_answer_in_single_bytes_is_put_together():
    def drip(device, data):
        for n, byte in enumerate(tcp_answer(data)):
            device.reply(bytes((byte,)), n * 0.0005)

    _, link = await tcp(drip)
    assert await link.request(read()) == expected()


@pytest.mark.fault("F-29")
async def test_tcp_late_answer_is_never_taken_for_the_next_one():
    """The first answer comes on the old connection, while the next request is under way."""
    late = []

    def behave(device, data):
        if not late:
            late.append(data)
            device.reply(tcp_answer(data), TIMEOUT_S * 1.5)
        else:
            device.reply(tcp_answer(data), TIMEOUT_S * 0.8)

    device, link = await tcp(behave)
    with pytest.raises(NoAnswerError, match="did not answer"):
        await link.request(read(first=200))
    assert await link.request(read(first=300)) == expected(first=300)
    assert (device.opened, link.statistics.resyncs, link.statistics.timeouts) == (2, 1, 1)


async def test_tcp_answers_of_other_transactions_are_dropped_and_counted():
    def behave(device, data):
        old = frames.mbap_header(data).transaction - 1 & 0xFFFF
        stale = data[:7] + read(first=200).pdu
        device.reply(tcp_answer(stale, transaction=old) + tcp_answer(data))

    _, link = await tcp(behave)
    assert await link.request(read(first=300)) == expected(first=300)
    assert link.statistics.late_frames == 1


@pytest.mark.fault("F-29")
async def test_tcp_answer_of_another_unit_is_no_answer():
    device, link = await tcp(lambda device, data: device.reply(tcp_answer(data, unit=9)))
    with pytest.raises(NoAnswerError, match="Unit 9 answered for unit 1"):
        await link.request(read())
    device.behaviour = lambda device, data: device.reply(tcp_answer(data))
    assert await link.request(read()) == expected()


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad", b"\0\1\0\0\0\1\1", b"\0\1\0\0\xff\xff\1\3", b"\0\1\0\7\0\3\1\3\0"],
)
async def test_tcp_garbage_is_an_error_and_a_new_connection(garbage):
    device, link = await tcp(lambda device, data: device.reply(garbage))
    with pytest.raises(NoAnswerError):
        await link.request(read())
    device.behaviour = lambda device, data: device.reply(tcp_answer(data))
    assert await link.request(read()) == expected()


@pytest.mark.parametrize("pdu", ["0302000a", "04040000", "0304000000", "8302ff", "06000000"])
async def test_tcp_answer_that_does_not_fit_the_request_is_no_answer(pdu):
    def behave(device, data):
        header = frames.mbap_header(data)
        device.reply(frames.mbap_frame(header.transaction, header.unit, bytes.fromhex(pdu)))

    _, link = await tcp(behave)
    with pytest.raises(NoAnswerError):
        await link.request(read())


@pytest.mark.fault("F-29")
async def test_an_exception_is_an_answer_and_keeps_the_connection():
    def behave(device, data):
        header = frames.mbap_header(data)
        device.reply(frames.mbap_frame(header.transaction, header.unit, b"\x83\x0b"))

    device, link = await tcp(behave)
    for _ in range(2):
        with pytest.raises(ModbusExceptionError, match="exception 0B"):
            await link.request(read())
    assert (device.opened, link.statistics.exceptions) == (1, 2)


async def test_tcp_cancelled_request_leaves_no_answer_behind():
    device, link = await tcp(lambda device, data: device.reply(tcp_answer(data), 0.02))
    task = asyncio.create_task(link.request(read(first=200)))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await link.request(read(first=300)) == expected(first=300)
    assert device.opened == 2


async def test_requests_of_several_tasks_wait_for_each_other():
    _, link = await tcp(lambda device, data: device.reply(tcp_answer(data), 0.002))
    found = await asyncio.gather(*(link.request(read(first=n)) for n in range(10)))
    assert found == [expected(first=n) for n in range(10)]


async def test_a_closed_link_is_unavailable():
    _, link = await tcp(lambda device, data: device.close())
    with pytest.raises(DriverUnavailableError) as caught:
        await link.request(read())
    assert not isinstance(caught.value, NoAnswerError)
    await link.close()
    await link.close()
    with pytest.raises(DriverUnavailableError, match="not connected"):
        await link.request(read())


# RTU


async def test_rtu_answer_between_noise_and_foreign_frames_is_found():
    """Others talk on the line, and an adapter adds a byte at switching."""

    def behave(device, data):
        foreign = frames.rtu_frame(7, expected(unit=7))
        device.reply(b"\x00\xff" + foreign + rtu_answer(data) + b"\x00")

    _, link = await rtu(behave)
    assert await link.request(read()) == expected()
    assert link.statistics.stray_bytes == 2 + 9 + 1


@pytest.mark.parametrize("same_length", [True, False])
@pytest.mark.fault("F-29")
async def test_rtu_late_answer_is_never_taken_for_the_next_one(same_length):
    """The measured trap: same unit, function and count; the answer for 200 came back for 300.

    Here it comes even later than the rest of the line, while the next request is under way.
    """
    late = []

    def behave(device, data):
        if not late:
            late.append(data)
            device.reply(rtu_answer(data), TIMEOUT_S * 2.2)
        elif len(late) == 1:
            late.append(data)
            device.reply(rtu_answer(data), TIMEOUT_S * 0.8)  # in order, behind the late one
        else:
            device.reply(rtu_answer(data))

    _, link = await rtu(behave)
    with pytest.raises(NoAnswerError):
        await link.request(read(first=200))
    count = 2 if same_length else 5
    assert await link.request(read(first=300, count=count)) == expected(first=300, count=count)
    assert link.statistics.resyncs == 1


async def test_rtu_answer_within_the_rest_of_the_line_is_drained():
    late = []

    def behave(device, data):
        device.reply(rtu_answer(data), 0.0 if late else TIMEOUT_S * 1.5)
        late.append(data)

    device, link = await rtu(behave)
    with pytest.raises(NoAnswerError):
        await link.request(read(first=200))
    assert link.statistics.stray_bytes == 9
    assert await link.request(read(first=300)) == expected(first=300)
    assert device.sent[1][1:6] == bytes((3, 1, 44, 0, 1))  # probe: one register less at 300


async def test_rtu_unit_in_doubt_does_not_hold_up_another_unit():
    def behave(device, data):
        if data[0] != 1:
            device.reply(rtu_answer(data))

    device, link = await rtu(behave)
    with pytest.raises(NoAnswerError):
        await link.request(read(unit=1))
    assert await link.request(read(unit=2)) == expected(unit=2)
    assert len(device.sent) == 2


@pytest.mark.parametrize("known", ["exception", "silence"])
async def test_rtu_unit_that_does_not_know_a_probe_comes_back_too(known):
    """Some refuse another table, which proves as much; some ignore it: then probes take turns."""
    calls = []

    def behave(device, data):
        calls.append(data)
        if len(calls) == 1:
            return
        if data[1] == 4:
            if known == "exception":
                device.reply(frames.rtu_frame(data[0], b"\x84\x01"))
            return
        device.reply(rtu_answer(data))

    _, link = await rtu(behave)
    failures = 0
    answer = None
    while answer is None and failures < 4:
        try:
            answer = await link.request(read(first=300, count=1))
        except NoAnswerError:
            failures += 1
    assert answer == expected(first=300, count=1)
    assert failures == (1 if known == "exception" else 2)
    if known == "silence":
        # What worked is tried first next time.
        calls.clear()
        with pytest.raises(NoAnswerError):
            await link.request(read(first=200, count=1))
        assert await link.request(read(first=300, count=1)) == expected(first=300, count=1)
        assert calls[1][1] == frames.DIAGNOSTICS


async def test_rtu_probe_reads_nothing_that_was_not_asked_for():
    """The register behind the last signal may clear itself when read."""
    device, link = await rtu(lambda device, data: None)
    for _ in range(6):
        with pytest.raises(NoAnswerError):
            await link.request(read(first=300, count=3))
    for frame in device.sent:
        if frame[1] in (3, 4):
            first, count = struct.unpack(">HH", frame[2:6])
            assert 300 <= first < first + count <= 303


async def test_rtu_refused_length_probe_proves_nothing():
    """A refusal of the probe looks like a late refusal of the older read."""
    calls = []

    def behave(device, data):
        calls.append(data)
        if len(calls) == 1:
            return
        if data[1] == 3 and data[5] != 2:
            device.reply(frames.rtu_frame(data[0], b"\x83\x02"))
        else:
            device.reply(rtu_answer(data))

    _, link = await rtu(behave)
    for _ in range(2):  # the request, then the refused other length
        with pytest.raises(NoAnswerError):
            await link.request(read(first=300))
    assert await link.request(read(first=300)) == expected(first=300)


async def test_rtu_wrong_checksum_is_no_answer():
    def behave(device, data):
        frame = bytearray(rtu_answer(data))
        frame[3] ^= 1
        device.reply(bytes(frame))

    _, link = await rtu(behave)
    with pytest.raises(NoAnswerError):
        await link.request(read())


async def test_rtu_exception_is_an_answer():
    _, link = await rtu(lambda d, data: d.reply(frames.rtu_frame(data[0], b"\x83\x04")))
    with pytest.raises(ModbusExceptionError, match="server device failure"):
        await link.request(read())


async def test_rtu_cancelled_request_leaves_the_unit_in_doubt():
    _, link = await rtu(lambda device, data: device.reply(rtu_answer(data), 0.02))
    task = asyncio.create_task(link.request(read(first=200)))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await link.request(read(first=300)) == expected(first=300)
    assert link.statistics.resyncs == 1


async def test_rtu_echo_of_a_write_is_not_its_confirmation():
    """With local echo the adapter repeats the request; the device itself may be off."""
    write = frames.write_register_request(1, 10, 5)
    device, link = await rtu(lambda device, data: device.reply(data), local_echo=True)
    with pytest.raises(NoAnswerError):
        await link.request(write)

    device, link = await rtu(lambda device, data: device.reply(data), local_echo=True)
    device.behaviour = lambda device, data: device.reply(data + rtu_answer(data))
    assert await link.request(write) == write.pdu
    assert await link.request(read()) == expected()


async def test_rtu_line_that_babbles_is_no_answer():
    _, link = await rtu(lambda device, data: device.reply(b"\x01\x03" * 2000))
    with pytest.raises(NoAnswerError):
        await link.request(read())


async def test_rtu_lost_line_is_unavailable_not_silent():
    _, link = await rtu(lambda device, data: device.close())
    with pytest.raises(DriverUnavailableError) as caught:
        await link.request(read())
    assert not isinstance(caught.value, NoAnswerError)


@given(st.binary(max_size=300), st.integers(1, 20))
def test_noise_is_never_an_answer(noise, count):
    request = read(count=count)
    found = frames.find_answer(noise, request)
    assert found is None or frames.crc_ok(bytes((1,)) + found[1] + noise[found[0] - 2 : found[0]])


@given(st.binary(max_size=40).filter(lambda noise: b"\x01" not in noise))
def test_an_answer_is_found_behind_any_noise(noise):
    frame = frames.rtu_frame(1, expected())
    assert frames.find_answer(noise + frame, read()) == (len(noise) + len(frame), expected())
