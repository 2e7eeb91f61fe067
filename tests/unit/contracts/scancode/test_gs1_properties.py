"""Properties that hold for every scan, with values made from the identifier table."""

from __future__ import annotations

from datetime import date
from typing import Any

import biip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.contracts.scancode import ElementString, parse, to_json
from lineside.contracts.scancode.code_lists import (
    COUNTRY_LETTERS,
    COUNTRY_NUMBERS,
    CURRENCY_NUMBERS,
    PACKAGE_TYPES,
)
from lineside.contracts.scancode.content import CHARSETS
from lineside.contracts.scancode.identifiers import IDENTIFIERS, Component

_TWO_DIGIT_YEARS = st.integers(0, 99).map("{:02d}".format)
_SAFE_DAYS = st.tuples(st.integers(1, 12), st.integers(1, 28)).map(
    lambda d: "{:02d}{:02d}".format(*d)
)


def _minutes():
    return st.integers(0, 59).map("{:02d}".format)


_BY_RULE = {
    "yymmdd": st.tuples(_TWO_DIGIT_YEARS, _SAFE_DAYS).map("".join),
    "yymmd0": st.tuples(_TWO_DIGIT_YEARS, _SAFE_DAYS).map("".join),
    "yyyymmdd": st.tuples(st.integers(1900, 2099).map(str), _SAFE_DAYS).map("".join),
    "hh": st.integers(0, 23).map("{:02d}".format),
    "hhmi": st.tuples(st.integers(0, 23).map("{:02d}".format), _minutes()).map("".join),
    "mi": _minutes(),
    "ss": _minutes(),
    "csumalpha": st.just("1987654Ad4X4bL5ttr2310c2K"),
    "hyphen": st.just("-"),
    "iban": st.sampled_from(["CH5604835012345678009", "BE71096123456769"]),
    "importeridx": st.sampled_from(sorted(CHARSETS["Z"])),
    "iso3166": st.sampled_from(sorted(COUNTRY_NUMBERS)),
    "iso3166999": st.sampled_from([*sorted(COUNTRY_NUMBERS), "999"]),
    "iso3166alpha2": st.sampled_from(sorted(COUNTRY_LETTERS)),
    "iso4217": st.sampled_from(sorted(CURRENCY_NUMBERS)),
    "iso5218": st.sampled_from("0129"),
    "latitude": st.integers(0, 1_800_000_000).map("{:010d}".format),
    "longitude": st.integers(0, 3_600_000_000).map("{:010d}".format),
    "mediatype": st.sampled_from(["01", "10", "80", "99"]),
    "packagetype": st.sampled_from(sorted(PACKAGE_TYPES)),
    "pcenc": st.sampled_from(["A", "%20", "Main%20Street"]),
    "pieceoftotal": st.tuples(st.integers(1, 99), st.integers(1, 99)).map(
        lambda pair: f"{min(pair):02d}{max(pair):02d}"
    ),
    "posinseqslash": st.sampled_from(["1/1", "2/3", "9/9"]),
    "winding": st.sampled_from("019"),
    "yesno": st.sampled_from("01"),
    "zero": st.just("0"),
}


def with_check_digit(digits: str) -> str:
    """Written apart from the code under test: weights from the left by parity of the length."""
    weights = [3, 1] if len(digits) % 2 else [1, 3]
    total = sum(int(digit) * weights[place % 2] for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _component(component: Component):
    if "csum" in component.rules:
        digits = st.text(
            "0123456789", min_size=component.longest - 1, max_size=component.longest - 1
        )
        return digits.map(with_check_digit)
    for rule in component.rules:
        if rule in _BY_RULE:
            return _BY_RULE[rule]
    characters = sorted(CHARSETS[component.charset])
    first = "0123456789" if "gcp1" in component.rules else ""
    text = st.text(characters, min_size=component.shortest, max_size=component.longest)
    if first:
        return text.map(lambda rest: ("9506" + rest)[: component.longest])
    if component.rules in (("nonzero",), ("nozeroprefix",)):
        return text.map(lambda digits: "1" + digits[1:])
    return text


def value_of(ai: str):
    """Valid values of one identifier, with and without its optional parts."""
    components = IDENTIFIERS[ai].components
    fewest = sum(1 for component in components if not component.optional)
    return st.integers(fewest, len(components)).flatmap(
        lambda count: st.tuples(*(_component(part) for part in components[:count])).map("".join)
    )


fields = st.sampled_from(sorted(IDENTIFIERS)).flatmap(
    lambda ai: st.tuples(st.just(ai), value_of(ai))
)

TODAY = date(2026, 11, 23)


def read(scan, **options) -> dict[str, Any]:
    return to_json(parse(scan, reference_date=TODAY, **options))


class TestProperties:
    @settings(deadline=None)
    @given(
        st.text()
        | st.binary().map(lambda raw: raw.decode("latin-1"))
        | st.tuples(
            st.sampled_from(["]C1", "]d2", "]E3", "]Q1", "https://x.org/", "(01)", ""]),
            st.text("0123456789/?=&%()\x1dAa ", max_size=60),
        ).map("".join),
        st.booleans(),
    )
    def test_any_text_gets_an_answer(self, scan, allow_hri):
        answer = read(scan, allow_hri=allow_hri)
        assert answer["ok"] in {True, False}

    @settings(deadline=None)
    @given(st.lists(fields, min_size=1, max_size=6, unique_by=lambda field: field[0]))
    def test_valid_fields_read_back_as_they_were_written(self, fields):
        scan = "]C1" + "".join(
            ai + value + ("" if IDENTIFIERS[ai].predefined else "\x1d") for ai, value in fields
        )
        result = parse(scan, reference_date=TODAY)
        assert isinstance(result, ElementString), (scan, result)
        assert [(element.ai, element.value) for element in result.elements] == fields

    @pytest.mark.parametrize("ai", sorted(IDENTIFIERS))
    def test_every_identifier_has_a_readable_value(self, ai):
        """Fixed text instead of random: 541 small strategies would take too long."""
        value = _example(ai)
        assert read(f"]C1{ai}{value}")["elements"][0]["value"] == value

    @settings(deadline=None)
    @given(st.lists(fields, min_size=1, max_size=3, unique_by=lambda field: field[0]))
    def test_an_independent_library_reads_the_same_elements(self, fields):
        scan = "]C1" + "".join(ai + value + "\x1d" for ai, value in fields)
        try:
            theirs = biip.parse(scan).gs1_message
        except biip.ParseError:
            return
        if theirs is None:
            return
        found = [(element.ai.ai, element.value) for element in theirs.element_strings]
        result = parse(scan, reference_date=TODAY)
        assert isinstance(result, ElementString)
        assert [(element.ai, element.value) for element in result.elements] == found


def _example(ai):
    parts = []
    for component in IDENTIFIERS[ai].components:
        if component.optional:
            break
        parts.append(_example_component(component))
    return "".join(parts)


def _example_component(component):
    samples = {
        "csumalpha": "1987654Ad4X4bL5ttr2310c2K",
        "iban": "BE71096123456769",
        "iso3166alpha2": "CN",
        "packagetype": "PX",
        "pieceoftotal": "0102",
        "posinseqslash": "1/2",
        "zero": "0",
        "iso3166": "156",
        "iso3166999": "999",
        "iso4217": "156",
        "yymmdd": "260930",
        "yymmd0": "260900",
        "yyyymmdd": "19800229",
        "mediatype": "80",
    }
    if "csum" in component.rules:
        return with_check_digit("9506000134376000000"[: component.longest - 1])
    for rule in component.rules:
        if rule in samples:
            return samples[rule]
    return "1" * component.shortest if "gcp1" not in component.rules else "9506A"
