"""What ingest asks of its storage; PostgreSQL and an ordinary dictionary both answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lineside.contracts.clock import Microseconds
from lineside.contracts.envelope import Live


@dataclass(slots=True)
class EdgeRecord:
    """An edge as enrolled and last heard.

    Attributes:
        boot: Run of the agent that speaks for it now.
        epoch: Its present epoch.
        cursor, desired_hash: Its copy of the desired state, as it last said.
        clock_offset: Central's time less the edge's, microseconds.
    """

    id: str
    revoked: bool = False
    boot: str = ""
    epoch: str = ""
    software: str = ""
    cursor: int = 0
    desired_hash: str = ""
    heard_at: Microseconds | None = None
    clock_offset: Microseconds | None = None


@dataclass(slots=True)
class BootRecord:
    """One run of an edge's agent."""

    edge: str
    boot: str
    first_sent_at: Microseconds
    last_sent_at: Microseconds
    fenced: bool = False


@dataclass(slots=True)
class LaneState:
    """How far a lane is stored.

    Attributes:
        durable_through: Everything up to it is stored.
        head_hash: Hash of the last stored group. None: not known, the next group is taken as it is.
            Empty: as None, and the hole before it is declared already.
        reported_head: The highest number that the edge has said to have.
    """

    edge: str
    lane: str
    epoch: str
    durable_through: int
    head_hash: bytes | None
    backed_up_through: int = 0
    reported_head: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is about to be stored.

    Attributes:
        unreadable: Empty, or (code, text) of why this program cannot read it.
    """

    edge: str
    lane: str
    epoch: str
    seq: int
    schema: int
    type: str
    station: str
    occurred_at: Microseconds
    received_at: Microseconds
    group_hash: bytes | None
    data: bytes
    unreadable: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole that nobody can fill."""

    edge: str
    lane: str
    epoch: str
    first_seq: int
    last_seq: int
    why: str
    declared_at: Microseconds


class StorageTransaction(Protocol):
    """One transaction; whatever it hands out is locked against other processes."""

    def edge(self, identity: str) -> EdgeRecord | None:
        """An enrolled edge."""
        ...

    def edges_heard(self) -> list[EdgeRecord]:
        """Edges that may send and have said hello before."""
        ...

    def lease(self, edge: str, owner: str, now: Microseconds, until: Microseconds) -> bool:
        """Take or renew the lease of an edge; False: another process holds it still."""
        ...

    def release(self, owner: str) -> None:
        """Give all leases of a process back."""
        ...

    def save_edge(self, record: EdgeRecord) -> None:
        """Write what an edge said."""
        ...

    def boot(self, edge: str, boot: str) -> BootRecord | None:
        """A run of an edge's agent."""
        ...

    def save_boot(self, record: BootRecord) -> None:
        """Write a run."""
        ...

    def fenced_since(self, edge: str, sent_at: Microseconds) -> bool:
        """Whether a fenced run of an edge's agent has spoken since a time of its clock."""
        ...

    def save_live(self, live: Live, now: Microseconds) -> None:
        """Write the newest state of an edge's stations."""
        ...

    def lane(self, edge: str, lane: str, epoch: str) -> LaneState | None:
        """How far a lane is stored."""
        ...

    def lanes(self, edge: str, lane: str) -> list[LaneState]:
        """All epochs of a lane of an edge."""
        ...

    def save_lane(self, state: LaneState, now: Microseconds) -> None:
        """Write how far a lane is stored."""
        ...

    def hashes(self, edge: str, lane: str, epoch: str, seqs: Sequence[int]) -> dict[int, bytes]:
        """Hashes of the stored groups that end at these numbers."""
        ...

    def add(self, events: Sequence[NewEvent]) -> None:
        """Store events; they get their positions in this order."""
        ...

    def declare(self, gap: Gap) -> None:
        """Write a hole down."""
        ...

    def refuse(self, edge: str, code: str, text: str, now: Microseconds) -> None:
        """Count a refusal."""
        ...


class EventStore(Protocol):
    """Where facts are kept."""

    @property
    def incarnation(self) -> str:
        """`counter-random` of this database."""
        ...

    def transaction(self) -> AbstractContextManager[StorageTransaction]:
        """A transaction that is durable when the block ends, and gone when it raises."""
        ...
