"""What central can say about a configuration before it is sent.

Central has no drivers, so the tables of devices are the edge's to judge: it refuses a version
that it cannot use and says why. Here everything is checked that needs no driver: the syntax, which
tables there are, ids, references between stations, devices and signals, words and types of
stations, whose stations they are, and that no secret stands in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from lineside.central.mes.edge_configuration.places import line_of, parse, places, syntax_line
from lineside.central.mes.edge_configuration.references import references

PROBLEMS_MAX = 100
FOUND_CHARACTERS_MAX = 120
TABLES = ("scan", "device", "station")
OWN_TABLES = frozenset({"edge", "identity", "sync"})
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
SECRET_KEY = re.compile(r"(password|passwd|passphrase|secret|token|api_?key)$", re.IGNORECASE)
SECRET_VALUE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/@\s:]+:[^/@\s]+@")
SECRET_LINE = re.compile(
    r"""^\s*(?:"|')?([\w.-]*(?:password|passwd|passphrase|secret|token|api_?key))(?:"|')?\s*=\s*"""
    r"""["']+[^"']""",
    re.IGNORECASE,
)
WORDS = {
    "state_from": ("signals", "acts"),
    "counts_from": ("counter", "unit_finished", "declaration", "scale"),
    "missing_passport": ("", "refuse", "ask", "accept"),
}

Severity = Literal["error", "warning"]
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, or doubtful, in a text.

    Attributes:
        code: Stable name, for texts in other languages.
        line: From 1.
        key: Path, `station[0].device`; empty for the whole text.
        found: What stands there, shortened; never a secret.
        expected: What should, in English.
        severity: A version with an error is not sent; what is only doubtful the edge decides.
    """

    code: str
    line: int
    key: str
    found: str
    expected: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Found:
    """A problem before its line is known."""

    code: str
    key: str
    found: object
    expected: str
    severity: Severity = "error"


def check(text: str, *, edge: str, station_edges: Mapping[str, str]) -> list[Problem]:
    """Problems of a text, by line; at most `PROBLEMS_MAX`.

    Args:
        text: TOML with the tables `scan`, `device` and `station`.
        edge: Whose configuration it is.
        station_edges: The stations of the master data, with the edge of each.
    """
    try:
        tree = parse(text)
    except ValueError as problem:
        said = str(problem)[:FOUND_CHARACTERS_MAX]
        return [Problem("syntax", syntax_line(str(problem), text), "", said, "TOML")]
    lines = places(text)
    found = sorted(
        (
            Problem(
                one.code,
                line_of(lines, one.key),
                one.key,
                "" if one.found is None else str(one.found)[:FOUND_CHARACTERS_MAX],
                one.expected,
                one.severity,
            )
            for one in _problems(tree, edge, station_edges)
        ),
        key=lambda one: (one.line, one.key),
    )
    return found[:PROBLEMS_MAX]


def first_secret(text: str) -> tuple[int, str] | None:
    """Line and key of a secret in clear; it is looked for in text that is no TOML, too."""
    try:
        tree = parse(text)
    except ValueError:
        for number, line in enumerate(text.split("\n"), start=1):
            if (match := SECRET_LINE.match(line)) is not None:
                return number, match[1]
            if SECRET_VALUE.search(line) is not None:
                return number, "value"
        return None
    lines = places(text)
    return next(((line_of(lines, one.key), one.key) for one in _secrets(tree, "")), None)


def errors(problems: list[Problem]) -> list[Problem]:
    """Those for which a version is not sent."""
    return [one for one in problems if one.severity == "error"]


def _problems(tree: Tree, edge: str, station_edges: Mapping[str, str]) -> Iterator[Found]:
    for name in tree:
        if name in OWN_TABLES:
            yield Found("own_table", name, f"[{name}]", "only scan, device and station")
        elif name not in TABLES:
            yield Found("unknown_table", name, f"[{name}]", "only scan, device and station")
    yield from _secrets(tree, "")
    if not isinstance(tree.get("scan", {}), dict):
        yield Found("type", "scan", tree["scan"], "[scan], a table")
    devices = yield from _tables(tree, "device")
    stations = yield from _tables(tree, "station")
    for where, device in devices:
        if not isinstance(device.get("driver"), str) or not device["driver"]:
            yield Found("driver", f"{where}.driver", device.get("driver"), "the name of a driver")
    known = {str(device.get("id")): device for _, device in devices}
    for where, station in stations:
        yield from _station(station, where)
        yield from _whose(station, where, edge, station_edges)
        for key, code, found, expected in references(station, where, known):
            yield Found(code, key, found, expected)
    if not stations:
        yield Found("no_station", "", None, "at least one [[station]]", "warning")


def _tables(tree: Tree, kind: str) -> Generator[Found, None, list[tuple[str, dict[str, Any]]]]:
    """Check that there is a list of tables with ids used once; give path and table of each."""
    listed: object = tree.get(kind, [])
    sound: list[tuple[str, dict[str, Any]]] = []
    if not isinstance(listed, list):
        yield Found("type", kind, listed, f"[[{kind}]], twice bracketed")
        return sound
    seen: set[str] = set()
    for number, table in enumerate(cast("list[object]", listed)):
        where = f"{kind}[{number}]"
        if not isinstance(table, dict):
            yield Found("type", where, table, f"[[{kind}]], a table")
            continue
        one = cast("dict[str, Any]", table)
        name = one.get("id")
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            yield Found("id", f"{where}.id", name, "a name of letters, digits, - _ .")
        elif name in seen:
            yield Found("id_twice", f"{where}.id", name, "a name used once")
        else:
            seen.add(name)
        sound.append((where, one))
    return sound


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_table, cast("list[object]", value)))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


TYPES: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(("id", "name", "name_zh", "line", "device"), (_is_text, "text")),
    **dict.fromkeys(("pieces_per_count", "stop_ask_s", "oee_target"), (_is_number, "a number")),
    **dict.fromkeys(("state", "scale", "scan"), (_is_table, "a table")),
    **dict.fromkeys(
        ("counter", "trigger", "discrete", "alarm"), (_are_tables, "tables, twice bracketed")
    ),
    "parallel": (_is_flag, "true or false"),
}
"""Keys of a station with their types; `WORDS` has those of a few words."""


def _station(station: Tree, where: str) -> Iterator[Found]:
    for key, value in station.items():
        path = f"{where}.{key}"
        if key in WORDS and value not in WORDS[key]:
            words = ", ".join(word for word in WORDS[key] if word)
            yield Found("word", path, value, f"one of {words}")
        elif key in TYPES and not TYPES[key][0](value):
            yield Found("type", path, value, TYPES[key][1])
        elif key not in TYPES and key not in WORDS and key != "scanners":
            yield Found("unknown_key", path, key, "a key that central knows", "warning")
    if station.get("state_from", "signals") == "signals" and "state" not in station:
        yield Found("no_state", where, None, '[station.state], or state_from = "acts"')
    if ("scale" in station) != (station.get("counts_from") == "scale"):
        yield Found("scale", where, None, '[station.scale] together with counts_from = "scale"')


def _whose(
    station: Tree, where: str, edge: str, station_edges: Mapping[str, str]
) -> Iterator[Found]:
    name = station.get("id")
    if not isinstance(name, str):
        return
    theirs = station_edges.get(name)
    if theirs is None:
        expected = "a station of the master data; orders cannot name it before"
        yield Found("station_unknown", f"{where}.id", name, expected, "warning")
    elif theirs != edge:
        yield Found("station_elsewhere", f"{where}.id", name, f"a station of {edge}, not {theirs}")


def _secrets(value: object, path: str) -> Iterator[Found]:
    expected = "a file on the edge that holds it, e.g. password_file"
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            deeper = f"{path}.{key}" if path else key
            if isinstance(inner, str | int) and inner and SECRET_KEY.search(key) is not None:
                yield Found("secret", deeper, None, expected)
            else:
                yield from _secrets(inner, deeper)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[object]", value)):
            yield from _secrets(inner, f"{path}[{number}]")
    elif isinstance(value, str) and SECRET_VALUE.search(value) is not None:
        yield Found("secret", path, None, expected)
