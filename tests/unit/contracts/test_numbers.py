"""Numbers as they are written."""

from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.numbers import SSCC_DIGITS, check_digit, written
from lineside.contracts.scancode.content import check_digit_fits


def test_a_serial_number_is_filled_with_zeros() -> None:
    assert written("serial", prefix="SP18-", width=4, number=7) == "SP18-0007"


def test_the_check_digit_of_a_known_sscc() -> None:
    """The example of the GS1 General Specifications for (00)."""
    assert check_digit("00614141123456789") == "0"


@given(st.text("0123456789", min_size=5, max_size=13), st.integers(0, 9999))
def test_every_sscc_has_a_check_digit_that_fits(prefix: str, number: int) -> None:
    text = written("sscc", prefix=prefix, width=SSCC_DIGITS - len(prefix), number=number)
    assert len(text) == 18
    assert check_digit_fits(text)
