"""RTU framing: answers without numbers, and how a late one is still never taken for another."""

from __future__ import annotations

import asyncio
from secrets import randbelow

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.decoding import Table
from lineside.drivers.modbus.frames import (
    READ_FUNCTIONS,
    RTU_FRAME_MAX,
    WRITE_COIL,
    ModbusExceptionError,
    NoAnswerError,
    Request,
    check_exception,
    echo_request,
    find_answer,
    read_request,
    rtu_frame,
)
from lineside.drivers.modbus.transport import Link, OpenStream
from lineside.drivers.streams import ByteStream

_FAST_BAUD_PAUSE_S = 0.00175  # fixed above 19 200 baud
_FAST_BAUD_CHARACTERS_PER_S = 19_200 / 11
_PAUSE_CHARACTERS = 3.5
_NOISE_BYTES_MAX = 4 * RTU_FRAME_MAX
_NONCES = 65_536
_FRAME_EXTRA_BYTES = 3  # unit and checksum

_TABLES = {
    **{function: table for table, function in READ_FUNCTIONS.items()},
    WRITE_COIL: Table.COILS,
}
_OTHER_TABLE = {
    Table.COILS: Table.DISCRETE_INPUTS,
    Table.DISCRETE_INPUTS: Table.COILS,
    Table.HOLDING_REGISTERS: Table.INPUT_REGISTERS,
    Table.INPUT_REGISTERS: Table.HOLDING_REGISTERS,
}

Shape = tuple[int, int]
"""Function code and PDU length of an answer: what an RTU answer can be told apart by."""


class RtuLink(Link):
    """RTU frames over a serial port, or over TCP to a serial server.

    A unit that left a request unanswered is *in doubt*: the line is left alone for `late_answer_s`
    and drained, and before the unit's next request counts, the unit must answer a probe that no
    older answer can look like: a read of another length, of another table, or an echo of random
    bits. Units answer in order, so behind the probe's answer nothing old can follow.

    Args:
        characters_per_s: Speed of the line, for transmission times and pauses; None: unknown.
        local_echo: What we send comes back first.
    """

    def __init__(
        self,
        open_stream: OpenStream,
        *,
        timeout_s: float,
        late_answer_s: float,
        characters_per_s: float | None = None,
        local_echo: bool = False,
    ) -> None:
        super().__init__(open_stream, timeout_s=timeout_s)
        self._late_answer_s = late_answer_s
        self._characters_per_s = characters_per_s
        self._local_echo = local_echo
        self._owed: dict[int, set[Shape]] = {}  # unit -> answers that may still come
        self._probe: dict[int, int] = {}  # unit -> which of the probes to try next
        self._needs_quiet = False

    async def _exchange(self, request: Request) -> bytes:
        if self._stream is None:
            raise DriverUnavailableError("The serial line is not open.")
        if self._needs_quiet:
            await self._quiet(self._stream)
        if self._owed.get(request.unit):
            await self._resync(self._stream, request)
        return await self._ask(self._stream, request)

    async def _ask(self, stream: ByteStream, request: Request) -> bytes:
        await asyncio.sleep(self._frame_pause_s())
        self.statistics.stray_bytes += len(stream.discard())
        owed = self._owed.setdefault(request.unit, set())
        in_sync = not owed
        # Whatever interrupts us from here on, a cancelled task included: the answer is owed.
        owed.add((request.function, request.answer_bytes))
        self._needs_quiet = True
        frame = rtu_frame(request.unit, request.pdu)
        stream.send(frame)
        try:
            pdu = await self._answer(stream, request, frame)
        except TimeoutError as problem:
            await self._quiet(stream)
            raise NoAnswerError(
                f"Unit {request.unit} did not answer within {self._timeout_s} s.",
                hint="Check the unit id, baud rate, parity, wiring and termination.",
            ) from problem
        self._needs_quiet = False
        if in_sync:
            owed.clear()
        return pdu

    async def _answer(self, stream: ByteStream, request: Request, sent: bytes) -> bytes:
        """The answer's PDU.

        Raises:
            TimeoutError: None in time, or the line babbles.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        if self._characters_per_s:
            expected_bytes = request.answer_bytes + _FRAME_EXTRA_BYTES
            deadline += (len(sent) + expected_bytes) / self._characters_per_s
        received = b""
        while len(received) <= _NOISE_BYTES_MAX:
            try:
                received += await stream.receive(max(0.0, deadline - loop.time()))
            except TimeoutError:
                self.statistics.stray_bytes += len(received)
                raise
            begin = 0
            if self._local_echo:
                # An echoed write looks exactly like its confirmation, so it must be seen first.
                begin = received.find(sent) + len(sent)
                if begin < len(sent):
                    continue
            found = find_answer(received[begin:], request)
            if found is not None:
                end, pdu = found
                answer_bytes = len(pdu) + _FRAME_EXTRA_BYTES
                self.statistics.stray_bytes += end - answer_bytes + len(received) - begin - end
                return pdu
        self.statistics.stray_bytes += len(received)
        raise TimeoutError

    async def _resync(self, stream: ByteStream, request: Request) -> None:
        """Make sure that every answer of this unit's past has gone by.

        Raises:
            NoAnswerError: The unit does not answer the probe; the next attempt tries another one.
        """
        unit = request.unit
        owed = self._owed[unit]
        self.statistics.resyncs += 1
        probes = _probes(request, owed)
        turn = self._probe.get(unit, 0) % len(probes)
        kind, probe = probes[turn]
        self._probe[unit] = turn + 1
        answer = await self._ask(stream, probe)
        try:
            check_exception(probe, answer)
        except ModbusExceptionError as problem:
            # A refused echo or other table is proof enough: the function code is the probe's own. A
            # refused read of another length could be the late refusal of the older read.
            if kind == "length":
                raise NoAnswerError(
                    f"Unit {unit} cannot be told to be in step again yet: {problem}"
                ) from problem
        self._probe[unit] = turn
        owed.clear()

    async def _quiet(self, stream: ByteStream) -> None:
        """Leave the line alone until a late answer has had its time, and throw away what comes."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._late_answer_s
        while (left := end - loop.time()) > 0:
            try:
                self.statistics.stray_bytes += len(await stream.receive(left))
            except TimeoutError:
                break
        self._needs_quiet = False

    def _frame_pause_s(self) -> float:
        """Silence of 3.5 characters before a frame."""
        if not self._characters_per_s:
            return 0.0
        if self._characters_per_s > _FAST_BAUD_CHARACTERS_PER_S:
            return _FAST_BAUD_PAUSE_S
        return _PAUSE_CHARACTERS / self._characters_per_s


def _probes(request: Request, owed: set[Shape]) -> list[tuple[str, Request]]:
    """Requests whose answers nothing owed can look like, the most harmless first.

    Never more than was asked for anyway: what lies behind the signals may clear itself when read.
    The echo comes last: units that do not know it lose their step and disturb their neighbours.
    """
    table = _TABLES.get(request.function, Table.HOLDING_REGISTERS)
    first = int.from_bytes(request.pdu[1:3], "big")
    probes = [
        ("function", read_request(request.unit, _OTHER_TABLE[table], first, 1)),
        ("echo", echo_request(request.unit, randbelow(_NONCES))),
    ]
    if request.function in READ_FUNCTIONS.values():
        count = int.from_bytes(request.pdu[3:5], "big")
        step = 8 if table.has_bits else 1  # what makes an answer shorter
        for fewer in range(count - step, 0, -step):
            probe = read_request(request.unit, table, first, fewer)
            if (probe.function, probe.answer_bytes) not in owed:
                return [("length", probe), *probes]
    return probes
