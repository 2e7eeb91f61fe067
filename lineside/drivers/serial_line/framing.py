"""Cutting a stream of bytes into scans. Pure: the caller says when time has passed."""

from __future__ import annotations

from dataclasses import dataclass

_CONTROL_MAX = 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How a device marks the beginning and the end of one reading.

    Attributes:
        prefix: Bytes before each reading, or none.
        suffix: Bytes after each reading; none: silence ends it.
        length: Fixed number of bytes, if the device sends such; a suffix inside is then data.
        length_max: Longest reading, bytes.
    """

    prefix: bytes = b""
    suffix: bytes = b"\r"
    length: int | None = None
    length_max: int = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes between prefix and suffix, and what is wrong with them (`partial`, `too_long`)."""

    raw: bytes
    problem: str = ""


class Framer:
    """Turns bytes into frames; holds at most one unfinished frame.

    Nothing is dropped in silence: what belongs to no frame comes out as `partial`. Without a
    prefix, the rest of a broken frame looks like a whole one, so what follows a break without a
    pause is `partial`, too.
    """

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._buffer = bytearray()
        self._skips_to_suffix = False
        self._after_break = False

    @property
    def waits(self) -> bool:
        """Whether silence means something now, so that `silence` should be called."""
        return bool(self._buffer) or self._after_break or self._ends_by_silence

    @property
    def _ends_by_silence(self) -> bool:
        return self._skips_to_suffix and not self._framing.suffix

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are whole with these bytes."""
        self._buffer += data
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            if self._after_break:
                self._after_break = False
                frame = Frame(frame.raw, frame.problem or "partial")
            frames.append(frame)
        return frames

    def silence(self) -> list[Frame]:
        """No byte has come for the inter-byte timeout: what began is not going to end."""
        framing = self._framing
        if self._ends_by_silence:
            self._skips_to_suffix = False
            self._buffer.clear()
            return []
        if self._skips_to_suffix:
            # Rest of a reading that was already reported as too long; its suffix is yet to come.
            self._buffer.clear()
            return []
        if not self._buffer:
            self._after_break = False
            return []
        raw = bytes(self._buffer)
        self._buffer.clear()
        whole = not framing.suffix and framing.length is None and raw.startswith(framing.prefix)
        self._after_break = not whole and not framing.prefix
        return [Frame(raw.removeprefix(framing.prefix), "" if whole else "partial")]

    def _next(self) -> Frame | None:
        if self._skips_to_suffix and not self._skip():
            return None
        if not self._buffer:
            return None
        framing = self._framing
        stray = self._stray()
        if stray is not None:
            return stray
        if not self._buffer.startswith(framing.prefix):
            return None  # perhaps the first bytes of a prefix
        begin = len(framing.prefix)
        if framing.length is not None:
            return self._fixed(begin, framing.length)
        end = self._buffer.find(framing.suffix, begin) if framing.suffix else -1
        cut = self._second_prefix(begin, end)
        if cut is not None:
            return self._take(begin, cut, cut, "partial")
        if end >= 0:
            return self._closed(begin, end)
        if len(self._buffer) - begin >= framing.length_max + max(1, len(framing.suffix)):
            self._skips_to_suffix = True
            return self._take(
                begin, begin + framing.length_max, begin + framing.length_max, "too_long"
            )
        return None

    def _skip(self) -> bool:
        """Drop the rest of a reading that was too long; True when its suffix has gone by."""
        suffix = self._framing.suffix
        end = self._buffer.find(suffix) if suffix else -1
        if end < 0:
            del self._buffer[: max(0, len(self._buffer) - len(suffix) + 1)]
            return False
        del self._buffer[: end + len(suffix)]
        self._skips_to_suffix = False
        return True

    def _stray(self) -> Frame | None:
        """Bytes before the next prefix, up to a suffix if there is one."""
        framing = self._framing
        if not framing.prefix or self._buffer.startswith(framing.prefix):
            return None
        start = self._buffer.find(framing.prefix)
        end = self._buffer.find(framing.suffix) if framing.suffix else -1
        if end >= 0 and (start < 0 or end < start):
            return self._take(0, end, end + len(framing.suffix), "partial")
        if start > 0:
            return self._take(0, start, start, "partial")
        if len(self._buffer) > framing.length_max:
            self._skips_to_suffix = True
            return self._take(0, framing.length_max, framing.length_max, "too_long")
        return None

    def _second_prefix(self, begin: int, end: int) -> int | None:
        """Where a new reading begins inside an unfinished one; only a control byte tells."""
        prefix = self._framing.prefix
        if not prefix or prefix[0] >= _CONTROL_MAX:
            return None
        found = self._buffer.find(prefix, begin, None if end < 0 else end)
        return found if found >= 0 else None

    def _fixed(self, begin: int, length: int) -> Frame | None:
        suffix = self._framing.suffix
        end = begin + length
        if len(self._buffer) < end + len(suffix):
            return None
        if self._buffer.startswith(suffix, end):
            return self._take(begin, end, end + len(suffix), "")
        self._skips_to_suffix = True
        return self._take(begin, end, end, "partial")

    def _closed(self, begin: int, end: int) -> Frame:
        after = end + len(self._framing.suffix)
        if end - begin > self._framing.length_max:
            return self._take(begin, begin + self._framing.length_max, after, "too_long")
        return self._take(begin, end, after, "" if end > begin else "partial")

    def _take(self, begin: int, end: int, after: int, problem: str) -> Frame:
        raw = bytes(self._buffer[begin:end])
        del self._buffer[:after]
        return Frame(raw, problem)
