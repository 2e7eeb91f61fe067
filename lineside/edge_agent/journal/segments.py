"""Commit groups packed together: what a segment is as bytes. Pure.

A segment holds whole groups that follow each other in one chain. Kept are the hash before them and
the hash after them; those between are computed again from the events when a segment is opened, and
must lead to the last one, which proves every byte of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import zstandard

from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import chain_hash
from lineside.edge_agent.journal.records import StoredGroup

SEGMENT_EVENTS = 2_000
SEGMENT_BYTES_MAX = 4 * 1024 * 1024
UNPACKED_BYTES_MAX = 64 * 1024 * 1024
LEVEL = 9  # once for each fact, in a thread that nobody waits for


class _Packed(msgspec.Struct, array_like=True):
    """The inside of a segment, as MessagePack in a zstd frame with a checksum.

    Attributes:
        counts: Events of each group.
        committed: When each group was committed, microseconds UTC.
        answers: Stored answers of the acts whose last event is in it.
    """

    schema: int
    previous: bytes
    counts: list[int]
    committed: list[Microseconds]
    events: list[bytes]
    answers: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Segment:
    """An opened segment.

    Attributes:
        groups: Rising, each with its events.
        answers: Stored answers of its acts.
        whole: False: it is damaged; `groups` is then one group of as many empty events, so that
            whoever reads on meets unreadable facts and no hole.
    """

    groups: tuple[StoredGroup, ...]
    answers: Mapping[str, bytes]
    whole: bool = True


def pack(groups: Sequence[StoredGroup], answers: Mapping[str, bytes]) -> bytes:
    """Groups of one chain and one schema, without a hole between them, as bytes of a segment."""
    packed = _Packed(
        schema=groups[0].schema,
        previous=groups[0].previous,
        counts=[len(group.events) for group in groups],
        committed=[group.committed_at for group in groups],
        events=[event for group in groups for event in group.events],
        answers=dict(answers),
    )
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return compressor.compress(msgspec.msgpack.encode(packed))


def unpack(first_seq: int, last_seq: int, hashed: bytes, data: bytes) -> Segment:
    """Open a segment and prove it.

    Args:
        first_seq: Its first fact, as stored beside it.
        last_seq: Its last one.
        hashed: Hash of its last group, as stored beside it.
        data: What `pack` made.
    """
    try:
        unpacked = zstandard.ZstdDecompressor().decompress(data, max_output_size=UNPACKED_BYTES_MAX)
        found = msgspec.msgpack.decode(unpacked, type=_Packed)
    except (
        zstandard.ZstdError,
        msgspec.DecodeError,
        TypeError,
    ):  # a flipped bit changes types, too
        return _damaged(first_seq, last_seq, hashed)
    groups: list[StoredGroup] = []
    previous, seq, at = found.previous, first_seq, 0
    for count, committed_at in zip(found.counts, found.committed, strict=False):
        events = tuple(found.events[at : at + count])
        own = chain_hash(previous, events)
        groups.append(
            StoredGroup(seq, seq + count - 1, found.schema, previous, own, committed_at, events)
        )
        previous, seq, at = own, seq + count, at + count
    if previous != hashed or seq != last_seq + 1 or len(found.counts) != len(found.committed):
        return _damaged(first_seq, last_seq, hashed)
    return Segment(tuple(groups), found.answers)


def _damaged(first_seq: int, last_seq: int, hashed: bytes) -> Segment:
    nothing = (b"",) * (last_seq - first_seq + 1)
    group = StoredGroup(first_seq, last_seq, 0, b"", hashed, 0, nothing)
    return Segment((group,), {}, whole=False)
