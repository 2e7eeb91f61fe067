r"""Raw scans as printable text: `\xNN` for what cannot be printed, and back."""

from __future__ import annotations

import re

from lineside.contracts.errors import InvalidMessageError

_PRINTABLE = range(0x20, 0x7F)
_BACKSLASH = 0x5C
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(\\)|)")
_HIGHEST_BYTE = 0xFF


class BadEscapeError(InvalidMessageError):
    r"""A text that does not follow the `\xNN` form."""

    code = "scan.bad_escape"


def escape(raw: bytes, *, limit: int | None = None) -> str:
    r"""Bytes as printable ASCII: control characters, backslash and bytes above 126 as `\xNN`.

    Args:
        raw: Any bytes.
        limit: Most characters of the result; it is cut between characters, never inside `\xNN`.
            A text cut short stands for the beginning of the bytes.
    """
    pieces: list[str] = []
    length = 0
    for byte in raw:
        plain = byte in _PRINTABLE and byte != _BACKSLASH
        piece = chr(byte) if plain else f"\\x{byte:02x}"
        length += len(piece)
        if limit is not None and length > limit:
            break
        pieces.append(piece)
    return "".join(pieces)


def unescape(text: str) -> bytes:
    r"""Bytes of a text in which `\xNN` and `\\` stand for one byte; all else stands for itself.

    Args:
        text: One character a byte (0 to 255); printable or not.

    Raises:
        BadEscapeError: A backslash that begins neither form, or a character that is no byte.
    """

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2]:
            return "\\"
        raise BadEscapeError(
            f"A backslash at character {match.start() + 1} begins neither \\xNN nor \\\\.",
            hint="Write a backslash in the data as \\x5c.",
        )

    found = _ESCAPE.sub(one, text)
    wide = next((character for character in found if ord(character) > _HIGHEST_BYTE), None)
    if wide is not None:
        raise BadEscapeError(
            f"The character U+{ord(wide):04X} does not stand for one byte.",
            hint="Write the bytes that the reader sent as \\xNN.",
        )
    return found.encode("latin-1")
