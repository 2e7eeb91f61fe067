"""What a scan was read as, and its form on the wire (contract "lineside-gs1/1")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lineside.contracts.scancode.identifiers import IDENTIFIERS, broken_pairings


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One identifier with its value.

    Attributes:
        ai: Application identifier.
        value: Text as scanned; percent-decoded in a link. Never trimmed, filled or changed in case.
        date: For date identifiers; day 00 is the last day of the month.
        datetime: For 7003 and 8008, as precise as scanned, without a zone.
        decimal: For measures, with as many decimals as the identifier declares.
        integer: For counts.
        parts: For composite values (253, 421, 8003 without its filler, 8006, 8026), else empty.
    """

    ai: str
    value: str
    date: date | None = None
    datetime: str = ""
    decimal: Decimal | None = None
    integer: int | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken pairing: not an error, because other codes on the same item may complete it.

    Attributes:
        ai: Whose pairing.
        rule: `requires` or `excludes`.
        pattern: As written in the dictionary of GS1.
    """

    ai: str
    rule: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementString:
    """GS1 element strings."""

    symbology: str | None
    elements: tuple[Element, ...]
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gtin:
    """An EAN, UPC or ITF-14 code.

    Attributes:
        gtin14: Filled with zeros to 14 digits.
        format: `GTIN-8`, `GTIN-12`, `GTIN-13` or `GTIN-14`.
        add_on: Two or five digits beside an EAN, or empty.
    """

    symbology: str | None
    gtin14: str
    format: str
    add_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalLink:
    """A GS1 Digital Link.

    Attributes:
        domain: Lower case, with a port where there is one.
        canonical: The same data at `https://id.gs1.org`.
    """

    symbology: str | None
    domain: str
    elements: tuple[Element, ...]
    violations: tuple[Violation, ...]
    canonical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NonGs1:
    """Data that is not GS1's, without the symbology identifier, unchanged."""

    symbology: str | None
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A scan that claims to be GS1 and breaks its rules.

    Attributes:
        code: One of the error codes of the contract, e.g. `CHECK_DIGIT`.
        ai: Identifier of the failing element, where there is one.
        pos: Index in the scan of the first character of that identifier; None in links.
    """

    symbology: str | None
    code: str
    ai: str | None = None
    pos: int | None = None


ScanResult = ElementString | Gtin | DigitalLink | NonGs1 | Failure


def violations_among(elements: tuple[Element, ...]) -> tuple[Violation, ...]:
    """Broken pairings among the elements, in order of the elements (rule G11)."""
    present = frozenset(element.ai for element in elements)
    return tuple(
        Violation(ai=element.ai, rule=pairing.rule, pattern=pairing.pattern)
        for element in elements
        for pairing in broken_pairings(IDENTIFIERS[element.ai], present)
    )


def to_json(result: ScanResult) -> dict[str, object]:
    """The result as plain data in the shape "lineside-gs1/1"."""
    if isinstance(result, Failure):
        error = {"code": result.code, "ai": result.ai, "pos": result.pos}
        return {"ok": False, "symbology": result.symbology, "error": error}
    head: dict[str, object] = {"ok": True, "symbology": result.symbology}
    if isinstance(result, NonGs1):
        return {**head, "kind": "non_gs1", "data": result.data}
    if isinstance(result, Gtin):
        found = {**head, "kind": "gtin", "gtin14": result.gtin14, "format": result.format}
        return {**found, "add_on": result.add_on} if result.add_on else found
    elements = [_element_json(element) for element in result.elements]
    violations = [
        {"ai": violation.ai, "rule": violation.rule, "pattern": violation.pattern}
        for violation in result.violations
    ]
    if isinstance(result, DigitalLink):
        return {
            **head,
            "kind": "digital_link",
            "domain": result.domain,
            "elements": elements,
            "violations": violations,
            "canonical": result.canonical,
        }
    return {**head, "kind": "element_string", "elements": elements, "violations": violations}


def _element_json(element: Element) -> dict[str, object]:
    found: dict[str, object] = {"ai": element.ai, "value": element.value}
    if element.date is not None:
        found["date"] = element.date.isoformat()
    if element.datetime:
        found["datetime"] = element.datetime
    if element.decimal is not None:
        found["decimal"] = f"{element.decimal:f}"
    if element.integer is not None:
        found["integer"] = element.integer
    if element.parts:
        found["parts"] = list(element.parts)
    return found
