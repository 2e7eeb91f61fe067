"""`make demo`: a plant in one command, and the judge of a run of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx

from lineside.contracts.clock import Clock, SystemClock
from lineside.sim import planner, scenario, score, score_run
from lineside.sim.central_client import CentralRefusedError
from lineside.sim.edge_files import (
    EdgeFile,
    modbus_device,
    opc_ua_device,
    trust_server,
    write_edge_file,
)
from lineside.sim.installation import Installation
from lineside.sim.operators import (
    Pieces,
    Workplace,
    assemble,
    grind,
    raise_trouble,
    test_or_pack,
    turn,
    until_closed,
)
from lineside.sim.plant import Plant
from lineside.sim.processes import free_port
from lineside.sim.report import live_line, print_trace
from lineside.sim.terminal_client import Terminal

Json = dict[str, Any]
CENTRAL_AWAY_AT_S, CENTRAL_AWAY_S = 22.0, 10.0
MOVE_AT_S = 12.0
SERIALS = 5_000


class Demo:
    """One demo in one folder; `run` does everything from start to score."""

    def __init__(self, folder: Path, *, seconds: float, seed: int, announce: Path) -> None:
        self.clock: Clock = SystemClock()
        self.folder = folder
        self.seconds = seconds
        self.announce = announce
        self.site = Installation(
            folder, clock=self.clock, site="jinan", time_zone=scenario.TIME_ZONE
        )
        self.plant = Plant(folder, clock=self.clock, seed=seed)
        self.files: dict[str, EdgeFile] = {}
        self.places: list[Workplace] = []
        self.stop = asyncio.Event()
        self.central_away = False

    async def run(self) -> int:
        """Start, run, drain, judge; the exit status."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.plant)
            # The programs end before the machines that they read.
            stack.push_async_callback(asyncio.to_thread, self.site.stop)
            await asyncio.to_thread(self._install)
            for place in await self._people(stack):
                self.places.append(place)
            self._announce()
            self.plant.truth.began_at = self.clock.now()
            await self._work()
            if not self.seconds:
                return 0
            return await asyncio.to_thread(self._judge)

    def _install(self) -> None:
        self.site.start_broker()
        self.site.prepare_central()
        self.site.start_central()
        self.site.make_users()
        admin = self.site.sign_in("administrator")
        planner.fill_master_data(admin, now=self.clock.now())
        for edge in (scenario.EDGE_1, scenario.EDGE_2):
            self._install_edge(edge)
        planner.release_orders(self.site.sign_in("planner"))

    def _install_edge(self, edge: str) -> None:
        folder = self.site.edge_folder(edge)
        if edge == scenario.EDGE_1:
            trust_server(folder, self.plant.opcua.identity.certificate)
            device = opc_ua_device(self.plant.opcua.endpoint, self.plant.opcua.namespace)
        else:
            device = modbus_device(self.plant.modbus.host, self.plant.modbus.port)
        file = write_edge_file(
            edge,
            folder=folder,
            port=free_port(),
            broker=self.site.broker_address,
            device=device,
            scanners={name: str(one.path) for name, one in self.plant.scanners.items()},
        )
        self.files[edge] = file
        self.site.start_edge(edge, file=file.path, port=file.port)

    async def _people(self, stack: AsyncExitStack) -> list[Workplace]:
        places: list[Workplace] = []
        for station, worker in zip(scenario.STATIONS, scenario.WORKERS, strict=True):
            terminal = Terminal(self._edge_url(station.edge), station.id)
            stack.push_async_callback(terminal.close)
            await terminal.open()
            places.append(
                Workplace(
                    station=station,
                    worker=worker,
                    scanner=self.plant.scanners[station.id],
                    terminal=terminal,
                    truth=self.plant.truth,
                    clock=self.clock,
                    machine=self.plant.machines.get(station.id),
                    hold=self.plant.hold,
                )
            )
        orders = {
            scenario.SPOOL: planner.SPOOL_ORDER,
            scenario.VALVE: planner.VALVE_ORDER,
        }
        for place in places:
            await _wait_for_order(place, orders[place.station.item])
            await place.begin(orders[place.station.item])
        return places

    def _edge_url(self, edge: str) -> str:
        return f"http://127.0.0.1:{self.files[edge].port}"

    def _announce(self) -> None:
        """Print and write where everything is and how to sign in, then READY."""
        account = self.site.account("planner")
        found: Json = {
            "console": self.site.central_url,
            "api": f"{self.site.central_url}/docs",
            "terminals": {
                station.id: f"{self._edge_url(station.edge)}/?station={station.id}"
                for station in scenario.STATIONS
            },
            "edges": {edge: self._edge_url(edge) for edge in self.files},
            "broker": self.site.broker_address,
            "sign_in": {
                each.role: {"user": each.name, "password": each.password}
                for each in self.site.accounts
            },
            "badges": {worker.name: worker.badge for worker in scenario.WORKERS},
            "orders": [planner.SPOOL_ORDER, planner.VALVE_ORDER, planner.STOCK_ORDER],
            "folder": str(self.folder),
            "simulator": self.plant.door.address,
            "journals": {
                edge: str(file.path.parent / "data" / "journal.db")
                for edge, file in self.files.items()
            },
            "database": self.site.database_dsn(),
            "ready": True,
        }
        text = json.dumps(found, indent=1, ensure_ascii=False)
        self.announce.write_text(text + "\n", encoding="utf-8")
        say(f"Console   {found['console']}   user {account.name}, password {account.password}")
        say(f"API       {found['api']}")
        for station, address in found["terminals"].items():
            say(f"Terminal  {address}   ({station})")
        say(f"Everything, all sign-ins included, is in {self.announce}")
        say("READY")

    async def _work(self) -> None:
        new_spools, new_valves = Pieces(SERIALS), Pieces(SERIALS)
        for number in range(1, SERIALS):
            new_spools.put_nowait(f"SP18-{number:08d}")
            new_valves.put_nowait(f"HV22-{number:06d}")
        turned, ground, assembled, tested = (Pieces(200) for _ in range(4))
        work: dict[str, Callable[[Workplace], Coroutine[Any, Any, None]]] = {
            "L1-TURN-1": lambda place: turn(place, new_spools, turned),
            "L1-TURN-2": lambda place: turn(place, new_spools, turned),
            "L1-GRIND": lambda place: grind(place, turned, ground),
            "L2-BENCH": lambda place: assemble(place, new_valves, ground, assembled),
            "L2-TEST-1": lambda place: test_or_pack(place, assembled, tested),
            "L2-TEST-2": lambda place: test_or_pack(place, assembled, tested),
            "L2-PACK": lambda place: test_or_pack(place, tested, None),
        }
        tasks = [asyncio.create_task(work[place.station.id](place)) for place in self.places]
        extras = [asyncio.create_task(self._what_else_happens())]
        try:
            await self._watch(tasks, extras)
            await until_closed(self.places, tasks)
            await asyncio.gather(*extras)
        finally:
            for task in (*tasks, *extras):
                task.cancel()

    async def _watch(
        self, tasks: list[asyncio.Task[None]], extras: list[asyncio.Task[None]]
    ) -> None:
        """A line a second, and the whole trace of the first valve."""
        shown = False
        began = self.clock.monotonic()
        while not self.stop.is_set():
            raise_trouble(tasks)
            raise_trouble(extras)
            # Time in which a judge held the plant is none of its own.
            elapsed_s = (self.clock.monotonic() - began) / 1e6 - self.plant.hold.held_s
            if self.seconds and elapsed_s >= self.seconds and not self.plant.hold.asked:
                return
            say(await live_line(self.places, self.plant.truth, elapsed_s, away=self.central_away))
            if self.plant.truth.finished and not shown and not self.central_away:
                shown = await asyncio.to_thread(self._show_trace, self.plant.truth.finished[0])
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), 1.0)

    def _show_trace(self, serial: str) -> bool:
        try:
            central = self.site.sign_in("quality")
            answer = central.get("/api/v1/trace/units", serial=serial, item=scenario.VALVE)
        except (CentralRefusedError, httpx.TransportError):
            return False  # it is on its way, or central is away
        if answer["history"]["status"] != "finished":
            return False
        print_trace(answer, say)
        return True

    async def _what_else_happens(self) -> None:
        """The planner moves an order; then, in a run with an end, central is away."""
        await self.clock.sleep(min(MOVE_AT_S, self.seconds / 5) if self.seconds else MOVE_AT_S)
        await asyncio.to_thread(self._move)
        self.plant.truth.moved_orders.append(planner.STOCK_ORDER)
        if self.seconds:
            await self.clock.sleep(min(CENTRAL_AWAY_AT_S, self.seconds / 3) - MOVE_AT_S)
            await self._central_goes_away()

    async def _central_goes_away(self) -> None:
        """The cable to central is out for ten seconds; the lines go on."""
        self.central_away = True
        began = self.clock.monotonic()
        await asyncio.to_thread(self.site.central.stop)
        await self.clock.sleep(CENTRAL_AWAY_S)
        self.plant.truth.central_away_s = (self.clock.monotonic() - began) / 1e6
        await asyncio.to_thread(self.site.start_central)
        self.central_away = False

    def _move(self) -> None:
        central = self.site.sign_in("planner")
        answer = planner.move_order(central, planner.STOCK_ORDER, "10", ["L1-TURN-1"])
        self.site.wait(
            f"the edge has revision {answer['revision']} of {planner.STOCK_ORDER}",
            central.orders_are_at_edges,
            seconds=15,
        )

    def _judge(self) -> int:
        say("Draining: waiting until central has everything ...")
        sources = score_run.sources_of(json.loads(self.announce.read_text(encoding="utf-8")))
        truth = self.plant.truth
        found = score_run.score_sources(sources, self.plant.door.ledger, clock=self.clock)
        missing = [*score.run_was_real(truth), *found.left_out]
        (self.folder / "score.json").write_text(
            json.dumps({"differences": found.differences, "missing": missing}, indent=1)
        )
        for line in (*found.differences, *missing):
            say(f"  {line}")
        say(
            f"Score: {len(truth.finished)} valves finished, {len(truth.steps)} operations, "
            f"{len(truth.links)} links, {truth.scans['accepted']} scans accepted, "
            f"{truth.scans['refused']} refused, {sum(truth.rollovers.values())} roll-overs, "
            f"central away {truth.central_away_s:.0f} s: "
            + ("CLEAN" if found.clean and not missing else "NOT CLEAN")
        )
        return 0 if found.clean and not missing else 1


async def _wait_for_order(place: Workplace, order: str) -> None:
    """The order descends to the edge; its terminal then shows it."""
    for _ in range(600):
        state = await place.terminal.state()
        rows: list[Json] = state["orders"]
        if state["recording"] and any(row["order"] == order for row in rows):
            return
        await place.clock.sleep(0.1)
    message = f"{order} did not arrive at {place.station.id}"
    raise TimeoutError(message)


def say(text: str) -> None:
    """A line for the person who watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run_demo(*, seconds: float, seed: int, announce: Path, keep: Path | None) -> int:
    """Run a demo in a folder of its own.

    Args:
        seconds: Seconds of work after READY, then the score; 0: until interrupted.
        seed: Of the plant's chance.
        announce: Where `demo.json` is written.
        keep: Folder to use and keep; None: a temporary one.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="lineside-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(_run(folder, seconds=seconds, seed=seed, announce=announce))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, *, seconds: float, seed: int, announce: Path) -> int:
    demo = Demo(folder, seconds=seconds, seed=seed, announce=announce)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, demo.stop.set)
    return await demo.run()
