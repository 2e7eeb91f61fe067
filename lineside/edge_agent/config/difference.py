"""What one configuration would change of another, part by part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import msgspec

from lineside.edge_agent.config.sections import Configuration, DeviceSection, StationSection

SECRET = re.compile(r"(password|passwd|passphrase|secret|token|api_?key)$", re.IGNORECASE)
# Keys of a station that only screens and scans use: its interpreter may go on.
_LABELS = ("name", "name_zh", "line", "stop_ask_s", "oee_target")
SHOWN_ONLY = (*_LABELS, "scanners", "scan", "missing_passport")
# Keys of a signal that say how it is read, not what it is.
PACE = frozenset({"poll_s", "group", "writable", "torn_guard", "sampling_s", "queue"})
VALUE_CHARS_MAX = 120
Part = TypeVar("Part")
Signal = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One key of a part; None: it is not there. Secrets are never shown."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What becomes of the devices, or of the stations, by id."""

    added: tuple[str, ...]
    changed: Mapping[str, tuple[Change, ...]]
    removed: tuple[str, ...]
    untouched: tuple[str, ...]

    @property
    def touched(self) -> tuple[str, ...]:
        """Added, changed and removed ones, sorted."""
        return tuple(sorted({*self.added, *self.changed, *self.removed}))


@dataclass(frozen=True, slots=True)
class Difference:
    """What lies between two configurations.

    Attributes:
        scan: Changes of what plain codes mean.
        other_signals: (device, signal) that stands in both, but means something else now: what was
            read of it before says nothing about what is read of it next.
        interpreted: Stations whose interpreter must begin anew.
    """

    devices: Parts
    stations: Parts
    scan: tuple[Change, ...]
    other_signals: frozenset[Signal]
    interpreted: frozenset[str]


def difference(before: Configuration, after: Configuration) -> Difference:
    """What `after` changes of `before`."""
    devices = _parts(_by_id(before.devices), _by_id(after.devices), _device)
    stations = _parts(_by_id(before.stations), _by_id(after.stations), _plain)
    other = frozenset(_other_signals(before, after, devices.changed))
    old, new = _by_id(before.stations), _by_id(after.stations)
    interpreted = {
        name
        for name in (*stations.changed, *stations.untouched)
        if _read(old[name]) != _read(new[name])
        or not other.isdisjoint(new[name].located(signal) for _, signal in new[name].signals())
    }
    return Difference(
        devices=devices,
        stations=stations,
        scan=_changes(_plain(before.scan), _plain(after.scan)),
        other_signals=other,
        interpreted=frozenset(interpreted),
    )


def lines(found: Difference) -> Iterator[str]:
    """The difference in words, a line a fact."""
    for word, parts in (("device", found.devices), ("station", found.stations)):
        yield from (f"+ {word} {name}: added" for name in parts.added)
        for name, changes in parts.changed.items():
            yield f"~ {word} {name}: changed"
            yield from (f"    {_line(change)}" for change in changes)
        yield from (f"- {word} {name}: removed" for name in parts.removed)
        if parts.untouched:
            yield f"= {word}s not touched: {', '.join(parts.untouched)}"
    if found.scan:
        yield "~ scan: changed"
        yield from (f"    {_line(change)}" for change in found.scan)


def document(found: Difference) -> dict[str, object]:
    """The difference as JSON shows it."""

    def told(changes: Iterable[Change]) -> list[dict[str, str | None]]:
        return [{"key": one.key, "before": one.before, "after": one.after} for one in changes]

    def part(parts: Parts) -> dict[str, object]:
        return {
            "added": list(parts.added),
            "changed": {name: told(changes) for name, changes in parts.changed.items()},
            "removed": list(parts.removed),
            "untouched": list(parts.untouched),
        }

    return {
        "devices": part(found.devices),
        "stations": part(found.stations),
        "scan": told(found.scan),
    }


def _line(change: Change) -> str:
    before = "-" if change.before is None else change.before
    return f"{change.key}: {before} -> {'-' if change.after is None else change.after}"


def _by_id(parts: Iterable[Part]) -> dict[str, Part]:
    return {cast("DeviceSection | StationSection", part).id: part for part in parts}


def _parts(
    before: dict[str, Part], after: dict[str, Part], plain: Callable[[Part], object]
) -> Parts:
    changed = {
        name: changes
        for name, part in after.items()
        if name in before and (changes := _changes(plain(before[name]), plain(part)))
    }
    return Parts(
        added=tuple(name for name in after if name not in before),
        changed=changed,
        removed=tuple(name for name in before if name not in after),
        untouched=tuple(name for name in after if name in before and name not in changed),
    )


def _changes(before: object, after: object) -> tuple[Change, ...]:
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(
        Change(key, _shown(key, old.get(key)), _shown(key, new.get(key)))
        for key in keys
        if old.get(key) != new.get(key)
    )


def _shown(key: str, value: str | None) -> str | None:
    if value is None:
        return None
    return "***" if SECRET.search(key) else value[:VALUE_CHARS_MAX]


def _flat(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every value by its path; tables in a list go by their name, where they have one."""
    if isinstance(value, Mapping):
        for name, one in cast("Mapping[str, object]", value).items():
            yield from _flat(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple) and any(
        isinstance(one, Mapping) for one in cast("list[object]", value)
    ):
        for number, one in enumerate(cast("list[object]", value)):
            yield from _flat(one, f"{key}[{_name(one, number)}]")
    else:
        yield key, str(cast("object", value))


def _name(table: object, number: int) -> str:
    if not isinstance(table, Mapping):
        return str(number)
    name = cast("Mapping[str, object]", table).get("name")
    return name if isinstance(name, str) else str(number)


def _device(device: DeviceSection) -> object:
    return {"driver": device.driver, **device.settings}


def _plain(section: msgspec.Struct) -> object:
    return msgspec.to_builtins(section)


def _read(station: StationSection) -> StationSection:
    """What an interpreter sees of a station."""
    plain = StationSection(id=station.id)
    return msgspec.structs.replace(station, **{key: getattr(plain, key) for key in SHOWN_ONLY})


def _other_signals(
    before: Configuration, after: Configuration, changed: Iterable[str]
) -> Iterator[Signal]:
    old, new = _by_id(before.devices), _by_id(after.devices)
    for device in changed:
        was, now = _signals(old[device]), _signals(new[device])
        yield from ((device, name) for name in now if name in was and was[name] != now[name])


def _signals(device: DeviceSection) -> dict[str, dict[str, object]]:
    """What each signal of a device is, by its name; drivers whose signals have no tables: none."""
    listed = device.settings.get("signals")
    if not isinstance(listed, list):
        return {}
    found: dict[str, dict[str, object]] = {}
    for one in cast("list[object]", listed):
        if isinstance(one, dict):
            table = cast("dict[str, object]", one)
            found[str(table.get("name"))] = {k: v for k, v in table.items() if k not in PACE}
    return found
