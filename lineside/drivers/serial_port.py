# pyright: basic
"""One serial port, opened for us alone.

The only file that knows pyserial. Reading goes past it, straight to the file descriptor: pyserial's
own read loop turns a vanished USB adapter into an endless exception.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import termios
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
import serial

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.streams import Chunk, Inbox

READ_BYTES = 4096
_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class PortSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a port is set.

    Attributes:
        port: Device file; `/dev/serial/by-id/...` stays the same across restarts and sockets.
        baud: Bits per second.
        flow: Flow control.
    """

    port: str
    baud: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "rts_cts", "xon_xoff"] = "none"

    @property
    def characters_per_s(self) -> float:
        """Characters on the line per second, start, parity and stop bits counted."""
        bits = 1 + self.data_bits + (self.parity != "none") + self.stop_bits
        return self.baud / bits


class SerialStream:
    """Bytes over one serial port; use within the running event loop."""

    def __init__(self, port: serial.Serial, path: str) -> None:
        self._port = port
        self._path = path
        self._descriptor: int = port.fileno()
        self._inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._reading = False
        self._open = True
        self._resume()

    @classmethod
    async def open(cls, settings: PortSettings) -> SerialStream:
        """Open a port exclusively and drop what had piled up in it.

        Raises:
            DriverUnavailableError: Not there, not permitted, or in use by another program.
        """
        try:
            port = serial.Serial(
                port=settings.port,
                baudrate=settings.baud,
                bytesize=settings.data_bits,
                parity=_PARITIES[settings.parity],
                stopbits=settings.stop_bits,
                rtscts=settings.flow == "rts_cts",
                xonxoff=settings.flow == "xon_xoff",
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as problem:
            raise _unavailable(settings.port, problem) from problem
        try:
            # pyserial only takes an advisory lock; TIOCEXCL also stops programs that do not ask.
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
            return cls(port, settings.port)
        except OSError as problem:
            port.close()
            raise _unavailable(settings.port, problem) from problem

    def send(self, data: bytes) -> None:
        """As `ByteStream.send`."""
        if self._inbox.error is not None:
            raise self._inbox.error
        idle = not self._unsent
        self._unsent += data
        if idle:
            self._flush()

    async def receive(self, timeout_s: float | None) -> bytes:
        """As `ByteStream.receive`."""
        data = await self._inbox.receive(timeout_s)
        self._resume()
        return data

    async def receive_chunk(self, timeout_s: float | None) -> Chunk:
        """What came in one go, with its time; raises as `ByteStream.receive`."""
        chunk = await self._inbox.receive_chunk(timeout_s)
        self._resume()
        return chunk

    def discard(self) -> bytes:
        """As `ByteStream.discard`, with what still lies in the kernel."""
        self._read_now()
        data = self._inbox.take()
        self._resume()
        return data

    def close(self) -> None:
        """As `ByteStream.close`."""
        if not self._open:
            return
        self._open = False
        self._stop()
        with suppress(OSError, termios.error):
            fcntl.ioctl(self._descriptor, termios.TIOCNXCL)
        # pyserial would wait for unsent bytes; those of a dead line are dropped.
        with suppress(OSError, termios.error):
            termios.tcflush(self._descriptor, termios.TCIOFLUSH)
        with suppress(OSError, termios.error, serial.SerialException):
            self._port.close()
        self._inbox.fail(DriverUnavailableError(f"{self._path} was closed."))

    def _flush(self) -> None:
        try:
            written = os.write(self._descriptor, self._unsent)
        except BlockingIOError:
            written = 0
        except OSError as problem:
            self._lose(problem)
            return
        del self._unsent[:written]
        if self._unsent:
            self._loop.add_writer(self._descriptor, self._flush)
        else:
            self._loop.remove_writer(self._descriptor)

    def _read_now(self) -> None:
        if not self._open or self._inbox.error is not None:
            return
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as problem:
            self._lose(problem)
            return
        if not data:
            # Zero bytes from a readable tty: it was hung up, the adapter is gone.
            if not _is_idle(self._descriptor):
                self._lose(None)
            return
        self._inbox.feed(data)
        if self._inbox.is_full:
            self._loop.remove_reader(self._descriptor)
            self._reading = False

    def _lose(self, problem: OSError | None) -> None:
        self._stop()
        reason = f" ({problem.strerror})" if problem else ""
        self._inbox.fail(
            DriverUnavailableError(
                f"{self._path} is gone{reason}.", hint="Check plug and power of the device."
            )
        )

    def _stop(self) -> None:
        self._reading = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)

    def _resume(self) -> None:
        if self._open and not self._reading and self._inbox.error is None:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._read_now)


def _is_idle(descriptor: int) -> bool:
    """Whether an empty read only meant that nothing was there (VMIN = 0)."""
    try:
        fcntl.ioctl(descriptor, termios.TIOCINQ, b"\0\0\0\0")
    except OSError:
        return False
    return Path(f"/proc/self/fd/{descriptor}").exists() and not _hung_up(descriptor)


def _hung_up(descriptor: int) -> bool:
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(
        event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)
    )


def _unavailable(path: str, problem: Exception) -> DriverUnavailableError:
    number = getattr(problem, "errno", None)
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        holder = _holder(path)
        return DriverUnavailableError(
            f"{path} is in use by {holder or 'another program'}.",
            hint="Close that program; one port serves one reader.",
        )
    if number == errno.ENOENT:
        return DriverUnavailableError(
            f"{path} does not exist.",
            hint="Plug the device in; see the names in /dev/serial/by-id.",
        )
    if number == errno.EACCES:
        return DriverUnavailableError(
            f"{path} may not be opened.", hint="Add the agent's user to the group dialout."
        )
    return DriverUnavailableError(
        f"{path} cannot be opened: {problem}.", hint="Check path, baud rate and adapter."
    )


def _holder(path: str) -> str:
    """Name and number of a process that has the port open, as far as we may see it."""
    target = os.path.realpath(path)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == target:
                process = link.parent.parent
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # ended meanwhile, or not ours to see
    return ""
