"""Bytes to scans: in whatever pieces they come, nothing is made up or stripped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.drivers.serial_line.framing import Frame, Framer, Framing

CR = Framing()
STX_ETX = Framing(prefix=b"\x02", suffix=b"\x03")


def good(*codes):
    return [Frame(code) for code in codes]


@pytest.mark.parametrize("suffix", [b"\r", b"\n", b"\r\n", b"\t", b"\x03", b"\x03\r\n"])
@pytest.mark.parametrize("prefix", [b"", b"\x02", b"]>"])
def test_a_scan_is_what_stands_between_prefix_and_suffix(prefix, suffix):
    framer = Framer(Framing(prefix=prefix, suffix=suffix))
    assert framer.feed(prefix + b" 00 A \x1d1 " + suffix) == good(b" 00 A \x1d1 ")
    assert not framer.waits


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.lists(st.integers(1, 9)))
def test_pieces_do_not_matter(codes, cuts):
    """Any code without STX and ETX survives any cutting of the stream."""
    codes = [code.replace(b"\x02", b"a").replace(b"\x03", b"b") for code in codes]
    stream = b"".join(b"\x02" + code + b"\x03" for code in codes)
    framer, found = Framer(STX_ETX), []
    while stream:
        size = cuts.pop() if cuts else len(stream)
        found += framer.feed(stream[:size])
        stream = stream[size:]
    assert found == good(*codes)


@given(st.lists(st.one_of(st.binary(max_size=30), st.none()), max_size=20), st.integers(1, 20))
def test_nothing_is_invented_whatever_comes(pieces, length_max):
    """Every frame is a piece of the stream, no longer than allowed, and the framer stays small."""
    framer = Framer(Framing(suffix=b"\r\n", length_max=length_max))
    stream = b""
    for piece in pieces:
        stream += piece or b""
        frames = framer.silence() if piece is None else framer.feed(piece)
        for frame in frames:
            assert frame.raw in stream
            assert len(frame.raw) <= length_max + 1
        assert len(framer._buffer) <= length_max + 2


def test_a_line_feed_inside_a_2d_code_is_data():
    framer = Framer(STX_ETX)
    assert framer.feed(b"\x02[)>\x1e06\x1dP1\r\nQ2\x04\x03") == good(b"[)>\x1e06\x1dP1\r\nQ2\x04")


def test_half_a_scan_becomes_partial_by_silence_and_the_next_one_is_whole():
    framer = Framer(CR)
    assert framer.feed(b"SN00") == []
    assert framer.waits
    assert framer.silence() == [Frame(b"SN00", "partial")]
    assert framer.silence() == []
    assert framer.feed(b"SN0042\r") == good(b"SN0042")


@pytest.mark.fault("F-33")
def test_the_late_rest_of_a_broken_scan_is_not_a_scan():
    """`42` alone would be a wrong serial number."""
    framer = Framer(CR)
    framer.feed(b"SN00")
    framer.silence()
    assert framer.feed(b"42\r") == [Frame(b"42", "partial")]
    assert framer.feed(b"SN0043\r") == good(b"SN0043")


def test_the_late_rest_needs_no_guess_where_there_is_a_prefix():
    framer = Framer(STX_ETX)
    framer.feed(b"\x02SN00")
    assert framer.silence() == [Frame(b"SN00", "partial")]
    assert framer.feed(b"42\x03\x02SN0043\x03") == [Frame(b"42", "partial"), Frame(b"SN0043")]


@pytest.mark.fault("F-33")
def test_a_new_beginning_ends_a_scan_that_lost_its_end():
    framer = Framer(STX_ETX)
    assert framer.feed(b"\x02SN00\x02SN0043\x03") == [Frame(b"SN00", "partial"), Frame(b"SN0043")]


def test_a_prefix_of_letters_inside_a_code_is_data():
    framer = Framer(Framing(prefix=b"S", suffix=b"\r"))
    assert framer.feed(b"SA-S-1\r") == good(b"A-S-1")


def test_garbage_before_the_prefix_is_shown():
    framer = Framer(STX_ETX)
    assert framer.feed(b"\xff\x00\x02A\x03") == [Frame(b"\xff\x00", "partial"), Frame(b"A")]
    assert framer.feed(b"\xff") == []
    assert framer.silence() == [Frame(b"\xff", "partial")]


def test_an_empty_scan_is_not_a_scan():
    assert Framer(CR).feed(b"\r") == [Frame(b"", "partial")]


@pytest.mark.fault("F-33")
def test_five_thousand_bytes_are_too_long_and_reading_goes_on_after_the_next_suffix():
    framer = Framer(Framing(length_max=4096))
    frames = framer.feed(b"x" * 3000) + framer.feed(b"y" * 2000)
    assert frames == [Frame(b"x" * 3000 + b"y" * 1096, "too_long")]
    assert framer.silence() == []
    assert framer.feed(b"rest\rSN1\r") == good(b"SN1")
    assert Framer(Framing(length_max=4096)).feed(b"z" * 5000 + b"\rSN2\r") == [
        Frame(b"z" * 4096, "too_long"),
        Frame(b"SN2"),
    ]


def test_five_thousand_bytes_fit_where_they_are_allowed():
    assert Framer(Framing(length_max=8192)).feed(b"x" * 5000 + b"\r") == good(b"x" * 5000)


def test_too_long_garbage_without_a_prefix_is_cut_too():
    framer = Framer(Framing(prefix=b"\x02", suffix=b"\x03", length_max=10))
    assert framer.feed(b"z" * 50) == [Frame(b"z" * 10, "too_long")]
    assert framer.feed(b"z\x03\x02A\x03") == good(b"A")


def test_the_longest_scan_is_whole():
    framer = Framer(Framing(suffix=b"\r\n", length_max=5))
    assert framer.feed(b"12345\r") == []
    assert framer.feed(b"\n") == good(b"12345")
    assert framer.feed(b"123456\r\n") == [Frame(b"12345", "too_long")]


def test_a_fixed_length_does_not_look_for_a_suffix_inside():
    framer = Framer(Framing(suffix=b"\r", length=4))
    assert framer.feed(b"A\r\rB\rC") == good(b"A\r\rB")
    assert framer.feed(b"123\r") == good(b"C123")
    assert framer.feed(b"12345\rABCD\r") == [Frame(b"1234", "partial"), Frame(b"ABCD")]
    assert framer.feed(b"AB") == []
    assert framer.silence() == [Frame(b"AB", "partial")]


def test_without_a_suffix_silence_ends_a_scan():
    framer = Framer(Framing(suffix=b""))
    assert framer.feed(b"SN0") == []
    assert framer.feed(b"042") == []
    assert framer.silence() == good(b"SN0042")
    assert framer.feed(b"B") == []
    assert framer.silence() == good(b"B")


def test_without_a_suffix_silence_also_ends_what_is_too_long():
    framer = Framer(Framing(suffix=b"", length_max=3))
    assert framer.feed(b"123456") == [Frame(b"123", "too_long")]
    assert framer.waits
    assert framer.silence() == []
    assert framer.feed(b"AB") == []
    assert framer.silence() == good(b"AB")
