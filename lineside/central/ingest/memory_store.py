"""A storage in memory: for simulations of many edges on a fake clock, and for tests."""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lineside.central.ingest.storage import BootRecord, EdgeRecord, Gap, LaneState, NewEvent
from lineside.contracts.clock import Microseconds
from lineside.contracts.envelope import Live


@dataclass(slots=True)
class Contents:
    """Everything that is stored; plain, so that a simulation can copy and restore it."""

    edges: dict[str, EdgeRecord] = field(default_factory=dict[str, EdgeRecord])
    boots: dict[tuple[str, str], BootRecord] = field(
        default_factory=dict[tuple[str, str], BootRecord]
    )
    lanes: dict[tuple[str, str, str], LaneState] = field(
        default_factory=dict[tuple[str, str, str], LaneState]
    )
    events: list[NewEvent] = field(default_factory=list[NewEvent])
    hashes: dict[tuple[str, str, str, int], bytes] = field(
        default_factory=dict[tuple[str, str, str, int], bytes]
    )
    leases: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    live: dict[str, Live] = field(default_factory=dict[str, Live])
    gaps: list[Gap] = field(default_factory=list[Gap])
    refusals: dict[tuple[str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int]]
    )


class MemoryEventStore:
    """Keeps everything in `contents`; position is the place in `contents.events`, from 1."""

    def __init__(self, incarnation: str = "1-0000") -> None:
        self.incarnation = incarnation
        self.contents = Contents()

    def enrol(self, edge: str) -> None:
        """Let an edge in."""
        self.contents.edges[edge] = EdgeRecord(edge)

    @contextmanager
    def transaction(self) -> Generator[MemoryTransaction]:
        """Changes apply when the block ends, not when it raises."""
        before = self.contents
        work = MemoryTransaction(
            Contents(
                edges=copy.deepcopy(before.edges),
                boots=copy.deepcopy(before.boots),
                lanes=copy.deepcopy(before.lanes),
                events=before.events,
                hashes=dict(before.hashes),
                leases=dict(before.leases),
                live=dict(before.live),
                gaps=list(before.gaps),
                refusals=dict(before.refusals),
            )
        )
        yield work
        before.events.extend(work.added)
        self.contents = work.contents


class MemoryTransaction:
    """See `storage.StorageTransaction`."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.added: list[NewEvent] = []

    def edge(self, identity: str) -> EdgeRecord | None:
        """An enrolled edge."""
        return self.contents.edges.get(identity)

    def edges_heard(self) -> list[EdgeRecord]:
        """Edges that may send and have said hello before."""
        return [edge for edge in self.contents.edges.values() if edge.epoch and not edge.revoked]

    def lease(self, edge: str, owner: str, now: Microseconds, until: Microseconds) -> bool:
        """Take or renew the lease of an edge."""
        held_by, held_until = self.contents.leases.get(edge, (owner, 0))
        if held_by != owner and held_until >= now:
            return False
        self.contents.leases[edge] = (owner, until)
        return True

    def release(self, owner: str) -> None:
        """Give all leases of a process back."""
        leases = self.contents.leases
        self.contents.leases = {edge: held for edge, held in leases.items() if held[0] != owner}

    def save_edge(self, record: EdgeRecord) -> None:
        """Write what an edge said."""
        self.contents.edges[record.id] = record

    def boot(self, edge: str, boot: str) -> BootRecord | None:
        """A run of an edge's agent."""
        return self.contents.boots.get((edge, boot))

    def save_boot(self, record: BootRecord) -> None:
        """Write a run."""
        self.contents.boots[record.edge, record.boot] = record

    def fenced_since(self, edge: str, sent_at: Microseconds) -> bool:
        """Whether a fenced run has spoken since."""
        return any(
            boot.edge == edge and boot.fenced and boot.last_sent_at > sent_at
            for boot in self.contents.boots.values()
        )

    def save_live(self, live: Live, now: Microseconds) -> None:  # noqa: ARG002
        """Write the newest state of an edge's stations."""
        self.contents.live[live.edge] = live

    def lane(self, edge: str, lane: str, epoch: str) -> LaneState | None:
        """How far a lane is stored."""
        return self.contents.lanes.get((edge, lane, epoch))

    def lanes(self, edge: str, lane: str) -> list[LaneState]:
        """All epochs of a lane of an edge."""
        return [
            state
            for state in self.contents.lanes.values()
            if (state.edge, state.lane) == (edge, lane)
        ]

    def save_lane(self, state: LaneState, now: Microseconds) -> None:  # noqa: ARG002
        """Write how far a lane is stored."""
        self.contents.lanes[state.edge, state.lane, state.epoch] = state

    def hashes(self, edge: str, lane: str, epoch: str, seqs: Sequence[int]) -> dict[int, bytes]:
        """Hashes of the stored groups that end at these numbers."""
        found = {seq: self.contents.hashes.get((edge, lane, epoch, seq)) for seq in seqs}
        return {seq: hashed for seq, hashed in found.items() if hashed is not None}

    def add(self, events: Sequence[NewEvent]) -> None:
        """Store events."""
        self.added.extend(events)
        for event in events:
            if event.group_hash is not None:
                key = (event.edge, event.lane, event.epoch, event.seq)
                self.contents.hashes[key] = event.group_hash

    def declare(self, gap: Gap) -> None:
        """Write a hole down."""
        self.contents.gaps.append(gap)

    def refuse(self, edge: str, code: str, text: str, now: Microseconds) -> None:  # noqa: ARG002
        """Count a refusal."""
        _, count = self.contents.refusals.get((edge, code), ("", 0))
        self.contents.refusals[edge, code] = (text, count + 1)
