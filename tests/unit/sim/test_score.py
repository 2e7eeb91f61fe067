"""Scoring a recorded minute of the demo: clean as it is, and every planted difference is found."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lineside.contracts.errors import InvalidMessageError
from lineside.sim import cli, scenario
from lineside.sim.ledger import Ledger, decode, encode
from lineside.sim.score import judge, run_was_real
from lineside.sim.score_run import named, read_recorded, sources_of
from lineside.sim.truth import TrueLink, Truth

RECORDED = gzip.decompress((Path(__file__).parent / "recorded" / "score.json.gz").read_bytes())


@pytest.fixture(scope="module")
def recorded_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("score") / "score.json"
    path.write_bytes(RECORDED)
    return path


@pytest.fixture
def recorded(recorded_file):
    return read_recorded(recorded_file)


def row(books, station):
    return next(one for one in books.machines["rows"] if one["key"] == station)


def events(books, edge, kind, station=""):
    """Events of a type at central, with their place in the list."""
    return [
        (at, fact)
        for at, fact in enumerate(books.edges[edge].central)
        if fact.event["type"] == kind and (not station or fact.event["station"] == station)
    ]


def rewrite(books, edge, at, **changes):
    """Another event than the edge's, at both sides: nobody but the truth can tell."""
    fact = books.edges[edge].central[at]
    changed = msgspec.structs.replace(fact, event={**fact.event, **changes})
    books.edges[edge].central[at] = changed
    journal = books.edges[edge].journal
    place = next(
        i for i, one in enumerate(journal) if (one.epoch, one.seq) == (fact.epoch, fact.seq)
    )
    journal[place] = changed


def first_step(truth, station):
    return next(i for i, step in enumerate(truth.steps) if step.station == station)


def history(books, truth, station):
    """(serial, history, its operation at the station)."""
    step = truth.steps[first_step(truth, station)]
    found = books.units[step.serial]["history"]
    operation = next(
        one for one in found["made_from"]["nodes"][0]["operations"] if one["station"] == station
    )
    return step.serial, found, operation


def test_a_recorded_run_is_clean(recorded):
    found = judge(*recorded)
    assert found.differences == []
    assert found.clean
    assert found.left_out == []
    assert found.compared["operations"] > 40
    assert found.compared["facts"] > 500


# --- planted in central's figures


def one_piece_more(truth, books):
    row(books, "L1-GRIND")["elements"]["PQ"] += 1


def one_scrap_less(truth, books):
    row(books, "L2-PACK")["elements"]["SQ"] -= 1


def two_seconds_moved(truth, books):
    row(books, "L1-TURN-1")["elements"]["APT_s"] += 2
    row(books, "L1-TURN-1")["elements"]["ADET_s"] -= 2


def a_gap_in_time(truth, books):
    row(books, "L1-TURN-1")["elements"]["ADOT_s"] += 0.000001


def a_stop_too_many(truth, books):
    row(books, "L1-TURN-2")["elements"]["micro_stop_count"] += 1


def a_failure_less(truth, books):
    row(books, "L1-GRIND")["elements"]["FE"] = 0


def an_average_instead_of_a_ratio(truth, books):
    row(books, "L1-TURN-1")["kpis"]["oee"] = {"fraction": "1/2", "value": 0.5}


def a_ratio_rounded_wrongly(truth, books):
    row(books, "L1-TURN-1")["kpis"]["availability"]["value"] += 2e-9


def an_ideal_time_of_another_product(truth, books):
    row(books, "L1-TURN-1")["elements"]["ideal_s"] += 0.1


def a_shift_that_does_not_add_up(truth, books):
    row(books, "L2-BENCH")["elements"]["POT_s"] += 1


def a_reason_nobody_gave(truth, books):
    row(books, "L2-TEST-1")["delay"]["by_reason"]["JAM"] = 1.2


def a_machine_without_figures(truth, books):
    books.machines["rows"].remove(row(books, "L1-TURN-2"))


def an_order_that_delivered_more(truth, books):
    books.orders["WO-2026-00418"]["operations"][0]["good"] = "99"


# --- planted in units and genealogy


def an_operation_is_missing(truth, books):
    _, found, _ = history(books, truth, "L1-GRIND")
    found["made_from"]["nodes"][0]["operations"].pop()


def another_station(truth, books):
    history(books, truth, "L1-TURN-1")[2]["station"] = "L1-TURN-2"


def another_person(truth, books):
    history(books, truth, "L1-TURN-1")[2]["by"] = ["P-1"]


def another_value(truth, books):
    operation = history(books, truth, "L2-TEST-1")[2]
    operation["parameters"] = dict.fromkeys(operation["parameters"], "1.0")


def another_result(truth, books):
    history(books, truth, "L2-TEST-1")[2]["result"] = "fail"


def finished_two_milliseconds_later(truth, books):
    place = first_step(truth, "L1-TURN-1")
    step = truth.steps[place]
    truth.steps[place] = replace(step, finished_at=step.finished_at - 2_000)


def not_finished(truth, books):
    history(books, truth, "L1-TURN-1")[2]["finished_at"] = None


def another_status(truth, books):
    books.units[truth.finished[0]]["history"]["status"] = "in_process"


def a_part_less(truth, books):
    found = books.units[truth.finished[0]]["history"]["made_from"]
    found["links"] = [link for link in found["links"] if link["product"] != 0]


def a_part_more(truth, books):
    lot = next(link for link in truth.links if link.kind == "lot")
    truth.links.remove(lot)


def a_spool_built_in_twice(truth, books):
    link = next(one for one in truth.links if one.kind == "unit")
    truth.links.append(TrueLink(parent=link.parent, child="HV22-9", kind="unit", at=link.at))


def a_unit_nobody_knows(truth, books):
    books.units[truth.finished[0]] = {"problem": "No event names HV22-000001."}


# --- planted in facts


def a_fact_is_lost(truth, books):
    books.edges["line-1"].central.pop(100)


def the_last_fact_is_lost(truth, books):
    books.edges["line-1"].central.pop()


def a_fact_is_doubled(truth, books):
    facts = books.edges["line-2"].central
    facts.append(facts[50])


def a_fact_has_two_numbers(truth, books):
    edge = books.edges["line-2"]
    again = msgspec.structs.replace(edge.central[50], seq=edge.central[-1].seq + 1)
    edge.central.append(again)
    edge.journal.append(again)


def a_fact_was_changed(truth, books):
    fact = books.edges["line-1"].central[60]
    fact.event["occurred_at"] += 1
    books.edges["line-1"].journal[60] = msgspec.structs.replace(
        fact, event={**fact.event, "occurred_at": fact.event["occurred_at"] - 1}
    )


def a_fact_only_central_has(truth, books):
    books.edges["line-1"].journal.pop(70)


def a_journal_that_was_edited(truth, books):
    books.edges["line-1"].journal_problems.append("17: its hash is not that of its events")


def a_declared_hole(truth, books):
    books.holes.append("line-1, epoch a: facts 3 to 5 are declared lost: disk")


def a_micro_stop_is_missing(truth, books):
    """STOP and the RUN after it are booked as what they were in between: RUN."""
    at, _ = next(
        (at, fact)
        for at, fact in events(books, "line-1", "state_changed", "L1-TURN-1")
        if fact.event["state"] == "STOP"
    )
    rewrite(books, "line-1", at, state="RUN")


def a_state_two_milliseconds_late(truth, books):
    at, fact = events(books, "line-1", "state_changed", "L1-GRIND")[-3]
    rewrite(books, "line-1", at, occurred_at=fact.event["occurred_at"] + 2_000)


def a_count_too_many(truth, books):
    at, _ = events(books, "line-2", "counter_read", "L2-PACK")[-1]
    rewrite(books, "line-2", at, increment=2)


def a_wrong_face(truth, books):
    found = [
        (at, fact)
        for at, fact in events(books, "line-2", "counter_read", "L2-PACK")
        if fact.event["counter"] == "total"
    ]
    rewrite(books, "line-2", found[-1][0], value=1)


def a_refused_scan_less(truth, books):
    truth.scans["refused"] += 1


# --- planted in the edge's own figures


def screen(books, station):
    edge = next(s.edge for s in scenario.STATIONS if s.id == station)
    return books.edges[edge].stations[station]


def the_last_bit(truth, books):
    figures = screen(books, "L1-TURN-1")["figures"]
    figures["oee"] = figures["oee"] * (1 + 2**-52)


def a_terminal_shows_a_piece_more(truth, books):
    screen(books, "L2-BENCH")["figures"]["produced"] = "999"


def a_bar_without_its_micro_stop(truth, books):
    segments = screen(books, "L1-TURN-2")["segments"]
    place = next(i for i, one in enumerate(segments) if one["state"] == "STOP")
    segments[place]["state"] = "RUN"


def another_share_at_central(truth, books):
    found = books.edges["line-1"].same_window["L1-GRIND"]
    found["shares"]["unknown"] = {"fraction": "0/1", "value": 0.0}


def central_knows_less(truth, books):
    books.edges["line-1"].known -= 1


def a_terminal_that_is_gone(truth, books):
    books.edges["line-2"].unreachable = "http://127.0.0.1:1 could not be read"


def an_edge_without_a_station(truth, books):
    del books.edges["line-2"].stations["L2-PACK"]


PLANTED = [
    (one_piece_more, "L1-GRIND: PQ is"),
    (one_scrap_less, "L2-PACK: SQ is"),
    (two_seconds_moved, "L1-TURN-1: APT_s is"),
    (a_gap_in_time, "L1-TURN-1: its categories sum to"),
    (a_stop_too_many, "L1-TURN-2: micro_stop_count is"),
    (a_failure_less, "L1-GRIND: FE is 0"),
    (an_average_instead_of_a_ratio, "L1-TURN-1: oee is 1/2"),
    (a_ratio_rounded_wrongly, "L1-TURN-1: availability is shown as"),
    (an_ideal_time_of_another_product, "L1-TURN-1: ideal_s is"),
    (a_shift_that_does_not_add_up, "L2-BENCH: POT_s is"),
    (a_reason_nobody_gave, "L2-TEST-1: reason JAM has 1.200 s"),
    (a_machine_without_figures, "L1-TURN-2: central has no figures"),
    (an_order_that_delivered_more, "WO-2026-00418, operation 10: good is 99"),
    (an_operation_is_missing, "are booked, really ['10', '20']"),
    (another_station, "station is 'L1-TURN-2', really 'L1-TURN-1'"),
    (another_person, "people are ['P-1']"),
    (another_value, "pressure is 1.0"),
    (another_result, "result is 'fail', really 'pass'"),
    (finished_two_milliseconds_later, "operation 10: finished at"),
    (not_finished, "operation 10: is not finished"),
    (another_status, "is in_process, really finished"),
    (a_part_less, "central does not know that it was made from"),
    (a_part_more, "but central says so"),
    (a_spool_built_in_twice, "does not know that it was gone into HV22-9"),
    (a_unit_nobody_knows, "No event names HV22-000001."),
    (a_fact_is_lost, "is not at central"),
    (the_last_fact_is_lost, "line-1: central has"),
    (a_fact_is_doubled, "is there twice"),
    (a_fact_has_two_numbers, "is there again as"),
    (a_fact_was_changed, "is another one at central"),
    (a_fact_only_central_has, "but not in the edge's journal"),
    (a_journal_that_was_edited, "line-1: its journal is damaged at 17"),
    (a_declared_hole, "declared lost"),
    (a_micro_stop_is_missing, "it is booked as RUN, really micro-stop"),
    (a_state_two_milliseconds_late, "L1-GRIND: from"),
    (a_count_too_many, "L2-PACK:"),
    (a_wrong_face, "L2-PACK: its produced counter is booked as 1, shows"),
    (a_refused_scan_less, "refused scans are booked, people saw"),
    (the_last_bit, "L1-TURN-1: oee is"),
    (a_terminal_shows_a_piece_more, "L2-BENCH: its terminal shows produced 999"),
    (a_bar_without_its_micro_stop, "its terminal shows RUN, really micro-stop"),
    (another_share_at_central, "L1-GRIND: unknown share is"),
    (central_knows_less, "central's figures know"),
    (a_terminal_that_is_gone, "line-2: http://127.0.0.1:1 could not be read"),
    (an_edge_without_a_station, "L2-PACK: line-2 does not know it"),
]


@pytest.mark.parametrize(("plant", "line"), PLANTED, ids=lambda one: getattr(one, "__name__", ""))
def test_every_planted_difference_is_a_line(recorded, plant, line):
    ledger, books = recorded
    plant(ledger.truth, books)
    found = judge(ledger, books)
    assert not found.clean
    assert any(line in one for one in found.differences), found.differences


def test_what_was_not_read_is_said_and_not_judged(recorded):
    ledger, books = recorded
    books.machines = books.shifts = None
    for edge in books.edges.values():
        edge.journal = edge.central = None
    books.left_out.append("central was not named: nothing of it was compared")
    found = judge(ledger, books)
    assert found.clean
    assert found.left_out


def test_a_plant_without_people_compares_machines_only(recorded):
    ledger, books = recorded
    alone = msgspec.structs.replace(ledger, attended=False)
    books.machines = books.shifts = None
    found = judge(alone, books)
    assert found.clean
    assert any("no orders, units and genealogy" in one for one in found.left_out)
    a_count_too_many(ledger.truth, books)
    assert not judge(alone, books).clean


def test_a_ledger_survives_its_journey():
    truth = Truth(began_at=5)
    truth.state("M", "RUN", 7)
    truth.noticed["M"][7] = 9
    found = decode(encode(Ledger(at=10, moving=True, truth=truth)))
    assert found.truth == truth
    assert found.truth.states["another"] == []  # nothing is written of it: nothing happened
    assert found.truth.noticed["another"] == {}
    with pytest.raises(InvalidMessageError, match="no ledger"):
        decode(b'{"at": "yesterday"}')


def test_an_empty_run_is_no_test_of_anything():
    missing = run_was_real(Truth())
    assert "only 0 valves were finished, 20 are wanted" in missing
    assert "central was not away for 10 s" in missing


def test_what_is_named_goes_before_what_the_file_says():
    document = {
        "console": "http://a",
        "sign_in": {"administrator": {"user": "admin", "password": "p"}},
        "edges": {"line-1": "http://b"},
        "simulator": "http://c",
    }
    sources = named(
        sources_of(document),
        edges={"line-2": "http://d"},
        journals={"line-1": "j.db"},
        central="http://e/",
        account=("planner", "q"),
        database=None,
    )
    assert sources.central == "http://e"
    assert sources.user == "planner"
    assert sources.edges == {"line-1": "http://b", "line-2": "http://d"}
    assert sources.journals == {"line-1": "j.db"}


def test_a_recorded_score_is_printed_as_lines_or_json(recorded_file, capsys):
    assert cli.main(["score", "--recorded", str(recorded_file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("CLEAN")
    assert cli.main(["score", "--recorded", str(recorded_file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clean"]
    assert found["differences"] == []


def test_a_difference_fails_the_command(tmp_path, capsys):
    document = json.loads(RECORDED)
    document["ledger"]["truth"]["scans"]["refused"] += 1
    path = tmp_path / "score.json"
    path.write_text(json.dumps(document))
    assert cli.main(["score", "--recorded", str(path), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["differences"]) == 1


@pytest.mark.parametrize(
    ("text", "arguments", "status", "says"),
    [
        (None, [], 2, "There is no file"),
        ("{", [], 2, "is no JSON"),
        ('{"console": ""}', [], 2, "was not written by"),
        ('{"simulator": "http://127.0.0.1:1"}', ["--edge", "line-1"], 2, "names no edge"),
        ('{"simulator": "http://127.0.0.1:1"}', ["--user", "a"], 2, "password of a is missing"),
        ('{"simulator": "http://127.0.0.1:1"}', [], 1, "does not answer"),
    ],
)
def test_what_cannot_be_scored_is_one_clear_sentence(
    tmp_path, capsys, monkeypatch, text, arguments, status, says
):
    monkeypatch.delenv("LINESIDE_PASSWORD", raising=False)
    path = tmp_path / "demo.json"
    if text is not None:
        path.write_text(text)
    assert cli.main(["score", "--demo-file", str(path), *arguments]) == status
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize(
    "command", ["demo", "plant", "score", "load", "replay", "replay-mtconnect"]
)
def test_each_command_shows_an_example(capsys, command):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"lineside-sim {command}" in capsys.readouterr().out.partition("example")[2]
