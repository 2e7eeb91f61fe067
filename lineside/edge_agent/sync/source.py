"""What the uplink reads of the journal, and how that looks on the wire."""

from __future__ import annotations

from typing import Protocol

import msgspec

from lineside.contracts.envelope import Group
from lineside.edge_agent.journal.groups import Lane
from lineside.edge_agent.journal.records import StoredGroup, Watermarks


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


def compare_incarnations(known: str, said: str) -> str:
    """How central's incarnation stands to the one known here: `same`, `newer` or `foreign`."""
    if not known or known == said:
        return "same" if known else "newer"
    try:
        known_counter, said_counter = (int(text.partition("-")[0]) for text in (known, said))
    except ValueError:
        return "foreign"
    return "newer" if said_counter > known_counter else "foreign"
