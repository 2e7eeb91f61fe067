"""Settings of one device on a serial line, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lineside.contracts.errors import ConfigurationError
from lineside.drivers.serial_line.framing import Framing
from lineside.drivers.serial_port import PortSettings
from lineside.drivers.settings import read_settings

_LENGTH_MAX = 32_768
_BYTE_MAX = 0xFF


class SerialLineSettings(PortSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    r"""The device's table of the configuration file.

    Bytes are written as text with TOML's escapes (`\r`, `\t`, `\u0002` for STX, `\u0003` for
    ETX); each character up to `\u00ff` is one byte.

    Attributes:
        profile: What the bytes mean.
        prefix, suffix: Bytes around each reading. An empty suffix: silence ends it.
        length: Fixed number of bytes of a reading.
        max_length: Longest reading, bytes; longer ones are reported as `too_long`.
        inter_byte_timeout_s: Silence that ends a reading, or shows that it broke off.
        verdict_good, verdict_bad: What the scanner is sent when `verdict` is written.
        format: How a scale writes weights.
        request: What asks a scale for a weight; empty: it sends by itself.
        poll_s: Seconds between two requests.
        silent_after_s: A scale that says nothing for so long is lost.
    """

    profile: Literal["scanner", "scale"] = "scanner"
    prefix: str = ""
    suffix: str = "\r"
    length: int | None = None
    max_length: int = 4096
    inter_byte_timeout_s: float = 0.1
    verdict_good: str = ""
    verdict_bad: str = ""
    format: Literal["st_gs", "mt_sics"] = "st_gs"
    request: str = ""
    poll_s: float = 1.0
    silent_after_s: float = 5.0

    @property
    def framing(self) -> Framing:
        """How readings are cut."""
        return Framing(
            prefix=wire_bytes(self.prefix),
            suffix=wire_bytes(self.suffix),
            length=self.length,
            length_max=self.max_length,
        )


def wire_bytes(text: str) -> bytes:
    """Bytes of a setting: one character is one byte."""
    return text.encode("latin-1")


def read_config(settings: Mapping[str, Any], *, file: str) -> SerialLineSettings:
    """Check the device's table.

    Raises:
        ConfigurationError: Names file, key, what was found and what was expected.
    """
    config = read_settings(settings, SerialLineSettings, file=file)
    for key in ("prefix", "suffix", "verdict_good", "verdict_bad", "request"):
        text: str = getattr(config, key)
        if any(ord(character) > _BYTE_MAX for character in text):
            raise ConfigurationError(
                file=file, key=key, found=text, expected="characters up to \\u00ff, one byte each"
            )
    rules: tuple[tuple[str, object, bool, str], ...] = (
        ("port", config.port, bool(config.port), "a device file"),
        ("baud", config.baud, config.baud > 0, "more than 0"),
        (
            "max_length",
            config.max_length,
            0 < config.max_length <= _LENGTH_MAX,
            f"1 to {_LENGTH_MAX}",
        ),
        (
            "length",
            config.length,
            config.length is None or 0 < config.length <= config.max_length,
            "1 to max_length",
        ),
        (
            "inter_byte_timeout_s",
            config.inter_byte_timeout_s,
            config.inter_byte_timeout_s > 0,
            "more than 0",
        ),
        ("poll_s", config.poll_s, config.poll_s > 0, "more than 0"),
        ("silent_after_s", config.silent_after_s, config.silent_after_s > 0, "more than 0"),
        (
            "silent_after_s",
            config.silent_after_s,
            not config.request or config.silent_after_s >= config.poll_s,
            "at least poll_s",
        ),
    )
    for key, found, sound, expected in rules:
        if not sound:
            raise ConfigurationError(file=file, key=key, found=found, expected=expected)
    return config
