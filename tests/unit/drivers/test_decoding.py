"""Registers to values: the vectors of the Modbus notes, and the way back."""

import json
import math
import struct
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.samples import Quality
from lineside.drivers.addresses import Addressing, plan_reads, wire_address
from lineside.drivers.decoding import (
    BCD_DIGITS,
    INTEGERS,
    DecodingError,
    Encoding,
    Table,
    WordOrder,
    decode_registers,
    encode,
)
from lineside.drivers.modbus.frames import crc_ok, rtu_frame

VECTORS = json.loads((Path(__file__).parents[2] / "cases/modbus-vectors.json").read_text())


def encoding_of(case: dict) -> Encoding:
    kind = case.get("of", case["type"])
    bit = int(kind.removeprefix("bit")) if kind.startswith("bit") else 0
    return Encoding(
        type="bit" if kind.startswith("bit") else kind,
        bit=bit,
        order=WordOrder(case["order"]),
        length=len(case["registers"]),
        factor=Decimal(case.get("factor", "1")),
        offset=Decimal(case.get("offset", "0")),
    )


@pytest.mark.parametrize("case", VECTORS["values"], ids=lambda case: case["id"])
def test_registers_hold_the_value_of_the_vectors(case):
    registers = [int(text, 16) for text in case["registers"]]
    encoding = encoding_of(case)
    if "error" in case:
        with pytest.raises(DecodingError, match=case["error"]):
            decode_registers(registers, encoding)
        return
    decoded = decode_registers(registers, encoding)
    assert decoded.quality is Quality(case.get("quality", "good"))
    if isinstance(case["value"], float):
        assert decoded.value == pytest.approx(case["value"], rel=1e-6)
    else:
        assert decoded.value == case["value"]
        assert type(decoded.value) is type(case["value"])


@pytest.mark.parametrize(
    "case",
    [
        c
        for c in VECTORS["values"]
        if "error" not in c and c["type"] != "bit3" and "quality" not in c
    ],
    ids=lambda case: case["id"],
)
def test_values_of_the_vectors_are_written_as_they_are_read(case):
    encoding = encoding_of(case)
    registers = encode(case["value"], encoding)
    assert decode_registers(registers, encoding).value == pytest.approx(case["value"])
    if encoding.type != "string":  # padding may be zeros or spaces
        assert registers == tuple(int(text, 16) for text in case["registers"])


@pytest.mark.parametrize("case", VECTORS["rtu_frames"], ids=lambda case: case["title"])
def test_checksum_of_the_vectors(case):
    frame = bytes.fromhex(case["frame"])
    assert crc_ok(frame) is case["crc_ok"]
    assert (rtu_frame(frame[0], frame[1:-2]) == frame) is case["crc_ok"]


@pytest.mark.parametrize("case", VECTORS["read_plans"], ids=lambda case: case["id"])
def test_read_plans_of_the_vectors(case):
    plan = plan_reads(
        [tuple(item) for item in case["items"]],
        max_gap=case["max_gap"],
        max_count=case["max_count"],
    )
    assert plan == [tuple(request) for request in case["requests"]]


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 8)), min_size=1, max_size=60),
    st.integers(0, 12),
    st.integers(8, 125),
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 4)), max_size=5),
)
def test_a_plan_reads_every_item_whole_and_no_forbidden_gap(items, max_gap, max_count, forbidden):
    plan = plan_reads(items, max_gap=max_gap, max_count=max_count, forbidden=forbidden)
    asked = {a for first, count in items for a in range(first, first + count)}
    banned = {a for first, count in forbidden for a in range(first, first + count)}
    for first, count in items:
        assert any(low <= first and first + count <= low + size for low, size in plan)
    for low, size in plan:
        assert size <= max_count
        assert not (set(range(low, low + size)) - asked) & banned
    assert plan == sorted(plan)


def test_an_item_longer_than_the_limit_is_refused():
    with pytest.raises(ValueError, match="exceed"):
        plan_reads([(0, 10)], max_gap=0, max_count=8)


@given(
    st.sampled_from(sorted(INTEGERS)),
    st.sampled_from(list(WordOrder)),
    st.integers(-(2**63), 2**64 - 1),
)
def test_an_integer_that_fits_comes_back(kind, order, number):
    encoding = Encoding(type=kind, order=order)
    try:
        struct.pack(INTEGERS[kind], number)
    except struct.error:
        with pytest.raises(DecodingError):
            encode(number, encoding)
        return
    assert decode_registers(encode(number, encoding), encoding).value == number


@given(st.sampled_from(list(WordOrder)), st.floats())
def test_a_float_comes_back_and_what_is_no_number_is_bad(order, number):
    encoding = Encoding(type="float64", order=order)
    decoded = decode_registers(encode(number, encoding), encoding)
    if math.isfinite(number):
        assert decoded.value == number
    else:
        assert (decoded.value, decoded.quality) == (None, Quality.BAD)


@given(st.sampled_from(sorted(BCD_DIGITS)), st.sampled_from(list(WordOrder)), st.integers(0, 10**9))
def test_bcd_comes_back_or_is_refused(kind, order, number):
    encoding = Encoding(type=kind, order=order)
    if number >= 10 ** BCD_DIGITS[kind]:
        with pytest.raises(DecodingError):
            encode(number, encoding)
    else:
        assert decode_registers(encode(number, encoding), encoding).value == number


def test_a_serial_number_in_registers_keeps_leading_zeros_and_case():
    encoding = Encoding(type="string", length=10)
    registers = encode("000123456789aB012345", encoding)
    assert decode_registers(registers, encoding).value == "000123456789aB012345"


def test_what_follows_the_end_of_a_text_is_left_over_from_a_longer_one():
    encoding = Encoding(type="string", length=3)
    assert decode_registers([0x4142, 0x0044, 0x4546], encoding).value == "AB"


def test_text_outside_the_character_set_is_an_error_not_a_guess():
    with pytest.raises(DecodingError, match="ascii"):
        decode_registers([0xB2E2], Encoding(type="string"))
    assert decode_registers([0xB2E2], Encoding(type="string", text="gb18030")).value == "测"


@pytest.mark.parametrize(
    ("kind", "registers", "pattern"),
    [
        ("int16", [0x8000], 0x8000),
        ("uint16", [0xFFFF], 0xFFFF),
        ("int32", [0x7FFF, 0xFFFF], 0x7FFFFFFF),
    ],
)
def test_the_makers_pattern_for_no_value_is_bad(kind, registers, pattern):
    decoded = decode_registers(registers, Encoding(type=kind, invalid=(pattern,)))
    assert (decoded.value, decoded.quality) == (None, Quality.BAD)
    assert decode_registers(registers, Encoding(type=kind)).quality is Quality.GOOD


def test_a_scaled_value_is_decimal_arithmetic():
    encoding = Encoding(type="uint16", factor=Decimal("0.001"), offset=Decimal("0.1"))
    assert decode_registers([3], encoding).value == 0.103
    assert encode(0.103, encoding) == (3,)
    with pytest.raises(DecodingError, match="whole number of steps"):
        encode(0.1035, encoding)


def test_a_bit_of_a_swapped_register():
    assert (
        decode_registers([0x0100], Encoding(type="bit", bit=0, order=WordOrder.BADC)).value is True
    )
    assert decode_registers([0x0100], Encoding(type="bit", bit=8)).value is True
    with pytest.raises(DecodingError):
        encode(True, Encoding(type="bit"))


@pytest.mark.parametrize("value", ["text", True, None, 1.5, math.inf, math.nan])
def test_only_a_whole_number_is_written_into_an_integer(value):
    with pytest.raises(DecodingError):
        encode(value, Encoding(type="uint16"))


@pytest.mark.parametrize(
    ("written", "table", "addressing", "expected"),
    [
        (0, Table.HOLDING_REGISTERS, "zero", (Table.HOLDING_REGISTERS, 0)),
        (40001, Table.HOLDING_REGISTERS, "zero", (Table.HOLDING_REGISTERS, 40001)),
        (1, Table.INPUT_REGISTERS, "one", (Table.INPUT_REGISTERS, 0)),
        (40001, None, "modicon", (Table.HOLDING_REGISTERS, 0)),
        (400001, None, "modicon", (Table.HOLDING_REGISTERS, 0)),
        (465536, None, "modicon", (Table.HOLDING_REGISTERS, 65535)),
        (30001, None, "modicon", (Table.INPUT_REGISTERS, 0)),
        (10001, None, "modicon", (Table.DISCRETE_INPUTS, 0)),
        ("00017", None, "modicon", (Table.COILS, 16)),
    ],
)
def test_an_address_means_what_the_configuration_declares(written, table, addressing, expected):
    assert wire_address(written, table, Addressing(addressing)) == expected


@pytest.mark.parametrize(
    ("written", "table", "addressing"),
    [
        (0, Table.HOLDING_REGISTERS, "one"),
        (0, None, "zero"),
        (65536, Table.COILS, "zero"),
        (-1, Table.COILS, "zero"),
        (17, None, "modicon"),
        (40000, None, "modicon"),
        (20001, None, "modicon"),
        (465537, None, "modicon"),
        (40001, Table.INPUT_REGISTERS, "modicon"),
        ("４0001", None, "modicon"),
    ],
)
def test_an_address_that_cannot_be_is_refused(written, table, addressing):
    with pytest.raises(ValueError):
        wire_address(written, table, Addressing(addressing))
