"""Every verdict has words in both languages, and every name in them is filled."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from lineside.contracts.calendar import Shift
from lineside.contracts.clock import parse_rfc3339
from lineside.edge_agent.projections import entries
from lineside.edge_agent.terminal import desk, texts
from lineside.edge_agent.terminal.forgotten import end_of_work, forgotten_sign_offs

SOURCES = Path(desk.__file__).parent
USED = re.compile(r'(?:accepted|refused|ask)\(\s*f?"([a-z_.]+)"')


def test_every_code_that_is_answered_has_words():
    used = {code for path in SOURCES.glob("*.py") for code in USED.findall(path.read_text())}
    assert len(used) > 80
    assert used - set(texts.codes()) == set()


@pytest.mark.parametrize("code", texts.codes())
def test_each_verdict_says_what_why_and_what_to_do(code):
    for text in texts.words(code, {}):
        assert text.zh
        assert text.en
        assert "{" not in text.zh + text.en
    what = texts.words(code, {})[0]
    assert re.search(r"[\u4e00-\u9fff]", what.zh)
    assert not re.search(r"[\u4e00-\u9fff]", what.en)


def test_values_in_braces_are_not_read_as_names():
    _, why, _ = texts.words("order.unknown", {"order": "{secret} {0}"})
    assert "{secret} {0}" in why.en


def test_every_kind_of_entry_has_a_line():
    for kind in entries._SHOWN:
        tag = str(kind.__struct_config__.tag)
        assert texts.entry_text(tag, {}).en != tag


def shift(start: str, end: str) -> Shift:
    return Shift(
        id=start, date=date(2026, 3, 2), start_us=parse_rfc3339(f"2026-03-02T{start}:00Z"),
        end_us=parse_rfc3339(f"2026-03-02T{end}:00Z"),
    )  # fmt: skip


SHIFTS = [shift("06:00", "14:00"), shift("14:00", "22:00")]


def shift_at(at: int) -> Shift | None:
    return next((one for one in SHIFTS if one.start_us <= at < one.end_us), None)


@pytest.mark.parametrize(
    ("since", "end"),
    [("06:10", "14:00"), ("13:30", "22:00"), ("05:40", "14:00"), ("21:30", "22:00"),
     ("22:30", "10:30")],
)  # fmt: skip
def test_a_person_goes_home_at_the_end_of_the_shift_that_was_meant(since, end):
    found = end_of_work(parse_rfc3339(f"2026-03-02T{since}:00Z"), shift_at)
    day = "03" if end < since else "02"
    assert found == parse_rfc3339(f"2026-03-{day}T{end}:00Z")


def test_only_those_whose_time_is_over_are_signed_off():
    early = parse_rfc3339("2026-03-02T06:10:00Z")
    late = parse_rfc3339("2026-03-02T13:50:00Z")
    now = parse_rfc3339("2026-03-02T15:00:00Z")
    closed = forgotten_sign_offs({"P-1": early, "P-2": late}, shift_at, now)
    assert closed == [("P-1", parse_rfc3339("2026-03-02T14:00:00Z"))]
