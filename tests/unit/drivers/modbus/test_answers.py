"""Values of a whole answer: the same as those of each signal alone, in every order and mixture."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.samples import Quality, SignalValue
from lineside.drivers.decoding import (
    TYPES,
    DecodingError,
    Encoding,
    Table,
    WordOrder,
    decoder,
)
from lineside.drivers.modbus.answers import block_decoder
from lineside.drivers.modbus.config import Point

REGISTERS = 16


@st.composite
def encodings(draw) -> Encoding:
    form = draw(st.sampled_from(TYPES))
    scaled = form.startswith(("int", "uint", "bcd")) and draw(st.booleans())
    return Encoding(
        type=form,
        order=draw(st.sampled_from(WordOrder)),
        length=draw(st.integers(1, 5)),
        bit=draw(st.integers(0, 15)),
        factor=Decimal("0.1") if scaled else Decimal(1),
        offset=Decimal(-40) if scaled else Decimal(0),
        invalid=draw(st.sampled_from([(), (0,), (0xFFFF, 0x8000), (0x7FC00000,)])),
    )


def point(first: int, encoding: Encoding) -> Point:
    return Point(
        name=f"s{first}",
        unit=1,
        table=Table.HOLDING_REGISTERS,
        first=first,
        count=encoding.registers,
        encoding=encoding,
        poll_us=1,
    )


def alone(raw: bytes, encoding: Encoding) -> tuple[SignalValue, str | None]:
    """What a signal's own decoder says: its value, or why there is none."""
    try:
        found = decoder(encoding)(raw)
    except DecodingError as problem:
        return None, str(problem)
    return found.value, None if found.quality is Quality.GOOD else found.status


@given(
    places=st.lists(st.tuples(st.integers(0, REGISTERS - 5), encodings()), min_size=1, max_size=9),
    data=st.one_of(
        st.binary(min_size=2 * REGISTERS, max_size=2 * REGISTERS),
        st.lists(
            st.sampled_from([b"\x7f\xc0", b"\0\0", b"\xff\xff", b"\x80\0", b"\x12\x34"]),
            min_size=REGISTERS,
            max_size=REGISTERS,
        ).map(b"".join),
    ),
)
def test_a_block_holds_for_each_signal_what_its_own_decoder_says(places, data) -> None:
    """Signals may overlap, leave gaps, and have no value; none changes another's."""
    first = min(at for at, _ in places)
    points = [point(at, encoding) for at, encoding in places]

    values, problems = block_decoder(points, first)(data[2 * first :])

    for index, (at, encoding) in enumerate(places):
        raw = data[2 * at : 2 * (at + encoding.registers)]
        value, why = alone(raw, encoding)
        assert (repr(values[index]), problems.get(index)) == (repr(value), why)


def test_signals_side_by_side_and_with_a_gap_are_read_from_their_own_registers() -> None:
    word = Encoding(type="uint16")
    data = bytes(range(8))

    assert block_decoder([point(7, word), point(8, word)], 7)(data) == ([0x0001, 0x0203], {})
    assert block_decoder([point(7, word), point(10, word)], 7)(data) == ([0x0001, 0x0607], {})
