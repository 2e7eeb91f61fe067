"""`lineside-edge oee`: every vector through journal and projection, and files that are broken."""

from __future__ import annotations

import argparse
import copy
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lineside.edge_agent.commands import oee

VECTORS = Path(__file__).parents[3] / "cases" / "oee-vectors.json"
DOCUMENT = json.loads(VECTORS.read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in DOCUMENT["cases"]}
STUDIES = {case["id"]: case for case in DOCUMENT["capability_cases"]}


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    def _run(text, *arguments, stdin=False):
        parser = argparse.ArgumentParser(prog="lineside-edge")
        oee.add_parser(parser.add_subparsers())
        data = text.encode() if isinstance(text, str) else text
        path = tmp_path / "cases.json"
        path.write_bytes(data)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        args = parser.parse_args(["oee", "-" if stdin else str(path), *arguments])
        status = args.run(args)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return _run


def answer(run, document, **more):
    status, out, err = run(json.dumps(document), "--json", **more)
    assert (status, err) == (0, "")
    return json.loads(out)


def test_all_vectors_in_one_document(run):
    found = answer(run, DOCUMENT)
    expected = [
        {"id": case["id"], "results": case["expected"]}
        for case in [*DOCUMENT["cases"], *DOCUMENT["capability_cases"]]
    ]
    assert [each["id"] for each in found] == [each["id"] for each in expected]
    for got, wanted in zip(found, expected, strict=True):
        assert got == wanted


@pytest.mark.parametrize("name", [*CASES, *STUDIES])
def test_a_single_case(run, name):
    case = {**CASES, **STUDIES}[name]
    assert answer(run, case) == [{"id": name, "results": case["expected"]}]


def test_a_list_from_standard_input_without_expectations(run):
    cases = copy.deepcopy([CASES["oee-08-order-change"], CASES["oee-16-rework"]])
    expected = [{"id": case["id"], "results": case.pop("expected")} for case in cases]
    assert answer(run, cases, stdin=True) == expected


def test_unknown_keys_are_ignored_everywhere(run):
    def with_more(value):
        if isinstance(value, dict):
            return {**{key: with_more(each) for key, each in value.items()}, "x-more": [1]}
        return [with_more(each) for each in value] if isinstance(value, list) else value

    case = copy.deepcopy(CASES["oee-19-arrival-order-and-slices"])
    expected = case.pop("expected")
    tables = {key: case.pop(key) for key in ("products", "counters", "shifts")}
    more: Any = with_more(case)
    more |= {key: {k: with_more(v) for k, v in table.items()} for key, table in tables.items()}
    assert answer(run, more) == [{"id": case["id"], "results": expected}]


def test_an_event_id_counts_once_whatever_it_says_later(run):
    case: dict[str, Any] = copy.deepcopy(CASES["oee-19-arrival-order-and-slices"])
    again = {**case["events"][3], "value": 1, "ts": "2026-03-02T05:00:01Z"}
    case["events"].append(again)
    assert again["eid"] == "c3"
    assert answer(run, case)[0]["results"] == case["expected"]


def test_without_json_a_person_can_read_it(run):
    status, out, _ = run(json.dumps(DOCUMENT))
    assert status == 0
    assert "oee 81.2 %" in out
    assert "first_pass_yield -" in out
    assert "critical_index: 3.58685" in out


def broken(path, value):
    """The first case with something else at a path; None: without it."""
    case: Any = copy.deepcopy(CASES["oee-01-simple-shift"])
    case["queries"] += [
        {"id": "day", "type": "aggregate", "of": ["early"]},
        {
            "id": "o",
            "type": "order",
            "order": "WO-100",
            "windows": ["early"],
            "as_of": "2026-03-03T00:00:00Z",
        },
    ]
    found = case
    for step in path[:-1]:
        found = found[step]
    if value is None:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return json.dumps(case)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("time_zone",), "Mars/Olympus", "time_zone"),
        (("time_zone",), None, "time_zone is missing"),
        (("config", "micro_stop_policy"), "both", "config.micro_stop_policy"),
        (("config", "micro_stop_threshold_s"), -1, "config.micro_stop_threshold_s"),
        (("products", "P1", "ideal_cycle_s"), "fast", "products.P1.ideal_cycle_s"),
        (("products",), [], "products"),
        (("counters", "total", "bits"), 0, "counters.total.bits"),
        (("counters", "total", "role"), "good", "counters.total.role"),
        (("shifts", "early", "local_end"), "25:00", "shifts.early.local_end"),
        (("shifts", "early", "breaks"), [{"local_start": "10:00"}], "breaks[0].duration_min"),
        (("planned_downtime",), [{"start": "yesterday"}], "planned_downtime[0].start"),
        (("events",), None, "events is missing"),
        (("events", 0, "ts"), "2026-03-02T04:40:00", "events[0].ts"),
        (("events", 0, "type"), "stat", "events[0].type"),
        (("events", 0, "state"), "RUNNING", "events[0].state"),
        (("events", 1, "product"), "P9", "events[1].product"),
        (("events", 1, "order"), None, "events[1].order is missing"),
        (("events", 3, "counter"), "other", "events[3].counter"),
        (("events", 3, "value"), "many", "events[3].value"),
        (("events", 3, "value"), 1.5, "events[3].value"),
        (("events", 7, "kind"), "lost", "events[7].kind"),
        (("events", 7, "quantity"), True, "events[7].quantity"),
        (("events", 7), 5, "events[7]"),
        (("queries", 0, "as_of"), None, "queries[0].as_of is missing"),
        (("queries", 0, "shift"), "night", "queries[0].shift"),
        (("queries", 0, "date"), "02.03.2026", "queries[0].date"),
        (("queries", 0, "clip"), {"start": "2026-03-02T05:00:00Z"}, "queries[0].clip.end"),
        (("queries", 0, "type"), "shift", "queries[0].type"),
        (("queries", 1, "of"), ["late"], "queries[1].of"),
        (("queries", 2, "windows"), ["day"], "queries[2].windows"),
    ],
)
def test_a_broken_case_is_refused_by_case_and_key(run, path, value, place):
    status, out, err = run(broken(path, value), "--json")
    assert (status, out) == (1, "")
    assert "oee-01-simple-shift" in err
    assert place in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("5", "holds no cases"),
        ("[5]", "number 1"),
        ("{}", "id is missing"),
        ('{"cases": 5}', "cases is 5"),
        ('[{"id": "a", "events": [NaN]}]', "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ('{"id": "c", "kind": "process", "samples": [[1, 2], [3]]}', "lists of equal length"),
        ('{"id": "c", "kind": "machine", "samples": []}', "at least one number"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(run, text, said):
    status, out, err = run(text, "--json")
    assert (status, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_is_refused(capsys):
    status = oee.run(argparse.Namespace(file="/nowhere/at/all.json", json=True))
    assert status == 1
    assert "/nowhere/at/all.json" in capsys.readouterr().err


def test_no_file_is_wrong_usage():
    parser = argparse.ArgumentParser()
    oee.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["oee"])
    assert stopped.value.code == 2


def test_an_empty_document_has_no_results(run):
    assert answer(run, {"cases": []}) == []
