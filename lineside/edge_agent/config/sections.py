"""The tables of the configuration file, with what each key means and its default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from lineside.contracts.events import CounterRole, MachineState
from lineside.contracts.scancode import MeaningRules

# Section 6 of the OEE sheet; PackML by state number, Machinery by item state with its mode.
PROFILES: dict[str, dict[str, str]] = {
    "packml": {
        **dict.fromkeys(("6", "16", "Execute", "Completing"), "RUN"),
        **dict.fromkeys(("1", "2", "3", "5", "7", "10", "11", "12", "13", "14", "15"), "STOP"),
        **dict.fromkeys(("Holding", "Held", "Unholding", "Suspending", "Suspended"), "STOP"),
        **dict.fromkeys(("Unsuspending", "Starting", "Stopping", "Stopped"), "STOP"),
        **dict.fromkeys(("Resetting", "Clearing"), "STOP"),
        **dict.fromkeys(("8", "9", "Aborting", "Aborted"), "FAIL"),
        **dict.fromkeys(("4", "17", "Idle", "Complete"), "IDLE"),
    },
    "machinery": {
        "Executing": "RUN",
        "NotExecuting": "STOP",
        "OutOfService": "FAIL",
        "NotAvailable": "UNKNOWN",
    },
}


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose unknown keys are errors."""


class EdgeSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agent itself.

    Attributes:
        data_dir: Journal and caches; relative to the configuration file.
        listen: Address of the terminal's page, `host:port`.
        simulation: A simulated plant: business time can be moved, every event is marked `replayed`.
        device_time_window_s: How far a device's own timestamp may be from ours to be trusted,
            seconds.
        scan_repeat_s: The same scan again within it is a slip of the hand, seconds.
        pages_max: Open pages at once.
    """

    data_dir: str = "data"
    listen: str = "127.0.0.1:8601"
    simulation: bool = False
    device_time_window_s: Decimal = Decimal(5)
    scan_repeat_s: Decimal = Decimal(3)
    pages_max: int = 50


class IdentitySection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificate files, as `lineside-edge enrol` writes them, relative to this file."""

    certificate: str = ""
    key: str = ""
    authority: str = ""


class SyncSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wire to central; without a broker the edge works alone.

    Attributes:
        open_broker: Facts are sent even through a broker that lets this edge read or write topics
            of others; people are told all the time.
    """

    broker: str = ""
    open_broker: bool = False


class StateSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a signal tells the machine's state.

    Attributes:
        signal: Which signal.
        profile: `packml` or `machinery`: the default mapping.
        map: The signal's value as text to a state; wins over the profile.
        blocked, starved: Signals that say so while the machine is in STOP.
    """

    signal: str
    profile: Literal["packml", "machinery", ""] = ""
    map: dict[str, MachineState] = {}
    blocked: str = ""
    starved: str = ""

    def states(self) -> dict[str, MachineState]:
        """Value of the signal to state."""
        defaults = PROFILES.get(self.profile, {})
        return {value: MachineState(state) for value, state in defaults.items()} | self.map


class CounterSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece counter (R15 to R17 of the OEE sheet).

    Attributes:
        bits, modulus: The counter shows its value mod 2^bits or mod modulus; one of the two.
        kind: `rolling`, or `resetting` where the machine sets it back (shift, order).
        max_per_min: Largest plausible rate, pieces a minute.
        pieces_per_count: Pieces a count (cavities); the station's where missing.
    """

    name: str
    signal: str
    role: CounterRole = CounterRole.PRODUCED
    bits: int | None = None
    modulus: int | None = None
    kind: Literal["rolling", "resetting"] = "rolling"
    max_per_min: Decimal
    pieces_per_count: Decimal | None = None

    @property
    def wraps_at(self) -> int:
        """Modulus, 2^16 where nothing is said."""
        return self.modulus if self.modulus is not None else 1 << (self.bits or 16)


class TriggerSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part-complete handshake.

    Attributes:
        sequence: Signal with the device's sequence number.
        acknowledge: Signal to which the number is written after the commit; empty: none.
        good: Signal with the device's verdict.
        serial: Signal with the piece's serial number, where the device knows it.
        parameters: Signals captured with the piece.
        modulus: The number goes on at 0 or 1 after it.
        finishes_unit: The trigger finishes the unit that is in work here.
    """

    name: str
    sequence: str
    acknowledge: str = ""
    good: str = ""
    serial: str = ""
    parameters: tuple[str, ...] = ()
    modulus: int = 1 << 31
    finishes_unit: bool = True


class DiscreteSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal whose changes are facts: `program`, `tool`, `mode`, `estop`, own roles."""

    signal: str
    role: str


class AlarmSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal that raises an alarm: true, or a code other than 0 or empty.

    Attributes:
        format: `code`: the value is the alarm. `mtconnect`: a condition of an MTConnect adapter,
            `Warning|406|||MEMORY PROTECT`; it tells code, severity and text itself, and further
            alarms may be raised before `Normal` ends them.
    """

    signal: str
    format: Literal["code", "mtconnect"] = "code"
    code: str = ""
    severity: Literal["warning", "fault"] = "fault"
    text: str = ""


class ScaleSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a scale counts pieces, where `counts_from = "scale"`.

    One load is one weighing: the scale was empty, a load comes to rest, its pieces are booked once.

    Attributes:
        signal: The weight; one that has not come to rest is uncertain.
        unit_signal: Names the weight's unit; empty: it is in `unit`.
        net_signal: True where the scale itself has taken the tare off; empty: it never does.
        unit: Of what follows: `mg`, `g`, `kg`, `t`.
        empty_below: What the empty scale may show; a smaller change of a load is none.
        settle_s: How long a load stays the same before it counts, seconds.
        piece_weight, tare: Of one piece, of the empty container, where the order's operation does
            not say; a piece weight of 0: only operations say it.
        tolerance: How far a load may be from a whole number of pieces, share of a piece.
        pieces_max: A load of more pieces is not plausible; none: any number is.
    """

    signal: str
    unit_signal: str = ""
    net_signal: str = ""
    unit: Literal["mg", "g", "kg", "t"] = "kg"
    empty_below: Decimal
    settle_s: Decimal = Decimal(1)
    piece_weight: Decimal = Decimal(0)
    tare: Decimal = Decimal(0)
    tolerance: Decimal = Decimal("0.25")
    pieces_max: int | None = None


class ScanSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plain codes mean what: patterns of the safe subset of `contracts.scancode.rules`.

    Attributes:
        command, badge, order, lot, carrier, unit: Patterns; a missing list keeps the default. The
            group `id` is the number; for orders a group `operation` may follow.
        encoding: Of plain codes.
        separators_verified: It was tested that the readers transmit GS.
    """

    command: tuple[str, ...] | None = None
    badge: tuple[str, ...] | None = None
    order: tuple[str, ...] | None = None
    lot: tuple[str, ...] | None = None
    carrier: tuple[str, ...] | None = None
    unit: tuple[str, ...] | None = None
    reserved: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    separators_verified: bool = False

    def rules(self) -> MeaningRules:
        """The rules, compiled.

        Raises:
            UnsafePatternError, UnknownEncodingError: A person must mend them.
        """
        given = {
            name: value
            for name in ("command", "badge", "order", "lot", "carrier", "unit", "reserved")
            if (value := getattr(self, name)) is not None
        }
        return MeaningRules(
            encoding=self.encoding, separators_verified=self.separators_verified, **given
        )


class StationSection(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place where something is made.

    Attributes:
        parallel: Several orders at once (oven, nest, bench).
        device: The device of its signals; a signal of another one is written `device/signal`.
        state_from: `signals` of a machine, or `acts` of people.
        counts_from: What counts pieces: `counter`, `unit_finished`, `declaration`, `scale`.
        pieces_per_count: Pieces a count (cavities, blocked ones left out).
        scanners: Devices whose scans belong here.
        missing_passport: What to do with a unit whose earlier operations are unknown here:
            `refuse`, `ask`, `accept`; empty: as the order's operation says.
        stop_ask_s: A stop longer than this asks for a reason, seconds.
        stale_after_s: Signals that always move while a polled device works (its heartbeat), and
            after how many seconds without a new value nothing of that device is believed.
        oee_target: Aim, a share of one.
        scale: The scale that counts here.
        scan: What codes mean here, where it differs from the rest of the edge.
    """

    id: str
    name: str = ""
    name_zh: str = ""
    line: str = ""
    parallel: bool = False
    device: str = ""
    state_from: Literal["signals", "acts"] = "signals"
    counts_from: Literal["counter", "unit_finished", "declaration", "scale"] = "counter"
    pieces_per_count: Decimal = Decimal(1)
    scanners: tuple[str, ...] = ()
    missing_passport: Literal["", "refuse", "ask", "accept"] = ""
    stop_ask_s: Decimal = Decimal(300)
    stale_after_s: dict[str, Decimal] = {}
    oee_target: Decimal | None = None
    state: StateSection | None = None
    counter: tuple[CounterSection, ...] = ()
    trigger: tuple[TriggerSection, ...] = ()
    discrete: tuple[DiscreteSection, ...] = ()
    alarm: tuple[AlarmSection, ...] = ()
    scale: ScaleSection | None = None
    scan: ScanSection | None = None

    def located(self, signal: str) -> tuple[str, str]:
        """Device and signal that a name in this table means."""
        device, slash, rest = signal.partition("/")
        return (device, rest) if slash else (self.device, signal)

    def signals(self) -> Iterator[tuple[str, str]]:
        """Every (key, signal name) that this table uses."""
        named: list[tuple[str, str]] = []
        if self.state is not None:
            named.append(("state.signal", self.state.signal))
            named += [("state.blocked", self.state.blocked), ("state.starved", self.state.starved)]
        named += [(f"counter[{at}].signal", one.signal) for at, one in enumerate(self.counter)]
        for at, trigger in enumerate(self.trigger):
            key = f"trigger[{at}]"
            named.append((f"{key}.sequence", trigger.sequence))
            named.append((f"{key}.acknowledge", trigger.acknowledge))
            named += [(f"{key}.good", trigger.good), (f"{key}.serial", trigger.serial)]
            named += [(f"{key}.parameters", name) for name in trigger.parameters]
        named += [(f"discrete[{at}].signal", one.signal) for at, one in enumerate(self.discrete)]
        named += [(f"alarm[{at}].signal", one.signal) for at, one in enumerate(self.alarm)]
        if self.scale is not None:
            names = ("signal", "unit_signal", "net_signal")
            named += [(f"scale.{name}", getattr(self.scale, name)) for name in names]
        return (pair for pair in named if pair[1])


class Document(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file but its device tables."""

    edge: EdgeSection = EdgeSection()
    identity: IdentitySection = IdentitySection()
    sync: SyncSection = SyncSection()
    station: tuple[StationSection, ...] = ()
    scan: ScanSection = ScanSection()


@dataclass(frozen=True, slots=True)
class DeviceSection:
    """A device: its id, its driver, and the table that the driver reads."""

    id: str
    driver: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration.

    Attributes:
        file: Where it was read, for error texts.
        content_hash: SHA-256 of its bytes, hexadecimal.
        data_dir: Absolute.
        host, port: Where the terminal listens; port 0: any free one.
        identity: Absolute paths, empty text where none is given.
        scan_rules, station_rules: What plain codes mean, and at stations that say so themselves.
        text: The TOML that devices and stations were read from.
        scan: The section behind `scan_rules`.
        origin: `file`, or `central` where devices and stations came from there.
        version: Central's number; 0: none.
    """

    file: str
    content_hash: str
    edge: EdgeSection
    data_dir: Path
    host: str
    port: int
    identity: IdentitySection
    broker: str
    open_broker: bool
    devices: tuple[DeviceSection, ...]
    stations: tuple[StationSection, ...]
    scan_rules: MeaningRules
    station_rules: dict[str, MeaningRules]
    text: str
    scan: ScanSection
    origin: str = "file"
    version: int = 0

    def station(self, station_id: str) -> StationSection | None:
        """The station of that id."""
        return next((one for one in self.stations if one.id == station_id), None)
