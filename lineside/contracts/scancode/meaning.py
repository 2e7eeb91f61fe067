"""What a framed scan means at a terminal: a badge, an order, a unit, or a refusal that helps."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from lineside.contracts.scancode.digital_link import is_web_address
from lineside.contracts.scancode.doubts import reading_with_separator
from lineside.contracts.scancode.explanations import Explanation, explain, explain_failure
from lineside.contracts.scancode.gs1 import ELEMENT_STRING_SYMBOLOGIES, parse
from lineside.contracts.scancode.raw import escape
from lineside.contracts.scancode.results import (
    DigitalLink,
    Element,
    ElementString,
    Failure,
    Gtin,
    ScanResult,
)
from lineside.contracts.scancode.rules import DEFAULT_RULES, NUMBER_LONGEST, MeaningRules

SCAN_LONGEST = 4096
"""Bytes of one scan."""

_GS1_CARRIERS = ELEMENT_STRING_SYMBOLOGIES | {"]E0", "]E3", "]E4", "]I1"}
_ALLOWED_CONTROLS = frozenset("\x04\x1d\x1e")
_UNVERIFIED_STARTS = frozenset({"8004", "8010"})
_GTIN_LENGTH = 14
_GRAI_LENGTH = 14
_ISO_15434 = "[)>\x1e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A person's badge; who it is, the terminal's cache knows."""

    kind: ClassVar[str] = "badge"
    badge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A work order, maybe with one of its operations."""

    kind: ClassVar[str] = "order"
    order: str
    operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A control code instead of a touch."""

    kind: ClassVar[str] = "command"
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One piece.

    Attributes:
        serial: As scanned: leading zeros, case and trailing spaces are part of it.
        gtin: GTIN-14 of its item, empty where the code has none.
        cpid: Component or part identifier (8010) of its item, empty where the code has none.
        lot: Lot that the same code names, or empty.
    """

    kind: ClassVar[str] = "unit"
    serial: str
    gtin: str = ""
    cpid: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A lot, with the GTIN-14 of its item where the code has one."""

    kind: ClassVar[str] = "lot"
    lot: str
    gtin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A pallet, box or tray.

    Attributes:
        carrier: Number as scanned.
        scheme: `sscc`, `grai`, `giai`, or `own` for a number of the plant.
    """

    kind: ClassVar[str] = "carrier"
    carrier: str
    scheme: str = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Readable, but it names nothing that a terminal can act on.

    Attributes:
        explanation: What is missing.
        gtin: GTIN-14 of the item, where the code names at least that.
    """

    kind: ClassVar[str] = "unknown"
    explanation: Explanation
    gtin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """More than one reading; only knowledge of the numbers themselves can decide.

    Attributes:
        explanation: Why, and how to end it.
        candidates: The possible meanings, the literal reading first.
    """

    kind: ClassVar[str] = "ambiguous"
    explanation: Explanation
    candidates: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Not a readable scan."""

    kind: ClassVar[str] = "refused"
    explanation: Explanation


Meaning = Badge | Order | Command | Unit | Lot | Carrier | Unknown | Ambiguous | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodScan:
    """A scan with everything that quality staff may ask for later.

    Attributes:
        raw: Bytes as framed.
        result: How the GS1 rules read it; None when it was refused before that.
        meaning: What it stands for.
    """

    raw: bytes
    result: ScanResult | None
    meaning: Meaning


def understand(
    raw: bytes,
    *,
    reference_date: date,
    rules: MeaningRules = DEFAULT_RULES,
    problem: str = "",
    allow_hri: bool = False,
) -> UnderstoodScan:
    """Say what one framed scan means. Never raises for bad data: a refusal says what is wrong.

    Args:
        raw: Bytes between prefix and suffix, not stripped further.
        reference_date: Today, for the century of two-digit years.
        rules: Prefixes and reader settings of the plant.
        problem: What the driver said of the frame: empty, `partial` or `too_long`.
        allow_hri: The text was typed by a person, brackets are meant.
    """
    refusal = _unreadable(raw, problem, rules)
    if refusal is not None:
        return UnderstoodScan(raw=raw, result=None, meaning=Refused(explanation=refusal))
    result = parse(
        raw.decode("latin-1"),
        separators=rules.separators,
        reference_date=reference_date,
        allow_hri=allow_hri,
    )
    meaning = _meaning(raw, result, rules, reference_date)
    return UnderstoodScan(raw=raw, result=result, meaning=meaning)


def _unreadable(raw: bytes, problem: str, rules: MeaningRules) -> Explanation | None:
    if problem == "too_long" or len(raw) > SCAN_LONGEST:
        return explain("scan.too_long")
    if problem:
        return explain("scan.partial")
    if not raw.strip(b" "):
        return explain("scan.empty")
    try:
        text = raw.decode(rules.encoding)
    except UnicodeDecodeError:
        return explain("scan.not_text", encoding=rules.encoding)
    allowed = _ALLOWED_CONTROLS | rules.separators
    for character in text:
        if unicodedata.category(character).startswith("C") and character not in allowed:
            found = escape(character.encode()) if character < "\x80" else f"U+{ord(character):04X}"
            return explain("scan.control_character", found=found)
    return None


def _meaning(raw: bytes, result: ScanResult, rules: MeaningRules, reference: date) -> Meaning:
    """Plain rules first where the reader does not say GS1; then the GS1 reading; then a serial."""
    if result.symbology in _GS1_CARRIERS:
        return _of_gs1(raw, result, rules, reference)
    try:
        text = raw[len(result.symbology or "") :].decode(rules.encoding)
    except UnicodeDecodeError:  # `]` and a letter before a character of several bytes
        return Refused(explanation=explain("scan.not_text", encoding=rules.encoding))
    if (matched := rules.match(text)) is not None:
        return _of_rule(*matched)
    if isinstance(result, ElementString | DigitalLink | Gtin):
        meaning = _of_gs1(raw, result, rules, reference)
        return _beside_a_serial(meaning, result, text, raw, rules)
    return _of_plain_text(text, result, rules)


def _of_rule(kind: str, number: str, operation: str) -> Meaning:
    match kind:
        case "command":
            return Command(command=number)
        case "badge":
            return Badge(badge=number)
        case "order":
            return Order(order=number, operation=operation)
        case "lot":
            return Lot(lot=number)
        case "carrier":
            return Carrier(carrier=number)
        case _:
            return Unit(serial=number)


def _of_plain_text(text: str, result: ScanResult, rules: MeaningRules) -> Meaning:
    if text.startswith(_ISO_15434):
        return Unknown(explanation=explain("scan.iso15434"))
    if isinstance(result, Failure):
        return Refused(explanation=explain_failure(result))
    if not text.strip():
        return Refused(explanation=explain("scan.empty"))
    if min(text) < " ":
        found = escape(min(text).encode())
        return Refused(explanation=explain("scan.control_character", found=found))
    if is_web_address(text):
        return Unknown(explanation=explain("scan.web_address"))
    if len(text) > NUMBER_LONGEST:
        return Unknown(explanation=explain("scan.number_too_long"))
    prefix = next((prefix for prefix in rules.reserved if text.startswith(prefix)), "")
    if prefix:
        return Unknown(explanation=explain("scan.malformed", prefix=prefix))
    if rules.unit:
        return Unknown(explanation=explain("scan.no_serial_pattern"))
    return Unit(serial=text)


def _of_gs1(raw: bytes, result: ScanResult, rules: MeaningRules, reference: date) -> Meaning:
    if isinstance(result, Failure):
        return Refused(explanation=explain_failure(result))
    if isinstance(result, Gtin):
        return Unknown(explanation=explain("scan.item_only"), gtin=result.gtin14)
    if not isinstance(result, ElementString | DigitalLink):
        return Unknown(explanation=explain("scan.no_subject"))
    meaning = _of_elements(result.elements)
    if isinstance(result, DigitalLink) or rules.separators_verified or _separated(raw, rules):
        return meaning
    other = reading_with_separator(
        result, reference_date=reference, unsure=result.symbology is None
    )
    if other is None or (second := _of_elements(other.elements)) == meaning:
        return meaning
    explanation = explain("scan.ambiguous_separator", ai=result.elements[-1].ai)
    return Ambiguous(explanation=explanation, candidates=(meaning, second))


def _separated(raw: bytes, rules: MeaningRules) -> bool:
    return not rules.separators.isdisjoint(raw.decode("latin-1"))


def _of_elements(elements: tuple[Element, ...]) -> Meaning:
    """Carrier before unit before lot: a pallet label names its content's item and lot, too."""
    values = {element.ai: element.value for element in elements}
    gtin = values.get("01") or values.get("03") or values.get("8006", "")[:_GTIN_LENGTH]
    lot = values.get("10", "")
    if sscc := values.get("00"):
        return Carrier(carrier=sscc, scheme="sscc")
    if gtin and (serial := values.get("21")):
        return Unit(serial=serial, gtin=gtin, lot=lot)
    if "8010" in values and (serial := values.get("8011")):
        return Unit(serial=serial, cpid=values["8010"], lot=lot)
    if giai := values.get("8004"):
        return Carrier(carrier=giai, scheme="giai")
    if len(grai := values.get("8003", "")) > _GRAI_LENGTH:
        return Carrier(carrier=grai, scheme="grai")
    if lot and (gtin or "02" in values):
        return Lot(lot=lot, gtin=gtin or values["02"])
    if gtin or grai or "02" in values or "8010" in values:
        return Unknown(explanation=explain("scan.item_only"), gtin=gtin or values.get("02", ""))
    return Unknown(explanation=explain("scan.no_subject"))


def _beside_a_serial(
    meaning: Meaning, result: ScanResult, text: str, raw: bytes, rules: MeaningRules
) -> Meaning:
    """Without a symbology identifier digits may be a plain serial number as well as GS1's."""
    if result.symbology is not None or rules.unit or isinstance(meaning, Ambiguous | Refused):
        return meaning
    guessed = isinstance(result, Gtin) or (
        isinstance(result, ElementString)
        and result.elements[0].ai in _UNVERIFIED_STARTS
        and not _separated(raw, rules)
        and not text.startswith("(")
    )
    if not guessed:
        return meaning
    candidates = (meaning, Unit(serial=text))
    return Ambiguous(explanation=explain("scan.ambiguous_number"), candidates=candidates)
