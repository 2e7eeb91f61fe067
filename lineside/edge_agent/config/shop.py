"""The shop's part of a configuration: what is read and understood, apart from where the edge is.

`[scan]`, `[[device]]` and `[[station]]` may come from central or be exchanged while the agent runs.
`[edge]`, `[identity]` and `[sync]` belong to the computer: where the journal lies and whom it calls
is never changed from afar.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

from lineside.contracts.clock import Clock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers import registry
from lineside.drivers.base import Driver
from lineside.edge_agent import config
from lineside.edge_agent.config.sections import Configuration

OWN_SECTIONS = ("edge", "identity", "sync")


def from_central(
    base: Configuration, text: str, *, version: int, content_hash: str = "", name: str = ""
) -> Configuration:
    """The configuration of this edge with what central says of the shop.

    Args:
        base: The edge's own file.
        text: TOML of the shop's sections.
        version: Central's number.
        content_hash: What central says it is, SHA-256, hexadecimal; empty: not said.
        name: For error texts; empty: made of the version.

    Raises:
        ConfigurationError: A key or value is wrong, or the text is not the one that was meant.
    """
    name = name or f"central-{version}.toml"
    found = hashlib.sha256(text.encode()).hexdigest()
    if content_hash and found != content_hash:
        raise ConfigurationError(
            file=name,
            key="content_hash",
            found=content_hash[:64],
            expected=f"the SHA-256 of the text, {found}",
        )
    for section in OWN_SECTIONS:
        if section in _tables(text, name):
            raise ConfigurationError(
                file=name,
                key=section,
                found=f"[{section}]",
                expected="only [scan], [[device]] and [[station]]: where the journal lies, who the"
                " edge is and whom it calls is set in its own file",
            )
    return replace(with_text(base, text, name), origin="central", version=version)


def from_file(base: Configuration, text: str, *, name: str) -> Configuration:
    """The configuration of this edge with the shop's sections of another whole file.

    Raises:
        ConfigurationError: A key or value is wrong, or the file is of another edge.
    """
    found = with_text(base, text, name)
    whole = config.parse(text.encode(), file=name, folder=Path(base.file).resolve().parent)
    for section, same in (
        ("edge", whole.edge == base.edge),
        ("identity", whole.identity == base.identity),
        ("sync", (whole.broker, whole.open_broker) == (base.broker, base.open_broker)),
    ):
        if not same:
            raise ConfigurationError(
                file=name,
                key=section,
                found=f"another [{section}]",
                expected=f"the same [{section}] as in {base.file}: it is changed in that file, and"
                " the agent is started again",
            )
    return found


def build_drivers(checked: Configuration, clock: Clock) -> dict[str, Driver]:
    """A driver for every device, none of them connected.

    Raises:
        ConfigurationError: A device's table is wrong; the key says whose.
    """
    return {device: build_driver(checked, device, clock) for device in ids(checked)}


def build_driver(checked: Configuration, device: str, clock: Clock) -> Driver:
    """The driver of one device, not connected.

    Raises:
        ConfigurationError: Its table is wrong.
    """
    found = next(one for one in checked.devices if one.id == device)
    try:
        return registry.build(found.driver, found.settings, clock=clock, file=checked.file)
    except ConfigurationError as problem:
        raise ConfigurationError(
            file=problem.file,
            key=f"device[{device}].{problem.key}",
            found=problem.found,
            expected=problem.expected,
        ) from problem


def ids(checked: Configuration) -> list[str]:
    """The devices, in order."""
    return [device.id for device in checked.devices]


def with_text(base: Configuration, text: str, name: str) -> Configuration:
    """The edge's own file with the shop's sections of a text, whatever else the text says.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    # Paths in device tables start from the folder of the edge's own file.
    folder = Path(base.file).resolve().parent
    found = config.parse(text.encode(), file=str(folder / name), folder=folder)
    return replace(
        base,
        file=found.file,
        content_hash=found.content_hash,
        devices=found.devices,
        stations=found.stations,
        scan_rules=found.scan_rules,
        station_rules=found.station_rules,
        text=text,
        scan=found.scan,
        origin="file",
        version=0,
    )


def _tables(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(
            file=name, key="file", found=str(problem), expected="TOML in UTF-8"
        ) from problem
