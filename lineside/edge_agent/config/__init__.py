"""The agent's configuration: one TOML file, checked strictly before anything starts.

Every wrong key or value is named with file, key and what was expected. Device tables belong to
their drivers, which check them when they are built (`drivers.registry.build`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from lineside.contracts.errors import ConfigurationError
from lineside.contracts.events import CounterRole, MachineState
from lineside.edge_agent.config.checks import STATION_ID, check_stations, compiled, require
from lineside.edge_agent.config.sections import (
    AlarmSection,
    Configuration,
    CounterSection,
    DeviceSection,
    DiscreteSection,
    Document,
    EdgeSection,
    IdentitySection,
    ScaleSection,
    ScanSection,
    StateSection,
    StationSection,
    SyncSection,
    TriggerSection,
)

__all__ = [
    "AlarmSection",
    "Configuration",
    "CounterSection",
    "DeviceSection",
    "DiscreteSection",
    "EdgeSection",
    "IdentitySection",
    "ScaleSection",
    "ScanSection",
    "StateSection",
    "StationSection",
    "SyncSection",
    "TriggerSection",
    "load",
    "parse",
]

LISTEN = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
BROKER = re.compile(r"(mqtt|mqtts)://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")
# Allowed words by key, for error texts; the types in `sections` decide.
WORDS: dict[str, list[str]] = {
    "map": [state.value for state in MachineState],
    "profile": ["packml", "machinery"],
    "role": [role.value for role in CounterRole],
    "kind": ["rolling", "resetting"],
    "severity": ["warning", "fault"],
    "state_from": ["signals", "acts"],
    "unit": ["mg", "g", "kg", "t"],
    "counts_from": ["counter", "unit_finished", "declaration", "scale"],
    "missing_passport": ["refuse", "ask", "accept"],
}
T = TypeVar("T")


def load(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises:
        ConfigurationError: The file cannot be read, or a key or value is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ConfigurationError(
            file=str(path), key="file", found=problem.strerror, expected="a readable file"
        ) from problem
    return parse(data, file=str(path), folder=path.resolve().parent)


def parse(data: bytes, *, file: str, folder: Path) -> Configuration:
    """Check a configuration.

    Args:
        data: TOML.
        file: Name for error texts.
        folder: What relative paths start from.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    try:
        text = data.decode()
        exact = tomllib.loads(text, parse_float=Decimal)
        plain = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigurationError(
            file=file, key="file", found=str(problem), expected="TOML in UTF-8"
        ) from problem
    exact.pop("device", None)
    devices = tuple(_devices(plain.get("device", []), file))
    document = _convert(exact, Document, file)
    check_stations(document, devices, file)
    host, port = _listen(document.edge.listen, file)
    require(
        not document.sync.broker or BROKER.fullmatch(document.sync.broker) is not None,
        file=file,
        key="sync.broker",
        found=document.sync.broker,
        expected="mqtt://host:port or mqtts://host:port",
    )
    return Configuration(
        file=file,
        content_hash=hashlib.sha256(data).hexdigest(),
        edge=document.edge,
        data_dir=(folder / document.edge.data_dir).resolve(),
        host=host,
        port=port,
        identity=_identity(document.identity, folder, file),
        broker=document.sync.broker,
        open_broker=document.sync.open_broker,
        devices=devices,
        stations=document.station,
        scan_rules=compiled(document.scan, "scan", file),
        station_rules={
            station.id: compiled(station.scan, f"station[{number}].scan", file)
            for number, station in enumerate(document.station)
            if station.scan is not None
        },
        text=text,
        scan=document.scan,
    )


def _convert(table: Mapping[str, Any], kind: type[T], file: str) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as problem:
        expected, _, path = str(problem).partition(" - at `$")
        key = path.rstrip("`").lstrip(".")
        if match := re.match(r"Object contains unknown field `(.*)`", expected):
            name = f"{key}.{match[1]}" if key else match[1]
            raise ConfigurationError(
                file=file, key=name, found="an unknown key", expected="a key of the reference"
            ) from problem
        if match := re.match(r"Object missing required field `(.*)`", expected):
            name = f"{key}.{match[1]}" if key else match[1]
            raise ConfigurationError(
                file=file, key=name, found=None, expected="a value"
            ) from problem
        raise ConfigurationError(
            file=file,
            key=key or "file",
            found=_value_at(table, key),
            expected=_expected(expected, key),
        ) from problem


def _expected(words: str, key: str) -> str:
    if words.startswith("Invalid enum"):
        field = re.findall(r"\w+", key)[-1]
        return f"one of {', '.join(WORDS[field])}" if field in WORDS else "another word"
    return words.removeprefix("Expected ").replace("`", "").replace("Invalid decimal", "decimal")


def _value_at(table: object, key: str) -> object:
    found: object = table
    for step in re.findall(r"[^.\[\]]+", key):
        if isinstance(found, list) and step.isdigit():
            found = cast("list[object]", found)[int(step)]
        elif isinstance(found, Mapping):
            found = cast("Mapping[str, object]", found).get(step)
    return str(found) if isinstance(found, Decimal) else cast("object", found)


def _devices(tables: object, file: str) -> Iterator[DeviceSection]:
    require(isinstance(tables, list), file=file, key="device", found=tables, expected="[[device]]")
    seen: set[str] = set()
    for number, table in enumerate(cast("list[dict[str, Any]]", tables)):
        where = f"device[{number}]"
        settings = dict(table)
        name, driver = settings.pop("id", None), settings.pop("driver", None)
        require(
            isinstance(name, str) and STATION_ID.fullmatch(name) is not None,
            file=file,
            key=f"{where}.id",
            found=name,
            expected="a name of letters, digits, - _ .",
        )
        require(
            name not in seen, file=file, key=f"{where}.id", found=name, expected="a name used once"
        )
        require(
            isinstance(driver, str) and bool(driver),
            file=file,
            key=f"{where}.driver",
            found=driver,
            expected="the name of a driver",
        )
        seen.add(name)
        yield DeviceSection(name, driver, settings)


def _listen(text: str, file: str) -> tuple[str, int]:
    match = LISTEN.fullmatch(text)
    require(
        match is not None and int(match[2]) <= 65535,  # noqa: PLR2004
        file=file,
        key="edge.listen",
        found=text,
        expected="host:port",
    )
    assert match is not None
    return match[1].strip("[]"), int(match[2])


def _identity(identity: IdentitySection, folder: Path, file: str) -> IdentitySection:
    given = (identity.certificate, identity.key, identity.authority)
    require(
        all(given) or not any(given),
        file=file,
        key="identity",
        found=[name for name in given if name],
        expected="certificate, key and authority together",
    )
    if not any(given):
        return identity
    return IdentitySection(
        certificate=str((folder / identity.certificate).resolve()),
        key=str((folder / identity.key).resolve()),
        authority=str((folder / identity.authority).resolve()),
    )
