"""Raw scans as printable text and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.contracts.scancode import BadEscapeError, escape, unescape


@settings(deadline=None)
@given(st.binary())
def test_escape_is_printable_ascii_and_unescape_gives_the_bytes_back(raw):
    text = escape(raw)

    assert text.isascii()
    assert text == "" or text.isprintable()
    assert unescape(text) == raw


@settings(deadline=None)
@given(st.binary(), st.integers(0, 40))
def test_a_limit_never_cuts_inside_an_escape(raw, limit):
    text = escape(raw, limit=limit)

    assert len(text) <= limit
    assert raw.startswith(unescape(text))


@settings(deadline=None)
@given(st.text())
def test_any_text_is_unescaped_or_refused(text):
    try:
        raw = unescape(text)
    except BadEscapeError:
        return
    assert len(raw) <= len(text)


def test_both_forms_of_a_backslash_and_both_cases_of_hexadecimal():
    assert unescape(r"a\\b\x5Cc\x1d") == b"a\\b\\c\x1d"
    assert escape(b"a\\\x1d\x7f\xff~") == r"a\x5c\x1d\x7f\xff~"


@pytest.mark.parametrize("text", [r"\n", "\\", r"\x1", r"\xzz", "号"])
def test_what_stands_for_no_byte_is_refused(text):
    with pytest.raises(BadEscapeError):
        unescape(text)
