"""How a number out of a block is written: prefix, digits, and the check digit of an SSCC."""

from __future__ import annotations

from lineside.contracts.scancode.content import check_digit_fits

SSCC_DIGITS = 17
"""Digits of an SSCC before its check digit: extension, company prefix, serial reference."""


def written(kind: str, *, prefix: str, width: int, number: int) -> str:
    """The text of a number.

    Args:
        kind: `serial`, `lot` or `sscc`.
        prefix: Before the digits; of an SSCC the extension digit and the company prefix.
        width: Digits of the number, filled with zeros.
        number: Not below zero.
    """
    text = f"{prefix}{number:0{width}d}"
    return text + check_digit(text) if kind == "sscc" else text


def check_digit(digits: str) -> str:
    """The digit that makes these digits a GS1 key.

    Args:
        digits: 0 to 9 only, at least one.

    Source: GS1 General Specifications, standard check digit calculation.
    """
    return next(digit for digit in "0123456789" if check_digit_fits(digits + digit))
