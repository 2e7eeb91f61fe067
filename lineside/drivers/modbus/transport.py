"""One request, one answer, never a late one: what all links share, and Modbus TCP.

Why not a library: without transaction ids, a library that waits for "the next fitting frame" hands
the late answer of one request to the next one of the same shape. Here an answer counts only if
nothing older can still be under way.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import randbelow

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.modbus.frames import (
    MBAP_BYTES,
    ModbusExceptionError,
    NoAnswerError,
    Request,
    check_exception,
    mbap_frame,
    mbap_header,
)
from lineside.drivers.streams import ByteStream

OpenStream = Callable[[], Awaitable[ByteStream]]


@dataclass(slots=True)
class LinkStatistics:
    """What a link has seen since it was made.

    Attributes:
        late_frames: Frames (TCP) that answered an earlier request, thrown away.
        stray_bytes: Bytes (RTU) that belonged to no answer we waited for, thrown away.
        resyncs: Times that a link was closed (TCP) or probed (RTU) to get rid of late answers.
    """

    requests: int = 0
    timeouts: int = 0
    exceptions: int = 0
    late_frames: int = 0
    stray_bytes: int = 0
    resyncs: int = 0


class Link(ABC):
    """One connection to one or more units; one request at a time."""

    def __init__(self, open_stream: OpenStream, *, timeout_s: float) -> None:
        self.statistics = LinkStatistics()
        self._open_stream = open_stream
        self._timeout_s = timeout_s
        self._stream: ByteStream | None = None
        self._lock = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Connect.

        Raises:
            DriverUnavailableError: Refused, absent, or in use.
        """
        self._stream = await self._open_stream()
        self._is_open = True

    async def close(self) -> None:
        """Let go; safe to call twice."""
        self._is_open = False
        self._drop()

    async def request(self, request: Request) -> bytes:
        """Ask, and return the PDU that answers.

        Raises:
            NoAnswerError: This unit did not answer, or not soundly; others may be asked.
            ModbusExceptionError: The unit answered with an exception.
            DriverUnavailableError: The connection is lost.
        """
        async with self._lock:
            if not self._is_open:
                raise DriverUnavailableError("The device is not connected.")
            self.statistics.requests += 1
            try:
                return check_exception(request, await self._exchange(request))
            except NoAnswerError:
                self.statistics.timeouts += 1
                raise
            except ModbusExceptionError:
                self.statistics.exceptions += 1
                raise

    @abstractmethod
    async def _exchange(self, request: Request) -> bytes:
        """Send and receive; the answer may be negative."""

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class TcpLink(Link):
    """Modbus TCP: answers are matched by transaction id.

    After a request without a sound answer the connection is closed, and opened again for the next
    one, so that nothing late can arrive on it.
    """

    def __init__(self, open_stream: OpenStream, *, timeout_s: float) -> None:
        super().__init__(open_stream, timeout_s=timeout_s)
        self._transaction = randbelow(0x10000)

    async def _exchange(self, request: Request) -> bytes:
        if self._stream is None:
            self.statistics.resyncs += 1
            self._stream = await self._open_stream()
        stream = self._stream
        self._transaction = transaction = (self._transaction + 1) & 0xFFFF
        answered = False
        try:
            stream.send(mbap_frame(transaction, request.unit, request.pdu))
            answer = await self._answer(stream, request, transaction)
            answered = True
        except TimeoutError as problem:
            raise NoAnswerError(
                f"Unit {request.unit} did not answer within {self._timeout_s} s.",
                hint="Check the unit id, and that the device is on.",
            ) from problem
        finally:
            # Also when the caller was cancelled: its answer must not meet the next request.
            if not answered:
                self._drop()
        return answer

    async def _answer(self, stream: ByteStream, request: Request, transaction: int) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        buffer = b""
        while True:
            while len(buffer) >= MBAP_BYTES:
                header = mbap_header(buffer)
                if not header.is_sound:
                    raise NoAnswerError(
                        "The device sends something that is not Modbus TCP.",
                        hint="Check host and port; a serial server may need rtu_over_tcp.",
                    )
                end = MBAP_BYTES - 1 + header.length
                if len(buffer) < end:
                    break
                frame, buffer = buffer[:end], buffer[end:]
                if header.transaction != transaction:
                    self.statistics.late_frames += 1
                    continue
                if header.unit != request.unit:
                    raise NoAnswerError(
                        f"Unit {header.unit} answered for unit {request.unit}.",
                        hint="Check the unit ids behind the gateway.",
                    )
                pdu = frame[MBAP_BYTES:]
                if not request.accepts(pdu):
                    raise NoAnswerError(
                        f"Unit {request.unit} answered {pdu.hex()} to {request.pdu.hex()}.",
                        hint="The device breaks the protocol: check its firmware.",
                    )
                return pdu
            buffer += await stream.receive(max(0.0, deadline - loop.time()))
