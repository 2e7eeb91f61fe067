"""What the Modbus driver makes of answers, exceptions and silence; the link is a fake."""

import struct
from itertools import pairwise

import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, Quality, SignalSample
from lineside.drivers.modbus.config import read_config
from lineside.drivers.modbus.driver import ModbusDriver
from lineside.drivers.modbus.frames import ModbusExceptionError, NoAnswerError
from lineside.drivers.modbus.plan import plan_blocks
from lineside.drivers.modbus.transport import LinkStatistics


class FakeLink:
    """Units with memory; a unit's trouble: exception code, "silent", "closed", or a list."""

    def __init__(self):
        self.statistics = LinkStatistics()
        self.memory = {}
        self.trouble = {}
        self.holes = set()
        self.asked = []
        self.is_open = False
        self.before_read = lambda unit: None

    async def open(self):
        if self.trouble.get("open"):
            raise DriverUnavailableError("refused")
        self.is_open = True

    async def close(self):
        self.is_open = False

    async def request(self, request):
        function, first, count = struct.unpack(">BHH", request.pdu[:5])
        self.asked.append((request.unit, function, first, count))
        trouble = self.trouble.get(request.unit)
        if isinstance(trouble, list):
            trouble = trouble.pop(0) if trouble else None
        if trouble == "silent":
            raise NoAnswerError("no answer")
        if trouble == "closed":
            raise DriverUnavailableError("closed")
        if trouble:
            raise ModbusExceptionError(request.unit, trouble)
        memory = self.memory.setdefault(request.unit, [0] * 200)
        if function in (5, 6):
            memory[first] = count
            return request.pdu
        if function == 16:
            memory[first : first + count] = struct.unpack(f">{count}H", request.pdu[6:])
            return request.answer_start
        if self.holes & set(range(first, first + count)):
            raise ModbusExceptionError(request.unit, 2)
        self.before_read(request.unit)
        return request.answer_start + struct.pack(f">{count}H", *memory[first : first + count])


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def clock():
    return ManualClock(now=1_000_000)


def make(link, clock, *signals, **device):
    plain = [{"name": f"s{n}", "table": "holding"} | s for n, s in enumerate(signals)]
    config = read_config(
        {"host": "h", "addressing": "zero", "signals": plain, "retries": 0} | device, file="f"
    )
    return ModbusDriver(config, plan_blocks(config, file="f"), link, clock)


async def take(driver, count):
    batches = []
    async for batch in driver.readings():
        batches.append(batch)
        if len(batches) == count:
            return batches
    raise AssertionError


def values(batch):
    return {sample.signal: sample.value for sample in batch if isinstance(sample, SignalSample)}


async def test_signals_of_one_answer_carry_one_sequence_and_time(link, clock):
    link.memory[1] = [7, 0x86A0, 0x0001, *[0] * 50]
    driver = make(
        link,
        clock,
        {"address": 0},
        {"address": 1, "type": "uint32", "order": "CDAB"},
        {"address": 20},
    )
    await driver.connect()
    first, second, third = await take(driver, 3)
    assert values(first) == {"s0": 7, "s1": 100_000}
    assert values(second) == {"s2": 0}
    assert {s.sequence for s in first} == {1}
    assert {s.sequence for s in second} == {2}
    assert all(s.initial for s in (*first, *second))
    assert not any(s.initial for s in third)
    assert third[0].read_at - first[0].read_at == US_PER_SECOND


async def test_each_block_is_polled_at_its_own_interval(link, clock):
    driver = make(link, clock, {"address": 0, "poll_s": 0.25}, {"address": 1, "poll_s": 1.0})
    await driver.connect()
    batches = await take(driver, 2 + 8 + 2)
    times = {name: [b[0].read_at for b in batches if b[0].signal == name] for name in ("s0", "s1")}
    assert {later - earlier for earlier, later in pairwise(times["s0"])} == {250_000}
    assert {later - earlier for earlier, later in pairwise(times["s1"])} == {1_000_000}
    assert driver.overruns == 0


async def test_a_slow_device_is_counted_as_overrun_and_starves_no_block(link, clock):
    driver = make(link, clock, {"address": 0, "poll_s": 0.1}, {"address": 50, "poll_s": 0.5})
    await driver.connect()
    link.before_read = lambda unit: clock.advance(300_000)
    batches = await take(driver, 22)
    assert driver.overruns > 0
    assert sum(b[0].signal == "s1" for b in batches) >= 5


@pytest.mark.parametrize("status", ["no answer", "exception 0B"])
@pytest.mark.fault("F-29")
async def test_one_dead_unit_behind_a_gateway_does_not_stop_the_others(link, clock, status):
    link.trouble[2] = "silent" if status == "no answer" else 0x0B
    driver = make(link, clock, {"unit": 1, "address": 0}, {"unit": 2, "address": 0})
    await driver.connect()
    batches = await take(driver, 60)
    good = [b[0] for b in batches if b[0].signal == "s0"]
    bad = [b[0] for b in batches if b[0].signal == "s1"]
    assert all(sample.quality is Quality.GOOD for sample in good)
    assert all(sample.quality is Quality.BAD and sample.value is None for sample in bad)
    assert all(status in sample.status for sample in bad)
    assert len(good) == len(bad) == 30
    # In 30 s: at 0, 1, 3, 7 and 15 s, not at every poll.
    assert sum(unit == 2 for unit, *_ in link.asked) == 5


async def test_a_unit_that_comes_back_is_good_again(link, clock):
    link.trouble[2] = "silent"
    driver = make(link, clock, {"unit": 1, "address": 0}, {"unit": 2, "address": 0})
    await driver.connect()
    await take(driver, 6)
    link.trouble.clear()
    last = (await take(driver, 10))[-2:]
    assert all(batch[0].quality is Quality.GOOD for batch in last)


async def test_when_no_unit_answers_the_device_is_lost(link, clock):
    driver = make(link, clock, {"unit": 1, "address": 0}, {"unit": 2, "address": 0})
    await driver.connect()
    link.trouble |= {1: "silent", 2: "silent"}
    with pytest.raises(DriverUnavailableError, match="No unit answers"):
        await take(driver, 10)


async def test_connecting_to_a_device_that_never_answers_fails_and_lets_go(link, clock):
    link.trouble[1] = "silent"
    driver = make(link, clock, {"address": 0})
    for _ in range(2):
        with pytest.raises(DriverUnavailableError):
            await driver.connect()
        assert not link.is_open
    link.trouble.clear()
    await driver.connect()
    assert values((await take(driver, 1))[0]) == {"s0": 0}


async def test_a_unit_at_which_the_gateway_hangs_up_is_not_asked_first_again(link, clock):
    """Else the others would never be read."""
    driver = make(link, clock, {"unit": 1, "address": 0}, {"unit": 2, "address": 0})
    await driver.connect()
    link.trouble[1] = "closed"
    with pytest.raises(DriverUnavailableError):
        await take(driver, 10)
    await driver.connect()
    first, second = await take(driver, 2)
    assert (first[0].quality, first[0].status) == (Quality.BAD, "connection lost")
    assert second[0].quality is Quality.GOOD


async def test_a_retry_hides_one_lost_answer(link, clock):
    link.trouble[1] = ["silent"]
    driver = make(link, clock, {"address": 0}, retries=1)
    await driver.connect()
    assert (await take(driver, 1))[0][0].quality is Quality.GOOD


async def test_a_hole_splits_the_request_once_and_for_good(link, clock):
    link.holes = {3}
    driver = make(link, clock, *({"address": a} for a in (0, 2, 4, 6)))
    await driver.connect()
    batches = await take(driver, 2)
    assert [sorted(values(b)) for b in batches] == [["s0", "s1"], ["s2", "s3"]]
    assert [(first, count) for _, _, first, count in link.asked] == [(0, 7), (0, 3), (4, 3)]
    await driver.close()
    link.asked.clear()
    await driver.connect()
    assert [(first, count) for _, _, first, count in link.asked] == [(0, 3), (4, 3)]


@pytest.mark.fault("F-24")
async def test_a_signal_that_does_not_exist_is_reported_and_asked_no_more(link, clock):
    link.holes = {50}
    driver = make(link, clock, {"address": 0}, {"address": 50})
    await driver.connect()
    _, refused, *rest = await take(driver, 6)
    notice, sample = refused
    assert isinstance(notice, DriverNotice)
    assert (notice.kind, notice.signal) == ("signal_error", "s1")
    assert "exception 02" in notice.detail
    assert (sample.quality, sample.value) == (Quality.BAD, None)
    assert all("s0" in values(b) for b in rest)
    assert sum(first == 50 for _, _, first, _ in link.asked) == 1


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_a_device_that_has_nothing_of_it_is_a_configuration_error(link, clock, code):
    link.trouble[1] = code
    driver = make(link, clock, {"address": 0}, {"address": 5})
    with pytest.raises(DriverConfigurationError, match=f"exception 0{code}"):
        await driver.connect()
    assert not link.is_open


async def test_a_busy_device_is_asked_again_soon_and_bad_only_after_three_times(link, clock):
    driver = make(link, clock, {"address": 0})
    await driver.connect()
    link.trouble[1] = [6, 5, 6, 6]
    first, bad, worse, good = await take(driver, 4)
    assert "exception 06" in bad[0].status
    assert (bad[0].quality, worse[0].quality) == (Quality.BAD, Quality.BAD)
    assert bad[0].read_at - first[0].read_at == 1_000_000 + 200_000 + 400_000
    assert good[0].quality is Quality.GOOD


@pytest.mark.parametrize(("code", "notices"), [(4, 0), (7, 0), (8, 1), (0x55, 0)])
async def test_a_failing_device_is_bad_and_asked_less_often(link, clock, code, notices):
    driver = make(link, clock, {"address": 0})
    await driver.connect()
    link.trouble[1] = code
    batches = (await take(driver, 8))[1:]
    samples = [r for b in batches for r in b if isinstance(r, SignalSample)]
    assert all(s.quality is Quality.BAD for s in samples)
    assert sum(isinstance(r, DriverNotice) for b in batches for r in b) == notices
    gaps = [later.read_at - earlier.read_at for earlier, later in pairwise(samples)]
    assert gaps == [n * 1_000_000 for n in (2, 4, 8, 16, 30, 30)]


async def test_an_undecodable_value_is_bad_for_itself_only(link, clock):
    link.memory[1] = [0x12A4, 5, *[0] * 10]
    driver = make(link, clock, {"address": 0, "type": "bcd4"}, {"address": 1})
    await driver.connect()
    [[wrong, right]] = await take(driver, 1)
    assert (wrong.quality, wrong.value) == (Quality.BAD, None)
    assert "not a BCD digit" in wrong.status
    assert (right.quality, right.value) == (Quality.GOOD, 5)


@pytest.mark.fault("F-29")
async def test_a_torn_counter_is_read_until_its_words_fit(link, clock):
    """The device moves the low word first; a read in between shows 65,536 too few."""
    link.memory[1] = [0x0001, 0xFFFF, 9, *[0] * 10]
    states = iter([(0x0001, 0xFFFF), (0x0001, 0x0000), (0x0002, 0x0000), (0x0002, 0x0001)])

    def move(unit):
        link.memory[1][0:2] = next(states, (0x0002, 0x0002))

    driver = make(link, clock, {"address": 0, "type": "uint32", "torn_guard": True}, {"address": 2})
    link.before_read = move
    await driver.connect()
    assert values((await take(driver, 1))[0]) == {"s0": 0x0002_0001, "s1": 9}


@pytest.mark.fault("F-29")
async def test_a_counter_that_never_fits_is_torn_not_guessed(link, clock):
    high = iter(range(100))

    def move(unit):
        link.memory[1][0] = next(high)

    link.memory[1] = [0] * 10
    driver = make(link, clock, {"address": 0, "type": "uint32", "torn_guard": True}, {"address": 2})
    link.before_read = move
    await driver.connect()
    [[torn, other]] = await take(driver, 1)
    assert (torn.quality, torn.value, torn.status) == (Quality.BAD, None, "torn")
    assert other.quality is Quality.GOOD


async def test_writes_use_the_function_that_fits(link, clock):
    driver = make(
        link,
        clock,
        {"address": 10, "writable": True},
        {"address": 12, "type": "float32", "order": "CDAB", "writable": True},
        {"address": 3, "table": "coils", "writable": True, "access": "write"},
    )
    await driver.connect()
    link.asked.clear()
    await driver.write("s0", 77)
    await driver.write("s1", 123.456)
    await driver.write("s2", True)
    assert [(function, first) for _, function, first, _ in link.asked] == [
        (6, 10),
        (16, 12),
        (5, 3),
    ]
    assert link.memory[1][10] == 77
    assert link.memory[1][12:14] == [0xE979, 0x42F6]
    assert link.memory[1][3] == 0xFF00


async def test_a_device_that_knows_only_fc16_gets_it(link, clock):
    driver = make(link, clock, {"address": 10, "writable": True}, single_write="fc16")
    await driver.connect()
    await driver.write("s0", 77)
    assert link.asked[-1] == (1, 16, 10, 1)


@pytest.mark.parametrize(
    ("signal", "value"), [("s1", 1), ("nobody", 1), ("s0", "x"), ("s0", 65_536)]
)
async def test_a_write_that_cannot_be_is_refused_before_it_is_sent(link, clock, signal, value):
    driver = make(link, clock, {"address": 10, "writable": True}, {"address": 11})
    await driver.connect()
    link.asked.clear()
    with pytest.raises(DriverConfigurationError):
        await driver.write(signal, value)
    assert link.asked == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ([2], DriverConfigurationError),
        ([4], DriverUnavailableError),
        (["silent", "silent"], DriverUnavailableError),
        ([6] * 9, DriverUnavailableError),
        (["silent"], None),
        ([5, 6], None),
    ],
)
async def test_a_write_counts_only_when_it_is_confirmed(link, clock, trouble, error):
    driver = make(link, clock, {"address": 10, "writable": True}, retries=1)
    await driver.connect()
    link.trouble[1] = list(trouble)
    if error is None:
        await driver.write("s0", 5)
        assert link.memory[1][10] == 5
    else:
        with pytest.raises(error):
            await driver.write("s0", 5)


async def test_a_refused_connection_is_unavailable(link, clock):
    link.trouble["open"] = True
    with pytest.raises(DriverUnavailableError):
        await make(link, clock, {"address": 0}).connect()


async def test_closing_twice_is_safe(link, clock):
    driver = make(link, clock, {"address": 0})
    await driver.connect()
    await driver.close()
    await driver.close()
