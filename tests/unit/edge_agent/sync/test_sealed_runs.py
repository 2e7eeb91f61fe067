"""What a real journal still has of its sealed epochs."""

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.records import SealedRun
from lineside.edge_agent.journal.store import Journal


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.db", clock=ManualClock(1), ballast_bytes=0) as opened:
        yield opened


def tell(journal: Journal, count: int) -> None:
    journal.append_now([SignedOn(occurred_at=1, recorded_at=1) for _ in range(count)])


def test_a_journal_of_one_epoch_has_no_sealed_runs(journal):
    tell(journal, 3)

    assert journal.reader.sealed() == []


def test_each_sealed_epoch_ends_where_the_next_begins(journal):
    first = journal.epoch
    tell(journal, 3)
    second = journal.begin_epoch(3).result()
    tell(journal, 2)
    journal.begin_epoch(5).result()
    tell(journal, 1)

    assert journal.reader.sealed() == [SealedRun(first, 1, 3), SealedRun(second, 4, 5)]


def test_an_epoch_without_facts_of_its_own_has_no_run(journal):
    first = journal.epoch
    tell(journal, 3)
    journal.begin_epoch(3).result()
    journal.begin_epoch(3).result()

    assert journal.reader.sealed() == [SealedRun(first, 1, 3)]


def test_damage_splits_a_run(journal, monkeypatch):
    first = journal.epoch
    tell(journal, 9)
    journal.begin_epoch(9).result()
    monkeypatch.setattr(journal.reader, "damages", lambda: [(3, 4), (7, 7), (20, 21)])

    assert journal.reader.sealed() == [
        SealedRun(first, 1, 2), SealedRun(first, 5, 6), SealedRun(first, 8, 9),
    ]  # fmt: skip
