"""Driver names as written in a configuration, loaded only when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lineside.contracts.clock import Clock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers.base import Driver
from lineside.drivers.late import LateDriver

# name -> module with `build(settings, clock, file) -> Driver`
DRIVERS = {
    "opcua": "lineside.drivers.opcua.driver",
    "modbus": "lineside.drivers.modbus.driver",
    "serial_line": "lineside.drivers.serial_line.driver",
    "scripted": "lineside.drivers.scripted.driver",
}
# name -> module with `parse(settings, file)`, which checks the settings without loading the driver.
# asyncua alone takes half a second: as long as the whole start of an agent.
LOADED_LATE = {"opcua": "lineside.drivers.opcua.config"}


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

    def load() -> Driver:
        factory: Callable[..., Driver] = import_module(DRIVERS[name]).build
        return factory(settings, clock=clock, file=file)

    if name not in LOADED_LATE:
        return load()
    import_module(LOADED_LATE[name]).parse(settings, file=file)
    return LateDriver(load)
