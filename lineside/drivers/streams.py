"""Byte streams under the drivers: what they share, and the one over TCP."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Protocol

from lineside.contracts.errors import DriverUnavailableError

INBOX_BYTES_MAX = 65_536
"""A stream stops reading from its device above this many bytes that nobody took."""


Chunk = tuple[float, bytes]
"""When bytes came (time of the event loop, seconds), and the bytes."""


class ByteStream(Protocol):
    """An open connection that carries bytes."""

    def send(self, data: bytes) -> None:
        """Hand bytes over for sending.

        Raises:
            DriverUnavailableError: The connection is gone.
        """
        ...

    async def receive(self, timeout_s: float | None) -> bytes:
        """Everything that came since the last call, at least one byte; None waits for ever.

        Raises:
            TimeoutError: Nothing came in time.
            DriverUnavailableError: The connection is gone and everything it brought was taken.
        """
        ...

    def discard(self) -> bytes:
        """Throw away what is waiting, and return it as evidence."""
        ...

    def close(self) -> None:
        """Let go; safe to call twice."""
        ...


class Inbox:
    """Received bytes, and the one reader that waits for them."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: DriverUnavailableError | None = None
        self._deadline: float | None = None  # of the present wait, time of the event loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether the stream should stop reading until somebody takes."""
        return self._bytes > INBOX_BYTES_MAX

    @property
    def error(self) -> DriverUnavailableError | None:
        """Why nothing more will come, if so."""
        return self._error

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        self._chunks.append((asyncio.get_running_loop().time(), data))
        self._bytes += len(data)
        self._wake()

    def fail(self, error: DriverUnavailableError) -> None:
        """Nothing more will come; the first reason stands."""
        self._error = self._error or error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def take(self) -> bytes:
        """Everything that is here."""
        chunks = self._chunks
        data = chunks[0][1] if len(chunks) == 1 else b"".join(piece for _, piece in chunks)
        chunks.clear()
        self._bytes = 0
        return data

    async def receive(self, timeout_s: float | None) -> bytes:
        """As `ByteStream.receive`."""
        await self._ready(timeout_s)
        return self.take()

    async def receive_chunk(self, timeout_s: float | None) -> Chunk:
        """What came in one go, oldest first; raises as `ByteStream.receive`."""
        await self._ready(timeout_s)
        chunk = self._chunks.popleft()
        self._bytes -= len(chunk[1])
        return chunk

    async def _ready(self, timeout_s: float | None) -> None:
        if self._chunks:
            return
        if self._error is None:
            await self._wait(timeout_s)
        if not self._chunks and self._error is not None:
            raise self._error

    async def _wait(self, timeout_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._deadline = None if timeout_s is None else loop.time() + timeout_s
        if self._deadline is not None and (
            self._timer is None or self._timer.when() > self._deadline
        ):
            self._arm(loop, self._deadline)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _arm(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        # One timer for many waits: it looks again at the deadline of the moment when it rings.
        # asyncio.timeout, or a timer for each wait, costs a good part of a whole exchange.
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(at, self._ring)

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._deadline is None:
            return
        if loop.time() >= self._deadline:
            self._waiter.set_exception(TimeoutError())
        else:
            self._arm(loop, self._deadline)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class TcpStream(asyncio.Protocol):
    """Bytes over one TCP connection."""

    def __init__(self, host: str, port: int) -> None:
        self._address = f"{host}:{port}"
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._paused = False

    @classmethod
    async def open(cls, host: str, port: int, *, timeout_s: float) -> TcpStream:
        """Connect.

        Raises:
            DriverUnavailableError: Refused, unreachable, or no answer in time.
        """
        loop = asyncio.get_running_loop()
        stream = cls(host, port)
        try:
            async with asyncio.timeout(timeout_s):
                await loop.create_connection(lambda: stream, host, port)
        except TimeoutError as problem:
            raise DriverUnavailableError(
                f"{host}:{port} does not answer within {timeout_s} s.",
                hint="Check power, cable and address of the device.",
            ) from problem
        except OSError as problem:
            raise DriverUnavailableError(
                f"{host}:{port} cannot be reached: {problem.strerror or problem}.",
                hint="Check address and port, and that the device allows one more connection.",
            ) from problem
        return stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._inbox.feed(data)
        if self._inbox.is_full and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection ended."""
        reason = f": {exc}" if exc else ""
        self._inbox.fail(DriverUnavailableError(f"{self._address} closed the connection{reason}."))

    def send(self, data: bytes) -> None:
        """As `ByteStream.send`."""
        if self._inbox.error is not None:
            raise self._inbox.error
        assert self._transport is not None
        self._transport.write(data)

    async def receive(self, timeout_s: float | None) -> bytes:
        """As `ByteStream.receive`."""
        data = await self._inbox.receive(timeout_s)
        self._resume()
        return data

    def discard(self) -> bytes:
        """As `ByteStream.discard`."""
        data = self._inbox.take()
        self._resume()
        return data

    def close(self) -> None:
        """As `ByteStream.close`; unsent and unread bytes are dropped with the connection."""
        if self._transport is not None:
            self._transport.abort()
        self._inbox.fail(DriverUnavailableError(f"The connection to {self._address} was closed."))

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            with suppress(RuntimeError):  # the transport is closing: nothing to resume
                self._transport.resume_reading()
