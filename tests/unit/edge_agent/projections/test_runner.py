"""Projections follow the journal, once each, and can be thrown away."""

import json

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignalChanged, SignedOn
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections import runner as module
from lineside.edge_agent.projections import runner as projection_runner
from lineside.edge_agent.projections.runner import ProjectionRunner


class Names:
    name = "names"

    def __init__(self, version: int = 1):
        self.version = version
        self.seen: list[str] = []
        self.applied = 0

    def apply(self, stored):
        self.applied += 1
        self.seen.append(stored.event.reason)

    def snapshot(self):
        return json.dumps(self.seen).encode()

    def restore(self, snapshot):
        self.seen = json.loads(snapshot) if snapshot else []


class Rows:
    name = "rows"
    version = 1

    def attach(self, figures):
        self.figures = figures
        figures.table("rows").create({"seq": int, "reason": str}, pk="seq", if_not_exists=True)

    def apply(self, stored):
        self.figures.table("rows").insert({"seq": stored.seq, "reason": stored.event.reason})

    @property
    def seen(self):
        return [row["reason"] for row in self.figures.table("rows").rows_where(order_by="seq")]


class Failing(Names):
    name = "failing"

    def apply(self, stored):
        if stored.event.reason == "bad":
            raise ValueError("cannot")
        super().apply(stored)


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.db", clock=ManualClock()) as opened:
        yield opened


@pytest.fixture
def figures(tmp_path):
    return tmp_path / "figures.db"


def tell(journal, *texts):
    journal.append_now([SignedOn(occurred_at=1, recorded_at=1, reason=text) for text in texts])


@pytest.mark.parametrize("kind", [Names, Rows])
def test_what_was_applied_is_not_applied_again_after_a_restart(journal, figures, kind):
    tell(journal, "a", "b")
    runner = ProjectionRunner(journal, figures, [kind()])
    assert runner.catch_up() == 2
    assert runner.catch_up() == 0
    runner.close()
    tell(journal, "c")

    again = kind()
    runner = ProjectionRunner(journal, figures, [again])

    assert runner.catch_up() == 1
    assert again.seen == ["a", "b", "c"]
    assert runner.seq == 3
    runner.close()


def test_a_restart_without_a_save_computes_the_rest_again(journal, figures):
    tell(journal, "a")
    first = ProjectionRunner(journal, figures, [Names(), Rows()])
    first.catch_up()
    first.figures.close()

    names, rows = Names(), Rows()
    runner = ProjectionRunner(journal, figures, [names, rows])
    runner.catch_up()

    assert names.seen == rows.seen == ["a"]
    runner.close()


@pytest.mark.parametrize("how", ["deleted", "version", "damaged", "rotten"])
def test_figures_that_cannot_be_used_are_computed_again(journal, figures, how, monkeypatch):
    tell(journal, *"abc")
    runner = ProjectionRunner(journal, figures, [Names(), Rows()])
    runner.catch_up()
    runner.close()
    if how == "deleted":
        figures.unlink()
    if how == "damaged":
        figures.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    if how == "rotten":  # a large file is checked beside the work of the run before
        monkeypatch.setattr(projection_runner, "CHECKED_BYTES_MAX", 0)
        data = bytearray(figures.read_bytes())
        data[-2_000:] = bytes(2_000)
        figures.write_bytes(data)
        projection_runner._check_beside(figures)

    names = Names(version=2 if how == "version" else 1)
    rows = Rows()
    rows.version = 2 if how == "version" else 1
    runner = ProjectionRunner(journal, figures, [names, rows])
    runner.catch_up()

    assert names.applied == 3
    assert names.seen == rows.seen == ["a", "b", "c"]
    runner.close()


def test_figures_of_another_journal_are_computed_again(tmp_path, journal, figures):
    tell(journal, "a", "b")
    runner = ProjectionRunner(journal, figures, [Names()])
    runner.catch_up()
    runner.close()

    with Journal.open(tmp_path / "other.db", clock=ManualClock()) as other:
        tell(other, "x", "y", "z")
        names = Names()
        runner = ProjectionRunner(other, figures, [names])
        runner.catch_up()
        assert names.seen == ["x", "y", "z"]
        runner.close()


def test_a_projection_that_fails_is_set_aside_and_the_others_go_on(journal, figures):
    tell(journal, "a", "bad", "c")
    names = Names()
    runner = ProjectionRunner(journal, figures, [Failing(), names])

    runner.catch_up()

    assert names.seen == ["a", "bad", "c"]
    assert runner.failures == {"failing": "ValueError: cannot"}
    runner.close()


def test_snapshots_are_taken_on_the_way(journal, figures, monkeypatch):
    monkeypatch.setattr(module, "SNAPSHOT_EVERY_EVENTS", 10)
    tell(journal, *(str(number) for number in range(25)))
    runner = ProjectionRunner(journal, figures, [Names()])
    runner.catch_up()
    runner.figures.close()

    names = Names()
    runner = ProjectionRunner(journal, figures, [names])
    runner.catch_up()

    assert names.applied == 0
    assert len(names.seen) == 25
    runner.close()


def test_changes_of_signals_are_told_to_tables_only_so_often_that_they_can_forget(
    journal, figures, monkeypatch
):
    monkeypatch.setattr(module, "TABLES_FORGET_EVERY_EVENTS", 4)
    rows, names = Rows(), Names()
    runner = ProjectionRunner(journal, figures, [rows, names])
    shown = [
        SignalChanged(occurred_at=1, recorded_at=1, signal="s", role="r", value="1", reason=str(n))
        for n in range(1, 6)
    ]
    journal.append_now(shown)
    tell(journal, "a")

    runner.catch_up()

    assert rows.seen == ["4", "a"]
    assert names.seen == ["1", "2", "3", "4", "5", "a"]
    assert runner.seq == 6
    runner.close()
