"""Wire shapes of master data."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from lineside.central.kit.schema import Amount, Code, In, Instant, Number, Out, PositiveAmount, Text

Tracking = Literal["none", "lot", "serial"]
WaitCause = Literal["setup", "tool", "material"]
Weight = Annotated[Amount, Field(ge=0)]
Weekday = Annotated[int, Field(ge=1, le=7)]
WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["06:00"])]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        message = "not an IANA time zone such as Asia/Shanghai"
        raise ValueError(message) from problem
    return value


class ItemBase(In):
    """What an item is."""

    name: Text
    name_zh: Text = ""
    unit: Code = "pcs"
    gtin: Annotated[str, Field(pattern=r"^([0-9]{8}|[0-9]{12,14})?$")] = ""
    serial_pattern: Annotated[str, Field(max_length=200)] = ""
    tracking: Tracking = "none"


class ItemIn(ItemBase):
    """A new item."""

    id: Number


class ItemOut(Out):
    """An item."""

    id: str
    name: str
    name_zh: str
    unit: str
    gtin: str
    serial_pattern: str
    tracking: str
    revision: int


class OperationIn(In):
    """One operation of a routing.

    Attributes:
        operation: Number, text, unique within the routing.
        stations: Stations that may do it; all of one edge.
        ideal_cycle_s: Ideal time per item, seconds.
        first_piece: Waits for release by a second person (首件).
        first_piece_after: What makes it wait: a set-up, a tool change, another lot of material.
        before_release: What pieces are that were made before the release; empty: not marked.
        piece_weight, tare: What one piece and the empty container weigh, in `weight_unit`, for a
            station that counts by a scale; 0: as the station's own settings say.
        missing_passport: What a station does when a unit's earlier operations are unknown there.
        inspected: Its result is an inspection.
        starts_unit: New serial numbers begin here.
    """

    operation: Code
    name: Text = ""
    name_zh: Text = ""
    stations: Annotated[list[Number], Field(min_length=1, max_length=100)]
    ideal_cycle_s: Annotated[Amount, Field(ge=0)] = Decimal(0)
    first_piece: bool = False
    first_piece_after: list[WaitCause] = Field(default=["setup"], max_length=3)
    before_release: Literal["suspect", "startup_scrap", ""] = "suspect"
    piece_weight: Weight = Decimal(0)
    tare: Weight = Decimal(0)
    weight_unit: Literal["mg", "g", "kg", "t"] = "kg"
    missing_passport: Literal["refuse", "ask", "accept"] = "ask"
    inspected: bool = False
    starts_unit: bool = False


class OperationOut(Out):
    """One operation of a routing."""

    operation: str
    name: str
    name_zh: str
    stations: list[str]
    ideal_cycle_s: Amount
    first_piece: bool
    first_piece_after: list[str]
    before_release: str
    piece_weight: Amount
    tare: Amount
    weight_unit: str
    missing_passport: str
    inspected: bool
    starts_unit: bool


class RoutingBase(In):
    """How an item is made."""

    name: Text = ""
    operations: Annotated[list[OperationIn], Field(min_length=1, max_length=200)]


class RoutingIn(RoutingBase):
    """A new routing."""

    id: Number
    item: Number


class RoutingOut(Out):
    """A routing."""

    id: str
    item: str
    name: str
    operations: list[OperationOut]
    revision: int


class BomLineIn(In):
    """What one piece needs: at which operation, how much, tracked how."""

    item: Number
    quantity: PositiveAmount
    unit: Code = "pcs"
    tracking: Tracking = "none"
    operation: Code
    position: Annotated[str, Field(max_length=64)] = ""


class BomLineOut(Out):
    """What one piece needs."""

    item: str
    quantity: Amount
    unit: str
    tracking: str
    operation: str
    position: str


class BomBase(In):
    """What an item is made of."""

    lines: Annotated[list[BomLineIn], Field(max_length=1000)]


class BomIn(BomBase):
    """A new bill of material."""

    id: Number
    item: Number


class BomOut(Out):
    """A bill of material."""

    id: str
    item: str
    lines: list[BomLineOut]
    revision: int


class EdgeIn(In):
    """A new edge, by the id that its certificate and topics carry."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$")]
    name: Text = ""


class EdgeOut(Out):
    """An edge agent.

    Attributes:
        heard_at: When it last said hello; null: never.
        cursor: Position of the desired state that it had then.
    """

    id: str
    name: str
    enrolled_at: Instant
    revoked_at: Instant | None
    heard_at: Instant | None
    software: str
    epoch: str
    cursor: int


class StationBase(In):
    """A station; `counts_from` says which of its sources is the figure, the other is a check."""

    name: Text = ""
    name_zh: Text = ""
    edge: Number
    line: Annotated[str, Field(max_length=100)] = ""
    counts_from: Literal["", "unit", "counter", "booking", "declaration"] = ""
    parallel: bool = False
    pacing: bool = False


class StationIn(StationBase):
    """A new station."""

    id: Number


class StationOut(Out):
    """A station."""

    id: str
    name: str
    name_zh: str
    edge: str
    line: str
    counts_from: str
    parallel: bool
    pacing: bool
    revision: int


class BreakIn(In):
    """A break: local start and length."""

    local_start: WallTime
    minutes: Annotated[int, Field(ge=1, le=1440)]


class ShiftIn(In):
    """A shift in local wall time; an end not after the start is on the next date."""

    id: Code
    local_start: WallTime
    local_end: WallTime
    breaks: Annotated[list[BreakIn], Field(max_length=20, default_factory=list[BreakIn])]
    days: Annotated[
        list[Weekday], Field(max_length=7, default_factory=lambda: [1, 2, 3, 4, 5, 6, 7])
    ]


class PlannedStopIn(In):
    """Planned downtime of a station (empty: of all), half-open."""

    start: Instant
    end: Instant
    reason: Annotated[str, Field(max_length=64)] = ""
    station: Annotated[str, Field(max_length=100)] = ""


class CalendarIn(In):
    """The calendar of the site, whole."""

    time_zone: Annotated[str, AfterValidator(_zone)]
    shifts: Annotated[list[ShiftIn], Field(max_length=50)]
    planned_stops: Annotated[
        list[PlannedStopIn], Field(max_length=5000, default_factory=list[PlannedStopIn])
    ]
    micro_stop_threshold_s: Annotated[Amount, Field(ge=0)] = Decimal(120)
    micro_stop_policy: Literal["availability", "performance"] = "availability"


class CalendarOut(Out):
    """The calendar of the site."""

    time_zone: str
    shifts: list[ShiftIn]
    planned_stops: list[PlannedStopIn]
    micro_stop_threshold_s: Amount
    micro_stop_policy: str
    revision: int


class ReasonBase(In):
    """Labels of a reason."""

    zh: Text
    en: Text
    active: bool = True


class ReasonIn(ReasonBase):
    """A new reason."""

    kind: Literal["stop", "defect"]
    code: Code


class ReasonOut(Out):
    """A stop reason or defect code."""

    kind: str
    code: str
    zh: str
    en: str
    active: bool
    revision: int
