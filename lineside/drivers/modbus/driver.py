"""Reads the signals of one Modbus device or gateway, and writes the few that may be written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, Quality, Reading, SignalSample, SignalValue
from lineside.drivers.decoding import BYTES_PER_REGISTER, DecodingError, Table, arrange, encode
from lineside.drivers.modbus import frames
from lineside.drivers.modbus.config import ModbusConfig, Point, read_config
from lineside.drivers.modbus.frames import ModbusExceptionError, NoAnswerError, Request
from lineside.drivers.modbus.plan import Block, plan_blocks
from lineside.drivers.modbus.rtu import RtuLink
from lineside.drivers.modbus.transport import Link, LinkStatistics, TcpLink
from lineside.drivers.modbus.units import UnitBreaker
from lineside.drivers.serial_port import SerialStream
from lineside.drivers.streams import TcpStream

_TORN_READS_MAX = 3
_BUSY_ANSWERS_MAX = 3  # from here on a busy device's values are bad
_BUSY_PAUSE_S = 0.1
_PAUSE_MAX_S = 30.0
_CONFIGURATION = (frames.ILLEGAL_FUNCTION, frames.ILLEGAL_ADDRESS, frames.ILLEGAL_VALUE)
_BUSY = (frames.ACKNOWLEDGE, frames.BUSY)
_UNIT_IS_OFF = (frames.GATEWAY_PATH, frames.GATEWAY_TARGET)


def build(settings: Mapping[str, Any], *, clock: Clock, file: str) -> ModbusDriver:
    """Make the driver of one device; nothing is opened yet.

    Args:
        settings: The device's table, as `sample.toml` shows.
        clock: Time for `read_at` and for polling; answers are awaited in real time.
        file: Configuration file, for error texts.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    config = read_config(settings, file=file)
    return ModbusDriver(config, plan_blocks(config, file=file), make_link(config), clock)


def make_link(config: ModbusConfig) -> Link:
    """The link that the settings ask for."""
    device = config.device
    if device.transport == "rtu":
        port = device.serial
        assert port is not None
        return RtuLink(
            lambda: SerialStream.open(port),
            timeout_s=device.timeout_s,
            late_answer_s=config.late_answer_s,
            characters_per_s=port.characters_per_s,
            local_echo=device.local_echo,
        )

    def open_stream() -> Any:  # noqa: ANN401 - an awaitable stream
        return TcpStream.open(device.host, device.port, timeout_s=device.timeout_s)

    if device.transport == "tcp":
        return TcpLink(open_stream, timeout_s=device.timeout_s)
    return RtuLink(
        open_stream,
        timeout_s=device.timeout_s,
        late_answer_s=config.late_answer_s,
        local_echo=device.local_echo,
    )


class ModbusDriver:
    """Polls blocks of signals, the most overdue first, and nothing more.

    A block's signals come from one answer and carry one `sequence`. A unit that does not answer has
    bad quality and is asked less and less often; when no unit answers, the device is lost.
    Reconnecting belongs to the supervisor.

    Attributes:
        overruns: Polls that began later than their interval allows.
    """

    def __init__(
        self, config: ModbusConfig, blocks: Sequence[Block], link: Link, clock: Clock
    ) -> None:
        self.overruns = 0
        self._config = config
        self._link = link
        self._clock = clock
        self._active = list(blocks)
        self._refused: list[Block] = []
        self._units = {
            block.unit: UnitBreaker(config.device.silent_pause_max_s) for block in blocks
        }
        self._writable = {point.name: point for point in config.points if point.writable}
        self._first_batches: list[list[Reading]] = []
        self._unread: set[str] = set()
        self._sequence = 0

    @property
    def statistics(self) -> LinkStatistics:
        """What the link has seen, late answers among it."""
        return self._link.statistics

    async def connect(self) -> None:
        """Open the link and read every block once.

        Raises:
            DriverUnavailableError: Nobody answers.
            DriverConfigurationError: The device answers, but has nothing of what we ask for.
        """
        await self._link.open()
        self._active += self._refused
        self._refused.clear()
        self._unread = {point.name for block in self._active for point in block.points}
        now = self._clock.monotonic()
        if all(unit.blocks(now) for unit in self._units.values()):
            for unit in self._units.values():
                unit.try_again()
        batches: list[list[Reading]] = []
        try:
            for block in tuple(self._active):
                block.due_us = self._clock.monotonic()
                batches += await self._poll(block)
        except DriverUnavailableError:
            await self._link.close()
            raise
        if not self._active:
            await self._link.close()
            raise DriverConfigurationError(
                f"The device has none of the signals: {_details(batches)}",
                hint="Check unit, table, addressing and addresses of the signals.",
            )
        self._first_batches = batches

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield one batch a block and poll until the device is lost.

        Raises:
            DriverUnavailableError: No unit answers any more, or the connection is lost.
        """
        while self._first_batches:
            yield self._first_batches.pop(0)
        while True:
            if not self._active:
                raise DriverUnavailableError("The device refuses every signal by now.")
            block = min(self._active, key=lambda candidate: candidate.due_us)
            wait_us = block.due_us - self._clock.monotonic()
            if wait_us > 0:
                await self._clock.sleep(wait_us / US_PER_SECOND)
            for batch in await self._poll(block):
                yield batch

    async def write(self, signal: str, value: SignalValue) -> None:
        """Write one signal; returns after the device has confirmed it.

        Raises:
            DriverConfigurationError: Unknown, not writable, no fitting value, or the device
                says that it cannot be written.
            DriverUnavailableError: The device did not confirm the write.
        """
        point = self._writable.get(signal)
        if point is None:
            raise DriverConfigurationError(
                f"{signal} is not writable.",
                hint="Set writable = true for it in the configuration.",
            )
        request = self._write_request(point, value)
        busy = 0
        while True:
            try:
                # Setting a value twice is harmless, so a write may be repeated like a read.
                await self._ask(request, attempts=1 + self._config.device.retries)
            except ModbusExceptionError as problem:
                if problem.exception in _CONFIGURATION:
                    raise DriverConfigurationError(
                        f"{signal} cannot be written: {problem}",
                        hint="Check its address, and whether the device allows writing.",
                    ) from problem
                if problem.exception not in _BUSY or busy == _BUSY_ANSWERS_MAX:
                    raise DriverUnavailableError(
                        f"{signal} was not written: {problem}"
                    ) from problem
                await self._clock.sleep(_BUSY_PAUSE_S * 2**busy)
                busy += 1
            else:
                return

    async def close(self) -> None:
        """Let go of the device; safe to call twice and after errors."""
        self._first_batches.clear()
        await self._link.close()

    async def _poll(self, block: Block) -> list[list[Reading]]:
        """Read a block now and set its next time.

        Raises:
            DriverUnavailableError: No unit answers, or the connection is lost.
        """
        now = self._clock.monotonic()
        if now - block.due_us > block.poll_us:
            self.overruns += 1
        block.due_us = max(block.due_us + block.poll_us, now)
        unit = self._units[block.unit]
        if unit.blocks(now):
            return [self._bad(block, unit.status)]
        # A unit that was silent gets one attempt only: the others are waiting.
        attempts = 1 if unit.failures else 1 + self._config.device.retries
        try:
            pdu, torn = await self._read(block, attempts)
        except NoAnswerError as problem:
            unit.fail(self._clock.monotonic(), silent=True, status="no answer")
            if all(other.silent for other in self._units.values()):
                raise DriverUnavailableError(
                    f"No unit answers. {problem}", hint=problem.hint
                ) from problem
            return [self._bad(block, "no answer")]
        except DriverUnavailableError:
            # Some gateways hang up on us when a unit is off: remember which one we had asked.
            unit.fail(self._clock.monotonic(), silent=True, status="connection lost")
            raise
        except ModbusExceptionError as problem:
            return await self._exception(block, unit, problem)
        unit.recover()
        block.refusals = 0
        return [self._good(block, pdu, torn)]

    async def _exception(
        self, block: Block, unit: UnitBreaker, problem: ModbusExceptionError
    ) -> list[list[Reading]]:
        """What follows from a negative answer; the link is alive."""
        code = problem.exception
        now = self._clock.monotonic()
        if code in _UNIT_IS_OFF:
            unit.fail(now, silent=False, status=problem.status)
            return [self._bad(block, problem.status)]
        unit.recover()
        if code == frames.ILLEGAL_ADDRESS and (halves := block.halves()):
            # There is a hole in the block. The halves replace it for good.
            place = self._active.index(block)
            self._active[place : place + 1] = halves
            return [*await self._poll(halves[0]), *await self._poll(halves[1])]
        if code in _CONFIGURATION:
            self._active.remove(block)
            self._refused.append(block)
            return [[*self._notices(block, problem), *self._bad(block, problem.status)]]
        block.refusals += 1
        if code in _BUSY:
            pause_s = min(_PAUSE_MAX_S, _BUSY_PAUSE_S * 2 ** min(block.refusals, 16))
            block.due_us = now + round(pause_s * US_PER_SECOND)
            if block.refusals < _BUSY_ANSWERS_MAX:
                return []
            return [self._bad(block, problem.status)]
        pause_us = min(
            round(_PAUSE_MAX_S * US_PER_SECOND), block.poll_us * 2 ** min(block.refusals, 16)
        )
        block.due_us = now + max(block.poll_us, pause_us)
        is_news = code == frames.MEMORY_PARITY and block.refusals == 1
        notices = self._notices(block, problem) if is_news else []
        return [[*notices, *self._bad(block, problem.status)]]

    async def _read(self, block: Block, attempts: int) -> tuple[bytes, tuple[Point, ...]]:
        """A block's answer, and those of its guarded signals that are torn in it."""
        pdu = await self._ask(block.request, attempts=attempts)
        torn = block.guarded
        reads = 0
        while torn and reads < _TORN_READS_MAX:
            before, pdu = pdu, await self._ask(block.request, attempts=attempts)
            torn = tuple(
                point
                for point in block.guarded
                if not _fits(point, block.raw(point, before), block.raw(point, pdu))
            )
            reads += 1
        return pdu, torn

    async def _ask(self, request: Request, *, attempts: int) -> bytes:
        for _ in range(attempts - 1):
            try:
                return await self._link.request(request)
            except NoAnswerError:
                continue  # counted by the link; the last attempt speaks
        return await self._link.request(request)

    def _good(self, block: Block, pdu: bytes, torn: Sequence[Point]) -> list[Reading]:
        read_at = self._clock.now()
        self._sequence = sequence = self._sequence + 1
        values, problems = block.values(pdu)
        for point in torn:
            problems[block.points.index(point)] = "torn"
        if problems or self._unread:
            return self._told(block, values, problems, read_at)
        # Nearly every poll: 125 times what is the same for all of them would cost as much again.
        good = Quality.GOOD
        return [
            SignalSample(signal=name, value=value, quality=good, read_at=read_at, sequence=sequence)
            for name, value in zip(block.signals, values, strict=True)
        ]

    def _told(
        self,
        block: Block,
        values: Sequence[SignalValue],
        problems: Mapping[int, str],
        read_at: Microseconds,
    ) -> list[Reading]:
        """Samples of which some have no value, or are the first of their signal."""
        batch: list[Reading] = [
            SignalSample(
                signal=name,
                value=None if index in problems else value,
                quality=Quality.BAD if index in problems else Quality.GOOD,
                read_at=read_at,
                status=problems.get(index, ""),
                initial=name in self._unread,
                sequence=self._sequence,
            )
            for index, (name, value) in enumerate(zip(block.signals, values, strict=True))
        ]
        self._unread.difference_update(block.signals)
        return batch

    def _bad(self, block: Block, status: str) -> list[Reading]:
        read_at: Microseconds = self._clock.now()
        self._sequence += 1
        return [
            SignalSample(
                signal=point.name,
                value=None,
                quality=Quality.BAD,
                read_at=read_at,
                status=status,
                sequence=self._sequence,
            )
            for point in block.points
        ]

    def _notices(self, block: Block, problem: ModbusExceptionError) -> list[Reading]:
        read_at = self._clock.now()
        return [
            DriverNotice(
                kind="signal_error",
                detail=f"{point.name} ({block.table.value} {point.first}): {problem}",
                read_at=read_at,
                signal=point.name,
            )
            for point in block.points
        ]

    def _write_request(self, point: Point, value: SignalValue) -> Request:
        if point.table is Table.COILS:
            if value not in (True, False):
                raise DriverConfigurationError(f"{point.name} takes true or false, not {value!r}.")
            return frames.write_coil_request(point.unit, point.first, on=bool(value))
        assert point.encoding is not None
        try:
            registers = encode(value, point.encoding)
        except DecodingError as problem:
            raise DriverConfigurationError(
                f"{point.name} cannot hold {value!r}: {problem}"
            ) from problem
        if len(registers) == 1 and self._config.device.single_write == "fc06":
            return frames.write_register_request(point.unit, point.first, registers[0])
        return frames.write_registers_request(point.unit, point.first, registers)


def _fits(point: Point, before: bytes, after: bytes) -> bool:
    """Whether two reads of a counter that counts up show no carry between its words."""
    assert point.encoding is not None
    old, new = arrange(before, point.encoding.order), arrange(after, point.encoding.order)
    low = -BYTES_PER_REGISTER
    return old[:low] == new[:low] and old[low:] <= new[low:]


def _details(batches: Sequence[Sequence[Reading]]) -> str:
    details = [
        reading.detail
        for batch in batches
        for reading in batch
        if isinstance(reading, DriverNotice)
    ]
    return " ".join(details[:3])
