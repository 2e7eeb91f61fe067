# pyright: basic
"""A Modbus TCP server with one simulated machine at each unit id, and faults on request.

Register by register it is a device of somebody else: it shares no code with our driver.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SIZE = 64
"""Holding registers 0 to 63 exist; what lies above is answered with exception 02."""

WAITING_MAX = 256
_UNIT_BYTE = 6
_OTHERS = 0  # pymodbus: the device that answers for all units that are not there
_WRITES = (5, 6, 15, 16, 22, 23)


@dataclass(frozen=True, slots=True)
class SimRegister:
    """Where a value lies.

    Attributes:
        address: First holding register, zero-based.
        type: `uint16`, `int32` or `float32`; the wide ones with swapped words (CDAB).
        writable: Whether a client may write it.
    """

    address: int
    type: str = "uint16"
    writable: bool = False


MACHINE_REGISTERS: Mapping[str, SimRegister] = {
    "state": SimRegister(0),
    "total": SimRegister(1),
    "scrap": SimRegister(2),
    "sequence": SimRegister(3),
    "good": SimRegister(4),
    "parameter": SimRegister(6, "float32"),
    "tool": SimRegister(8),
    "acknowledge": SimRegister(10, writable=True),
    "setpoint": SimRegister(12, "int32", writable=True),
}
_FORMS = {"int32": ">i", "float32": ">f"}


@dataclass
class _Unit:
    registers: list[int] = field(default_factory=lambda: [0] * SIZE)
    exception: int = 0
    silent: bool = False
    answers_as: int | None = None
    holes: set[int] = field(default_factory=set)
    requests: list[tuple[int, int, int]] = field(default_factory=list)
    waiting: deque[tuple[int, Callable[[], None]]] = field(
        default_factory=lambda: deque(maxlen=WAITING_MAX)
    )
    reads: int = 0


class SimModbusServer:
    """Machines behind one address. All methods belong to the event loop that started it.

    Args:
        units: Unit ids; other ids are answered like a gateway does: exception 0B.
        registers: Layout of each machine.
        host: Interface.
        port: 0: a free one, kept over stop and start.
    """

    def __init__(
        self,
        units: Iterable[int],
        *,
        registers: Mapping[str, SimRegister] = MACHINE_REGISTERS,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port: int = port
        self.on_write: Callable[[int, int, list[int]], None] | None = None
        self._layout = registers
        self._units = {unit: _Unit() for unit in units}
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen."""
        devices = [self._device(unit) for unit in (*self._units, _OTHERS)]
        self._server = ModbusTcpServer(
            devices, address=(self.host, self.port), trace_packet=self._packet
        )
        await self._server.serve_forever(background=True)
        sockets: Any = self._server.transport
        self.port = int(sockets.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everybody, like a device that loses its power; values stay."""
        if self._server is not None:
            await self._server.shutdown()
            self._server = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    def set(self, unit: int, **values: float) -> None:
        """Set values of a machine, all at once; a 16-bit register keeps the value modulo 65 536."""
        for name, value in values.items():
            place = self._layout[name]
            self.set_registers(unit, place.address, _registers(place, value))

    def get(self, unit: int, name: str) -> int | float:
        """A value of a machine as a client sees it."""
        place = self._layout[name]
        registers = self._units[unit].registers
        form = _FORMS.get(place.type)
        if form is None:
            return registers[place.address]
        low, high = registers[place.address : place.address + 2]
        return struct.unpack(form, struct.pack(">HH", high, low))[0]

    def set_registers(self, unit: int, first: int, registers: Iterable[int]) -> None:
        """Set registers as they are."""
        values = [register & 0xFFFF for register in registers]
        self._units[unit].registers[first : first + len(values)] = values

    def count(self, unit: int, name: str, pieces: int = 1) -> None:
        """Move a 16-bit counter forward; it rolls over."""
        self.set(unit, **{name: self.get(unit, name) + pieces})

    def requests(self, unit: int) -> list[tuple[int, int, int]]:
        """What was asked of a machine so far: (function, address, count)."""
        return self._units[unit].requests

    def after_reads(self, unit: int, reads: int, call: Callable[[], None]) -> None:
        """Call once when a machine has been read so many more times; the oldest wait is dropped."""
        machine = self._units[unit]
        machine.waiting.append((machine.reads + reads, call))

    # Faults

    def silence(self, unit: int, *, on: bool = True) -> None:
        """Let a machine answer nothing."""
        self._units[unit].silent = on

    def refuse(self, unit: int, exception: int = 0) -> None:
        """Let a machine answer every request with an exception; 0 ends it."""
        self._units[unit].exception = exception

    def answer_as(self, unit: int, other: int | None) -> None:
        """Let a machine answer under another machine's unit id; None ends it."""
        self._units[unit].answers_as = other

    def dig_hole(self, unit: int, *addresses: int) -> None:
        """Let registers not exist: every request that touches one is answered with exception 02."""
        self._units[unit].holes.update(addresses)

    def _device(self, unit: int) -> SimDevice:
        data = [SimData(address=0, count=SIZE, values=0, datatype=DataType.REGISTERS)]
        return SimDevice(id=unit, simdata=data, action=partial(self._access, unit))

    async def _access(
        self,
        unit: int,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Asked by pymodbus before it reads or writes its own copy of the registers."""
        machine = self._units.get(unit)
        if machine is None:
            return ExcCodes.GATEWAY_NO_RESPONSE
        machine.requests.append((function, address, count))
        del machine.requests[:-1000]
        if machine.exception:
            return ExcCodes(machine.exception)
        if function not in (3, *_WRITES):
            return ExcCodes.ILLEGAL_FUNCTION
        asked = range(address, address + count)
        if machine.holes.intersection(asked):
            return ExcCodes.ILLEGAL_ADDRESS
        if written is not None:
            if not self._writable().issuperset(asked):
                return ExcCodes.ILLEGAL_ADDRESS
            values = [int(value) for value in written]
            self.set_registers(unit, address, values)
            if self.on_write is not None:
                self.on_write(unit, address, values)
        registers[:SIZE] = machine.registers
        if written is None:
            machine.reads += 1
            while machine.waiting and machine.waiting[0][0] <= machine.reads:
                machine.waiting.popleft()[1]()
        return None

    def _writable(self) -> set[int]:
        return {
            place.address + extra
            for place in self._layout.values()
            if place.writable
            for extra in range(1 if place.type == "uint16" else 2)
        }

    def _packet(self, sending: bool, data: bytes) -> bytes:
        """Faults of the wire, applied to answers."""
        machine = self._units.get(data[_UNIT_BYTE]) if len(data) > _UNIT_BYTE else None
        if not sending or machine is None:
            return data
        if machine.silent:
            return b""
        if machine.answers_as is not None:
            return data[:_UNIT_BYTE] + bytes((machine.answers_as,)) + data[_UNIT_BYTE + 1 :]
        return data


def _registers(place: SimRegister, value: float) -> tuple[int, ...]:
    form = _FORMS.get(place.type)
    if form is None:
        return (int(value) & 0xFFFF,)
    high, low = struct.unpack(">HH", struct.pack(form, value))
    return low, high
