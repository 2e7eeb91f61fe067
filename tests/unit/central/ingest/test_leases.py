"""Two ingest processes on one database: one of them answers an edge."""

import pytest

from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.leases import LEASE
from lineside.central.ingest.memory_store import MemoryEventStore
from lineside.contracts.clock import ManualClock
from lineside.contracts.envelope import Hello, pack


def hello(edge: str, sent_at: int = 1) -> tuple[str, bytes]:
    said = Hello(
        edge=edge, epoch="ab", head_seq=0, head_hash="", oldest_seq=1, cursor=0, desired_hash="",
        boot="cd", sent_at=sent_at,
    )  # fmt: skip
    return f"v1/{edge}/up/hello", pack(said)


@pytest.fixture
def two():
    store, clock = MemoryEventStore(), ManualClock(1_000_000)
    for edge in ("edge-1", "edge-2"):
        store.enrol(edge)
    one, other = (Inbound(store, clock=clock, owner=name) for name in ("one", "other"))
    return one, other, clock, store


@pytest.mark.fault("F-50")
def test_the_first_that_hears_an_edge_answers_it_and_the_other_is_silent(two):
    one, other, _, _ = two

    assert one.receive([hello("edge-1")])
    assert other.receive([hello("edge-1")]) == []
    assert other.receive([hello("edge-2")])
    assert one.receive([hello("edge-2")]) == []


@pytest.mark.fault("F-50")
def test_a_silent_process_is_taken_over_from_and_a_speaking_one_is_not(two):
    one, other, clock, _ = two
    one.receive([hello("edge-1")])
    for _ in range(5):
        clock.advance(LEASE // 2)
        assert one.receive([hello("edge-1", clock.now())])
        assert other.receive([hello("edge-1", clock.now())]) == []

    clock.advance(LEASE + 1)

    assert other.receive([hello("edge-1", clock.now())])
    assert one.receive([hello("edge-1", clock.now())]) == []


def test_a_process_that_ends_in_order_is_taken_over_from_at_once(two):
    one, other, _, _ = two
    one.receive([hello("edge-1")])

    one.release()

    assert other.receive([hello("edge-1")])


def test_a_lease_that_was_never_committed_is_not_believed(two, monkeypatch):
    one, other, _, _ = two
    with monkeypatch.context() as broken:
        broken.setattr(Inbound, "_message", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.receive([hello("edge-1")])

    assert other.receive([hello("edge-1")])
    assert one.receive([hello("edge-1")]) == []
