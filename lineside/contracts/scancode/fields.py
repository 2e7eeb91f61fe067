"""One field: is its value right (rule G8), and what does it say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lineside.contracts.scancode.content import CHARSETS, RULES, short_date
from lineside.contracts.scancode.identifiers import Component, Identifier
from lineside.contracts.scancode.results import Element

_DAYS_WITH_00 = frozenset({"11", "12", "13", "15", "16", "17"})
_DAYS = _DAYS_WITH_00 | {"7006", "4326"}
_MOMENTS = frozenset({"7003", "8008"})
_COUNTS = frozenset({"30", "37"})
_COMPOSITES = frozenset({"253", "421", "8003", "8006", "8026"})
_MEASURES = frozenset({"31", "32", "33", "34", "35", "36"})
_MEASURE_AI_LENGTH = 4


def split_components(identifier: Identifier, value: str) -> list[tuple[Component, str]]:
    """The value cut into its components; an optional one that is absent does not appear."""
    found: list[tuple[Component, str]] = []
    at = 0
    for component in identifier.components:
        if component.optional and at >= len(value):
            break
        found.append((component, value[at : at + component.longest]))
        at += component.longest
    return found


def field_fault(identifier: Identifier, value: str, reference: date) -> str | None:
    """The first error code of a value in the order of rule G8, or None when it is right."""
    if len(value) < identifier.shortest:
        return "DATA_TOO_SHORT"
    if len(value) > identifier.longest:
        return "DATA_TOO_LONG"
    components = split_components(identifier, value)
    for component, text in components:
        if len(text) < component.shortest:
            return "DATA_TOO_SHORT"
        if not CHARSETS[component.charset] >= set(text):
            return "INVALID_CHARACTER"
    for component, text in components:
        for name in component.rules:
            code, keeps = RULES[name]
            if not keeps(text, reference):
                return code
    return None


def read_element(identifier: Identifier, value: str, reference: date) -> Element:
    """The element of a value in which `field_fault` found nothing wrong."""
    ai = identifier.ai
    if ai in _DAYS:
        day = short_date(value, reference, day_00=ai in _DAYS_WITH_00)
        return Element(ai=ai, value=value, date=day)
    if ai in _MOMENTS:
        return Element(ai=ai, value=value, datetime=_moment(value, reference, ai))
    if ai in _COUNTS:
        return Element(ai=ai, value=value, integer=int(value))
    if len(ai) == _MEASURE_AI_LENGTH and ai[:2] in _MEASURES:
        return Element(ai=ai, value=value, decimal=Decimal(value).scaleb(-int(ai[3])))
    if ai in _COMPOSITES:
        parts = [text for _, text in split_components(identifier, value)]
        return Element(ai=ai, value=value, parts=tuple(parts[1:] if ai == "8003" else parts))
    return Element(ai=ai, value=value)


def _moment(value: str, reference: date, ai: str) -> str:
    day = short_date(value[:6], reference, day_00=ai == "8008")
    assert day is not None
    clock = ":".join(value[at : at + 2] for at in range(6, len(value), 2))
    return f"{day.isoformat()}T{clock}"
