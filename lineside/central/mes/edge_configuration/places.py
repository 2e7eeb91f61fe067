"""On which line of a TOML text each key stands.

The parser tells no lines. This reads a text that is sound TOML already, so it only has to follow
headers, keys and where values end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any, cast

DEPTH_MAX = 32
TOO_DEEP = f"Nested more than {DEPTH_MAX} deep."
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_PARTS = re.compile(_PART)
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]")
_TOKEN = re.compile(r"""\"{3}|'{3}|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[\[{]|[\]}]""")
_ENDS = {
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    "'''": re.compile(r".*?'{3}"),
}
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column \d+\)")


def parse(text: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        ValueError: No TOML, or nested deeper than `DEPTH_MAX`; it says so, with the line if known.
    """
    try:
        tree = tomllib.loads(text)
    except RecursionError as problem:
        raise ValueError(TOO_DEEP) from problem
    level: list[object] = [tree]
    for _ in range(DEPTH_MAX):
        level = [inner for one in level for inner in _members(one)]
        if not level:
            return tree
    raise ValueError(TOO_DEEP)


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def places(text: str) -> dict[str, int]:
    """Line, from 1, of every table and key, by path: `station[0].counter[1].signal`.

    Args:
        text: Sound TOML.
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, value = "", _Value()
    for number, line in enumerate(text.split("\n"), start=1):
        if value.open:
            value.read(line)
        elif (header := _HEADER.match(line)) is not None:
            table = _table(_names(header[2]), counts, is_array=header[1] == "[[")
            found.setdefault(table, number)
        elif (key := _KEY.match(line)) is not None:
            path = table
            for name in _names(key[1]):
                path = f"{path}.{name}" if path else name
                found.setdefault(path, number)
            value.read(line[key.end() :])
    return found


def line_of(found: dict[str, int], path: str) -> int:
    """Line of a path, or of the nearest table around it; 1 where nothing is nearer."""
    while path and path not in found:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return found.get(path, 1)


def syntax_line(problem: str, text: str) -> int:
    """The line that an error of the parser names."""
    match = _SYNTAX_LINE.search(problem)
    return int(match[1]) if match is not None else text.count("\n") + 1


def _names(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PARTS.findall(dotted)]


def _table(names: list[str], counts: dict[str, int], *, is_array: bool) -> str:
    """Path of a header; a name of an array of tables means its last one."""
    path = ""
    for number, name in enumerate(names):
        path = f"{path}.{name}" if path else name
        if number < len(names) - 1:
            if path in counts:
                path = f"{path}[{counts[path] - 1}]"
        elif is_array:
            counts[path] = counts.get(path, 0) + 1
            path = f"{path}[{counts[path] - 1}]"
    return path


class _Value:
    """Whether a value goes on over the end of a line: open brackets, or a long text."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote: str = ""

    @property
    def open(self) -> bool:
        return self._depth > 0 or bool(self._quote)

    def read(self, rest: str) -> None:
        """Follow one line, or what of it belongs to the value."""
        at = 0
        while at <= len(rest):
            if self._quote:
                end = _ENDS[self._quote].match(rest, at)
                if end is None:
                    return
                at, self._quote = end.end(), ""
            token = _TOKEN.search(rest, at)
            if token is None:
                return
            word: str = token[0]
            at = token.end()
            if word in _ENDS:
                self._quote = word
            elif word in {"[", "{"}:
                self._depth += 1
            elif word in {"]", "}"}:
                self._depth -= 1
