"""Central's storage in memory, with the manners of a database: copies out, commit or nothing.

It can be killed before or after a commit, copied as a backup, and restored.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field

from lineside.central.ingest.storage import BootRecord, EdgeRecord, Gap, LaneState, NewEvent
from lineside.contracts.clock import Microseconds
from lineside.contracts.envelope import Live

LaneKey = tuple[str, str, str]


class CentralKilledError(BaseException):
    """Central's process is gone at this point.

    Attributes:
        left: Messages that had left it before; none, as it answers after its commit.
    """

    left: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class Tables:
    """What a database holds."""

    edges: dict[str, EdgeRecord] = field(default_factory=dict[str, EdgeRecord])
    boots: dict[tuple[str, str], BootRecord] = field(
        default_factory=dict[tuple[str, str], BootRecord]
    )
    lanes: dict[LaneKey, LaneState] = field(default_factory=dict[LaneKey, LaneState])
    events: list[NewEvent] = field(default_factory=list[NewEvent])
    hashes: dict[tuple[str, str, str, int], bytes] = field(
        default_factory=dict[tuple[str, str, str, int], bytes]
    )
    gaps: list[Gap] = field(default_factory=list[Gap])
    refusals: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified copy: of rows that only grow, their number."""

    incarnation: str
    edges: dict[str, EdgeRecord]
    boots: dict[tuple[str, str], BootRecord]
    lanes: dict[LaneKey, LaneState]
    events: tuple[NewEvent, ...]
    gaps: tuple[Gap, ...]
    refusals: dict[tuple[str, str], int]


class SimulatedStore:
    """See `lineside.central.ingest.storage.EventStore`.

    Attributes:
        kill: `before` or `after`: the process dies at the next commit; empty: it does not.
        full: The disk takes nothing: a commit raises.
        lives: How often the database was restored or replaced; readers begin anew.
    """

    def __init__(self) -> None:
        self.incarnation = "1-0000"
        self.tables = Tables()
        self.kill = ""
        self.lives = 0

    def enrol(self, edge: str) -> None:
        """Let an edge in, or in again: runs that were fenced are forgotten."""
        self.tables.edges.setdefault(edge, EdgeRecord(edge))
        for key in [key for key in self.tables.boots if key[0] == edge]:
            del self.tables.boots[key]

    @contextmanager
    def transaction(self) -> Generator[SimulatedTransaction]:
        """All or nothing."""
        work = SimulatedTransaction(self.tables)
        yield work
        kill, self.kill = self.kill, ""
        if kill == "before":
            raise CentralKilledError
        work.commit()
        if kill == "after":
            raise CentralKilledError

    def backup(self) -> Backup:
        """A copy of everything; afterwards edges hear that it is backed up."""
        tables = self.tables
        made = Backup(
            self.incarnation,
            {key: copy(row) for key, row in tables.edges.items()},
            {key: copy(row) for key, row in tables.boots.items()},
            {key: copy(row) for key, row in tables.lanes.items()},
            tuple(tables.events),
            tuple(tables.gaps),
            dict(tables.refusals),
        )
        for state in tables.lanes.values():
            state.backed_up_through = max(state.backed_up_through, state.durable_through)
        return made

    def restore(self, made: Backup, incarnation: str) -> None:
        """Go back to a copy."""
        self.incarnation = incarnation
        self.tables = Tables(
            edges={key: copy(row) for key, row in made.edges.items()},
            boots={key: copy(row) for key, row in made.boots.items()},
            lanes={key: copy(row) for key, row in made.lanes.items()},
            events=list(made.events),
            hashes={
                (event.edge, event.lane, event.epoch, event.seq): event.group_hash
                for event in made.events
                if event.group_hash is not None
            },
            gaps=list(made.gaps),
            refusals=dict(made.refusals),
        )
        self.lives += 1


class SimulatedTransaction:
    """See `lineside.central.ingest.storage.StorageTransaction`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._edges: dict[str, EdgeRecord] = {}
        self._boots: dict[tuple[str, str], BootRecord] = {}
        self._lanes: dict[LaneKey, LaneState] = {}
        self._dirty: list[tuple[str, object]] = []
        self._added: list[NewEvent] = []
        self._hashes: dict[tuple[str, str, str, int], bytes] = {}
        self._gaps: list[Gap] = []
        self._refusals: list[tuple[str, str]] = []

    def commit(self) -> None:
        """Everything at once."""
        tables = self._tables
        for kind, row in self._dirty:
            match kind, row:
                case "edge", EdgeRecord():
                    tables.edges[row.id] = copy(row)
                case "boot", BootRecord():
                    tables.boots[row.edge, row.boot] = copy(row)
                case "lane", LaneState():
                    tables.lanes[row.edge, row.lane, row.epoch] = copy(row)
                case _:
                    raise AssertionError(kind)
        tables.events.extend(self._added)
        tables.hashes.update(self._hashes)
        tables.gaps.extend(self._gaps)
        for key in self._refusals:
            tables.refusals[key] = tables.refusals.get(key, 0) + 1

    def edge(self, identity: str) -> EdgeRecord | None:
        """An enrolled edge."""
        if identity not in self._edges:
            found = self._tables.edges.get(identity)
            if found is None:
                return None
            self._edges[identity] = copy(found)
        return self._edges[identity]

    def edges_heard(self) -> list[EdgeRecord]:
        """Edges that may send and have said hello before."""
        return [copy(edge) for edge in self._tables.edges.values() if edge.epoch]

    def lease(self, edge: str, owner: str, now: Microseconds, until: Microseconds) -> bool:
        """There is one process only."""
        return True

    def release(self, owner: str) -> None:
        """There is one process only."""

    def save_live(self, live: Live, now: Microseconds) -> None:
        """Nobody looks at the newest state here."""

    def save_edge(self, record: EdgeRecord) -> None:
        """Write what an edge said."""
        self._edges[record.id] = record
        self._dirty.append(("edge", record))

    def boot(self, edge: str, boot: str) -> BootRecord | None:
        """A run of an edge's agent."""
        key = (edge, boot)
        if key not in self._boots:
            found = self._tables.boots.get(key)
            if found is None:
                return None
            self._boots[key] = copy(found)
        return self._boots[key]

    def save_boot(self, record: BootRecord) -> None:
        """Write a run."""
        self._boots[record.edge, record.boot] = record
        self._dirty.append(("boot", record))

    def fenced_since(self, edge: str, sent_at: Microseconds) -> bool:
        """Whether a fenced run has spoken since."""
        return any(
            boot.edge == edge and boot.fenced and boot.last_sent_at > sent_at
            for boot in (self._tables.boots | self._boots).values()
        )

    def lane(self, edge: str, lane: str, epoch: str) -> LaneState | None:
        """How far a lane is stored."""
        key = (edge, lane, epoch)
        if key not in self._lanes:
            found = self._tables.lanes.get(key)
            if found is None:
                return None
            self._lanes[key] = copy(found)
        return self._lanes[key]

    def lanes(self, edge: str, lane: str) -> list[LaneState]:
        """All epochs of a lane of an edge."""
        keys = {key for key in (*self._tables.lanes, *self._lanes) if key[:2] == (edge, lane)}
        found = [self.lane(*key) for key in sorted(keys)]
        return [state for state in found if state is not None]

    def save_lane(self, state: LaneState, now: Microseconds) -> None:
        """Write how far a lane is stored."""
        self._lanes[state.edge, state.lane, state.epoch] = state
        self._dirty.append(("lane", state))

    def hashes(self, edge: str, lane: str, epoch: str, seqs: Sequence[int]) -> dict[int, bytes]:
        """Hashes of the stored groups that end at these numbers."""
        found: dict[int, bytes] = {}
        for seq in seqs:
            key = (edge, lane, epoch, seq)
            hashed = self._hashes.get(key) or self._tables.hashes.get(key)
            if hashed is not None:
                found[seq] = hashed
        return found

    def add(self, events: Sequence[NewEvent]) -> None:
        """Store events."""
        self._added.extend(events)
        for event in events:
            if event.group_hash is not None:
                key = (event.edge, event.lane, event.epoch, event.seq)
                self._hashes[key] = event.group_hash

    def declare(self, gap: Gap) -> None:
        """Write a hole down."""
        self._gaps.append(gap)

    def refuse(self, edge: str, code: str, text: str, now: Microseconds) -> None:
        """Count a refusal."""
        self._refusals.append((edge, code))
