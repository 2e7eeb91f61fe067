"""`lineside-edge journal`: reading a journal from outside."""

import argparse
import json

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.commands import journal as command
from lineside.edge_agent.journal.errors import JournalError
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["journal", *arguments])
    return args.run(args)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.db"
    with Journal.open(path, clock=ManualClock()) as journal:
        for number in range(3):
            journal.append_now(
                [SignedOn(occurred_at=1_000_000 * number, recorded_at=1, station="press-1")]
            )
    return str(path)


def test_tail_prints_the_last_events(path, capsys):
    assert call("tail", path, "--lines", "2") == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "3"]
    assert "press-1" in lines[0]
    assert "signed_on" in lines[0]


def test_the_receipt_says_what_central_has_and_what_waits(path, capsys):
    assert call("receipt", path) == 0
    assert capsys.readouterr().out == (
        "Central has everything up to #0; 3 pending; 0 ever dropped.\n"
    )

    assert call("receipt", path, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["head"], answer["pending"]) == (3, 3)
    assert answer["text"]["zh"] == "中央已收到全部记录，直到 #0；待传 3 条；累计丢失 0 条。"


def test_verify_says_how_far_the_chain_is_good(path, capsys):
    assert call("verify", path, "--json") == 0

    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["oldest"], answer["head"]) == (True, 1, 3)


def test_verify_names_the_first_bad_event(path, capsys):
    connection = sqlite.connect(path)
    connection.execute("DROP TRIGGER event_is_never_edited")
    connection.execute("UPDATE event SET data = x'7b7d' WHERE seq = 2")
    connection.commit()
    connection.close()

    assert call("verify", path, "--json") == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["seq"] == 2


def test_export_writes_every_event_with_its_identity(path, tmp_path, capsys):
    target = tmp_path / "facts.jsonl"

    assert call("export", path, "--output", str(target)) == 0

    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert len({line["epoch"] for line in lines}) == 1
    assert lines[0]["event"]["type"] == "signed_on"


def test_a_missing_journal_is_one_clear_sentence(tmp_path):
    with pytest.raises(JournalError, match="There is no journal at"):
        call("tail", str(tmp_path / "none.db"))
