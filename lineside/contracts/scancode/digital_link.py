"""GS1 Digital Link: a web address that carries element strings (rules G12 to G14)."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote, unquote

from lineside.contracts.scancode.content import DIGITS
from lineside.contracts.scancode.fields import field_fault, read_element
from lineside.contracts.scancode.identifiers import (
    IDENTIFIERS,
    LINK_KEYS,
    NOT_IN_QUERY,
    Identifier,
)
from lineside.contracts.scancode.results import (
    DigitalLink,
    Element,
    Failure,
    violations_among,
)

_CANONICAL_ROOT = "https://id.gs1.org"


def is_web_address(text: str) -> bool:
    """Whether the text begins like a web address, in any case."""
    return text[:8].lower().startswith(("http://", "https://"))


def parse_link(
    address: str, *, symbology: str | None, reference_date: date
) -> DigitalLink | Failure | None:
    """Read a web address as Digital Link.

    Args:
        address: Text that begins with `http://` or `https://`, one character a byte.
        symbology: Symbology identifier in front of it, for the result.
        reference_date: Decides the century of two-digit years.

    Returns:
        None when no key identifier stands in the path: an address, but not GS1 data.
    """
    domain, path, query = _cut(address)
    pairs = _key_and_qualifiers(path.split("/"))
    if pairs is None or not domain:
        return None
    names = [name for name, _ in pairs]
    if (bad := _first_bad_qualifier(names[0], names[1:])) is not None:
        return Failure(symbology=symbology, code="DL_BAD_QUALIFIER", ai=bad)
    elements: dict[str, Element] = {}
    for name, text in pairs:
        found = _read(IDENTIFIERS[name], text, reference_date)
        if isinstance(found, str):
            return Failure(symbology=symbology, code=found, ai=name)
        elements[name] = found
    for name, text in query:
        failure = _add_attribute(elements, frozenset(names), name, text, reference_date)
        if failure is not None:
            code, ai = failure
            return Failure(symbology=symbology, code=code, ai=ai)
    ordered = tuple(elements.values())
    return DigitalLink(
        symbology=symbology,
        domain=domain.lower(),
        elements=ordered,
        violations=violations_among(ordered),
        canonical=_canonical(ordered[: len(pairs)], ordered[len(pairs) :]),
    )


def _cut(address: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Domain, path, query. `urlsplit` drops tabs and line ends, which would repair a bad scan."""
    _, _, rest = address.partition("//")
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    domain, slash, path = rest.partition("/")
    parameters = [part.partition("=") for part in query.split("&")]
    return domain, slash + path, [(name, text) for name, _, text in parameters]


def _key_and_qualifiers(segments: list[str]) -> list[tuple[str, str]] | None:
    """Pairs from the key on, found by walking pairs from the right end (rule G12)."""
    for at in range(len(segments) - 2, -1, -2):
        if segments[at] in LINK_KEYS:
            return list(zip(segments[at::2], segments[at + 1 :: 2], strict=True))
    return None


def _first_bad_qualifier(key: str, qualifiers: list[str]) -> str | None:
    for count, qualifier in enumerate(qualifiers, start=1):
        if not any(_in_order(qualifiers[:count], allowed) for allowed in LINK_KEYS[key]):
            return qualifier
    return None


def _in_order(qualifiers: list[str], allowed: tuple[str, ...]) -> bool:
    return qualifiers == [name for name in allowed if name in qualifiers]


def _read(identifier: Identifier, text: str, reference: date) -> Element | str:
    """The element of a percent-encoded value, or the code of what is wrong with it."""
    value = unquote(text, encoding="latin-1")
    return field_fault(identifier, value, reference) or read_element(identifier, value, reference)


def _add_attribute(
    elements: dict[str, Element],
    in_path: frozenset[str],
    name: str,
    text: str,
    reference: date,
) -> tuple[str, str | None] | None:
    """Take one query parameter into the elements; (code, identifier) of what is wrong with it."""
    if not name or not set(name) <= DIGITS:
        return None
    identifier = IDENTIFIERS.get(name)
    if identifier is None:
        return "UNKNOWN_AI", None
    if name in NOT_IN_QUERY or name in in_path:
        return "DL_INVALID_ATTRIBUTE", name
    found = _read(identifier, text, reference)
    if isinstance(found, str):
        return found, name
    if name in elements and elements[name].value != found.value:
        return "REPEATED_AI", name
    elements[name] = found
    return None


def _canonical(path: tuple[Element, ...], attributes: tuple[Element, ...]) -> str:
    steps = "".join(f"/{element.ai}/{_encoded(element)}" for element in path)
    query = "&".join(
        f"{element.ai}={_encoded(element)}"
        for element in sorted(attributes, key=lambda element: element.ai)
    )
    return f"{_CANONICAL_ROOT}{steps}" + (f"?{query}" if query else "")


def _encoded(element: Element) -> str:
    return quote(element.value, safe="", encoding="latin-1")
