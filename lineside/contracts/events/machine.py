"""Machines: states, counters, parameters, alarms, devices."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from lineside.contracts.clock import Microseconds
from lineside.contracts.events.base import Event
from lineside.contracts.units import Quantity, Thing


class MachineState(StrEnum):
    """States of the OEE sheet; blocked and starved are sub-states of STOP."""

    RUN = "RUN"
    SETUP = "SETUP"
    STOP = "STOP"
    FAIL = "FAIL"
    IDLE = "IDLE"
    UNKNOWN = "UNKNOWN"


class CounterRole(StrEnum):
    """What a counter counts (R15 to R19 of the OEE sheet)."""

    PRODUCED = "produced"
    SCRAP = "scrap"
    REWORK = "rework"


class StateChanged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="state_changed"):
    """A station is in this state from `occurred_at` until the next one.

    Attributes:
        state: Mapped state.
        detail: Sub-state (`blocked`, `starved`) or the machine's own reason code.
        raw: The machine's own word for it (PackML number, program status), for evidence.
        device: False where acts of people made it, not a signal.
    """

    state: MachineState
    detail: str = ""
    raw: str = ""


class CounterRead(Event, frozen=True, kw_only=True, omit_defaults=True, tag="counter_read"):
    """A counter showed a value; figures derive the pieces from readings in time order.

    The reading is the fact. `quantity` is what interpretation made of it when it was recorded, by
    the
    same rules (R15 to R17), so that an order can be followed without looking back; a reading that
    came late changes its neighbours' increments, which is why figures derive them anew.

    Attributes:
        counter: Name, unique within the station.
        role: Produced, scrap or rework.
        value: Face value.
        modulus: The counter shows value mod modulus (65,536 for 16 bits).
        max_per_min: Largest plausible rate, pieces a minute, for rule R16.
        pieces_per_count: Pieces that one count stands for (cavities).
        resetting: The counter is reset by the machine (shift, order): a smaller value counts
            itself.
        increment: Counts since the baseline, by R15 to R17.
        anomaly: Empty, `rollover`, `reset`, `implausible`, `glitch`.
        item: What was made, where the station knows; empty when it ran without an order.
    """

    counter: str
    value: int
    role: CounterRole = CounterRole.PRODUCED
    modulus: int = 65_536
    max_per_min: Decimal
    pieces_per_count: Decimal = Decimal(1)
    resetting: bool = False
    increment: int = 0
    anomaly: str = ""
    item: str = ""


class CounterReset(Event, frozen=True, kw_only=True, omit_defaults=True, tag="counter_reset"):
    """A counter is known to have been set to a value; nothing was made by it (R15)."""

    counter: str
    value: int
    role: CounterRole = CounterRole.PRODUCED
    modulus: int = 65_536
    max_per_min: Decimal
    pieces_per_count: Decimal = Decimal(1)


class PieceCompleted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="piece_completed"):
    """A station's trigger said that a piece is complete (part-complete handshake).

    Attributes:
        trigger: Name of the trigger.
        sequence: The device's sequence number; a jump is a hole and gives a `gap` event beside it.
        good: The device's own verdict, None where it has none.
        parameters: Values captured with the trigger, signal name to text.
    """

    trigger: str
    sequence: int
    good: bool | None = None
    parameters: dict[str, str] = {}


class ParametersCaptured(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="parameters_captured"
):
    """Process values of a moment, signal name to text with unit where declared."""

    values: dict[str, str]
    units: dict[str, str] = {}


class SignalChanged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="signal_changed"):
    """A declared discrete signal changed: program, tool, mode, emergency stop.

    Attributes:
        signal: Name from the configuration.
        role: `program`, `tool`, `mode`, `estop`, `program_status` or a name of the configuration's
            own.
        value: New value as text; empty when the device says that it is unavailable.
        initial: First value after a (re)connection, maybe not a change.
    """

    signal: str
    role: str
    value: str
    initial: bool = False


class AlarmRaised(Event, frozen=True, kw_only=True, omit_defaults=True, tag="alarm_raised"):
    """A machine raised an alarm.

    Attributes:
        alarm: The machine's own code.
        severity: `warning` or `fault`.
        text: The machine's own text.
        condition: Data item that raised it.
    """

    alarm: str
    severity: str
    text: str = ""
    condition: str = ""


class AlarmCleared(Event, frozen=True, kw_only=True, omit_defaults=True, tag="alarm_cleared"):
    """An alarm is over."""

    alarm: str
    condition: str = ""


class ValueRecorded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="value_recorded"):
    """A raw value that someone asked to keep; lane `telemetry`."""

    signal: str
    value: str
    quality: str = "good"


class DeviceLost(Event, frozen=True, kw_only=True, omit_defaults=True, tag="device_lost"):
    """A device stopped answering; what it did since is unknown."""

    device: str
    detail: str = ""


class DeviceBack(Event, frozen=True, kw_only=True, omit_defaults=True, tag="device_back"):
    """A device answers again.

    Attributes:
        restarted: The device began a new epoch (its server started anew).
    """

    device: str
    restarted: bool = False


class GapFound(Event, frozen=True, kw_only=True, omit_defaults=True, tag="gap_found"):
    """Values or pieces were missed between `occurred_at` and `occurred_until`.

    Attributes:
        device: Which device.
        signal: Which signal or trigger, empty for all.
        missing: How many, where known.
        detail: One sentence for a person.
    """

    device: str
    signal: str = ""
    missing: int | None = None
    detail: str = ""


class ClockStepped(Event, frozen=True, kw_only=True, omit_defaults=True, tag="clock_stepped"):
    """The edge's wall clock moved against its monotonic one by `step` microseconds.

    Attributes:
        step: Forward above zero.
        held: The times of facts did not follow it: nobody has confirmed it yet, or it was taken
            back. Without it they did, from this fact on.
    """

    step: Microseconds
    held: bool = False


class QuantityDeclared(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="quantity_declared"
):
    """A person or a scale said how many pieces.

    Attributes:
        kind: What it adds to (R18, R19): `produced`, `scrap`, `rework`, `rework_scrap`,
            `rework_good`.
        quantity: Amount; its outcome repeats the kind for readers outside the KPI model.
        order: The order meant; empty: the one on the station at `occurred_at` (R18).
        booking: The booking that reported it, if any.
        thing: The piece, where it is one with a number.
    """

    kind: str
    quantity: Quantity
    order: str = ""
    operation: str = ""
    item: str = ""
    booking: str = ""
    thing: Thing | None = None


class Weighed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="weighed"):
    """A scale came to rest with a load; the quantity that follows in the same act counts it.

    The weight is the fact, the pieces are what was made of it with the piece weight then in force.
    A load that is no plausible number of pieces is a fact as well: `verdict` says why it counts
    nothing.

    Attributes:
        weight: What the scale showed, with its own digits.
        net: The scale itself has taken the tare off.
        tare: What was taken off here, in the weight's unit.
        piece_weight: Of one piece, in the weight's unit; 0: not known.
        pieces: What it counted; None: nothing.
        scale: Device that weighed; empty: a person typed it.
    """

    weight: Quantity
    net: bool = False
    tare: Decimal = Decimal(0)
    piece_weight: Decimal = Decimal(0)
    pieces: Decimal | None = None
    order: str = ""
    operation: str = ""
    scale: str = ""
