"""Rules of the GS1 sheet beyond its vectors."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from lineside.contracts.scancode import (
    Failure,
    NonGs1,
    parse,
    to_json,
)
from lineside.contracts.scancode.content import full_year
from lineside.contracts.scancode.identifiers import IDENTIFIERS, LINK_KEYS

TODAY = date(2026, 11, 23)
GTIN = "09506000134352"
GLN = "9506000199993"


def read(scan, **options) -> dict[str, Any]:
    return to_json(parse(scan, reference_date=TODAY, **options))


def error(scan, **options):
    failure = parse(scan, reference_date=TODAY, **options)
    assert isinstance(failure, Failure), failure
    return failure.code, failure.ai, failure.pos


class TestIdentifiers:
    def test_the_table_has_the_541_identifiers_of_the_dictionary(self):
        """An independent library knows the same identifiers and the same need for separators."""
        assert len(IDENTIFIERS) == 541
        for ai, identifier in IDENTIFIERS.items():
            theirs = GS1ApplicationIdentifier.extract(ai)
            assert theirs.ai == ai
            assert theirs.separator_required is not identifier.predefined

    def test_no_identifier_begins_another(self):
        for ai in IDENTIFIERS:
            assert not any(ai[:length] in IDENTIFIERS for length in range(2, len(ai)))

    @pytest.mark.parametrize("ai", ["04", "05", "18", "23", "310", "3106", "3106000001", "9"])
    def test_what_is_no_identifier_is_unknown(self, ai):
        assert error(f"]C1{ai}") == ("UNKNOWN_AI", None, 3)


class TestFields:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ("30", "DATA_TOO_SHORT"),
            ("30123456789", "DATA_TOO_LONG"),
            ("3012A", "INVALID_CHARACTER"),
            ("3012٣", "INVALID_CHARACTER"),
            ("402" + "1" * 17, "CHECK_DIGIT"),
            ("402" + "1" * 16, "DATA_TOO_SHORT"),
            ("8010ABC", "INVALID_GCP"),
            ("8010950", "INVALID_GCP"),
            ("80109506a", "INVALID_CHARACTER"),
            ("80110", "INVALID_VALUE"),
            ("801101", "INVALID_VALUE"),
            ("421000AB", "INVALID_VALUE"),
            ("421156", "DATA_TOO_SHORT"),
            ("4231564", "DATA_TOO_SHORT"),
            ("423156999", "INVALID_VALUE"),
            ("7003270300", "DATA_TOO_SHORT"),
            ("70032703001430", "INVALID_DATE"),
            ("70032703311460", "INVALID_TIME"),
            ("8008260931", "DATA_TOO_SHORT"),
            ("80082609301", "DATA_TOO_SHORT"),
            ("8008260930145", "DATA_TOO_SHORT"),
            ("80082609302430", "INVALID_TIME"),
            ("8008260930143061", "INVALID_TIME"),
            ("80082609311400", "INVALID_DATE"),
            ("800609506000134352000", "DATA_TOO_SHORT"),
            ("8006095060001343520003", "INVALID_VALUE"),
            ("8006095060001343530203", "CHECK_DIGIT"),
            ("8026095060001343520302", "INVALID_VALUE"),
            ("253950600013437", "DATA_TOO_SHORT"),
            ("2539506000134377", "CHECK_DIGIT"),
            ("8003095060001343761" + "A" * 16, "DATA_TOO_LONG"),
            ("80139506000134376", "CHECK_DIGIT"),
            ("7006260200", "INVALID_DATE"),
            ("4330001234+", "INVALID_VALUE"),
            ("71", "UNKNOWN_AI"),
            ("8007DE00", "INVALID_VALUE"),
            ("391000012", "INVALID_VALUE"),
            ("43090000000000360000000A", "INVALID_CHARACTER"),
            ("430900000000003600000001", "INVALID_VALUE"),
            ("7040195é", "INVALID_CHARACTER"),
            ("7040195/", "INVALID_VALUE"),
        ],
    )
    def test_faults_are_named_in_the_order_of_g8(self, data, code):
        assert error("]C1" + data)[0] == code

    def test_length_of_the_field_is_judged_before_its_characters(self):
        assert error("]C110" + "é" * 21)[0] == "DATA_TOO_LONG"

    def test_an_earlier_component_is_judged_before_the_length_of_a_later_one(self):
        """7007 with 8 characters: the first date has a wrong character, the second is short."""
        assert error("]C1700726A93026")[0] == "INVALID_CHARACTER"

    def test_characters_of_all_components_are_judged_before_content(self):
        assert error("]C1700326133114A0")[0] == "INVALID_CHARACTER"

    @pytest.mark.parametrize(
        ("data", "extra"),
        [
            ("11000200", {"date": "2000-02-29"}),
            ("12261200", {"date": "2026-12-31"}),
            ("7006260930", {"date": "2026-09-30"}),
            ("4326260930", {"date": "2026-09-30"}),
            ("7007260930", {}),
            ("800826093014", {"datetime": "2026-09-30T14"}),
            ("80082609301430", {"datetime": "2026-09-30T14:30"}),
            ("8008260930143015", {"datetime": "2026-09-30T14:30:15"}),
            ("800826020023", {"datetime": "2026-02-28T23"}),
            ("3100001250", {"decimal": "1250"}),
            ("3105000000", {"decimal": "0.00000"}),
            ("3655123456", {"decimal": "1.23456"}),
            ("30007", {"integer": 7}),
            ("2539506000134376", {"parts": ["9506000134376"]}),
            ("2539506000134376DOC/1", {"parts": ["9506000134376", "DOC/1"]}),
            ("421156101000", {"parts": ["156", "101000"]}),
            ("800309506000134376", {"parts": ["9506000134376"]}),
            ("8026095060001343520203", {"parts": [GTIN, "0203"]}),
            ("2559506000134376", {}),
        ],
    )
    def test_what_a_value_says_beside_its_text(self, data, extra):
        element = read("]C1" + data)["elements"][0]
        assert {key: element[key] for key in element if key not in {"ai", "value"}} == extra

    @pytest.mark.parametrize(
        ("reference", "two_digits", "year"),
        [(2026, 76, 2076), (2026, 77, 1977), (2099, 49, 2149), (2099, 50, 2050), (2050, 0, 2100)],
    )
    def test_century(self, reference, two_digits, year):
        assert full_year(two_digits, date(reference, 6, 1)) == year

    def test_a_repeated_identifier_is_judged_as_a_field_first(self):
        assert error("]d210L1\x1d10L 2") == ("INVALID_CHARACTER", "10", 8)


class TestPairings:
    def test_broken_pairings_stand_in_the_order_of_the_dictionary(self):
        """02 excludes before it requires; 21 requires before it excludes."""
        scan = f"]C101{GTIN}02{GTIN}21S1\x1d235T1"
        violations = [tuple(v.values()) for v in read(scan)["violations"]]
        assert violations == [
            ("02", "excludes", "01"),
            ("02", "requires", "37"),
            ("21", "excludes", "235"),
        ]

    def test_an_identifier_is_not_exclusive_of_itself_but_of_its_family(self):
        assert read(f"]C101{GTIN}3103001250")["violations"] == []
        both = read(f"]C101{GTIN}31030012503102000125")["violations"]
        assert [v["pattern"] for v in both] == ["310n", "310n"]

    def test_joined_identifiers_must_all_be_there(self):
        assert read(f"]C101{GTIN}250X")["violations"] == [
            {"ai": "250", "rule": "requires", "pattern": "01+21,03+21,8006+21"}
        ]
        assert read(f"]C101{GTIN}21S\x1d250X")["violations"] == []


class TestKinds:
    @pytest.mark.parametrize("scan", ["", "]d1", "]C1\x1d\x1d", "\x1d", "]E0", "]X0"])
    def test_nothing_is_empty(self, scan):
        code, ai, pos = error(scan)
        assert (code, ai, pos) == ("EMPTY", None, None)

    @pytest.mark.parametrize(
        ("scan", "code"),
        [
            ("]E012345", "BAD_LENGTH"),
            ("]E495012345", "CHECK_DIGIT"),
            ("]E495O12346", "INVALID_CHARACTER"),
            ("]E39506000134376123", "BAD_LENGTH"),
            ("]I19506000134376", "BAD_LENGTH"),
        ],
    )
    def test_faults_of_item_codes(self, scan, code):
        assert error(scan) == (code, None, 3)

    @pytest.mark.parametrize(
        ("digits", "form"),
        [
            ("95012346", "GTIN-8"),
            ("036000291452", "GTIN-12"),
            ("9506000134376", "GTIN-13"),
            ("19506000134359", "GTIN-14"),
        ],
    )
    def test_digits_without_symbology(self, digits, form):
        assert read(digits)["format"] == form

    def test_without_symbology_a_separator_means_element_strings_and_errors_are_reported(self):
        assert error("WO-4711\x1d") == ("UNKNOWN_AI", None, 0)

    def test_without_symbology_what_does_not_read_whole_is_not_gs1(self):
        assert read(f"01{GTIN}05")["kind"] == "non_gs1"
        assert read("10LOT")["kind"] == "non_gs1"
        assert read("8004950612")["kind"] == "element_string"

    def test_element_string_symbologies_never_hold_a_link(self):
        assert error("]Q3https://id.gs1.org/01/" + GTIN)[0] == "UNKNOWN_AI"

    def test_data_is_never_trimmed(self):
        result = parse("]A0 0042 ", reference_date=TODAY)
        assert result == NonGs1(symbology="]A0", data=" 0042 ")

    def test_other_separators_replace_gs(self):
        assert error("]d210L1\x1d21S1", separators="|")[0] == "INVALID_CHARACTER"

    def test_a_reference_date_without_century_is_refused(self):
        with pytest.raises(ValueError, match="1900"):
            parse("x", reference_date=date(1, 1, 1))


class TestBrackets:
    @pytest.mark.parametrize(
        "text", ["(", "()", "(01", "(ab)x", "(01)1(", "(1)2", "(01)(02", "(12345)1"]
    )
    def test_what_cannot_be_read(self, text):
        assert error(text, allow_hri=True) == ("BAD_HRI", None, None)

    def test_positions_are_those_of_the_identifiers(self):
        assert error(f"(01){GTIN}(10)", allow_hri=True) == ("DATA_TOO_SHORT", "10", 19)
        assert error(f"(01){GTIN}(05)1", allow_hri=True) == ("UNKNOWN_AI", None, 19)
        assert error(f"(01){GTIN}1", allow_hri=True) == ("DATA_TOO_LONG", "01", 1)

    def test_a_scanner_never_sends_brackets(self):
        assert read("]A0(01)" + GTIN, allow_hri=True)["kind"] == "non_gs1"


class TestLinks:
    def test_all_keys_of_the_sheet(self):
        assert " ".join(sorted(LINK_KEYS)) == (
            "00 01 253 255 401 402 414 415 417 8003 8004 8006 8010 8013 8017 8018"
        )

    def test_domain_and_capital_scheme(self):
        link = read(f"]d1HTTPS://ID.Example.COM/a/01/{GTIN}#top")
        assert link["domain"] == "id.example.com"
        assert link["canonical"] == f"https://id.gs1.org/01/{GTIN}"

    @pytest.mark.parametrize(
        ("path", "bad"),
        [
            (f"01/{GTIN}/235/T/10/L", "10"),
            (f"01/{GTIN}/22/V/235/T", "235"),
            (f"01/{GTIN}/10/A/10/A", "10"),
            (f"01/{GTIN}/99/X", "99"),
            (f"8003/0{GLN}/21/S", "21"),
            (f"414/{GLN}/254/1/7040/1ABC", "7040"),
        ],
    )
    def test_qualifiers_out_of_place(self, path, bad):
        assert error(f"https://id.gs1.org/{path}") == ("DL_BAD_QUALIFIER", bad, None)

    def test_qualifiers_are_judged_before_values(self):
        assert error("https://x.org/01/1/99/1")[0] == "DL_BAD_QUALIFIER"

    def test_path_values_are_judged_before_the_query(self):
        assert error("https://x.org/01/1?21=S")[0] == "DATA_TOO_SHORT"

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("10=A", ("DL_INVALID_ATTRIBUTE", "10", None)),
            ("01=" + GTIN, ("DL_INVALID_ATTRIBUTE", "01", None)),
            ("8040=1", ("DL_INVALID_ATTRIBUTE", "8040", None)),
            ("05=1", ("UNKNOWN_AI", None, None)),
            ("99=A&99=B", ("REPEATED_AI", "99", None)),
            ("17=261301&05=1", ("INVALID_DATE", "17", None)),
            ("99", ("DATA_TOO_SHORT", "99", None)),
            ("99=a%20b", ("INVALID_CHARACTER", "99", None)),
        ],
    )
    def test_query(self, query, expected):
        assert error(f"https://x.org/01/{GTIN}/10/A?{query}") == expected

    def test_same_attribute_twice_is_kept_once_and_sorted_in_the_canonical_form(self):
        link = read(f"https://x.org/01/{GTIN}?99=a%2Fb&17=270331&99=a/b&&lang=zh")
        assert [element["ai"] for element in link["elements"]] == ["01", "99", "17"]
        assert link["canonical"].endswith("?17=270331&99=a%2Fb")

    def test_the_key_nearest_the_end_counts(self):
        link = read(f"https://x.org/00/1/01/{GTIN}/21/S")
        assert [element["ai"] for element in link["elements"]] == ["01", "21"]

    @pytest.mark.parametrize(
        "address", ["https://x.org", "https://x.org/01", "http://", f"https://x.org/gtin/{GTIN}"]
    )
    def test_an_address_without_key_is_not_gs1(self, address):
        assert read(address) == {
            "ok": True,
            "symbology": None,
            "kind": "non_gs1",
            "data": address,
        }
