"""Messages between an edge and central: msgspec structs as JSON in a zstd frame.

Sizes are capped before anything is unpacked. The sender's id in the envelope must equal the one in
the topic and in its certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

import msgspec
import zstandard

from lineside.contracts.clock import Microseconds
from lineside.contracts.errors import InvalidMessageError, UnsupportedVersionError

PROTOCOL = 1
MESSAGE_BYTES_MAX = 1024 * 1024
UNPACKED_BYTES_MAX = 8 * 1024 * 1024
BATCH_EVENTS_MAX = 500
CREDIT_BATCHES = 4
"""Batches of one edge that may be on their way; central may grant fewer."""

Message = TypeVar("Message", bound=msgspec.Struct)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One commit group of a lane: the unit of the hash chain, never split.

    Attributes:
        first_seq: Sequence number of its first event; the others follow without gaps.
        schema: Codec schema of its events.
        previous: Hash of the group before, hexadecimal.
        hash: `codec.chain_hash(previous, events)`, hexadecimal; empty in lane telemetry.
        events: Stored bytes of each event.
    """

    first_seq: int
    schema: int
    previous: str
    hash: str
    events: tuple[msgspec.Raw, ...]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Contiguous groups of one lane, rising."""

    edge: str
    lane: str
    epoch: str
    groups: tuple[Group, ...]
    protocol: int = PROTOCOL


class SealedRun(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of a sealed epoch that the edge still has, without a hole between them.

    Attributes:
        first_seq, last_seq: Inclusive; both at the rim of a commit group.
    """

    epoch: str
    first_seq: int
    last_seq: int


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What an edge says first on every connection, and every 30 s.

    Attributes:
        epoch: Random hexadecimal text minted when its journal was created or restored.
        head_seq, head_hash: Last event of lane facts and the hash of its group.
        oldest_seq: First event still in the journal.
        cursor: Position of the last desired-state change that it has applied.
        desired_hash: Content hash of its copy of the desired state.
        boot: Random id of this run of the agent.
        sealed: What it still has of its sealed epochs, oldest first; a central that was restored
            asks for what it lost of them.
    """

    edge: str
    epoch: str
    head_seq: int
    head_hash: str
    oldest_seq: int
    cursor: int
    desired_hash: str
    boot: str
    sent_at: Microseconds
    software: str = ""
    sealed: tuple[SealedRun, ...] = ()
    protocol: int = PROTOCOL


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """What central has committed, cumulative; sent only after its commit.

    Attributes:
        durable_through: Every event up to it is committed at central.
        backed_up_through: Every event up to it is in a verified backup.
        expected: First event that central wants next; differs from `durable_through + 1` never, and
            is named so that an edge that skipped ahead knows where to go back to.
        incarnation: Counter and random text of central's database, e.g. `4-9f3c`; higher counter
            after a restore from backup.
        problem: Empty, or why the last message was not taken (`gap`, `fork`, `chain`, `invalid`,
            `busy`, `fenced`, `restarted`: central is back, say hello).
        welcome: True in answer to a hello: `durable_through` may be lower than what was
            acknowledged before, and then the edge goes back to it.
        head_hash: Hash of central's group that ends at `durable_through`, hexadecimal; empty where
            it is not known. An edge that has another one there was restored from an older copy.
        agreed_through: Last event of the answered batch on which both chains agree.
        agreed_hash: Hash of the group that ends there, so that a late answer is not taken for one
            about another chain.
        credit: How many batches the edge may have on their way.
        retry_after_s: With `busy`: how long the edge shall wait at least.
        notice: Empty, or what people at the edge must hear: `two_agents`.
        sealed_missing: In answer to a hello: sealed runs that central wants first; it names each in
            an answer of its own.
    """

    edge: str
    lane: str
    epoch: str
    durable_through: int
    backed_up_through: int
    incarnation: str
    server_at: Microseconds
    problem: str = ""
    welcome: bool = False
    head_hash: str = ""
    agreed_through: int = 0
    agreed_hash: str = ""
    credit: int = CREDIT_BATCHES
    retry_after_s: int = 0
    notice: str = ""
    sealed_missing: int = 0
    protocol: int = PROTOCOL

    @property
    def expected(self) -> int:
        """The event that central wants next."""
        return self.durable_through + 1


class DesiredObject(msgspec.Struct, frozen=True, kw_only=True):
    """One document of the desired state of an edge, or a passport.

    Attributes:
        kind: One of `commands.DOCUMENTS`.
        id: Which of its kind.
        revision: Grows with every change of this object.
        position: Grows with every change of anything for this edge; the cursor.
        body: The document as JSON; `null`: it is gone.
    """

    kind: str
    id: str
    revision: int
    position: int
    body: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def gone(self) -> bool:
        """Whether the object shall no longer be there."""
        return bytes(self.body) == b"null"


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """Differences of the desired state, falling, in order of position.

    Attributes:
        after: Cursor that the receiver must have; any other: it says hello again.
        through: Cursor that it has after applying.
        complete: All objects are here; whatever is not among them is gone.
        more: More differences follow.
    """

    edge: str
    after: int
    through: int
    objects: tuple[DesiredObject, ...]
    complete: bool = False
    more: bool = False
    protocol: int = PROTOCOL


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Newest state of an edge's stations; may be lost, marked provisional by whoever shows it."""

    edge: str
    sent_at: Microseconds
    head_seq: int
    stations: dict[str, dict[str, str]]
    protocol: int = PROTOCOL


def desired_hash(objects: Iterable[tuple[str, str, int, bytes]]) -> str:
    """Content hash of a desired state: SHA-256 over (kind, id, revision, body) in rising order.

    Edge and central compute it of what each has, so that a difference shows whatever caused it.
    """
    digest = hashlib.sha256()
    for kind, identity, revision, body in sorted(objects):
        for part in (kind.encode(), identity.encode(), str(revision).encode(), body):
            digest.update(len(part).to_bytes(4, "big"))
            digest.update(part)
    return digest.hexdigest()


_encoder = msgspec.json.Encoder(decimal_format="string")


def pack(message: msgspec.Struct) -> bytes:
    """Bytes of a message for the wire.

    Raises:
        InvalidMessageError: Larger than `MESSAGE_BYTES_MAX`; send less at once.
    """
    # With a checksum: a flipped bit must not make another acknowledgement or another epoch.
    data = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(_encoder.encode(message))
    if len(data) > MESSAGE_BYTES_MAX:
        raise InvalidMessageError(f"A message of {len(data):,} bytes is too large for the wire.")
    return data


def unpack(data: bytes, kind: type[Message]) -> Message:
    """A message from the wire.

    Raises:
        InvalidMessageError: Too large, cut short, not ours; the text says which.
        UnsupportedVersionError: Another protocol version.
    """
    if len(data) > MESSAGE_BYTES_MAX:
        raise InvalidMessageError(
            f"A message of {len(data):,} bytes; at most {MESSAGE_BYTES_MAX:,} are read."
        )
    try:
        size = zstandard.frame_content_size(data)
        if size < 0 or size > UNPACKED_BYTES_MAX:
            raise InvalidMessageError(
                f"A message that unpacks to {size:,} bytes; "
                f"at most {UNPACKED_BYTES_MAX:,} are read."
            )
        message = msgspec.json.decode(
            zstandard.ZstdDecompressor().decompress(data, max_output_size=UNPACKED_BYTES_MAX),
            type=kind,
        )
    except (zstandard.ZstdError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as bad:
        raise InvalidMessageError(f"Not a {kind.__name__} message: {bad}.") from bad
    protocol = getattr(message, "protocol", PROTOCOL)
    if protocol != PROTOCOL:
        raise UnsupportedVersionError(
            f"Protocol {protocol} is not spoken here; this program speaks {PROTOCOL}."
        )
    return message
