"""What the journal may forget, and what it may not."""

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.records import Watermarks
from lineside.edge_agent.journal.retention import DAY, may_forget_through, prune
from lineside.edge_agent.journal.store import Journal


@pytest.fixture
def clock():
    return ManualClock(1_000 * DAY)


@pytest.fixture
def journal(tmp_path, clock):
    """Ten days with one fact of two events each."""
    with Journal.open(tmp_path / "journal.db", clock=clock) as opened:
        for _ in range(10):
            opened.append_now([SignedOn(occurred_at=1, recorded_at=1)] * 2)
            clock.advance(DAY)
        yield opened


@pytest.mark.parametrize(
    ("used_share", "without_backup", "expected"),
    [
        (0.5, False, (7, "age")),
        (0.5, True, (9, "age")),
        (0.8, False, (9, "pressure")),
    ],
)
def test_the_rule(used_share, without_backup, expected):
    marks = Watermarks(durable_through=9, backed_up_through=7)

    assert expected == may_forget_through(
        marks, used_share=used_share, without_backup=without_backup
    )


def test_only_what_is_old_and_in_a_backup_goes(journal):
    journal.set_watermarks(durable_through=18, backed_up_through=13).result(5)

    pruned = prune(journal, used_share=0.1, retention=5 * DAY)

    assert (pruned.first_seq, pruned.last_seq, pruned.rule, pruned.events) == (1, 12, "age", 12)
    assert journal.oldest() == 13
    assert [group.first_seq for group in journal.groups(0, 500, 100_000)] == [13, 15, 17, 19]
    assert list(journal.reader.verify()) == []


def test_a_group_that_is_only_half_in_the_backup_stays(journal):
    journal.set_watermarks(durable_through=18, backed_up_through=3).result(5)

    assert prune(journal, used_share=0.1, retention=DAY).last_seq == 2


def test_without_backup_and_without_pressure_nothing_goes(journal):
    journal.set_watermarks(durable_through=20).result(5)

    assert prune(journal, used_share=0.5, retention=DAY).events == 0
    assert journal.oldest() == 1


def test_under_pressure_what_central_has_goes_and_is_recorded(journal):
    journal.set_watermarks(durable_through=15).result(5)

    pruned = prune(journal, used_share=0.9)

    assert (pruned.last_seq, pruned.rule) == (14, "pressure")
    assert [row[1:] for row in journal.reader.prunings()] == [(1, 14, "pressure")]


def test_what_central_does_not_have_stays_under_any_pressure(journal):
    assert prune(journal, used_share=1.0, without_backup=True).events == 0


def test_the_last_group_stays_so_that_numbers_and_chain_go_on(journal):
    journal.set_watermarks(durable_through=20).result(5)

    assert prune(journal, used_share=0.9).last_seq == 18
    path = journal.path
    journal.close()

    with Journal.open(path, clock=ManualClock(1_100 * DAY)) as again:
        assert again.head() == 20
        assert again.append_now([SignedOn(occurred_at=1, recorded_at=1)]).last_seq == 21


def test_a_clock_that_stepped_back_leaves_no_hole(journal, clock):
    """The second group looks younger than the third; neither goes before the first."""
    clock.set(990 * DAY)
    journal.append_now([SignedOn(occurred_at=1, recorded_at=1)])
    journal.set_watermarks(durable_through=21, backed_up_through=21).result(5)
    clock.set(1_006 * DAY)

    assert prune(journal, used_share=0.1, retention=5 * DAY).last_seq == 4
