"""What stands at a station: the nouns of the `orders` projection, small enough for a snapshot."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from lineside.contracts.clock import Microseconds
from lineside.contracts.units import JobShare, Thing, ThingKind

ENTRIES_MAX = 40
UNDO_ENTRIES_MAX = 12
UNITS_MAX = 500
CALLS_MAX = 50
SPANNED_MAX = 20
BEFORE_RELEASE_MAX = 200


class JobOn(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order operation that is on the station.

    Attributes:
        exclusive: R9; False on stations that carry several bookings.
        seq: Event that started it.
    """

    order: str
    operation: str
    item: str
    booking: str
    activity: str
    started_at: Microseconds
    ideal_cycle_s: Decimal = Decimal(0)
    planned: Decimal | None = None
    exclusive: bool = True
    seq: int = 0


class Mount(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A lot at a position.

    Attributes:
        left: What should still be in it; below zero where more was used than was said to be there.
        used: Something was taken from it since it was mounted.
        previous: The lot that was there before it, until the first piece after the change.
    """

    material: Thing
    left: Decimal
    unit: str
    since: Microseconds
    used: bool = False
    previous: Thing | None = None


class OpenUnit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A piece in work.

    Attributes:
        fitted: Component item to serial numbers built in here.
    """

    item: str
    serial: str
    order: str
    operation: str
    since: Microseconds
    attempt: int = 1
    issuer: str = ""
    seq: int = 0
    fitted: dict[str, list[str]] = {}

    @property
    def thing(self) -> Thing:
        """The piece as a thing."""
        return Thing(kind=ThingKind.UNIT, item=self.item, id=self.serial, issuer=self.issuer)


class OpenCall(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A call for help that is not closed."""

    call: str
    topic: str
    since: Microseconds
    acknowledged: bool = False


class FirstPiece(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A first piece that was presented, maybe released."""

    at: Microseconds
    serial: str = ""
    by: tuple[str, ...] = ()
    released: bool = False


class BeforeRelease(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Pieces that were made before the first one was released, as they were marked.

    Attributes:
        seq, at: Event that marked them.
        kind: `scrap` or `rework`, as the operation's rule says.
        serial: Of the piece; empty for counted ones.
    """

    seq: int
    at: Microseconds
    kind: str
    amount: Decimal
    serial: str = ""


class Floor(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an undo brings back.

    Attributes:
        people: Person to since when.
        jobs: Booking to order operation.
        paused: Order operations that will come back, `order/operation`.
        mounts: Position to lot.
        units: Pieces in work, oldest first.
        first_pieces: `order/operation` to the first piece presented last.
        setup_at: When the present order operation was set up: the first piece counts from then.
        tool_at, material_at: When the tool was changed, and another lot was mounted, likewise.
        changed_at: When an order last came or went.
    """

    people: dict[str, Microseconds] = {}
    jobs: dict[str, JobOn] = {}
    paused: list[str] = []
    mounts: dict[str, Mount] = {}
    units: list[OpenUnit] = []
    first_pieces: dict[str, FirstPiece] = {}
    calls: dict[str, OpenCall] = {}
    setup_at: Microseconds = 0
    tool_at: Microseconds = 0
    material_at: Microseconds = 0
    changed_at: Microseconds = 0


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One of the last entries of a station; an act is one entry, however many events it has.

    Attributes:
        seq, last_seq: Events of the act.
        facts: First of them that does not only take another one back; 0: none.
        params: What its text needs, by name.
        before: The floor before it, encoded, where the act changed it; taking it back restores it.
    """

    seq: int
    last_seq: int
    at: Microseconds
    kind: str
    subject: str = ""
    verdict: str = "none"
    code: str = ""
    params: dict[str, str] = {}
    by: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    act: str = ""
    voided: bool = False
    facts: int = 0
    before: bytes = b""

    @property
    def changed_floor(self) -> bool:
        """Whether something stands otherwise since."""
        return bool(self.before) and not self.voided


class LastScan(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The scan before, for slips of the hand and for overrides."""

    raw: str
    at: Microseconds
    accepted: bool
    code: str = ""
    meaning: str = ""


class SpannedCount(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A counter's increment over a shift or order boundary that took longer than a minute.

    Attributes:
        seq: The reading that was flagged.
        since, at: Between these two readings it was made.
        value, increment: The reading's face value, and what it counted.
        boundary, before: Where a person split it, and how many counts lie before; None: not yet.
        parts: The readings that stand for it now.
    """

    seq: int
    counter: str
    role: str
    since: Microseconds
    at: Microseconds
    value: int
    increment: int
    modulus: int
    max_per_min: Decimal
    pieces_per_count: Decimal
    resetting: bool = False
    item: str = ""
    jobs: tuple[JobShare, ...] = ()
    parts: tuple[int, ...] = ()
    boundary: Microseconds = 0
    before: int | None = None


class StationState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that the terminal of a station knows without asking.

    Attributes:
        state_raw: The machine's own word.
        signals: Role of a discrete signal to its value.
        last_finished: The piece finished last, for a defect that is seen afterwards.
        readings: Counter to when it was read last.
        spanned: Increments over a boundary, oldest first.
        before_release: `order/operation` to what was marked until its first piece is released.
        tool: The tool known last.
    """

    station: str
    floor: Floor = msgspec.field(default_factory=Floor)
    state: str = "UNKNOWN"
    detail: str = ""
    state_since: Microseconds | None = None
    signals: dict[str, str] = {}
    entries: list[Entry] = []
    last_scan: LastScan | None = None
    last_finished: OpenUnit | None = None
    last_result: str = ""
    readings: dict[str, Microseconds] = {}
    spanned: list[SpannedCount] = []
    before_release: dict[str, list[BeforeRelease]] = {}
    tool: str = ""

    def job_of(self, order: str, operation: str = "") -> JobOn | None:
        """A running order operation; without operation any of the order."""
        for job in self.floor.jobs.values():
            if job.order == order and (not operation or job.operation == operation):
                return job
        return None


def job_key(order: str, operation: str) -> str:
    """`order/operation`, for tables of the floor."""
    return f"{order}/{operation}"


_encoder = msgspec.msgpack.Encoder()
_floors = msgspec.msgpack.Decoder(Floor)


def encode_floor(floor: Floor) -> bytes:
    """A copy that nothing changes any more."""
    return _encoder.encode(floor)


def decode_floor(data: bytes) -> Floor:
    """The floor of a copy."""
    return _floors.decode(data)
