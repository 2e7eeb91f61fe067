"""`lineside-sim plant`: the shop floor alone, for an integrator who brings the edge agents."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from lineside.contracts.clock import Clock, SystemClock
from lineside.sim import scenario
from lineside.sim.edge_files import (
    MODBUS_PARAMETER,
    MODBUS_SIGNALS,
    OPC_UA_SIGNALS,
    modbus_device,
    opc_ua_device,
    trust_server,
    write_edge_file,
)
from lineside.sim.hold import Hold
from lineside.sim.machine import SimMachine, what_happens
from lineside.sim.plant import Plant
from lineside.sim.processes import free_port

Json = dict[str, Any]
PAUSE_S = 0.4  # somebody takes the piece out and puts the next one in


def run_plant(
    *, seconds: float, seed: int, announce: Path, keep: Path | None, as_json: bool
) -> int:
    """Run the machines until interrupted.

    Args:
        seconds: Real seconds to run; 0: until interrupted.
        seed: Of the plant's chance.
        announce: Where `plant.json` is written.
        keep: Folder to use and keep; None: a temporary one.
        as_json: Print what is written instead of lines for people.

    Returns:
        0.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="lineside-plant-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(
            _run(folder.resolve(), seconds=seconds, seed=seed, announce=announce, as_json=as_json)
        )
    finally:
        announce.unlink(missing_ok=True)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, *, seconds: float, seed: int, announce: Path, as_json: bool) -> int:
    clock: Clock = SystemClock()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        plant = Plant(folder, clock=clock, seed=seed, attended=False)
        await stack.enter_async_context(plant)
        plant.truth.began_at = clock.now()
        tasks = [
            asyncio.create_task(run_unattended(machine, plant.hold, clock))
            for machine in plant.machines.values()
        ]
        found = describe(plant, folder)
        _announce(found, announce, as_json=as_json)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                await _until_stopped(stop, tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not as_json:
            _say_what_was_made(plant)
    return 0


async def _until_stopped(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Until somebody stops the plant, or a machine fails: that is an error of the simulator."""
    waiting = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        waiting.cancel()


async def run_unattended(machine: SimMachine, hold: Hold, clock: Clock) -> None:
    """Make piece after piece, whether or not anybody reads it, until cancelled."""
    name = machine.kind.station
    while True:
        await hold.begin(name)
        scrap, trouble = what_happens(machine.pieces)
        await machine.run(scrap=scrap, trouble=trouble, insist=False)
        hold.end(name)
        await clock.sleep(PAUSE_S)


def describe(plant: Plant, folder: Path) -> Json:
    """Everything that an integrator needs to point an edge agent at the plant.

    Writes a configuration for each edge, ready for `lineside-edge run`, and the server's
    certificate into its trust list.

    Args:
        plant: Running.
        folder: Where the configurations are written.
    """
    devices = {
        scenario.EDGE_1: opc_ua_device(plant.opcua.endpoint, plant.opcua.namespace),
        scenario.EDGE_2: modbus_device(plant.modbus.host, plant.modbus.port),
    }
    scanners = {name: str(one.path) for name, one in plant.scanners.items()}
    files: dict[str, str] = {}
    for edge, device in devices.items():
        own = folder / edge
        own.mkdir(exist_ok=True)
        file = write_edge_file(
            edge, folder=own, port=free_port(), broker="", device=device, scanners=scanners
        )
        files[edge] = str(file.path)
    return {
        "simulator": plant.door.address,
        "folder": str(folder),
        "opcua": _opcua(plant, folder / scenario.EDGE_1),
        "modbus": _modbus(plant),
        "scanners": scanners,
        "configurations": files,
        "badges": {worker.name: worker.badge for worker in scenario.WORKERS},
        "ready": True,
    }


def _opcua(plant: Plant, edge_folder: Path) -> Json:
    certificate = trust_server(edge_folder, plant.opcua.identity.certificate)
    machines: dict[str, dict[str, str]] = {}
    for machine in scenario.machines_of(scenario.EDGE_1):
        variables = {signal: variable for signal, (variable, _) in OPC_UA_SIGNALS.items()}
        variables[machine.parameter] = f"Parameters.{machine.parameter}"
        machines[machine.station] = {
            signal: f"nsu={plant.opcua.namespace};s={machine.station}.{variable}"
            for signal, variable in variables.items()
        }
    return {
        "endpoint": plant.opcua.endpoint,
        "namespace": plant.opcua.namespace,
        "security": "Basic256Sha256, SignAndEncrypt, anonymous",
        "certificate": str(certificate),
        "machines": machines,
    }


def _modbus(plant: Plant) -> Json:
    return {
        "host": plant.modbus.host,
        "port": plant.modbus.port,
        "addressing": "zero-based holding registers; the parameter is a float32, words CDAB",
        "machines": {
            station.id: {
                "unit": station.unit_id,
                **MODBUS_SIGNALS,
                station.machine.parameter: MODBUS_PARAMETER,
            }
            for station in scenario.STATIONS
            if station.edge == scenario.EDGE_2 and station.machine is not None
        },
    }


def _announce(found: Json, announce: Path, *, as_json: bool) -> None:
    text = json.dumps(found, indent=1, ensure_ascii=False)
    announce.write_text(text + "\n", encoding="utf-8")
    if as_json:
        _say(text)
        return
    opcua, modbus = found["opcua"], found["modbus"]
    _say(f"OPC UA    {opcua['endpoint']}   {opcua['security']}")
    _say(f"          {', '.join(opcua['machines'])}; its certificate: {opcua['certificate']}")
    _say(f"Modbus    {modbus['host']}:{modbus['port']}   {modbus['addressing']}")
    units = ", ".join(f"{name} unit {one['unit']}" for name, one in modbus["machines"].items())
    _say(f"          {units}")
    for station, path in found["scanners"].items():
        _say(f"Scanner   {path}   ({station})")
    for edge, path in found["configurations"].items():
        _say(f"Edge      lineside-edge run {path}   ({edge})")
    example = json.dumps({"station": "L1-TURN-1", "code": "B-1041"})
    _say(f"Scan      curl -d '{example}' {found['simulator']}/scan")
    _say(f"Ledger    {found['simulator']}/ledger")
    _say(f"All of it is in {announce}")
    _say("READY")


def _say_what_was_made(plant: Plant) -> None:
    for name, machine in plant.machines.items():
        made, scrap = plant.truth.pieces(name, "produced"), plant.truth.pieces(name, "scrap")
        _say(f"{name}: {made} pieces, {scrap} scrap, {machine.not_acknowledged} not acknowledged")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
