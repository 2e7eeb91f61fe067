"""Scanners and scales on simulated serial lines: one end of a pseudo terminal each.

The other end is a real tty with a path, which any program opens like a USB adapter.
"""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

READ_BYTES = 4096


class SimSerialDevice:
    """A device on a serial line, under a path that stays the same when it is plugged in again.

    Args:
        path: Where its symbolic link is made, like `/dev/serial/by-id/...`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._controller: int | None = None
        self._terminal: int | None = None
        self._received = bytearray()

    @property
    def is_there(self) -> bool:
        """Whether it is plugged in."""
        return self._controller is not None

    def appear(self) -> None:
        """Plug it in; its link then points to a new tty."""
        if self._controller is not None:
            return
        controller, terminal = os.openpty()
        tty.setraw(terminal)
        os.set_blocking(controller, False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(terminal))
        # Our own handle on the tty keeps bytes that nobody reads yet, like a driver's buffer.
        self._controller, self._terminal = controller, terminal

    def vanish(self) -> None:
        """Pull it out: link gone, readers get an error."""
        self.path.unlink(missing_ok=True)
        for descriptor in (self._terminal, self._controller):
            if descriptor is not None:
                os.close(descriptor)
        self._controller = self._terminal = None

    def __enter__(self) -> Self:
        """Plug it in."""
        self.appear()
        return self

    def __exit__(self, *_: object) -> None:
        """Pull it out."""
        self.vanish()

    async def send(self, data: bytes, *, chunks: Sequence[int] = (), pause_s: float = 0.0) -> None:
        """Send bytes.

        Args:
            data: What goes over the line.
            chunks: Sizes of the pieces in which it goes; the rest follows as one more piece.
            pause_s: Real time between two pieces.

        Raises:
            OSError: It is not plugged in, or nobody reads and the line is full for 5 s.
        """
        ends = [*chunks, len(data)]
        begin = 0
        for size in ends:
            piece, begin = data[begin : begin + size], begin + size
            if not piece:
                break
            await self._write(piece)
            if begin < len(data):
                await asyncio.sleep(pause_s)

    def received(self) -> bytes:
        """Everything that the other side has sent so far."""
        with suppress(OSError):
            while self._controller is not None and (data := os.read(self._controller, READ_BYTES)):
                self._received += data
        return bytes(self._received)

    async def _write(self, piece: bytes) -> None:
        left = piece
        async with asyncio.timeout(5):
            while left:
                if self._controller is None:
                    message = f"{self.path} is not plugged in"
                    raise OSError(message)
                try:
                    left = left[os.write(self._controller, left) :]
                except BlockingIOError:
                    await asyncio.sleep(0.002)


class SimScanner(SimSerialDevice):
    """A bar code scanner.

    Args:
        path: Where its symbolic link is made.
        prefix, suffix: What it puts around each code.
    """

    def __init__(self, path: Path, *, prefix: bytes = b"", suffix: bytes = b"\r") -> None:
        super().__init__(path)
        self._prefix, self._suffix = prefix, suffix

    async def scan(self, code: bytes) -> None:
        """Read a code and send it in a frame."""
        await self.send(self._prefix + code + self._suffix)

    async def scan_half(self, code: bytes) -> None:
        """Send the first half of a code and break off."""
        await self.send(self._prefix + code[: max(1, len(code) // 2)])

    async def babble(self, noise: bytes = b"\x00\xff\x7f\x81garbage") -> None:
        """Send what no frame begins with."""
        await self.send(noise)


class SimScale(SimSerialDevice):
    """A scale that answers requests, in lines like `ST,GS,+  12.345kg`.

    Args:
        path: Where its symbolic link is made.
        request: What asks it for a weight.
    """

    def __init__(self, path: Path, *, request: bytes = b"Q\r\n") -> None:
        super().__init__(path)
        self._request = request
        self._answered = 0

    def line(self, weight: str, *, stable: bool = True, unit: str = "kg") -> bytes:
        """One weight as it goes over the line.

        Args:
            weight: Decimal text, sign only if negative.
            stable: Whether the pan has come to rest.
            unit: Of the weight.
        """
        sign = "-" if weight.startswith("-") else "+"
        head = "ST" if stable else "US"
        return f"{head},GS,{sign}{weight.removeprefix('-'):>8}{unit}\r\n".encode()

    async def answer(self, weight: str, *, stable: bool = True) -> int:
        """Answer all requests that came since last time; returns how many."""
        asked = self.received().count(self._request) - self._answered
        for _ in range(asked):
            await self.send(self.line(weight, stable=stable))
        self._answered += asked
        return asked
