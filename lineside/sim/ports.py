"""How a simulated machine's values reach its controller's server."""

from __future__ import annotations

from collections.abc import Callable

from lineside.contracts.clock import Microseconds
from lineside.sim.servers.modbus import SimModbusServer
from lineside.sim.servers.opcua import SimOpcUaServer

_VARIABLES = {
    "state": "State",
    "total": "Counter",
    "scrap": "Scrap",
    "sequence": "Sequence",
    "good": "Good",
    "program": "Program",
    "tool": "Tool",
}
READS_TO_NOTICE = 4
"""A block with a wide value is read twice or more; the answer counts when the next poll asks."""
Values = dict[str, int | float | bool | str]


class ModbusPort:
    """A machine at a unit id of a Modbus server; `parameter` is its one process value.

    Args:
        server: Its controller's.
        unit: Id.
        parameter: Name of its process value.
        noticed: Told the instant of a change of state as soon as a client has surely read it.
    """

    def __init__(
        self,
        server: SimModbusServer,
        unit: int,
        *,
        parameter: str,
        noticed: Callable[[Microseconds], None],
    ) -> None:
        self._server = server
        self._unit = unit
        self._parameter = parameter
        self._noticed = noticed

    async def put(self, values: Values, at: Microseconds) -> None:
        """Set registers together; a controller without a clock gives no time stamps."""
        known = {
            "parameter" if name == self._parameter else name: float(value)
            for name, value in values.items()
            if not isinstance(value, str)
        }
        self._server.set(self._unit, **known)
        if "state" in values:
            self._server.after_reads(self._unit, READS_TO_NOTICE, lambda: self._noticed(at))

    async def acknowledged(self) -> int:
        """What the edge has written."""
        return int(self._server.get(self._unit, "acknowledge"))


class OpcUaPort:
    """A machine of an OPC UA server; its controller stamps every value."""

    def __init__(self, server: SimOpcUaServer, machine: str) -> None:
        self._server = server
        self._machine = machine

    async def put(self, values: Values, at: Microseconds) -> None:
        """Set variables; the sequence number last, as a controller's program does."""
        for name, value in sorted(values.items(), key=lambda pair: pair[0] == "sequence"):
            variable = _VARIABLES.get(name, f"Parameters.{name}")
            await self._server.set(f"{self._machine}.{variable}", value, source_at=at)

    async def acknowledged(self) -> int:
        """What the edge has written."""
        return int(self._server.value(f"{self._machine}.Ack") or 0)
