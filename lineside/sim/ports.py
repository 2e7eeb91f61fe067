"""How a simulated machine's values reach its controller's server."""

from __future__ import annotations

from lineside.contracts.clock import Microseconds
from lineside.sim.servers.modbus import SimModbusServer


class ModbusPort:
    """A machine at a unit id of a Modbus server; `parameter` is its one process value."""

    def __init__(self, server: SimModbusServer, unit: int, *, parameter: str) -> None:
        self._server = server
        self._unit = unit
        self._parameter = parameter

    async def put(self, values: dict[str, int | float | bool | str], at: Microseconds) -> None:
        """Set registers together; a controller without a clock gives no time stamps."""
        del at
        known = {
            "parameter" if name == self._parameter else name: float(value)
            for name, value in values.items()
            if not isinstance(value, str)
        }
        self._server.set(self._unit, **known)

    async def acknowledged(self) -> int:
        """What the edge has written."""
        return int(self._server.get(self._unit, "acknowledge"))
