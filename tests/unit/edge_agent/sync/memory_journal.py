"""A journal in memory: what the uplink reads, and what a simulation may roll back."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

from lineside.contracts.codec import GENESIS_HASH, SCHEMA, chain_hash, encode_event
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.records import SealedRun, StoredGroup, Watermarks


def event_bytes(text: str, at: int = 1_700_000_000_000_000) -> bytes:
    return encode_event(SignedOn(occurred_at=at, recorded_at=at, reason=text))


@dataclass
class MemoryJournal:
    epoch: str = field(default_factory=lambda: secrets.token_hex(8))
    epoch_base: int = 0
    facts: list[StoredGroup] = field(default_factory=list)
    telemetry: list[bytes] = field(default_factory=list)
    marks: dict[str, Any] = field(default_factory=dict)
    before: list[tuple[str, int]] = field(default_factory=list)  # sealed epochs with their bases

    def append(self, *texts: str) -> None:
        self.append_raw(*(event_bytes(text) for text in texts))

    def append_raw(self, *events: bytes) -> None:
        head, previous = self.head(), self._last_hash()
        self.facts.append(
            StoredGroup(
                head + 1,
                head + len(events),
                SCHEMA,
                previous,
                chain_hash(previous, events),
                0,
                events,
            )
        )

    def _last_hash(self) -> bytes:
        last = self.facts[-1] if self.facts else None
        return last.hash if last and last.last_seq > self.epoch_base else GENESIS_HASH

    def head(self, lane: str = "facts") -> int:
        if lane == "telemetry":
            return len(self.telemetry)
        return max(self.facts[-1].last_seq if self.facts else 0, self.epoch_base)

    def oldest(self) -> int:
        return self.facts[0].first_seq if self.facts else self.head() + 1

    def hash_at(self, seq: int) -> bytes:
        if seq == self.epoch_base:
            return GENESIS_HASH
        return next((group.hash for group in self.facts if group.last_seq == seq), b"")

    def groups(
        self, after_seq: int, max_events: int, max_bytes: int, lane: str = "facts"
    ) -> list[StoredGroup]:
        if lane == "telemetry":
            events = tuple(self.telemetry[after_seq : after_seq + max_events])
            if not events:
                return []
            return [
                StoredGroup(after_seq + 1, after_seq + len(events), SCHEMA, b"", b"", 0, events)
            ]
        found: list[StoredGroup] = []
        for group in self.facts:
            if group.last_seq > after_seq:
                if found and group.last_seq - found[0].first_seq + 1 > max_events:
                    break
                found.append(group)
        return found

    def sealed(self) -> list[SealedRun]:
        runs: list[SealedRun] = []
        through = self.epoch_base
        for epoch, base in reversed(self.before):
            if (first := max(base + 1, self.oldest())) <= through:
                runs.insert(0, SealedRun(epoch, first, through))
            through = min(through, base)
        return runs

    def watermarks(self) -> Watermarks:
        return Watermarks(**self.marks)

    def begin_epoch(self, base: int) -> None:
        later = [group for group in self.facts if group.first_seq > base]
        self.before.append((self.epoch, self.epoch_base))
        self.facts = [group for group in self.facts if group.last_seq <= base]
        self.epoch, self.epoch_base = secrets.token_hex(8), base
        for group in later:
            self.append_raw(*group.events)
        self.marks["durable_through"] = base
        self.marks["backed_up_through"] = min(base, int(self.marks.get("backed_up_through", 0)))

    def prune(self, through: int) -> None:
        self.facts = [group for group in self.facts if group.last_seq > through]

    def image(self) -> MemoryJournal:
        return copy.deepcopy(self)
