"""What must hold between the tables of the configuration file."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import cast

from lineside.contracts.errors import ConfigurationError, LinesideError
from lineside.contracts.scancode import MeaningRules
from lineside.edge_agent.config.sections import DeviceSection, Document, ScanSection, StationSection

STATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
WEAKEST_BITS, WIDEST_BITS = 4, 64


def check_stations(document: Document, devices: tuple[DeviceSection, ...], file: str) -> None:
    """Check every station against the devices.

    Raises:
        ConfigurationError: The first thing that is wrong.
    """
    known = {device.id: device for device in devices}
    seen: set[str] = set()
    for number, station in enumerate(document.station):
        where = f"station[{number}]"
        require(
            STATION_ID.fullmatch(station.id) is not None and station.id not in seen,
            file=file,
            key=f"{where}.id",
            found=station.id,
            expected="a name used once, of letters, digits, - _ .",
        )
        seen.add(station.id)
        for scanner in station.scanners:
            require(
                scanner in known,
                file=file,
                key=f"{where}.scanners",
                found=scanner,
                expected=f"the id of a device ({', '.join(known) or 'none is configured'})",
            )
        for key, signal in station.signals():
            _check_signal(station, signal, known, file=file, key=f"{where}.{key}")
        for signal, seconds in station.stale_after_s.items():
            key = f"{where}.stale_after_s.{signal}"
            _check_signal(station, signal, known, file=file, key=key)
            require(seconds > 0, file=file, key=key, found=seconds, expected="more than 0 seconds")
        _check_sources(station, where, file)


def _check_signal(
    station: StationSection, signal: str, known: dict[str, DeviceSection], *, file: str, key: str
) -> None:
    device, name = station.located(signal)
    require(
        device in known,
        file=file,
        key=key,
        found=signal,
        expected=f"a signal of a device of this file ({', '.join(known) or 'none'})",
    )
    listed = known[device].settings.get("signals")
    if not isinstance(listed, list):
        return
    names = [cast("dict[str, object]", one).get("name") for one in cast("list[object]", listed)]
    require(
        name in names,
        file=file,
        key=key,
        found=signal,
        expected=f"a signal of device {device} ({', '.join(str(one) for one in names)})",
    )


def _check_sources(station: StationSection, where: str, file: str) -> None:
    require(
        station.state_from == "acts" or station.state is not None,
        file=file,
        key=f"{where}.state",
        found=None,
        expected='[station.state] with a signal, or state_from = "acts"',
    )
    if station.state is not None:
        require(
            bool(station.state.states()),
            file=file,
            key=f"{where}.state.map",
            found={},
            expected="a map of values to states, or a profile",
        )
    _check_scale(station, where, file)
    for number, trigger in enumerate(station.trigger):
        here = station.located(trigger.sequence)[0]
        _one_device(station, trigger.acknowledge, here, key=f"{where}.trigger[{number}]", file=file)
    names = [counter.name for counter in station.counter]
    for number, counter in enumerate(station.counter):
        key = f"{where}.counter[{number}]"
        require(
            names.count(counter.name) == 1,
            file=file,
            key=f"{key}.name",
            found=counter.name,
            expected="a name used once",
        )
        require(
            counter.bits is None or counter.modulus is None,
            file=file,
            key=f"{key}.modulus",
            found=counter.modulus,
            expected="bits or modulus, not both",
        )
        require(
            counter.bits is None or WEAKEST_BITS <= counter.bits <= WIDEST_BITS,
            file=file,
            key=f"{key}.bits",
            found=counter.bits,
            expected=f"{WEAKEST_BITS} to {WIDEST_BITS}",
        )
        require(
            counter.max_per_min > 0 and counter.wraps_at > 1,
            file=file,
            key=f"{key}.max_per_min",
            found=str(counter.max_per_min),
            expected="pieces a minute, above 0",
        )


def _check_scale(station: StationSection, where: str, file: str) -> None:
    scale = station.scale
    require(
        (scale is not None) == (station.counts_from == "scale"),
        file=file,
        key=f"{where}.scale",
        found=None if scale is None else scale.signal,
        expected='[station.scale] together with counts_from = "scale"',
    )
    if scale is None:
        return
    half = Decimal("0.5")
    rules = (
        ("empty_below", scale.empty_below, scale.empty_below > 0, "a weight above 0"),
        ("settle_s", scale.settle_s, scale.settle_s >= 0, "seconds, 0 or more"),
        ("piece_weight", scale.piece_weight, scale.piece_weight >= 0, "a weight, 0 or more"),
        ("tare", scale.tare, scale.tare >= 0, "a weight, 0 or more"),
        ("tolerance", scale.tolerance, 0 < scale.tolerance < half, "above 0, below 0.5"),
        (
            "pieces_max",
            scale.pieces_max,
            scale.pieces_max is None or scale.pieces_max > 0,
            "a number above 0",
        ),
    )
    for key, found, sound, expected in rules:
        require(sound, file=file, key=f"{where}.scale.{key}", found=str(found), expected=expected)
    here = station.located(scale.signal)[0]
    for key in ("unit_signal", "net_signal"):
        name: str = getattr(scale, key)
        require(
            not name or station.located(name)[0] == here,
            file=file,
            key=f"{where}.scale.{key}",
            found=name,
            expected=f"a signal of {here}, as the weight is",
        )


def _one_device(
    station: StationSection, acknowledge: str, device: str, *, key: str, file: str
) -> None:
    require(
        not acknowledge or station.located(acknowledge)[0] == device,
        file=file,
        key=f"{key}.acknowledge",
        found=acknowledge,
        expected=f"a signal of {device}, as its sequence is",
    )


def compiled(section: ScanSection, where: str, file: str) -> MeaningRules:
    """The rules of a scan section.

    Raises:
        ConfigurationError: A pattern or the encoding cannot be used.
    """
    try:
        return section.rules()
    except LinesideError as problem:
        raise ConfigurationError(
            file=file, key=where, found=Exception.__str__(problem), expected="safe patterns"
        ) from problem


def require(fine: bool, *, file: str, key: str, found: object, expected: str) -> None:
    """Raise a `ConfigurationError` unless `fine`."""
    if not fine:
        raise ConfigurationError(file=file, key=key, found=found, expected=expected)
