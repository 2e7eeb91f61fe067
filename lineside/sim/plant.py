"""The simulated plant on its feet: servers, machines, scanners; no people yet."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from lineside.contracts.clock import Clock, Microseconds
from lineside.sim import scenario
from lineside.sim.hold import Hold
from lineside.sim.ledger import LedgerServer
from lineside.sim.machine import MachinePort, SimMachine
from lineside.sim.ports import ModbusPort, OpcUaPort
from lineside.sim.servers.modbus import SimModbusServer
from lineside.sim.servers.opcua import SimOpcUaServer
from lineside.sim.servers.serial import SimScanner
from lineside.sim.truth import Truth

NAMESPACE = "urn:yuanhe:line-1"


class Plant:
    """Everything that stands on the shop floor.

    Use as an async context: servers listen and scanners are plugged in between.

    Args:
        folder: Where the scanners' devices are.
        clock: Of the plant.
        seed: Of its chance.
        attended: People will work in it.
    """

    def __init__(self, folder: Path, *, clock: Clock, seed: int, attended: bool = True) -> None:
        self.truth = Truth()
        self.hold = Hold()
        self.door = LedgerServer(
            self.truth, self.hold, clock=clock, scan=self._scan, attended=attended
        )
        self.opcua = SimOpcUaServer(namespace=NAMESPACE, clock=clock)
        units = [s.unit_id for s in scenario.STATIONS if s.edge == scenario.EDGE_2 and s.machine]
        self.modbus = SimModbusServer(units)
        self.scanners = {
            station.id: SimScanner(folder / "serial" / station.id) for station in scenario.STATIONS
        }
        self.machines: dict[str, SimMachine] = {}
        self._clock = clock
        self._seed = seed
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start servers, plug scanners in, power machines on."""
        for machine in scenario.machines_of(scenario.EDGE_1):
            await self.opcua.add_machine(machine.station, parameters={machine.parameter: 0.0})
        await self._stack.enter_async_context(self.opcua)
        await self._stack.enter_async_context(self.modbus)
        for scanner in self.scanners.values():
            self._stack.enter_context(scanner)
        for station in scenario.STATIONS:
            if station.machine is not None:
                machine = SimMachine(
                    station.machine,
                    self._port(station),
                    self.truth,
                    self._clock,
                    random.Random(f"{self._seed}-{station.id}"),  # noqa: S311 a plant, no secret
                )
                await machine.power_on()
                self.machines[station.id] = machine
        await self._stack.enter_async_context(self.door)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self._stack.aclose()

    async def _scan(self, station: str, code: bytes) -> None:
        await self.scanners[station].scan(code)

    def _port(self, station: scenario.Station) -> MachinePort:
        assert station.machine is not None
        if station.edge == scenario.EDGE_1:
            return OpcUaPort(self.opcua, station.id)
        seen = self.truth.noticed[station.id]

        def noticed(at: Microseconds) -> None:
            seen[at] = self._clock.now()

        return ModbusPort(
            self.modbus, station.unit_id, parameter=station.machine.parameter, noticed=noticed
        )
