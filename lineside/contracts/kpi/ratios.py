"""Exact ratios and how they are written: null over nothing, else a fraction and 9 decimals.

A ratio with denominator zero is None, never 0, 1 or NaN: an idle Sunday is not an OEE of zero.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

Number = int | Fraction
"""An exact amount. Whole numbers stay ints, which keeps sums fast; others are Fractions."""

Ratio = Fraction | None

DECIMALS = 9


@lru_cache(maxsize=4096)
def exact(value: Decimal) -> Number:
    """A Decimal as an exact number, an int where it is whole."""
    fraction = Fraction(value)
    return fraction.numerator if fraction.denominator == 1 else fraction


def ratio(numerator: Number, denominator: Number) -> Ratio:
    """Numerator over denominator, None when the denominator is 0."""
    return None if denominator == 0 else Fraction(numerator) / denominator


def product(*factors: Ratio) -> Ratio:
    """The product of ratios, None as soon as one of them is."""
    result = Fraction(1)
    for factor in factors:
        if factor is None:
            return None
        result *= factor
    return result


def plain(value: Number) -> int | float:
    """An exact number for JSON: whole numbers as int, others as the nearest float."""
    if isinstance(value, int):
        return value
    return value.numerator if value.denominator == 1 else float(value)


def ratio_json(value: Ratio) -> dict[str, str | float] | None:
    """A ratio as `{"fraction": "a/b", "value": x}`, x rounded half-even to 9 decimals."""
    if value is None:
        return None
    return {
        "fraction": f"{value.numerator}/{value.denominator}",
        "value": float(round(value, DECIMALS)),
    }
