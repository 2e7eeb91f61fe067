"""Read a raw scan by the rules of GS1 (contract "lineside-gs1/1", rules G1 to G16)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from lineside.contracts.scancode.content import DIGITS, check_digit_fits
from lineside.contracts.scancode.digital_link import is_web_address, parse_link
from lineside.contracts.scancode.fields import field_fault, read_element
from lineside.contracts.scancode.identifiers import IDENTIFIERS, Identifier, identifier_at
from lineside.contracts.scancode.results import (
    Element,
    ElementString,
    Failure,
    Gtin,
    NonGs1,
    ScanResult,
    violations_among,
)

GS = "\x1d"
"""The character that readers send for FNC1 inside the data."""

ELEMENT_STRING_SYMBOLOGIES = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"})
"""Symbology identifiers that say: FNC1 was first, element strings follow."""

_GTIN_LENGTHS = {"]E0": (13,), "]E3": (15, 18), "]E4": (8,), "]I1": (14,)}
_EAN_LENGTH = 13
_PLAIN_GTIN_LENGTHS = frozenset({8, 12, 13, 14})
_CERTAIN_STARTS = ("00", "01", "02", "8003", "8004", "8006", "8010")
_BRACKETED = re.compile(r"(?:\([0-9]{2,4}\)[^(]*)+")
_BRACKETED_FIELD = re.compile(r"\(([0-9]{2,4})\)([^(]*)")
_YEARS = range(1900, 9900)


def parse(
    scan: str,
    *,
    reference_date: date,
    separators: frozenset[str] | str = GS,
    allow_hri: bool = False,
) -> ScanResult:
    """Read one scan.

    Args:
        scan: What the reader sent, one character a byte, nothing stripped but the frame.
        reference_date: Decides the century of two-digit years; today, for a live scan.
        separators: Characters that end a field.
        allow_hri: Bracketed text, as printed below a code, is read too: only for manual entry.

    Returns:
        What it was read as, or a `Failure` with code, identifier and position. Values are never
        repaired: no trimming, filling or change of case.

    Raises:
        ValueError: The reference date lies outside 1900 to 9899, so that a century is undecidable.
    """
    if reference_date.year not in _YEARS:
        message = f"reference date {reference_date.isoformat()} is outside 1900 to 9899"
        raise ValueError(message)
    ends = frozenset(separators)
    symbology = scan[:3] if re.match(r"\][A-Za-z].", scan, re.DOTALL) else None
    start = len(symbology or "")
    if ends >= set(scan[start:]):
        return Failure(symbology=symbology, code="EMPTY")
    if symbology in ELEMENT_STRING_SYMBOLOGIES:
        return _element_string(_cut_fields(scan, start, ends), symbology, reference_date)
    if symbology in _GTIN_LENGTHS:
        return _gtin_of_symbology(scan[start:], symbology)
    if is_web_address(scan[start:]):
        link = parse_link(scan[start:], symbology=symbology, reference_date=reference_date)
        return link or NonGs1(symbology=symbology, data=scan[start:])
    if symbology is not None:
        return NonGs1(symbology=symbology, data=scan[start:])
    return _without_symbology(scan, ends, reference_date, allow_hri=allow_hri)


def _without_symbology(
    scan: str, ends: frozenset[str], reference: date, *, allow_hri: bool
) -> ScanResult:
    """Rule G3 after the web address: what data is most surely, when the reader does not say."""
    if allow_hri and scan.startswith("("):
        return _bracketed(scan, reference)
    if len(scan) in _PLAIN_GTIN_LENGTHS and set(scan) <= DIGITS and check_digit_fits(scan):
        return _gtin(scan, None)
    if not ends.isdisjoint(scan):
        return _element_string(_cut_fields(scan, 0, ends), None, reference)
    if scan.startswith(_CERTAIN_STARTS):
        guess = _element_string(_cut_fields(scan, 0, ends), None, reference)
        if not isinstance(guess, Failure):
            return guess
    return NonGs1(symbology=None, data=scan)


_Field = tuple[int, Identifier | None, str]
"""Position of the identifier, the identifier (None: there is no such), its value."""


def _cut_fields(scan: str, start: int, ends: frozenset[str]) -> Iterator[_Field]:
    """Fields of element strings (rules G4 to G7); stops where no identifier begins."""
    at = start
    while at < len(scan):
        if scan[at] in ends:
            at += 1
            continue
        identifier = identifier_at(scan, at)
        if identifier is None:
            yield at, None, ""
            return
        begin = at + len(identifier.ai)
        end = _next_separator(scan, begin, ends)
        if identifier.predefined:
            end = min(end, begin + identifier.longest)
        yield at, identifier, scan[begin:end]
        at = end


@lru_cache(maxsize=16)
def _separator_pattern(ends: frozenset[str]) -> re.Pattern[str] | None:
    return (
        re.compile("|".join(re.escape(character) for character in sorted(ends))) if ends else None
    )


def _next_separator(scan: str, begin: int, ends: frozenset[str]) -> int:
    pattern = _separator_pattern(ends)
    found = pattern.search(scan, begin) if pattern is not None else None
    return found.start() if found is not None else len(scan)


def _element_string(
    fields: Iterator[_Field], symbology: str | None, reference: date
) -> ElementString | Failure:
    """Check and read fields in order; the first failing one fails the scan (rules G8 to G11)."""
    elements: dict[str, Element] = {}
    for pos, identifier, value in fields:
        if identifier is None:
            return Failure(symbology=symbology, code="UNKNOWN_AI", pos=pos)
        ai = identifier.ai
        code = field_fault(identifier, value, reference)
        if code is None and ai in elements and elements[ai].value != value:
            code = "REPEATED_AI"
        if code is not None:
            return Failure(symbology=symbology, code=code, ai=ai, pos=pos)
        elements[ai] = read_element(identifier, value, reference)
    ordered = tuple(elements.values())
    return ElementString(
        symbology=symbology, elements=ordered, violations=violations_among(ordered)
    )


def _bracketed(text: str, reference: date) -> ElementString | Failure:
    """Rule G15: `(ai)value(ai)value...` as a person types it from a label."""
    if _BRACKETED.fullmatch(text) is None:
        return Failure(symbology=None, code="BAD_HRI")
    fields = (
        (field.start(1), IDENTIFIERS.get(field[1]), field[2])
        for field in _BRACKETED_FIELD.finditer(text)
    )
    return _element_string(fields, None, reference)


def _gtin_of_symbology(data: str, symbology: str) -> Gtin | Failure:
    first = len(symbology)
    if len(data) not in _GTIN_LENGTHS[symbology]:
        return Failure(symbology=symbology, code="BAD_LENGTH", pos=first)
    if not set(data) <= DIGITS:
        return Failure(symbology=symbology, code="INVALID_CHARACTER", pos=first)
    digits, add_on = (data, "") if symbology != "]E3" else (data[:_EAN_LENGTH], data[_EAN_LENGTH:])
    if not check_digit_fits(digits):
        return Failure(symbology=symbology, code="CHECK_DIGIT", pos=first)
    return _gtin(digits, symbology, add_on)


def _gtin(digits: str, symbology: str | None, add_on: str = "") -> Gtin:
    gtin14 = digits.zfill(14)
    zeros = len(gtin14) - len(gtin14.lstrip("0"))
    if zeros >= 6:  # noqa: PLR2004  leading zeros tell the format, see the contract
        form = "GTIN-8"
    elif zeros >= 2:  # noqa: PLR2004
        form = "GTIN-12"
    else:
        form = "GTIN-13" if zeros else "GTIN-14"
    return Gtin(symbology=symbology, gtin14=gtin14, format=form, add_on=add_on)
