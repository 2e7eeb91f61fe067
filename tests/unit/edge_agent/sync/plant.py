"""One process, many parts, a fake clock and a wire that loses, doubles and reorders."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.memory_store import MemoryEventStore
from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.edge_agent.sync.actions import Action, Notice, OpenEpoch, Publish, Remember
from lineside.edge_agent.sync.uplink import Uplink

from .memory_journal import MemoryJournal


class Plant:
    """One edge and central with a wire between them."""

    def __init__(self, seed: int, *, loss: float = 0, double: float = 0, reorder: bool = False):
        self.chance = random.Random(seed)
        self.loss, self.double, self.reorder = loss, double, reorder
        self.clock = ManualClock(1_700_000_000_000_000)
        self.journal = MemoryJournal()
        self.store = MemoryEventStore()
        self.store.enrol("edge-1")
        self.inbound = Inbound(self.store, clock=self.clock)
        self.rising: list[tuple[str, bytes]] = []
        self.falling: list[tuple[str, bytes]] = []
        self.notices: dict[str, str] = {}
        self.acknowledged_beyond_committed = False
        self.start_edge()

    def start_edge(self) -> None:
        self.uplink = Uplink(
            "edge-1",
            self.journal,
            clock=self.clock,
            desired=lambda: (0, ""),
            chance=random.Random(self.chance.random()),
            sealed=self.journal.sealed,
        )
        self.do(self.uplink.connected())

    def do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    self.rising.append((action.topic, action.payload))
                case Remember():
                    stored = int(action.changes["durable_through"])
                    self.acknowledged_beyond_committed |= stored > self.committed()
                    self.journal.marks.update(action.changes)
                case OpenEpoch():
                    self.journal.begin_epoch(action.base)
                    self.do(self.uplink.epoch_opened())
                case Notice():
                    self.notices[action.code] = action.text

    def committed(self) -> int:
        lane = self.store.contents.lanes.get(("edge-1", "facts", self.journal.epoch))
        return lane.durable_through if lane else self.journal.epoch_base

    def _through_the_wire(self, messages: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        taken, messages[:] = list(messages), []
        if self.reorder:
            self.chance.shuffle(taken)
        arrived: list[tuple[str, bytes]] = []
        for message in taken:
            if self.chance.random() >= self.loss:
                arrived.append(message)
                if self.chance.random() < self.double:
                    arrived.append(message)
                    messages.append(message)  # and once more, later
        return arrived

    def step(self, seconds: float = 1.0) -> None:
        for topic, payload in self._through_the_wire(self.falling):
            self.do(self.uplink.received(topic, payload))
        self.falling += self.inbound.receive(self._through_the_wire(self.rising))
        self.clock.advance(round(seconds * US_PER_SECOND))
        self.do(self.uplink.tick())
        self.do(self.uplink.head_moved())

    def drain(self, steps: int = 2_000) -> None:
        """Until central has everything and the edge knows it."""
        for _ in range(steps):
            head = self.journal.head()
            arrived = self.uplink.durable_through == self.committed() == head
            if arrived and self.uplink.welcomed and not self.uplink._opening:
                return
            self.step()
        raise AssertionError(f"not drained: {self.uplink.durable_through} of {self.journal.head()}")

    def stored(self) -> list[bytes]:
        """All stored facts in central's order."""
        return [event.data for event in self.store.contents.events if event.lane == "facts"]

    def identities(self) -> list[tuple[str, int]]:
        return [
            (event.epoch, event.seq)
            for event in self.store.contents.events
            if event.lane == "facts"
        ]
