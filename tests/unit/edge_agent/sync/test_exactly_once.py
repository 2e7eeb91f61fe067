"""Uplink and ingest over a bad wire: every fact once and in order, whatever is lost or doubled."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .memory_journal import event_bytes
from .plant import Plant

bad_wire = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "loss": st.floats(0, 0.6),
        "double": st.floats(0, 0.6),
        "reorder": st.booleans(),
    }
)
sizes = st.lists(st.integers(1, 120), min_size=1, max_size=40)


def texts(first: int, count: int) -> list[str]:
    return [f"event {number}" for number in range(first, first + count)]


def append_groups(plant: Plant, groups: list[int], told: list[bytes]) -> None:
    for size in groups:
        batch = texts(len(told), size)
        plant.journal.append(*batch)
        told += [event_bytes(text) for text in batch]


@pytest.mark.fault("F-38")
@given(bad_wire, sizes)
@settings(max_examples=150, deadline=None)
def test_a_wire_that_loses_doubles_and_reorders_delivers_each_fact_once_in_order(wire, groups):
    plant = Plant(**wire)
    told: list[bytes] = []
    append_groups(plant, groups, told)

    plant.drain()

    assert plant.stored() == told
    assert len(set(plant.identities())) == len(told)
    assert not plant.acknowledged_beyond_committed


@pytest.mark.fault("F-37")
@pytest.mark.fault("F-40")
@given(bad_wire, st.lists(st.tuples(st.integers(1, 60), st.sampled_from("sdkb")), max_size=30))
@settings(max_examples=150, deadline=None)
def test_stops_of_edge_broker_and_connection_lose_nothing(wire, script):
    """s: time passes, d: the connection breaks, k: the edge is killed, b: the broker forgets."""
    plant = Plant(**wire)
    told: list[bytes] = []
    for size, what in script:
        append_groups(plant, [size], told)
        plant.step()
        if what == "d":
            plant.do(plant.uplink.disconnected())
            plant.do(plant.uplink.connected())
        elif what == "k":
            plant.start_edge()
        elif what == "b":
            plant.rising.clear()
            plant.falling.clear()

    plant.drain()

    assert plant.stored() == told
    assert not plant.acknowledged_beyond_committed


@pytest.mark.fault("F-57")
@given(st.integers(0, 2**32), sizes, sizes)
@settings(max_examples=100, deadline=None)
def test_a_central_restored_from_backup_gets_everything_again(seed, before, after):
    plant = Plant(seed, loss=0.1, double=0.1, reorder=True)
    told: list[bytes] = []
    append_groups(plant, before, told)
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    append_groups(plant, after, told)
    plant.drain()

    plant.store.contents, plant.store.incarnation = backup, "2-beef"
    plant.do(plant.uplink.disconnected())
    plant.do(plant.uplink.connected())
    append_groups(plant, [3], told)
    plant.drain()

    assert plant.stored() == told


@pytest.mark.fault("F-57")
def test_a_restored_central_says_which_facts_it_lost():
    plant = Plant(8)
    plant.journal.append("a")
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    plant.journal.append("b")
    plant.drain()

    plant.store.contents, plant.store.incarnation = backup, "2-beef"
    plant.do(plant.uplink.connected())
    plant.drain()

    assert "lost facts 2 to 2" in plant.notices["sync.central_lost_events"]
    assert plant.stored() == [event_bytes("a"), event_bytes("b")]


@pytest.mark.fault("F-58")
@given(st.integers(0, 2**32), sizes, sizes, sizes)
@settings(max_examples=150, deadline=None)
def test_an_edge_rolled_back_opens_an_epoch_and_loses_and_doubles_nothing(
    seed, before, lost, after
):
    """What only central has stays there; what the restored edge tells afterwards comes once."""
    plant = Plant(seed, loss=0.1, double=0.2, reorder=True)
    told: list[bytes] = []
    append_groups(plant, before, told)
    if seed % 2:
        plant.drain()
    image = plant.journal.image()
    append_groups(plant, lost, told)
    plant.drain()

    plant.journal = image
    later = [f"after the restore {number}" for number in range(sum(after))]
    for text in later:
        plant.journal.append(text)
    plant.start_edge()
    plant.drain()

    assert plant.stored() == told + [event_bytes(text) for text in later]
    assert plant.journal.epoch_base == sum(before)
    assert "restored" in plant.notices["sync.restored_here"]


def test_an_edge_rolled_back_without_new_facts_goes_on_after_its_head():
    plant = Plant(1)
    plant.journal.append("a")
    image = plant.journal.image()
    plant.journal.append("b")
    plant.drain()

    plant.journal = image
    plant.start_edge()
    plant.drain()
    plant.journal.append("c")
    plant.drain()

    assert plant.stored() == [event_bytes(text) for text in "abc"]
    assert [seq for _, seq in plant.identities()] == [1, 2, 2]


@pytest.mark.fault("F-60")
def test_both_restored_to_different_points_meet_again():
    plant = Plant(2)
    for text in "abcd":
        plant.journal.append(text)
    plant.drain()
    image = plant.journal.image()
    plant.journal.append("e")
    plant.drain()
    backup = copy.deepcopy(plant.store.contents)
    plant.journal.append("f")
    plant.drain()

    plant.journal, plant.store.contents, plant.store.incarnation = image, backup, "2-aa"
    plant.journal.append("g")
    plant.start_edge()
    plant.drain()

    assert plant.stored() == [event_bytes(text) for text in "abcdeg"]


@pytest.mark.fault("F-57")
def test_an_old_central_is_refused_and_nothing_is_sent():
    plant = Plant(3)
    plant.store.incarnation = "5-aaaa"
    plant.journal.append("a")
    plant.drain()
    plant.store.incarnation = "4-bbbb"
    plant.journal.append("b")
    plant.start_edge()

    for _ in range(20):
        plant.step()

    assert plant.stored() == [event_bytes("a")]
    assert "old copy" in plant.notices["sync.old_central"]

    plant.store.incarnation = "5-aaaa"
    plant.drain()
    assert plant.notices["sync.old_central"] == ""


def test_pruned_facts_that_central_lost_become_a_declared_gap():
    plant = Plant(4)
    for text in "abc":
        plant.journal.append(text)
    plant.drain()
    plant.journal.prune(2)
    plant.store.contents = type(plant.store.contents)()
    plant.store.enrol("edge-1")
    plant.store.incarnation = "2-aa"
    plant.start_edge()
    plant.journal.append("d")

    plant.drain()

    assert plant.stored() == [event_bytes("c"), event_bytes("d")]
    assert plant.store.contents.gaps


def test_a_new_journal_closes_the_old_one_and_shows_what_was_lost():
    plant = Plant(5)
    plant.journal.append("a")
    plant.drain()
    lane = plant.store.contents.lanes["edge-1", "facts", plant.journal.epoch]
    lane.reported_head = 7

    plant.journal = type(plant.journal)()
    plant.journal.append("b")
    plant.start_edge()
    plant.drain()

    assert [(gap.first_seq, gap.last_seq) for gap in plant.store.contents.gaps] == [(2, 7)]
    assert plant.stored() == [event_bytes("a"), event_bytes("b")]


def test_telemetry_waits_for_facts_and_its_thinning_is_counted():
    plant = Plant(6)
    plant.journal.append("a")
    plant.journal.telemetry = [event_bytes(f"t{number}") for number in range(1_200)]
    plant.drain()
    for _ in range(20):
        plant.step()

    lanes = [event.lane for event in plant.store.contents.events]
    assert lanes[0] == "facts"
    assert lanes.count("telemetry") == 1_200


@pytest.mark.fault("F-59")
@pytest.mark.fault("F-42")
def test_two_agents_under_one_name_are_told_apart():
    """The run that was there first comes back: the newcomer is fenced and sends nothing more."""
    plant = Plant(7)
    plant.journal.append("a")
    plant.drain()
    first = plant.uplink
    clone = plant.journal.image()

    original, plant.journal = plant.journal, clone
    plant.start_edge()
    plant.drain()
    newcomer = plant.uplink

    plant.uplink, plant.journal = first, original
    plant.clock.advance(1_000_000)
    plant.do(first.connected())
    plant.drain()

    plant.uplink, plant.journal = newcomer, clone
    clone.append("of the copy")
    plant.clock.advance(1_000_000)
    plant.do(newcomer.connected())
    for _ in range(5):
        plant.step()

    assert plant.stored() == [event_bytes("a")]
    assert "Two agents" in plant.notices["sync.fenced"]
    assert ("edge-1", "ingest.two_agents") in plant.store.contents.refusals
