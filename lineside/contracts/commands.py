"""Intentions and passports: the documents that descend from central to an edge.

Each is a whole document with a revision, never a queued command. The answer to it is a later fact
(`IntentionApplied`), and what people did with it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from lineside.contracts.clock import Microseconds
from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.units import Thing


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One document of the desired state."""


class ComponentNeed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the bill of material that an operation consumes.

    Attributes:
        item: Component item.
        quantity: Per finished piece, in `unit`.
        tracking: `serial` (scan each piece), `lot` (mounted material), `none` (backflushed).
        position: Where it is mounted or fitted, if that matters.
    """

    item: str
    quantity: Decimal
    unit: str = "pcs"
    tracking: str = "none"
    position: str = ""


class OperationStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation of the routing as an order uses it.

    Attributes:
        operation: Number, text, e.g. `"10"`.
        stations: Stations that may do it.
        ideal_cycle_s: Ideal time per item (PRI), seconds.
        edge: Which edge the operation belongs to.
        first_piece: The operation waits for release by a second person (首件).
        first_piece_after: What makes it wait: `setup`, `tool` (tool change), `material` (another
            lot).
        before_release: What pieces are that were made before the release: `suspect` or
            `startup_scrap`; empty: not marked.
        missing_passport: `refuse`, `ask` or `accept` when the unit's earlier operations are unknown
            here.
        inspected: The operation's result is an inspection (first pass yield).
        starts_unit: New serial numbers begin here.
        piece_weight, tare: What one piece and the empty container weigh, in `weight_unit`, for a
            station that counts by a scale; 0: as the station says.
        weight_unit: `mg`, `g`, `kg`, `t`.
    """

    operation: str
    name: str
    name_zh: str = ""
    stations: tuple[str, ...]
    edge: str
    ideal_cycle_s: Decimal = Decimal(0)
    components: tuple[ComponentNeed, ...] = ()
    first_piece: bool = False
    missing_passport: str = "ask"
    inspected: bool = False
    starts_unit: bool = False
    first_piece_after: tuple[str, ...] = ("setup",)
    before_release: str = "suspect"
    piece_weight: Decimal = Decimal(0)
    tare: Decimal = Decimal(0)
    weight_unit: str = "kg"


class WorkOrder(Document, frozen=True, kw_only=True, omit_defaults=True, tag="work_order"):
    """A released order as the stations need it.

    Attributes:
        state: `released`, `held`, `cancelled`, `finished`.
        priority: Smaller first.
        serial_tracked: Each piece has a serial number.
        steps: Whole routing; an edge acts only on those with its own id.
    """

    order: str
    item: str
    item_name: str = ""
    item_name_zh: str = ""
    quantity: Decimal
    unit: str = "pcs"
    state: str = "released"
    priority: int = 100
    due_at: Microseconds | None = None
    serial_tracked: bool = True
    steps: tuple[OperationStep, ...] = ()
    routing_revision: str = ""


class ShiftRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shift as people speak of it, in local wall time (R4, R5 of the OEE sheet).

    Attributes:
        local_start, local_end: `HH:MM`; an end not after the start is on the next date.
        breaks: (local start `HH:MM`, minutes).
        days: ISO weekdays of the local start date on which it runs, 1 Monday to 7 Sunday.
    """

    id: str
    local_start: str
    local_end: str
    breaks: tuple[tuple[str, int], ...] = ()
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


class PlannedStop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Planned downtime of a station (empty: of all), half-open, microseconds UTC."""

    start: Microseconds
    end: Microseconds
    reason: str = ""
    station: str = ""


class Calendar(Document, frozen=True, kw_only=True, omit_defaults=True, tag="calendar"):
    """Shifts and planned stops of a site.

    Attributes:
        time_zone: IANA name, needed only for wall times.
        micro_stop_threshold_s: R12, seconds.
        micro_stop_policy: `availability` or `performance`, R13.
    """

    time_zone: str
    shifts: tuple[ShiftRule, ...]
    planned_stops: tuple[PlannedStop, ...] = ()
    micro_stop_threshold_s: Decimal = Decimal(120)
    micro_stop_policy: str = "availability"


class Person(Document, frozen=True, kw_only=True, omit_defaults=True, tag="person"):
    """A person who may sign on here; names live only here and in central's identity tables."""

    person: str
    badge: str
    name: str
    roles: tuple[str, ...] = ("operator",)


class Reasons(Document, frozen=True, kw_only=True, omit_defaults=True, tag="reasons"):
    """Stop reasons and defect codes, with zh and en labels: code -> (zh, en)."""

    stops: dict[str, tuple[str, str]]
    defects: dict[str, tuple[str, str]]


class ItemInfo(Document, frozen=True, kw_only=True, omit_defaults=True, tag="item"):
    """What a number stands for.

    Attributes:
        gtin: GTIN-14, empty without one.
        serial_pattern: Regular expression of its serial numbers, linear-time subset; empty: any.
    """

    item: str
    name: str
    name_zh: str = ""
    gtin: str = ""
    serial_pattern: str = ""
    tracking: str = "none"


class NumberBlock(Document, frozen=True, kw_only=True, omit_defaults=True, tag="number_block"):
    """Numbers that this edge alone may give.

    Attributes:
        kind: `serial`, `lot` or `sscc`.
        prefix, width: Number `n` is printed as prefix + n with zeros up to width; an SSCC gets its
            check digit behind it, its prefix is extension digit and company prefix.
        first, last: Inclusive.
        epoch: Of the journal that may take from it: a journal that was begun anew does not know
            what the one before has taken.
        low: With this many left or fewer, a person should be told.
    """

    block: str
    kind: str
    item: str
    prefix: str
    width: int
    first: int
    last: int
    epoch: str = ""
    low: int = 0


class UnitPassport(Document, frozen=True, kw_only=True, omit_defaults=True, tag="unit_passport"):
    """What another line did with a unit that is routed here; read-only, as of a moment.

    Attributes:
        status: `in_process`, `finished`, `scrapped`, `held`.
        passed: Operations passed, in order.
    """

    unit: Thing
    status: str
    order: str
    passed: tuple[str, ...] = ()
    as_of: Microseconds = 0
    consumed_by: str = ""


class ClosedUnits(Document, frozen=True, kw_only=True, omit_defaults=True, tag="closed_units"):
    """Pieces of a closed order whose passports were withdrawn: enough to answer a late scan.

    Attributes:
        state: Of the order, `finished` or `cancelled`.
        closed_at: When it was closed.
        part: A large order comes in parts, from 0.
        units: Serial numbers.
    """

    order: str
    item: str
    state: str
    closed_at: Microseconds
    part: int = 0
    units: tuple[str, ...] = ()


class CarrierType(Document, frozen=True, kw_only=True, omit_defaults=True, tag="carrier_type"):
    """What may travel in the carriers whose number has a form.

    Attributes:
        pattern: Regular expression of their numbers, linear-time subset; empty: all others.
        capacity: Largest total quantity; None: no limit.
        item_mix: Different items together.
        order_mix: Pieces of different orders together.
    """

    carrier_type: str
    name: str = ""
    name_zh: str = ""
    pattern: str = ""
    capacity: Decimal | None = None
    item_mix: bool = False
    order_mix: bool = False


class CarrierContent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing in a carrier; `order` where it is known."""

    thing: Thing
    quantity: Decimal = Decimal(1)
    unit: str = "pcs"
    order: str = ""


class CarrierPassport(
    Document, frozen=True, kw_only=True, omit_defaults=True, tag="carrier_passport"
):
    """What a carrier holds by what all edges told; own acts after it come on top.

    Attributes:
        epoch, through: The receiving edge's own facts up to this number are in it.
    """

    carrier: Thing
    contents: tuple[CarrierContent, ...] = ()
    as_of: Microseconds = 0
    epoch: str = ""
    through: int = 0


class LotPassport(Document, frozen=True, kw_only=True, omit_defaults=True, tag="lot_passport"):
    """A lot that may be mounted here."""

    lot: Thing
    status: str = "released"
    quantity: Decimal | None = None
    unit: str = "pcs"
    as_of: Microseconds = 0


class Hold(Document, frozen=True, kw_only=True, omit_defaults=True, tag="hold"):
    """A thing that may not be used; always refused."""

    hold: str
    thing: Thing
    reason: str
    since: Microseconds


class EdgeConfiguration(
    Document, frozen=True, kw_only=True, omit_defaults=True, tag="configuration"
):
    """What an edge reads and how it understands it; one an edge, with the id `edge`.

    The answers are `IntentionApplied`, then `ConfigurationApplied` or `ConfigurationReverted`.

    Attributes:
        version: Central's number, rising per edge, for people.
        content_hash: SHA-256 of `text` in UTF-8, hexadecimal.
        text: TOML with the shop's sections only: `[scan]`, `[[device]]`, `[[station]]`. Where the
            journal lies, who the edge is and whom it calls (`[edge]`, `[identity]`, `[sync]`) is
            the business of the machine alone.
        trial_s: How long devices that answered before may take to come back, seconds.
    """

    version: int
    content_hash: str
    text: str
    trial_s: int = 60


AnyDocument = (
    WorkOrder
    | Calendar
    | Person
    | Reasons
    | ItemInfo
    | NumberBlock
    | UnitPassport
    | LotPassport
    | ClosedUnits
    | CarrierType
    | CarrierPassport
    | Hold
    | EdgeConfiguration
)
DOCUMENTS: dict[str, type[Document]] = {
    "work_order": WorkOrder,
    "calendar": Calendar,
    "person": Person,
    "reasons": Reasons,
    "item": ItemInfo,
    "number_block": NumberBlock,
    "unit_passport": UnitPassport,
    "lot_passport": LotPassport,
    "closed_units": ClosedUnits,
    "carrier_type": CarrierType,
    "carrier_passport": CarrierPassport,
    "hold": Hold,
    "configuration": EdgeConfiguration,
}
_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder: msgspec.json.Decoder[AnyDocument] = msgspec.json.Decoder(AnyDocument)


def encode_document(document: Document) -> bytes:
    """Canonical bytes of a document: equal documents have equal bytes."""
    return _encoder.encode(document)


def decode_document(data: bytes) -> AnyDocument:
    """A document from its bytes.

    Raises:
        InvalidMessageError: Not a document of ours.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise InvalidMessageError(f"Not a desired-state document: {problem}.") from problem
