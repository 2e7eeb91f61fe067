"""Orders and people at a station."""

from __future__ import annotations

from decimal import Decimal

from lineside.contracts.events.base import Event
from lineside.contracts.units import Quantity


class SignedOn(Event, frozen=True, kw_only=True, omit_defaults=True, tag="signed_on"):
    """People in `by` work at the station from now on."""


class SignedOff(Event, frozen=True, kw_only=True, omit_defaults=True, tag="signed_off"):
    """People in `by` left the station.

    Attributes:
        forgotten: Closed by the shift's end, not by the person.
    """

    forgotten: bool = False


class OrderStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="order_started"):
    """An order operation is on the station from now on (R9 on exclusive stations).

    Attributes:
        order, operation: Which.
        item: What it makes.
        ideal_cycle_s: Ideal time per item (PRI) in force, seconds.
        planned_quantity: Pieces ordered.
        booking: Id of this span; a station may carry several at once.
        activity: `production`, `setup`, `breakdown` or `rework`.
    """

    order: str
    operation: str = ""
    item: str = ""
    ideal_cycle_s: Decimal = Decimal(0)
    planned_quantity: Decimal | None = None
    booking: str = ""
    activity: str = "production"
    exclusive: bool = True


class OrderPaused(Event, frozen=True, kw_only=True, omit_defaults=True, tag="order_paused"):
    """The order left the station and will come back."""

    order: str
    operation: str = ""
    booking: str = ""


class OrderFinished(Event, frozen=True, kw_only=True, omit_defaults=True, tag="order_finished"):
    """The order left the station.

    Attributes:
        complete: The operation is finished, not only this span.
        quantities: What this booking reported; empty where counters or units tell.
        rework: The booking was rework of parts booked before.
    """

    order: str
    operation: str = ""
    booking: str = ""
    complete: bool = False
    activity: str = "production"
    quantities: tuple[Quantity, ...] = ()
    rework: bool = False


class SetupStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="setup_started"):
    """People prepare the station for an order; the state becomes SETUP where acts give it."""

    order: str
    operation: str = ""


class FirstPiecePresented(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="first_piece_presented"
):
    """The first piece after a set-up waits for a second person (首件)."""

    order: str
    operation: str = ""
    serial: str = ""


class FirstPieceReleased(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="first_piece_released"
):
    """A second person released the operation."""

    order: str
    operation: str = ""
    serial: str = ""


class SpanDeclared(Event, frozen=True, kw_only=True, omit_defaults=True, tag="span_declared"):
    """A whole booking told afterwards, from `occurred_at` to `occurred_until`.

    It may overlap others and is never merged or cut; what looks wrong is flagged.
    """

    order: str
    operation: str = ""
    item: str = ""
    booking: str = ""
    activity: str = "production"
    quantities: tuple[Quantity, ...] = ()
    rework: bool = False


class BookingMoved(Event, frozen=True, kw_only=True, omit_defaults=True, tag="booking_moved"):
    """A time span of the station, with its counts and units, belongs to another order."""

    from_order: str
    to_order: str
    from_operation: str = ""
    to_operation: str = ""
    item: str = ""
    ideal_cycle_s: Decimal = Decimal(0)


class ReasonGiven(Event, frozen=True, kw_only=True, omit_defaults=True, tag="reason_given"):
    """Delay in `[occurred_at, occurred_until)` has this reason; of two the later event wins."""

    code: str
    text: str = ""


class ReasonChanged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="reason_changed"):
    """The reason of a span was changed afterwards; both figures are kept."""

    code: str
    previous: str = ""
    text: str = ""


class OverrideApproved(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="override_approved"
):
    """A person allowed what a rule refused."""

    code: str
    order: str = ""
    serial: str = ""


class CallRaised(Event, frozen=True, kw_only=True, omit_defaults=True, tag="call_raised"):
    """Somebody at the station called for help."""

    call: str
    topic: str = ""


class CallAcknowledged(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="call_acknowledged"
):
    """Somebody is coming."""

    call: str


class CallResolved(Event, frozen=True, kw_only=True, omit_defaults=True, tag="call_resolved"):
    """The call is closed."""

    call: str
    outcome: str = ""


class PlannedDowntimeDeclared(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="planned_downtime_declared"
):
    """The station is planned to stand in `[occurred_at, occurred_until)` (R7)."""

    code: str = ""
