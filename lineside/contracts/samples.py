"""What drivers yield: samples of signals, scans, and honest words about what they missed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from lineside.contracts.clock import Microseconds

SignalValue = bool | int | float | str | None


class Quality(StrEnum):
    """Whether a value may be used; UNCERTAIN is shown flagged, never an edge, count or state."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class SignalSample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One value of one signal.

    There is one for every value that a device sends: a struct is made several times faster than a
    frozen dataclass, and holds nothing that could refer back to it.

    Attributes:
        signal: Name from the configuration, unique within a device.
        value: Decoded value, None when quality is bad.
        quality: Use it, show it, or neither.
        read_at: When this computer had it, microseconds UTC.
        source_at: The device's own timestamp, where it gives one.
        server_at: The server's timestamp (OPC UA), where it gives one.
        status: The protocol's own status as hexadecimal or name, for evidence.
        initial: The present value at the start of a subscription, not a change.
        overflow: The device says that values before this one were lost in its queue.
        sequence: Number of the block or publish that carried it: equal for values read together.
    """

    signal: str
    value: SignalValue
    quality: Quality
    read_at: Microseconds
    source_at: Microseconds | None = None
    server_at: Microseconds | None = None
    status: str = ""
    initial: bool = False
    overflow: bool = False
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRead:
    """One framed reading of a scanner or scale, bytes as they came without the frame's own bytes.

    Attributes:
        raw: The bytes between prefix and suffix; never stripped further.
        read_at: When the last byte arrived, microseconds UTC.
        problem: Empty, or what was wrong with the frame (`partial`, `too_long`).
    """

    raw: bytes
    read_at: Microseconds
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverNotice:
    """What a driver must say besides values.

    Attributes:
        kind: `connected`, `lost`, `gap` (values were missed between `since` and `read_at`),
            `restarted` (the device began a new epoch), `signal_error` (one signal is
            misconfigured).
        detail: One sentence for a person.
        signal: The signal concerned, or empty for the whole device.
    """

    kind: str
    detail: str
    read_at: Microseconds
    since: Microseconds | None = None
    signal: str = ""


Reading = SignalSample | ScanRead | DriverNotice
