"""A central restored to before an edge's new epoch gets the facts of the sealed ones again."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.central.ingest.memory_store import Contents

from .memory_journal import event_bytes
from .plant import Plant

sizes = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def tell(plant: Plant, *texts: str) -> None:
    for text in texts:
        plant.journal.append(text)


def restore_central(plant: Plant, backup: Contents, incarnation: str) -> None:
    plant.store.contents, plant.store.incarnation = copy.deepcopy(backup), incarnation
    plant.rising.clear()
    plant.falling.clear()
    plant.do(plant.uplink.disconnected())
    plant.do(plant.uplink.connected())


def roll_edge_back(plant: Plant, *lost: str) -> None:
    """The journal goes back to now after it told more; a new epoch comes of it."""
    image = plant.journal.image()
    tell(plant, *lost)
    plant.drain()
    plant.journal = image
    plant.start_edge()


@pytest.mark.fault("F-57")
@pytest.mark.fault("F-60")
@given(st.integers(0, 2**32), sizes, sizes, sizes)
@settings(max_examples=40, deadline=None)
def test_facts_of_a_sealed_epoch_that_central_lost_come_again_and_first(seed, first, second, third):
    plant = Plant(seed, loss=0.1, double=0.1, reorder=True)
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)  # before everything
    numbers = iter(range(100_000))
    kept: list[str] = []

    def told(groups: list[int]) -> None:
        for size in groups:
            texts = [f"event {next(numbers)}" for _ in range(size)]
            kept.extend(texts)
            plant.journal.append(*texts)

    told(first)
    plant.drain()
    roll_edge_back(plant, "only central had it")
    plant.drain()
    told(second)
    plant.drain()
    sealed = len(plant.journal.before)

    restore_central(plant, backup, "2-beef")
    told(third)
    plant.drain()

    assert sealed == 1
    assert plant.stored() == [event_bytes(text) for text in kept]
    assert not plant.acknowledged_beyond_committed


@pytest.mark.fault("F-57")
def test_several_sealed_epochs_come_again_oldest_first():
    plant = Plant(1)
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    tell(plant, "a", "b")
    plant.drain()
    roll_edge_back(plant, "lost 1")
    plant.drain()
    tell(plant, "c")
    plant.drain()
    roll_edge_back(plant, "lost 2")
    plant.drain()
    tell(plant, "d")
    plant.drain()

    restore_central(plant, backup, "2-beef")
    plant.drain()

    assert plant.stored() == [event_bytes(text) for text in "abcd"]
    assert len({epoch for epoch, _ in plant.identities()}) == 3


@pytest.mark.fault("F-57")
def test_a_central_that_lost_half_of_a_sealed_epoch_gets_that_half():
    plant = Plant(2)
    tell(plant, "a", "b")
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    tell(plant, "c")
    plant.drain()
    roll_edge_back(plant, "lost")
    plant.drain()
    tell(plant, "d")
    plant.drain()

    restore_central(plant, backup, "2-beef")
    plant.drain()

    assert plant.stored() == [event_bytes(text) for text in "abcd"]
    assert plant.store.contents.gaps == []


def test_nothing_may_be_pruned_that_a_sealed_epoch_still_has_to_bring():
    """Central says that everything is backed up, but a sealed epoch is not there yet."""
    plant = Plant(3)
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    tell(plant, *(f"{number}" for number in range(3_000)))
    plant.drain()
    roll_edge_back(plant, "lost")
    plant.drain()
    tell(plant, "z")
    plant.inbound._without_backup = True
    plant.drain()
    assert plant.journal.marks["backed_up_through"] == 3_001

    restore_central(plant, backup, "2-beef")
    plant.step()
    plant.step()

    while plant.uplink._backfill.active:
        lane = plant.store.contents.lanes["edge-1", "facts", plant.journal.before[0][0]]
        assert plant.journal.marks["backed_up_through"] <= lane.durable_through
        plant.step()
    plant.drain()
    assert len(plant.stored()) == 3_001


def test_a_sealed_epoch_in_which_central_has_other_facts_is_told_and_left():
    plant = Plant(4)
    tell(plant, "a", "b")
    plant.drain()
    roll_edge_back(plant, "lost")
    plant.drain()
    sealed = plant.journal.before[0][0]
    lane = plant.store.contents.lanes["edge-1", "facts", sealed]
    lane.durable_through, lane.head_hash = 1, b"\x01" * 32
    tell(plant, "c")
    restore_central(plant, plant.store.contents, "2-beef")

    plant.drain()
    for _ in range(60):
        plant.step()

    assert sealed in plant.notices["sync.sealed_differs"]
    assert not plant.uplink._backfill.active


def test_what_was_pruned_of_a_sealed_epoch_becomes_a_gap():
    plant = Plant(5)
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    tell(plant, "a", "b", "c")
    plant.drain()
    roll_edge_back(plant, "lost")
    plant.drain()
    tell(plant, "d")
    plant.drain()
    plant.journal.prune(2)

    restore_central(plant, backup, "2-beef")
    plant.drain()

    assert plant.stored() == [event_bytes(text) for text in "cd"]
    assert plant.store.contents.gaps
