"""What scans mean at a terminal."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.contracts.scancode import (
    Ambiguous,
    Badge,
    Carrier,
    Command,
    Lot,
    MeaningRules,
    Order,
    Refused,
    Unit,
    Unknown,
    understand,
)
from lineside.contracts.scancode.explanations import _GS1_WHY, _TEXTS, explain

TODAY = date(2026, 11, 23)
GTIN = "09506000134352"
GTIN_BYTES = GTIN.encode()


def meaning(raw, **options):
    return understand(raw, reference_date=TODAY, **options).meaning


class TestPlainCodes:
    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (b"CMD-PAUSE", Command(command="PAUSE")),
            (b"B-1042", Badge(badge="B-1042")),
            (b"]A0BADGE-7", Badge(badge="BADGE-7")),
            (b"WO-4711", Order(order="WO-4711")),
            (b"]d1WO-4711/20", Order(order="WO-4711", operation="20")),
            (b"WO-4711;OP20", Order(order="WO-4711", operation="OP20")),
            (b"LOT-42/A", Lot(lot="LOT-42/A")),
            (b"CAR-7", Carrier(carrier="CAR-7", scheme="own")),
            (b"V-000123", Unit(serial="V-000123")),
        ],
    )
    def test_prefixes(self, raw, expected):
        assert meaning(raw) == expected

    @pytest.mark.parametrize("serial", ["000123", "abC", "X1 ", "9" * 25, "wo-1", "阀-7"])
    def test_a_serial_stays_as_it_was_scanned(self, serial):
        assert meaning(serial.encode()) == Unit(serial=serial)

    @pytest.mark.parametrize("raw", [b"WO-", b"WO-1/", b"WO-1/2/3", b"CMD-", b"B-"])
    def test_a_damaged_label_never_becomes_a_serial(self, raw):
        found = meaning(raw)
        assert isinstance(found, Unknown)
        assert found.explanation.code == "scan.malformed"

    def test_own_rules_replace_the_prefixes(self):
        rules = MeaningRules(
            order=(r"(?P<id>\d{10})-(?P<operation>\d{4})",), unit=("SN[0-9]{6}",), badge=()
        )
        assert meaning(b"0000471100-0010", rules=rules) == Order(
            order="0000471100", operation="0010"
        )
        assert meaning(b"SN123456", rules=rules) == Unit(serial="SN123456")
        refused = meaning(b"whatever", rules=rules)
        assert isinstance(refused, Unknown)
        assert refused.explanation.code == "scan.no_serial_pattern"

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"https://example.com/manual", "scan.web_address"),
            (b"[)>\x1e06\x1d1TL42\x1e\x04", "scan.iso15434"),
            (b"x" * 129, "scan.number_too_long"),
        ],
    )
    def test_readable_but_of_no_use(self, raw, code):
        found = meaning(raw)
        assert isinstance(found, Unknown)
        assert found.explanation.code == code

    def test_a_rule_can_read_another_format(self):
        rules = MeaningRules(lot=(r"\[\)>\x1e06\x1d1T(?P<id>[^\x1d\x1e]+)\x1e\x04",))
        assert meaning(b"[)>\x1e06\x1d1TL42\x1e\x04", rules=rules) == Lot(lot="L42")


class TestGs1:
    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (b"]d201%s21SN1\x1d10L1", Unit(serial="SN1", gtin=GTIN, lot="L1")),
            (b"]C101%s10LOT42", Lot(lot="LOT42", gtin=GTIN)),
            (
                b"]C10039501234567890123802%s3748\x1d10L",
                Carrier(carrier="395012345678901238", scheme="sscc"),
            ),
            (
                b"]d2800309506000134376CRATE-7",
                Carrier(carrier="09506000134376CRATE-7", scheme="grai"),
            ),
            (b"]d280049506000PRESS-01", Carrier(carrier="9506000PRESS-01", scheme="giai")),
            (b"]Q1https://x.org/01/%s/21/S%%2F1", Unit(serial="S/1", gtin=GTIN)),
            (b"]d280109506A\x1d801177", Unit(serial="77", cpid="9506A")),
        ],
    )
    def test_what_element_strings_name(self, raw, expected):
        assert meaning(raw.replace(b"%s", GTIN_BYTES).replace(b"%%", b"%")) == expected

    @pytest.mark.parametrize("raw", [b"]E09506000134376", b"]d2800309506000134376"])
    def test_an_item_without_number_is_not_enough(self, raw):
        found = meaning(raw)
        assert isinstance(found, Unknown)
        assert found.explanation.code == "scan.item_only"

    def test_gs1_data_without_subject(self):
        found = meaning(b"]C1400PO-4711")
        assert isinstance(found, Unknown)
        assert found.explanation.code == "scan.no_subject"

    def test_a_field_that_swallowed_the_next_says_that_the_scanner_strips_gs(self):
        found = meaning(b"]C101%b10AB1234567890123421SN0000001" % GTIN_BYTES)
        assert isinstance(found, Refused)
        assert found.explanation.code == "scan.gs1_data_too_long"
        assert "GS" in found.explanation.action.en
        assert "GS" in found.explanation.action.zh


class TestDoubts:
    def test_a_lot_that_ends_in_a_date_field_may_have_swallowed_it(self):
        found = meaning(b"]C101%b10LOT4217270331" % GTIN_BYTES)
        assert isinstance(found, Ambiguous)
        assert found.candidates == (
            Lot(lot="LOT4217270331", gtin=GTIN),
            Lot(lot="LOT42", gtin=GTIN),
        )

    def test_a_separator_in_the_scan_proves_that_the_reader_sends_them(self):
        assert meaning(b"]C121S1\x1d01%b10LOT4217270331" % GTIN_BYTES) == Unit(
            serial="S1", gtin=GTIN, lot="LOT4217270331"
        )

    def test_a_reader_that_was_verified_is_believed(self):
        rules = MeaningRules(separators_verified=True)
        assert meaning(b"]C101%b10LOT4217270331" % GTIN_BYTES, rules=rules) == Lot(
            lot="LOT4217270331", gtin=GTIN
        )

    def test_with_symbology_identifier_a_serial_may_contain_the_digits_of_an_identifier(self):
        assert meaning(b"]d201%b21V-002100" % GTIN_BYTES) == Unit(serial="V-002100", gtin=GTIN)

    def test_without_symbology_identifier_a_serial_inside_a_lot_is_a_doubt(self):
        found = meaning(b"01%b10AB1221SN1" % GTIN_BYTES)
        assert isinstance(found, Ambiguous)
        assert found.candidates[1] == Unit(serial="SN1", gtin=GTIN, lot="AB12")
        assert "AIM" in found.explanation.action.en

    def test_digits_without_symbology_identifier_may_be_a_serial(self):
        found = meaning(b"9506000134376")
        assert isinstance(found, Ambiguous)
        assert Unit(serial="9506000134376") in found.candidates

    def test_a_rule_of_the_plant_ends_the_doubt(self):
        rules = MeaningRules(unit=("[0-9]{13}",))
        assert meaning(b"9506000134376", rules=rules) == Unit(serial="9506000134376")

    def test_an_unchecked_key_without_symbology_identifier_may_be_a_serial(self):
        found = meaning(b"80049506")
        assert isinstance(found, Ambiguous)
        assert found.candidates == (
            Carrier(carrier="9506", scheme="giai"),
            Unit(serial="80049506"),
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("raw", "problem", "code"),
        [
            (b"", "", "scan.empty"),
            (b"   ", "", "scan.empty"),
            (b"]A0  ", "", "scan.empty"),
            (b"x" * 4097, "", "scan.too_long"),
            (b"x", "too_long", "scan.too_long"),
            (b"x", "partial", "scan.partial"),
            (b"SN\xff1", "", "scan.not_text"),
            (b"]A\xc3\xa9X", "", "scan.not_text"),
            (b"SN\x001", "", "scan.control_character"),
            (b"SN\r", "", "scan.control_character"),
            ("SN\u200b1".encode(), "", "scan.control_character"),
            (b"]A0AB\x1dCD", "", "scan.control_character"),
            (b"]d2", "", "scan.gs1_empty"),
            (b"WO-1\x1dX", "", "scan.gs1_unknown_ai"),
            (b"]E09506000134379", "", "scan.gs1_check_digit"),
        ],
    )
    def test_code_of_a_refusal(self, raw, problem, code):
        found = meaning(raw, problem=problem)
        assert isinstance(found, Refused)
        assert found.explanation.code == code

    def test_every_explanation_speaks_both_languages(self):
        facts = {"ai": "10", "encoding": "utf-8", "found": "\\x00", "prefix": "WO-"}
        assert all(explain(code, **facts).action.zh for code in _TEXTS)
        for sentences in (*_TEXTS.values(), *_GS1_WHY.values()):
            for zh, en in sentences:
                assert zh.endswith("。")
                assert en.endswith(".")
                assert en.isascii()

    @settings(deadline=None)
    @given(
        st.binary()
        | st.text().map(str.encode)
        | st.tuples(
            st.sampled_from([b"]C1", b"]d2", b"]Q1", b"]E0", b"]A0", b"WO-", b"01" + GTIN_BYTES]),
            st.text("0123456789ABab/-\x1d", max_size=60).map(str.encode),
        ).map(b"".join)
    )
    def test_any_bytes_mean_something_or_are_refused_with_words(self, raw):
        found = understand(raw, reference_date=TODAY)

        assert found.raw == raw
        if isinstance(found.meaning, Unknown | Ambiguous | Refused):
            assert found.meaning.explanation.action.zh
