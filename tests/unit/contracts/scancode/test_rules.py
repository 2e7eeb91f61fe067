"""Patterns that a plant configures."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.contracts.scancode import MeaningRules, UnsafePatternError, compile_pattern
from lineside.contracts.scancode.rules import UnknownEncodingError


@pytest.mark.parametrize(
    "pattern",
    [
        "WO-(?P<id>[0-9]{8})",
        r"(?P<id>WO-\d+)(?:/(?P<operation>\d+))?",
        r"\[\)>\x1e06\x1d1T(?P<id>[^\x1d]+)\x1d?.*",
        "[]a-z]+?",
        "号码-(?P<id>.+)",
    ],
)
def test_flat_patterns_are_accepted(pattern):
    assert isinstance(compile_pattern(pattern), re.Pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(?:a+)+",
        "(?:a|b)",
        "a|b",
        r"(a)\1",
        r"(?P<x>a)(?P=x)",
        "(?=a)b",
        "(?<!a)b",
        "(?i)a",
        ".*.*.*.*",
        "a?b?c?d?e?",
        "^a$",
        "a" * 201,
        "(?P<id>a",
        "[a",
        "a{2,1}",
        "+",
        "a**",
        "(?:a){1,9}",
        "a{,9}{2}",
    ],
)
def test_what_could_be_slow_or_is_wrong_is_refused_with_a_hint(pattern):
    with pytest.raises(UnsafePatternError) as refused:
        compile_pattern(pattern)
    assert refused.value.hint


@settings(deadline=None)
@given(st.text("ab+*?{}()[]\\|.^$P<i>:=!12,", max_size=20))
def test_any_pattern_is_compiled_or_refused(pattern):
    try:
        compile_pattern(pattern)
    except UnsafePatternError:
        return


def test_the_slowest_pattern_allowed_stays_fast():
    """Three repetitions and four optional parts against the longest code, without a match."""
    rules = MeaningRules(unit=(".*.*.*a?a?a?a?b",))

    assert rules.match("a" * 128) is None


def test_rules_are_checked_when_they_are_made():
    with pytest.raises(UnsafePatternError):
        MeaningRules(lot=("(x+)+",))


@pytest.mark.parametrize("encoding", ["utf-16", "klingon", "rot13", "hex", "base64"])
def test_an_encoding_that_scans_cannot_have_is_refused(encoding):
    with pytest.raises(UnknownEncodingError):
        MeaningRules(encoding=encoding)


def test_a_number_never_contains_a_control_character():
    assert MeaningRules().match("LOT-A\x1dB") is None
