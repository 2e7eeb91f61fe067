"""What the uplink reads of the journal, and how that looks on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lineside.contracts import topics
from lineside.contracts.clock import Microseconds
from lineside.contracts.envelope import Batch, Group, Hello, SealedRun, pack
from lineside.edge_agent.journal.groups import Lane
from lineside.edge_agent.journal.records import StoredGroup, Watermarks
from lineside.edge_agent.sync.actions import Publish


class FactSource(Protocol):
    """What the uplink reads of the journal; `journal.store.Journal` is one."""

    @property
    def epoch(self) -> str:
        """Present epoch."""
        ...

    @property
    def epoch_base(self) -> int:
        """Last sequence number before it."""
        ...

    def head(self, lane: Lane = "facts") -> int:
        """Last committed sequence number."""
        ...

    def oldest(self) -> int:
        """First fact still there."""
        ...

    def hash_at(self, seq: int) -> bytes:
        """Hash of the group that ends there; empty where none does."""
        ...

    def groups(
        self, after_seq: int, max_events: int, max_bytes: int, lane: Lane = "facts"
    ) -> list[StoredGroup]:
        """Whole groups after a sequence number."""
        ...

    def watermarks(self) -> Watermarks:
        """What central told, as remembered."""
        ...


def wire_group(group: StoredGroup) -> Group:
    """A commit group as it travels; the stored bytes are not written anew."""
    return Group(
        first_seq=group.first_seq,
        schema=group.schema,
        previous=group.previous.hex(),
        hash=group.hash.hex(),
        events=tuple(msgspec.Raw(event) for event in group.events),
    )


def hello_message(
    edge: str,
    source: FactSource,
    *,
    desired: tuple[int, str],
    boot: str,
    sent_at: Microseconds,
    software: str,
    sealed: tuple[SealedRun, ...],
) -> Publish:
    """A hello: who speaks, with which journal, and what of the desired state it has."""
    head = source.head("facts")
    hello = Hello(
        edge=edge,
        epoch=source.epoch,
        head_seq=head,
        head_hash=source.hash_at(head).hex(),
        oldest_seq=max(source.oldest(), source.epoch_base + 1),
        cursor=desired[0],
        desired_hash=desired[1],
        boot=boot,
        sent_at=sent_at,
        software=software,
        sealed=sealed,
    )
    return Publish(topics.up(edge, "hello"), pack(hello))


def batch_message(edge: str, lane: Lane, epoch: str, groups: Sequence[StoredGroup]) -> Publish:
    """Groups as a message to central."""
    wired = tuple(wire_group(group) for group in groups)
    return Publish(
        topics.up(edge, lane), pack(Batch(edge=edge, lane=lane, epoch=epoch, groups=wired))
    )


def foreign_chain(source: FactSource, durable_through: int, head_hash: str) -> bool:
    """Whether what central says to have last is not in this journal."""
    if durable_through > source.head("facts"):
        return True
    if not head_hash or durable_through < source.oldest():
        return False  # nothing here to compare with
    return source.hash_at(durable_through).hex() != head_hash


def compare_incarnations(known: str, said: str) -> str:
    """How central's incarnation stands to the one known here: `same`, `newer` or `foreign`."""
    if not known or known == said:
        return "same" if known else "newer"
    try:
        known_counter, said_counter = (int(text.partition("-")[0]) for text in (known, said))
    except ValueError:
        return "foreign"
    return "newer" if said_counter > known_counter else "foreign"
