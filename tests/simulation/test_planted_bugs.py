"""Bugs planted into production code on purpose: the simulation has to find each of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from lineside.central.ingest.inbound import Inbound
from lineside.contracts.envelope import Batch
from lineside.contracts.events import Event
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.uplink import Uplink

from .faults import (
    Faults,
    Strike,
    backup,
    central_killed_after_commit,
    central_killed_before_commit,
    central_restored,
    flap,
    half_open,
    kill_in_statement,
    long_partition,
    partition,
    rollback,
    take_image,
    weather,
)  # fmt: skip
from .ledger import InvariantError
from .store import CentralKilledError
from .world import simulate

SEEDS = range(1, 12)


def found(rates: Mapping[Strike, float], *, hours: float = 4, edges: int = 1) -> tuple[int, str]:
    """The first seed that finds something, and which invariant it names."""
    for seed in SEEDS:
        try:
            simulate(seed, hours=hours, edges=edges, faults=Faults(rates))
        except InvariantError as finding:
            return seed, finding.invariant
    return 0, ""


@pytest.mark.fault("F-47")
def test_an_acknowledgement_before_the_commit_is_found(monkeypatch):
    """What left before a crash acknowledges what the database does not have."""
    take, receive = Inbound._take, Inbound.receive
    left: list[Any] = []

    def take_and_send(self: Inbound, *arguments: Any) -> Any:
        answers = take(self, *arguments)
        left.extend(answers)
        return answers

    def receive_early(self: Inbound, messages: Sequence[tuple[str, bytes]]) -> Any:
        left.clear()
        try:
            return receive(self, messages)
        except CentralKilledError as killed:
            killed.left = list(left)
            raise

    monkeypatch.setattr(Inbound, "_take", take_and_send)
    monkeypatch.setattr(Inbound, "receive", receive_early)

    seed, invariant = found({central_killed_before_commit: 20, partition: 1})

    assert (seed > 0, invariant) == (True, "I1")


@pytest.mark.fault("F-38", "F-57")
def test_a_watermark_moved_by_a_stale_acknowledgement_is_found(monkeypatch):
    """An answer of a database that is gone must not count for the one restored in its place."""
    acknowledged = Uplink._acknowledged

    def believe(self: Uplink, ack: Any, lane: Any) -> Any:
        current = msgspec.structs.replace(ack, incarnation=self._incarnation)
        return acknowledged(self, current, lane)

    monkeypatch.setattr(Uplink, "_acknowledged", believe)

    seed, invariant = found({weather: 4, backup: 6, central_restored: 4, half_open: 2, flap: 4})

    assert (seed > 0, invariant) == (True, "I1")


@pytest.mark.fault("F-58")
def test_numbers_used_again_after_a_rollback_are_found(monkeypatch):
    """The edge goes on in its old epoch although central has other facts under those numbers."""
    monkeypatch.setattr(Uplink, "_foreign", lambda *_: False)

    seed, invariant = found({take_image: 6, rollback: 3, flap: 1})

    assert seed > 0
    assert invariant in {"I1", "drain"}


@pytest.mark.fault("F-38", "F-47")
def test_a_missing_deduplication_is_found(monkeypatch):
    """What is sent again is stored again."""
    take_batch = Inbound._batch

    def store_again(self: Inbound, work: Any, batch: Batch) -> Any:
        state = work.lane(batch.edge, batch.lane, batch.epoch)
        if state is not None and batch.groups[0].first_seq <= state.durable_through:
            state.durable_through = batch.groups[0].first_seq - 1
            state.head_hash = None
        return take_batch(self, work, batch)

    monkeypatch.setattr(Inbound, "_batch", store_again)

    seed, invariant = found({central_killed_after_commit: 10, weather: 4, half_open: 2})

    assert (seed > 0, invariant) == (True, "I2")


@pytest.mark.fault("F-02")
def test_a_counter_baseline_outside_the_transaction_is_found(monkeypatch):
    """Killed between the facts and their baseline, the pieces are counted twice."""
    append = Journal.append_async

    async def in_two_steps(self: Journal, events: Sequence[Event], **more: Any) -> Any:
        baselines = more.pop("baselines", None)
        appended = await append(self, events, **more)
        if baselines:
            await append(self, [], baselines=baselines)
        return appended

    monkeypatch.setattr(Journal, "append_async", in_two_steps)

    seed, invariant = found({kill_in_statement: 12})

    assert (seed > 0, invariant) == (True, "I7")


@pytest.mark.fault("F-36", "F-37")
def test_believing_the_broker_is_found(monkeypatch):
    """A message that the broker took is not stored at central."""
    send = Uplink._batch

    def believe(self: Uplink, lane: Any, groups: Any) -> Any:
        action = send(self, lane, groups)
        self._settle(lane, groups[-1].last_seq)
        return action

    monkeypatch.setattr(Uplink, "_batch", believe)

    seed, invariant = found({partition: 2, flap: 2, weather: 2})

    assert (seed > 0, invariant) == (True, "I1")


@pytest.mark.fault("F-06", "F-12")
def test_facts_forgotten_before_central_has_them_are_found(monkeypatch):
    """Retention that looks at the age alone leaves a hole."""
    from lineside.edge_agent.journal import retention

    monkeypatch.setattr(retention, "may_forget_through", lambda marks, **_: (1 << 62, "pressure"))

    seed, invariant = found({partition: 3, long_partition: 0.5}, hours=6)

    assert seed > 0
    assert invariant in {"I1", "I3", "I7", "drain"}
