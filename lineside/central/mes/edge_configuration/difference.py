"""What differs between two configurations: per device and station, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from lineside.central.mes.edge_configuration.places import parse

KEYS_MAX = 500
VALUE_CHARACTERS_MAX = 200
NAMES = ("name", "id", "signal")


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that differs; None where it is not there. Values as JSON, shortened."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part that differs.

    Attributes:
        part: `device`, `station` or `scan`.
        id: Of the device or station; empty for scan.
        keys: Of a part that stays; empty for one that is new or gone.
    """

    part: Literal["device", "station", "scan"]
    id: str
    change: Literal["added", "removed", "changed"]
    keys: list[KeyChange]


def difference(old: str, new: str) -> list[PartChange]:
    """Parts that differ, devices first, by id; a text that is no TOML counts as empty.

    Only values count: order of tables, comments and white space do not.
    """
    before, after = _parts(old), _parts(new)
    changes: list[PartChange] = []
    for kind, name in sorted(before.keys() | after.keys()):
        one, other = before.get((kind, name)), after.get((kind, name))
        if one is None or other is None:
            changes.append(PartChange(kind, name, "added" if one is None else "removed", []))
        elif keys := list(_keys(one, other)):
            changes.append(PartChange(kind, name, "changed", keys[:KEYS_MAX]))
    return changes


def _parts(text: str) -> dict[tuple[Any, str], Mapping[str, object]]:
    try:
        tree = parse(text)
    except ValueError:
        return {}
    found: dict[tuple[Any, str], Mapping[str, object]] = {}
    for kind in ("device", "station"):
        listed: object = tree.get(kind, [])
        if not isinstance(listed, list):
            continue
        for number, table in enumerate(cast("list[object]", listed)):
            if isinstance(table, dict):
                one = cast("dict[str, object]", table)
                found[kind, str(one.get("id", f"#{number + 1}"))] = one
    if isinstance(tree.get("scan"), dict):
        found["scan", ""] = tree["scan"]
    return found


def _keys(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[KeyChange]:
    one, other = dict(_flat(old, "")), dict(_flat(new, ""))
    for key in sorted(one.keys() | other.keys()):
        if one.get(key) != other.get(key):
            yield KeyChange(key, _short(one.get(key)), _short(other.get(key)))


def _flat(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Path and value of every leaf; tables of a list go by their name, where each has one."""
    if isinstance(value, dict) and value:
        for key, inner in cast("dict[str, object]", value).items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
        return
    if isinstance(value, list) and value:
        listed = cast("list[object]", value)
        if all(isinstance(one, dict) for one in listed):
            tables = cast("list[dict[str, object]]", listed)
            for name, table in zip(_names(tables), tables, strict=True):
                yield from _flat(table, f"{path}[{name}]")
            return
    yield path, json.dumps(value, ensure_ascii=False, default=str)


def _short(value: str | None) -> str | None:
    if value is None or len(value) <= VALUE_CHARACTERS_MAX:
        return value
    return value[:VALUE_CHARACTERS_MAX] + "…"


def _names(tables: list[dict[str, object]]) -> list[str]:
    for key in NAMES:
        names = [table.get(key) for table in tables]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return [str(name) for name in names]
    return [str(number) for number in range(len(tables))]
