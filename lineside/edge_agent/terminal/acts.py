"""What a terminal may ask for: the bodies of `POST /api/acts`, one class a kind.

Times are RFC 3339 with an offset; quantities are decimal strings; serial and lot numbers are text
exactly as scanned.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineside.edge_agent.terminal.act_base import ActBody, Amount, Number, Words
from lineside.edge_agent.terminal.counting_bodies import SplitCount, Weigh
from lineside.edge_agent.terminal.thing_bodies import NewNumber, PutIn, Reprint, TakeOut

RAW_CHARS_MAX = 32_768
Activity = Literal["production", "setup", "breakdown", "rework"]
QuantityKind = Literal["produced", "scrap", "rework", "rework_scrap", "rework_good"]


class Scan(ActBody):
    """Something was scanned.

    Attributes:
        raw: As read; control characters and the backslash as x and two hexadecimal digits after a
            backslash.
        source: `wedge` (typed into the page) or `serial` (a scanner that the agent reads itself).
        scanner: Device that read it; empty for the page.
    """

    kind: Literal["scan"]
    raw: Annotated[str, Field(max_length=RAW_CHARS_MAX)]
    source: Literal["wedge", "serial"] = "wedge"
    scanner: Number = ""


class SignOn(ActBody):
    """A person begins to work here, by person id or badge."""

    kind: Literal["sign_on"]
    person: Number = ""
    badge: Number = ""


class SignOff(ActBody):
    """A person leaves; without a name everybody leaves."""

    kind: Literal["sign_off"]
    person: Number = ""


class StartOrder(ActBody):
    """An order operation begins here, or comes back after a pause.

    Attributes:
        operation: Empty: the one that this station does next for the order.
        booking: Id of the span where bookings overlap; empty: the act's id.
    """

    kind: Literal["start_order"]
    order: Number
    operation: Number = ""
    activity: Activity = "production"
    booking: Number = ""


class PauseOrder(ActBody):
    """The order leaves the station and will come back."""

    kind: Literal["pause_order"]
    order: Number = ""
    operation: Number = ""
    booking: Number = ""


class FinishOrder(ActBody):
    """The order leaves the station.

    Attributes:
        completed, scrap, suspect: Pieces of this booking as people declare them; None:
            counters tell.
        rework: The booking was rework of pieces booked before.
        complete: The operation is finished, not only this span.
    """

    kind: Literal["finish_order"]
    order: Number = ""
    operation: Number = ""
    booking: Number = ""
    completed: Amount | None = None
    scrap: Amount | None = None
    suspect: Amount | None = None
    rework: bool = False
    complete: bool = True


class Declare(ActBody):
    """A person says how many pieces.

    Attributes:
        quantity_kind: What it adds to (R18, R19 of the OEE sheet).
    """

    kind: Literal["declare"]
    quantity_kind: QuantityKind
    quantity: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6)]
    unit: Annotated[str, Field(max_length=16)] = "pcs"
    order: Number = ""
    operation: Number = ""


class Defect(ActBody):
    """Something is wrong with a piece (serial) or with pieces (quantity).

    Attributes:
        scrap: They are scrap; else they wait for a decision (suspect).
    """

    kind: Literal["defect"]
    code: Number
    serial: Number = ""
    quantity: Amount | None = None
    scrap: bool = True
    text: Words = ""


class Reason(ActBody):
    """Why the station stood from `from` to `to`."""

    kind: Literal["reason"]
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    code: Number
    text: Words = ""


class Void(ActBody):
    """Takes an own entry back; seq 0: the last one of this station."""

    kind: Literal["void"]
    seq: Annotated[int, Field(ge=0)] = 0
    reason: Words = ""


class Mount(ActBody):
    """A lot is at a position from now on.

    Attributes:
        lot: Lot number.
        item: What it is; empty: known from its passport or the order's material list.
        position: Empty: the one that the order's material list names.
        quantity: What is in it; None: the passport's.
    """

    kind: Literal["mount"]
    lot: Number
    item: Number = ""
    issuer: Number = ""
    position: Number = ""
    quantity: Amount | None = None
    unit: Annotated[str, Field(max_length=16)] = ""


class Unmount(ActBody):
    """A lot leaves its position with `left` in it; None: what is computed."""

    kind: Literal["unmount"]
    position: Number = ""
    lot: Number = ""
    left: Amount | None = None


class Fit(ActBody):
    """A piece with its own number is built into another; without `unit`: into the one in work."""

    kind: Literal["fit"]
    component: Number
    component_item: Number = ""
    unit: Number = ""


class StartUnit(ActBody):
    """A piece begins the operation here."""

    kind: Literal["start_unit"]
    serial: Number
    item: Number = ""


class FinishUnit(ActBody):
    """A piece is finished here; without serial: the one in work."""

    kind: Literal["finish_unit"]
    serial: Number = ""
    result: Literal["pass", "fail", "rework"] = "pass"
    defect: Number = ""
    parameters: Annotated[dict[str, Words], Field(default_factory=dict, max_length=100)]


class MeasuredValue(BaseModel):
    """One measured characteristic."""

    model_config = ConfigDict(extra="forbid")

    characteristic: Number
    value: Annotated[Decimal, Field(max_digits=18, decimal_places=9)]
    unit: Annotated[str, Field(max_length=16)] = "mm"
    lower: Decimal | None = None
    upper: Decimal | None = None
    gauge: Number = ""


class Inspect(ActBody):
    """A piece was inspected."""

    kind: Literal["inspect"]
    serial: Number
    passed: bool
    measurements: Annotated[list[MeasuredValue], Field(default_factory=list, max_length=100)]
    plan: Number = ""


class FirstPiece(ActBody):
    """The first piece waits for a second person (首件)."""

    kind: Literal["first_piece"]
    order: Number = ""
    operation: Number = ""
    serial: Number = ""


class ReleaseFirstPiece(ActBody):
    """A second person, named by person id or badge, releases the operation."""

    kind: Literal["release_first_piece"]
    order: Number = ""
    operation: Number = ""
    serial: Number = ""
    person: Number = ""
    badge: Number = ""


class Span(ActBody):
    """A whole booking told afterwards; it may overlap others and is never cut."""

    kind: Literal["span"]
    order: Number
    operation: Number = ""
    activity: Activity = "production"
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    completed: Amount | None = None
    scrap: Amount | None = None
    suspect: Amount | None = None
    rework: bool = False
    booking: Number = ""


class MoveSpan(ActBody):
    """What was booked from `from` to `to` belongs to another order."""

    kind: Literal["move_span"]
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    to_order: Number
    to_operation: Number = ""
    from_order: Number = ""
    reason: Words = ""


class Call(ActBody):
    """Help is wanted: `maintenance`, `material`, `quality`, `leader` or own words."""

    kind: Literal["call"]
    topic: Words = ""


class CallAcknowledge(ActBody):
    """Somebody is coming."""

    kind: Literal["call_ack"]
    call: Number


class CallResolve(ActBody):
    """The call is closed."""

    kind: Literal["call_resolve"]
    call: Number
    outcome: Words = ""


class AcknowledgeNotice(ActBody):
    """A shift leader has read a banner and acts on it; it goes from all pages of the edge."""

    kind: Literal["acknowledge_notice"]
    notice: Literal["journal.salvaged"]


class PlannedStopAct(ActBody):
    """The station is planned to stand from `from` to `to`."""

    kind: Literal["planned_stop"]
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    code: Number = ""


class SetState(ActBody):
    """A person says what the station does, where acts give the state (a bench without signals)."""

    kind: Literal["set_state"]
    state: Literal["RUN", "SETUP", "STOP", "FAIL", "IDLE"]
    detail: Words = ""


PlainAct = (
    Scan
    | SignOn
    | SignOff
    | StartOrder
    | PauseOrder
    | FinishOrder
    | Declare
    | Defect
    | Reason
    | Void
    | Mount
    | Unmount
    | Fit
    | StartUnit
    | FinishUnit
    | Inspect
    | FirstPiece
    | ReleaseFirstPiece
    | Span
    | MoveSpan
    | Call
    | CallAcknowledge
    | CallResolve
    | AcknowledgeNotice
    | PlannedStopAct
    | SetState
    | Weigh
    | SplitCount
    | NewNumber
    | Reprint
    | PutIn
    | TakeOut
)
AnyPlainAct = Annotated[PlainAct, Field(discriminator="kind")]


class Correct(ActBody):
    """Replaces an own entry by another act; both stay visible."""

    kind: Literal["correct"]
    seq: Annotated[int, Field(ge=1)]
    replacement: AnyPlainAct
    reason: Words = ""


class BackEntry(ActBody):
    """What was written on paper while the agent stood, entered with its true time (补录)."""

    kind: Literal["back_entry"]
    entry: AnyPlainAct
    occurred_at: AwareDatetime
    occurred_until: AwareDatetime | None = None


AnyAct = Annotated[PlainAct | Correct | BackEntry, Field(discriminator="kind")]
