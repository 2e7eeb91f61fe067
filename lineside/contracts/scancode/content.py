"""Content rules of GS1 fields: check digits, dates, times, code lists.

Each rule is a plain question about one component whose length and characters are already right.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date

from lineside.contracts.scancode.code_lists import (
    COUNTRY_LETTERS,
    COUNTRY_NUMBERS,
    CURRENCY_NUMBERS,
    PACKAGE_TYPES,
)

DIGITS = frozenset("0123456789")
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_SET_32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
_GCP_DIGITS = 4
_CENTURY = 100
_IBAN_SHORTEST = 5

CHARSETS: dict[str, frozenset[str]] = {
    "N": DIGITS,
    "X": frozenset(_SET_82),
    "Y": frozenset("#-/") | DIGITS | _CAPITALS,
    "Z": frozenset("-_") | DIGITS | _LETTERS,
}
"""Characters of each set, by the letter that the identifier table uses."""


def check_digit_fits(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it.

    Args:
        digits: At least one digit, 0 to 9 only.

    Source: GS1 General Specifications, weights 3, 1, 3, 1 from the right, beside the check digit.
    """
    weighted = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits[-2::-1])
    )
    return (10 - weighted % 10) % 10 == int(digits[-1])


def full_year(two_digits: int, reference: date) -> int:
    """The year that two digits mean, seen from the reference date (window of 100 years)."""
    year = reference.year - reference.year % _CENTURY + two_digits
    ahead = year - reference.year
    if ahead > 50:  # noqa: PLR2004  the window of the General Specifications: 51 to 99
        return year - _CENTURY
    if ahead <= -50:  # noqa: PLR2004  -99 to -50
        return year + _CENTURY
    return year


def short_date(text: str, reference: date, *, day_00: bool) -> date | None:
    """A date written YYMMDD, or None when there is no such day.

    Args:
        text: Six digits.
        reference: Decides the century.
        day_00: Day 00 is allowed and means the last day of the month.
    """
    year = full_year(int(text[:2]), reference)
    return _day(year, int(text[2:4]), int(text[4:6]), day_00=day_00)


def _day(year: int, month: int, day: int, *, day_00: bool) -> date | None:
    if not 1 <= month <= 12 or year < 1:  # noqa: PLR2004  months
        return None
    last = calendar.monthrange(year, month)[1]
    if day == 0 and day_00:
        return date(year, month, last)
    return date(year, month, day) if 1 <= day <= last else None


def _alphanumeric_check_fits(text: str) -> bool:
    """Check character pair of a model number: primes from the right, modulo 1021, two of set 32."""
    data, pair = text[:-2], text[-2:]
    if len(pair) < 2:  # noqa: PLR2004  a pair
        return False
    total = sum(
        _SET_82.index(character) * prime
        for character, prime in zip(reversed(data), _PRIMES, strict=False)
    )
    return pair == _SET_32[total % 1021 >> 5] + _SET_32[total % 1021 & 31]


def _iban_fits(text: str) -> bool:
    rearranged = text[4:] + text[:4]
    if len(text) < _IBAN_SHORTEST or not set(text) <= DIGITS | _CAPITALS:
        return False
    number = int("".join(str(int(character, 36)) for character in rearranged))
    return text[:2] in COUNTRY_LETTERS and set(text[2:4]) <= DIGITS and number % 97 == 1


def _percent_encoding_fits(text: str) -> bool:
    return all(
        len(after[:2]) == 2 and set(after[:2]) <= _HEXADECIMAL  # noqa: PLR2004  two hex digits
        for after in text.split("%")[1:]
    )


def _piece_fits(text: str) -> bool:
    return 1 <= int(text[:2]) <= int(text[2:])


def _position_fits(text: str) -> bool:
    return (
        text[1] == "/"
        and {text[0], text[2]} <= DIGITS
        and text[0] != "0"
        and int(text[0]) <= int(text[2])
    )


def _clock_fits(text: str) -> bool:
    return int(text[:2]) <= 23 and int(text[2:] or "0") <= 59  # noqa: PLR2004  hours, minutes


def _media_type_fits(text: str) -> bool:
    return 1 <= int(text) <= 10 or 80 <= int(text) <= 99  # noqa: PLR2004  assigned and local


RULES: dict[str, tuple[str, Callable[[str, date], bool]]] = {
    "csum": ("CHECK_DIGIT", lambda text, _: check_digit_fits(text)),
    "csumalpha": ("CHECK_DIGIT", lambda text, _: _alphanumeric_check_fits(text)),
    "gcp1": ("INVALID_GCP", lambda text, _: _starts_with_company_prefix(text)),
    "gcp2": ("INVALID_GCP", lambda text, _: _starts_with_company_prefix(text[1:])),
    "yymmdd": ("INVALID_DATE", lambda text, now: short_date(text, now, day_00=False) is not None),
    "yymmd0": ("INVALID_DATE", lambda text, now: short_date(text, now, day_00=True) is not None),
    "yyyymmdd": (
        "INVALID_DATE",
        lambda text, _: (
            _day(int(text[:4]), int(text[4:6]), int(text[6:]), day_00=False) is not None
        ),
    ),
    "hhmi": ("INVALID_TIME", lambda text, _: _clock_fits(text)),
    "hh": ("INVALID_TIME", lambda text, _: _clock_fits(text)),
    "mi": ("INVALID_TIME", lambda text, _: _clock_fits("00" + text)),
    "ss": ("INVALID_TIME", lambda text, _: _clock_fits("00" + text)),
    "hasnondigit": ("INVALID_VALUE", lambda text, _: not set(text) <= DIGITS),
    "hyphen": ("INVALID_VALUE", lambda text, _: text == "-"),
    "iban": ("INVALID_VALUE", lambda text, _: _iban_fits(text)),
    "importeridx": ("INVALID_VALUE", lambda text, _: CHARSETS["Z"] >= set(text)),
    "iso3166": ("INVALID_VALUE", lambda text, _: text in COUNTRY_NUMBERS),
    "iso3166999": ("INVALID_VALUE", lambda text, _: text == "999" or text in COUNTRY_NUMBERS),
    "iso3166alpha2": ("INVALID_VALUE", lambda text, _: text in COUNTRY_LETTERS),
    "iso4217": ("INVALID_VALUE", lambda text, _: text in CURRENCY_NUMBERS),
    "iso5218": ("INVALID_VALUE", lambda text, _: text in frozenset("0129")),
    "latitude": ("INVALID_VALUE", lambda text, _: int(text) <= 1_800_000_000),  # noqa: PLR2004
    "longitude": ("INVALID_VALUE", lambda text, _: int(text) <= 3_600_000_000),  # noqa: PLR2004
    "mediatype": ("INVALID_VALUE", lambda text, _: _media_type_fits(text)),
    "nonzero": ("INVALID_VALUE", lambda text, _: int(text) > 0),
    "nozeroprefix": ("INVALID_VALUE", lambda text, _: not text.startswith("0")),
    "packagetype": ("INVALID_VALUE", lambda text, _: text in PACKAGE_TYPES),
    "pcenc": ("INVALID_VALUE", lambda text, _: _percent_encoding_fits(text)),
    "pieceoftotal": ("INVALID_VALUE", lambda text, _: _piece_fits(text)),
    "posinseqslash": ("INVALID_VALUE", lambda text, _: _position_fits(text)),
    "winding": ("INVALID_VALUE", lambda text, _: text in frozenset("019")),
    "yesno": ("INVALID_VALUE", lambda text, _: text in frozenset("01")),
    "zero": ("INVALID_VALUE", lambda text, _: int(text) == 0),
}
"""Rule name to the error code of a breach, and the question whether a text keeps the rule."""


def _starts_with_company_prefix(text: str) -> bool:
    return len(text) >= _GCP_DIGITS and set(text[:_GCP_DIGITS]) <= DIGITS
