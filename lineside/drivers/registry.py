"""Driver names as written in a configuration, loaded only when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lineside.contracts.clock import Clock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers.base import Driver

# name -> module with `build(settings, clock, file) -> Driver`
DRIVERS = {
    "opcua": "lineside.drivers.opcua.driver",
    "modbus": "lineside.drivers.modbus.driver",
    "serial_line": "lineside.drivers.serial_line.driver",
    "scripted": "lineside.drivers.scripted.driver",
}


def build(name: str, settings: Mapping[str, Any], *, clock: Clock, file: str) -> Driver:
    """Make the driver that a configuration names; nothing is opened yet.

    Args:
        name: Key of `DRIVERS`.
        settings: The device's table of the configuration file, without `driver`.
        clock: Time for `read_at` and pauses.
        file: Configuration file, for error texts.

    Raises:
        ConfigurationError: No such driver, or a key or value that it does not understand.
    """
    if name not in DRIVERS:
        raise ConfigurationError(
            file=file, key="driver", found=name, expected=f"one of {', '.join(sorted(DRIVERS))}"
        )
    factory: Callable[..., Driver] = import_module(DRIVERS[name]).build
    return factory(settings, clock=clock, file=file)
