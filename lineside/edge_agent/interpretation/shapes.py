"""What goes into interpretation besides samples, what it remembers, and what comes out."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from lineside.contracts.clock import Microseconds
from lineside.contracts.events import Event, MachineState, TimeSource
from lineside.contracts.kpi.counters import CounterState
from lineside.contracts.samples import SignalSample, SignalValue
from lineside.contracts.units import JobShare, Used

AnyEvent = TypeVar("AnyEvent", bound=Event)
WHOLE_MAX = 1e15
SINGLE_MAX = 3.4e38


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the station's orders and calendar add to a fact.

    Attributes:
        jobs: Order operations on the station now.
        item: What they make, empty without an order or with several items.
        boundaries: Recent changes of order or shift, microseconds UTC.
        used: Revisions in force.
    """

    jobs: tuple[JobShare, ...] = ()
    item: str = ""
    boundaries: tuple[Microseconds, ...] = ()
    used: Used | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A value to be written to a device after the commit of the events beside it."""

    device: str
    signal: str
    value: SignalValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """A load that came to rest on a scale, to be decided on once everything else is committed.

    Attributes:
        scale: Device.
        at: When, microseconds UTC.
        weight, unit: As the scale shows them.
        net: The scale itself has taken the tare off.
        changed: The load before it was weighed and the scale was not empty since.
    """

    scale: str
    at: Microseconds
    weight: Decimal
    unit: str
    net: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Load:
    """A weight and since when the scale shows it."""

    value: Decimal
    at: Microseconds


@dataclass(frozen=True, slots=True)
class ScaleMark:
    """What is remembered of a scale.

    Attributes:
        empty: It was seen empty, and nothing was weighed since.
        candidate: A load that may come to rest.
        booked: The load that was weighed last, while it is on the scale.
        odd: It shows no weight, which was told.
    """

    empty: bool = False
    candidate: Load | None = None
    booked: Decimal | None = None
    odd: bool = False

    def changed(self, **changes: Any) -> ScaleMark:  # noqa: ANN401
        """The same with other values."""
        return replace(self, **changes)


class At(msgspec.Struct, frozen=True, gc=False):
    """A moment and whose clock says so; one is made for every value."""

    us: Microseconds
    source: TimeSource = TimeSource.EDGE


@dataclass(frozen=True, slots=True)
class Shown:
    """The last good value of a signal."""

    value: SignalValue
    at: Microseconds


class CounterMark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a counter's next reading is compared with; kept in the journal beside the events.

    Attributes:
        state: Baseline after the last reading that stands in the journal.
        seen_at: When the counter was last seen to show that value still.
        outage: Nobody watched the counter since; the next increment is `over_gap`.
    """

    state: CounterState
    seen_at: Microseconds
    outage: bool = False


class TriggerMark(msgspec.Struct, frozen=True, kw_only=True):
    """The last sequence number that is booked; kept in the journal beside the events."""

    sequence: int
    at: Microseconds


@dataclass(frozen=True, slots=True)
class Memory:
    """What a station's interpretation remembers between batches.

    A batch gives a new one beside its events; it counts only once these are committed, so that a
    batch that the journal refused can be fed again.

    Attributes:
        state: State, detail and raw word last told; None before the first.
        state_at: When that state began, microseconds UTC.
        values: Last good value by (device, signal).
        counters, triggers: Marks by name.
        alarms: Active alarm code by (device, signal).
        scales: What is on each scale, by (device, signal).
        told: Last value told by (device, signal), for discrete signals.
        unsure: Signals whose odd value was told already.
        confirm: Triggers whose acknowledgement must be written again.
    """

    state: tuple[MachineState, str, str] | None = None
    state_at: Microseconds | None = None
    values: dict[tuple[str, str], Shown] = field(default_factory=dict[tuple[str, str], Shown])
    counters: dict[str, CounterMark] = field(default_factory=dict[str, CounterMark])
    triggers: dict[str, TriggerMark] = field(default_factory=dict[str, TriggerMark])
    alarms: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    scales: dict[tuple[str, str], ScaleMark] = field(
        default_factory=dict[tuple[str, str], ScaleMark]
    )
    told: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    unsure: frozenset[str] = frozenset()
    confirm: frozenset[str] = frozenset()

    def copy(self) -> Memory:
        """One whose tables may be changed."""
        return replace(
            self,
            values=dict(self.values),
            counters=dict(self.counters),
            triggers=dict(self.triggers),
            alarms=dict(self.alarms),
            scales=dict(self.scales),
            told=dict(self.told),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a batch means.

    Attributes:
        events: Facts in order.
        baselines: What the journal keeps with them, by name.
        writes: What the device is told after the commit.
        memory: What is remembered once they are committed.
        weighings: Loads to be decided on after the commit.
    """

    events: tuple[Event, ...]
    baselines: dict[str, bytes]
    writes: tuple[Write, ...]
    memory: Memory
    weighings: tuple[Weighing, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self.events and not self.baselines


class Draft:
    """Collects the outcome of one batch of one station."""

    def __init__(
        self, memory: Memory, *, station: str, now: Microseconds, context: Context
    ) -> None:
        self.memory = memory.copy()
        self.station = station
        self.now = now
        self.context = context
        self.events: list[Event] = []
        self.baselines: dict[str, bytes] = {}
        self.writes: list[Write] = []
        self.weighings: list[Weighing] = []

    def tell(self, kind: type[AnyEvent], at: At, **fields: Any) -> AnyEvent:  # noqa: ANN401
        """Add a fact of this station."""
        event = kind(
            occurred_at=at.us,
            recorded_at=self.now,
            time_source=at.source,
            station=self.station,
            **fields,
        )
        self.events.append(event)
        return event

    def remember(self, **changes: Any) -> None:  # noqa: ANN401
        """Replace plain fields of the memory."""
        self.memory = replace(self.memory, **changes)

    def outcome(self) -> Outcome:
        """Everything collected."""
        return Outcome(
            events=tuple(self.events),
            baselines=self.baselines,
            writes=tuple(self.writes),
            memory=self.memory,
            weighings=tuple(self.weighings),
        )


def moment(sample: SignalSample, window_us: Microseconds) -> At:
    """When it happened: the device's time where it is plausible, else ours.

    A first value after a connection carries the time of its last change, which says nothing about
    the time since; it is taken only when it is fresh. Values that a server kept while we were
    away are old and true: they are believed when the server's own clock agrees with ours.

    Args:
        sample: With the time stamps that its driver gave.
        window_us: How far apart two clocks may be.
    """
    stamped = sample.source_at
    if stamped is None or stamped - sample.read_at > window_us:
        return At(sample.read_at)
    if sample.read_at - stamped <= window_us:
        return At(stamped, TimeSource.DEVICE)
    server = sample.server_at
    if not sample.initial and server is not None and abs(server - sample.read_at) <= window_us:
        return At(stamped, TimeSource.DEVICE)
    return At(sample.read_at)


def as_text(value: SignalValue) -> str:
    """A value as a person writes it: `true`, `6`, `17.996`; empty for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return value if isinstance(value, str) else str(value)


def _number(value: float) -> str:
    """Shortest text of a number; one that came as 32 bits is written as those 32 bits need it."""
    if value.is_integer() and abs(value) < WHOLE_MAX:
        return str(int(value))
    if not math.isfinite(value) or abs(value) > SINGLE_MAX or _single(value) != value:
        return repr(value)
    short = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next((text for text in short if _single(float(text)) == value), repr(value))


def _single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def as_count(value: SignalValue) -> int | None:
    """A value as a whole number, None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    return None
