"""Suspicion of a lost separator: could the last field have swallowed others?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from lineside.contracts.scancode.fields import field_fault, read_element
from lineside.contracts.scancode.gs1 import parse
from lineside.contracts.scancode.identifiers import IDENTIFIERS, identifier_at
from lineside.contracts.scancode.results import ElementString, violations_among

_CHECKED = frozenset({"00", "01", "02", "11", "13", "15", "16", "17"})
_COMMON = frozenset({"10", "21"})
_YEARS_BACK, _YEARS_AHEAD = 10, 20


def reading_with_separator(
    result: ElementString, *, reference_date: date, unsure: bool
) -> ElementString | None:
    """The other reading of element strings that carried no separator, if there is a likely one.

    Args:
        result: What was read; its scan had no separator at all.
        reference_date: Decides the century of two-digit years.
        unsure: Nothing says that the reader transmits separators (no symbology identifier either):
            then a lot or serial inside the last field counts as likely, too. Else only data that
            a check digit or a plausible date confirms: numbers contain `10` and `21` by chance.

    Returns:
        The same data with a separator where the last field may have lost one; None if nothing
        speaks for it.
    """
    *before, last = result.elements
    identifier = IDENTIFIERS[last.ai]
    if identifier.predefined:
        return None
    taken = {element.ai for element in result.elements}
    wanted = _CHECKED | _COMMON if unsure else _CHECKED
    for at in range(1, len(last.value)):
        first = identifier_at(last.value, at)
        if first is None or first.ai not in wanted or first.ai in taken:
            continue
        if field_fault(identifier, last.value[:at], reference_date) is not None:
            continue
        rest = parse("]C1" + last.value[at:], separators="", reference_date=reference_date)
        if isinstance(rest, ElementString) and _likely(rest, taken, reference_date):
            head = read_element(identifier, last.value[:at], reference_date)
            elements = (*before, head, *rest.elements)
            return replace(result, elements=elements, violations=violations_among(elements))
    return None


def _likely(rest: ElementString, taken: set[str], reference: date) -> bool:
    years = range(reference.year - _YEARS_BACK, reference.year + _YEARS_AHEAD + 1)
    return all(
        element.ai not in taken and (element.date is None or element.date.year in years)
        for element in rest.elements
    )
