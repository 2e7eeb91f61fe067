"""What goes into the journal and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import decode_event
from lineside.contracts.events import Event


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an append stands in the journal.

    Attributes:
        first_seq, last_seq: Inclusive; both 0 for an append of no events.
        duplicate: The act was known already; the numbers are those of the first time.
        answer: What was stored as the answer of the act, if anything.
    """

    first_seq: int
    last_seq: int
    duplicate: bool = False
    answer: bytes | None = None


@dataclass(frozen=True)
class StoredEvent:
    """An event as it stands in the journal.

    Attributes:
        seq: Sequence number in its lane, without gaps.
        schema: Codec schema of `data`.
        data: Stored bytes.
    """

    seq: int
    schema: int
    data: bytes

    @cached_property
    def event(self) -> Event:
        """The event, decoded when first asked for.

        Raises:
            UnsupportedVersionError: Written by a newer program.
            InvalidMessageError: Not an event.
        """
        return decode_event(self.data, schema=self.schema)


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """One commit group: the unit of the hash chain.

    Attributes:
        first_seq, last_seq: Inclusive.
        schema: Codec schema of all its events.
        previous: Hash of the group before; `codec.GENESIS_HASH` for the first of an epoch.
        hash: Hash of this group; empty bytes in lane telemetry.
        committed_at: Wall time of the commit, microseconds UTC; it may step with the clock.
        events: Stored bytes of each event.
    """

    first_seq: int
    last_seq: int
    schema: int
    previous: bytes
    hash: bytes
    committed_at: Microseconds
    events: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SealedRun:
    """Facts of a sealed epoch without a hole between them, both ends included."""

    epoch: str
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One numbering of the journal.

    Attributes:
        id: Random hexadecimal text.
        base: Last sequence number before it; its first event is `base + 1`. Above 0 only where a
            journal was restored and goes on from what central agrees with.
        opened_at: Microseconds UTC.
    """

    id: str
    base: int
    opened_at: Microseconds


@dataclass(frozen=True, slots=True)
class Watermarks:
    """What central has told this edge.

    Attributes:
        durable_through: Facts up to it are committed at central.
        backed_up_through: Facts up to it are in a verified backup of central.
        telemetry_through: Telemetry up to it is committed at central.
        incarnation: Central's database as last heard, `counter-random`; empty before the first.
        desired_cursor: Position of the last applied desired-state change.
    """

    durable_through: int = 0
    backed_up_through: int = 0
    telemetry_through: int = 0
    incarnation: str = ""
    desired_cursor: int = 0
