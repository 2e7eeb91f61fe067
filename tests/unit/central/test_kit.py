"""Plumbing without a database."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lineside.central.errors import InvalidInputError
from lineside.central.kit.csv_answer import csv_response, safe_cell
from lineside.central.kit.pagination import decode_cursor, encode_cursor
from lineside.central.kit.schema import INSTANT_MAX, Amount, Instant
from lineside.central.mes.figures.report import Sums
from lineside.central.mes.figures.service import Stretch, StretchSignals
from lineside.central.mes.printing.zpl import zpl_text

AMOUNT, INSTANT = TypeAdapter(Amount), TypeAdapter(Instant)


@given(st.lists(st.one_of(st.text(), st.integers(-(2**62), 2**62)), max_size=4))
def test_a_cursor_comes_back_as_it_went(key) -> None:
    assert decode_cursor(encode_cursor(tuple(key))) == tuple(key)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_a_clear_refusal(text) -> None:
    with suppress(InvalidInputError):
        assert isinstance(decode_cursor(text), tuple)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6
    )
)
def test_an_amount_comes_back_exactly(value) -> None:
    text = AMOUNT.dump_python(value, mode="json")
    assert isinstance(text, str)
    assert "E" not in text
    assert AMOUNT.validate_python(text) == value


@pytest.mark.parametrize(
    "wrong", [1.5, "1,5", "NaN", "Infinity", "", True, None, "1e400", [], "9" * 400]
)
def test_what_is_no_decimal_string_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(wrong)


@given(st.integers(0, INSTANT_MAX))
def test_a_time_comes_back_to_the_microsecond(at) -> None:
    assert INSTANT.validate_python(INSTANT.dump_python(at, mode="json")) == at


@pytest.mark.parametrize(
    "wrong", ["2026-11-24", "2026-11-24T08:00:00", "now", -1, True, 10**30, ""]
)
def test_a_time_without_offset_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(wrong)


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\r=1"])
def test_no_cell_is_run_by_a_spreadsheet(cell) -> None:
    assert safe_cell(cell).startswith("'")


@pytest.mark.parametrize("number", ["-1", "-0.5", "12"])
def test_numbers_stay_numbers(number) -> None:
    assert safe_cell(number) == number


def test_csv_is_read_back_as_written() -> None:
    answer = csv_response("x", ["a", "b"], [["阀", 'say "hi"'], [None, Decimal("1.50")]])
    text = bytes(answer.body).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ["阀", 'say "hi"'], ["", "1.50"]]


@given(st.text())
def test_no_text_reaches_zpl_as_a_command(text) -> None:
    assert not set(zpl_text(text)) & {"^", "~", "\n", "\r"}


SPAN = st.tuples(st.integers(0, 100), st.integers(0, 40)).map(lambda t: (t[0], t[0] + t[1]))


@given(st.lists(SPAN, max_size=12))
def test_busy_time_counts_every_instant_once(spans) -> None:
    busy = Sums(spans=list(spans)).busy_us
    assert busy == len({instant for start, end in spans for instant in range(start, end)})


@given(st.lists(st.tuples(st.integers(0, 1000), st.sampled_from("ABC")), max_size=20))
def test_seconds_by_status_sum_to_the_stretch(changes) -> None:
    """A partition: every instant belongs to exactly one value, from the start on."""
    said = StretchSignals(Stretch(station="S", start=0, end=1000), changes={"r": sorted(changes)})
    seconds = said.seconds("r")
    assert sum(seconds.values()) * 1_000_000 == 1000
    if changes and min(changes)[0] > 0:
        assert seconds["UNKNOWN"] * 1_000_000 == min(changes)[0]
