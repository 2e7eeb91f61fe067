"""`lineside-edge scan`."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lineside.contracts.scancode import escape
from lineside.edge_agent.commands import scan

_VECTORS = Path(__file__).parents[3] / "cases" / "gs1-vectors.json"


@pytest.fixture
def run(monkeypatch, capsys):
    def _run(data, *arguments):
        parser = argparse.ArgumentParser(prog="lineside-edge")
        scan.add_parser(parser.add_subparsers())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        args = parser.parse_args(["scan", *arguments])
        status = args.run(args)
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return _run


def test_all_vectors_through_the_command(run):
    document = json.loads(_VECTORS.read_text(encoding="utf-8"))
    for case in document["cases"]:
        options = {**document["default_options"], **case.get("options", {})}
        separators = escape("".join(options["separators"]).encode("latin-1"))
        arguments = ["--json", "--reference-date", options["reference_date"]]
        arguments += ["--separators", separators]
        arguments += ["--allow-hri"] if options["allow_hri"] else []
        line = escape(case["scan"].encode("latin-1")).encode() + b"\n"

        status, out, err = run(line, *arguments)

        assert (status, err) == (0, "")
        assert [json.loads(answer) for answer in out] == [case["expected"]], case["id"]


def test_one_answer_a_line_in_order_and_only_the_line_end_is_stripped(run):
    status, out, _ = run(b"]A0 X1 \r\n\n]A0\xe9\\x0d\n]A0last", "--json")

    answers = [json.loads(answer) for answer in out]
    assert status == 0
    assert [answer.get("data") for answer in answers] == [" X1 ", None, "\u00e9\r", "last"]
    assert answers[1]["error"]["code"] == "EMPTY"


def test_raw_separators_in_the_input_do_not_cut_the_line(run):
    status, out, _ = run(b"]d210L1\x1d21S1\n", "--json")

    assert status == 0
    assert [element["ai"] for element in json.loads(out[0])["elements"]] == ["10", "21"]


def test_a_line_in_a_wrong_form_is_named_and_the_others_are_answered(run):
    status, out, err = run(b"]A0one\n\\q\n]A0" + b"x" * 200_000 + b"\n]A0two\n", "--json")

    assert status == 2
    assert [json.loads(answer)["data"] for answer in out] == ["one", "two"]
    first, second = err.splitlines()
    assert "line 2" in first
    assert r"\x5c" in first
    assert "line 3" in second


def test_the_line_for_a_person(run):
    status, out, _ = run(
        b"]C10109506000134352\\x1d3103001250\n"
        b"]E3950600013437652495\n"
        b"]C10109506000134353\n"
        b"]A0A\\x1bB\n"
        b"https://id.gs1.org/01/09506000134352?17=270331\n"
    )

    assert status == 0
    assert out[0] == "]C1  (01) 09506000134352  (3103) 001250 = 1.250"
    assert out[1] == "]E3  GTIN-13 09506000134376, add-on 52495"
    assert out[2].startswith("]C1  refused CHECK_DIGIT at character 4: The check digit")
    assert out[3] == r"]A0  not GS1: A\x1bB"
    assert "id.gs1.org" in out[4]


@pytest.mark.parametrize(
    "arguments",
    [["--separators", ""], ["--separators", "\\q"], ["--reference-date", "tomorrow"], ["--what"]],
)
def test_wrong_usage_ends_with_status_2(run, arguments):
    with pytest.raises(SystemExit) as ended:
        run(b"", *arguments)
    assert ended.value.code == 2
