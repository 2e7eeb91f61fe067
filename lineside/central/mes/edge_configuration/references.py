"""Which devices and signals a station names, and whether they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

Tree = Mapping[str, Any]
Reference = tuple[str, str, object, str]
"""Path, code, what was found, what was expected."""

SIGNALS_OF_TABLE = {
    "state": ("signal", "blocked", "starved"),
    "scale": ("signal", "unit_signal", "net_signal"),
}
SIGNALS_OF_LIST = {
    "counter": ("signal",),
    "trigger": ("sequence", "acknowledge", "good", "serial"),
    "discrete": ("signal",),
    "alarm": ("signal",),
}


def references(station: Tree, where: str, devices: Mapping[str, Tree]) -> Iterator[Reference]:
    """What a station names and is not there.

    Args:
        station: Its table.
        where: Its path.
        devices: Tables of the devices by id.
    """
    ids = ", ".join(devices) or "none is configured"
    device = station.get("device", "")
    if isinstance(device, str) and device and device not in devices:
        yield f"{where}.device", "no_device", device, f"the id of a device ({ids})"
    scanners: object = station.get("scanners", [])
    if not isinstance(scanners, list):
        yield f"{where}.scanners", "type", scanners, "a list of devices"
    else:
        for scanner in cast("list[object]", scanners):
            if scanner not in devices:
                yield f"{where}.scanners", "no_device", scanner, f"the id of a device ({ids})"
    for key, signal in _signals(station):
        path = f"{where}.{key}"
        if not isinstance(signal, str):
            yield path, "type", signal, "the name of a signal"
        elif signal:
            yield from _signal(station, signal, path, devices)


def _signal(
    station: Tree, signal: str, path: str, devices: Mapping[str, Tree]
) -> Iterator[Reference]:
    before, slash, after = signal.partition("/")
    device, name = (before, after) if slash else (str(station.get("device", "")), signal)
    if device not in devices:
        ids = ", ".join(devices) or "none"
        if slash or not device:  # a wrong `device` of the station is told once, there
            yield path, "no_device", signal, f"a signal of a device of this text ({ids})"
        return
    listed: object = devices[device].get("signals")
    if not isinstance(listed, list):
        return  # a driver whose signals are not listed
    names = [
        str(cast("dict[str, object]", one).get("name"))
        for one in cast("list[object]", listed)
        if isinstance(one, dict)
    ]
    if name not in names:
        yield path, "no_signal", signal, f"a signal of device {device} ({', '.join(names)})"


def _signals(station: Tree) -> Iterator[tuple[str, object]]:
    for name, keys in SIGNALS_OF_TABLE.items():
        table: object = station.get(name)
        if isinstance(table, dict):
            found = cast("dict[str, object]", table)
            yield from ((f"{name}.{key}", found[key]) for key in keys if key in found)
    for name, keys in SIGNALS_OF_LIST.items():
        listed: object = station.get(name)
        if not isinstance(listed, list):
            continue
        for number, table in enumerate(cast("list[object]", listed)):
            if not isinstance(table, dict):
                continue
            found = cast("dict[str, object]", table)
            path = f"{name}[{number}]"
            yield from ((f"{path}.{key}", found[key]) for key in keys if key in found)
            parameters = found.get("parameters", [])
            if isinstance(parameters, list):
                for one in cast("list[object]", parameters):
                    yield f"{path}.parameters", one
