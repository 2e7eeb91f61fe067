"""Central in the simulation: real ingest over the simulated store, and desired state."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import cast

import msgspec

from lineside.central.ingest.inbound import Inbound, Outgoing
from lineside.central.ingest.storage import EventStore, StorageTransaction
from lineside.contracts import topics
from lineside.contracts.clock import Clock
from lineside.contracts.commands import Document, encode_document
from lineside.contracts.envelope import Desired, DesiredObject, Hello, desired_hash, pack

from .store import Backup, CentralKilledError, SimulatedStore

PART_OBJECTS = 7


@dataclass(slots=True)
class Wanted:
    """The desired state of one edge."""

    position: int = 0
    objects: dict[tuple[str, str], DesiredObject] = field(
        default_factory=dict[tuple[str, str], DesiredObject]
    )

    def put(self, kind: str, identity: str, document: Document | None) -> None:
        """Want a document, or no longer."""
        self.position += 1
        before = self.objects.get((kind, identity))
        self.objects[kind, identity] = DesiredObject(
            kind=kind,
            id=identity,
            revision=(before.revision if before else 0) + 1,
            position=self.position,
            body=msgspec.Raw(b"null" if document is None else encode_document(document)),
        )

    @property
    def content_hash(self) -> str:
        """As the edge computes it of its copies."""
        return desired_hash(
            (item.kind, item.id, item.revision, bytes(item.body))
            for item in self.objects.values()
            if not item.gone
        )

    def messages(self, edge: str, cursor: int, content: str) -> list[Desired]:
        """What an edge with this cursor lacks, by the rules of the publisher."""
        fits = 0 <= cursor <= self.position
        if cursor == self.position:
            fits = content == self.content_hash
        items = sorted(self.objects.values(), key=lambda item: item.position)
        items = [item for item in items if (not item.gone if not fits else item.position > cursor)]
        if not items and fits:
            return []
        parts = [items[at : at + PART_OBJECTS] for at in range(0, len(items), PART_OBJECTS)]
        found: list[Desired] = []
        after = cursor if fits else 0
        for number, part in enumerate(parts or [[]]):
            last = number == max(0, len(parts) - 1)
            through = self.position if last else part[-1].position
            found.append(
                Desired(
                    edge=edge,
                    after=after,
                    through=through,
                    objects=tuple(part),
                    complete=not fits,
                    more=not fits and not last,
                )
            )
            after = through
        return found


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup with the desired state in it."""

    store: Backup
    wanted: dict[str, Wanted]


class SimulatedCentral:
    """Central's process; `receive` may kill it, `start` brings it back."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock, self._chance = clock, chance
        self.store = SimulatedStore()
        self.wanted: dict[str, Wanted] = {}
        self.saved: list[Saved] = []
        self.running = True
        self.down_rounds = 0
        self.kills = 0
        self.counter = 1
        self._aside: Saved | None = None
        self.inbound = self._inbound()

    def _inbound(self) -> Inbound:
        return Inbound(cast("EventStore", self.store), clock=self._clock, on_greeted=self._greeted)

    def _greeted(self, _: StorageTransaction, hello: Hello) -> Sequence[Outgoing]:
        wanted = self.wanted.setdefault(hello.edge, Wanted())
        return [
            (topics.down(hello.edge, "desired"), pack(message))
            for message in wanted.messages(hello.edge, hello.cursor, hello.desired_hash)
        ]

    def receive(self, messages: Sequence[tuple[str, bytes]]) -> list[Outgoing]:
        """Take messages in one transaction; nothing is answered when the process dies."""
        try:
            return self.inbound.receive(messages)
        except CentralKilledError as killed:
            self.stop()
            return list(killed.left)

    def stop(self) -> None:
        """The process is gone; what is committed stays."""
        self.kills += 1
        self.running = False
        self.store.kill = ""

    def start(self) -> list[Outgoing]:
        """Come back, and tell the edges."""
        self.running = True
        self.inbound = self._inbound()
        try:
            return self.inbound.announce()
        except CentralKilledError:
            self.stop()
            return []

    def backup(self) -> None:
        """Make a backup; the last few are kept."""
        self.saved.append(Saved(self.store.backup(), deepcopy(self.wanted)))
        del self.saved[:-3]

    def restore(self) -> None:
        """The database is lost and comes back from the last backup, as a new incarnation."""
        self.counter += 1
        self._take(self.saved[-1], f"{self.counter}-{self._chance.randbytes(2).hex()}")

    def swap_for_old_copy(self) -> None:
        """By mistake an old copy runs in place of central's database."""
        self._aside = Saved(self.store.backup(), deepcopy(self.wanted))
        old = self.saved[0]
        self._take(old, old.store.incarnation)

    def swap_back(self) -> None:
        """The right database runs again."""
        if self._aside is not None:
            self._take(self._aside, self._aside.store.incarnation)
            self._aside = None

    @property
    def is_old_copy(self) -> bool:
        """Whether the wrong database runs."""
        return self._aside is not None

    def _take(self, saved: Saved, incarnation: str) -> None:
        self.store.restore(saved.store, incarnation)
        self.wanted = deepcopy(saved.wanted)
        self.inbound = self._inbound()
