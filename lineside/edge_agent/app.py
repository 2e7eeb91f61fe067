"""The agent: journal, projections, devices, sync and terminal put together in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from lineside.contracts.errors import LinesideError
from lineside.contracts.events import (
    AgentStarted,
    AgentStopped,
    ConfigurationApplied,
    Event,
    Source,
)
from lineside.contracts.samples import ScanRead
from lineside.drivers import registry
from lineside.drivers.base import Driver
from lineside.edge_agent.acquisition.line import StationLine
from lineside.edge_agent.acquisition.supervisor import DeviceTask
from lineside.edge_agent.config import Configuration
from lineside.edge_agent.errors import PartEndedError
from lineside.edge_agent.host import AliveMark, PlantClock, private_folder
from lineside.edge_agent.interpretation.interpreter import Interpreter
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.carriers import CarriersProjection
from lineside.edge_agent.projections.numbers import NumbersProjection
from lineside.edge_agent.projections.oee import OeeProjection
from lineside.edge_agent.projections.orders import OrdersProjection
from lineside.edge_agent.projections.progress import ProgressProjection
from lineside.edge_agent.projections.runner import ProjectionRunner
from lineside.edge_agent.projections.units import UnitsProjection
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.startup import broker_of, edge_id, renewal_of, software_version
from lineside.edge_agent.storage import StorageWatch
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.terminal.api import build_api
from lineside.edge_agent.terminal.board import LineBoard
from lineside.edge_agent.terminal.desk import Known, TerminalDesk
from lineside.edge_agent.terminal.plant import Plant
from lineside.edge_agent.terminal.watchers import Watchers
from lineside.edge_agent.upkeep import Upkeep

CONFIGURATION = "configuration"
STOP_HTTP_S = 3.0
WEB_DIST = Path(__file__).resolve().parent.parent / "web_dist" / "terminal"
log = structlog.get_logger("edge.app")


class _Server(uvicorn.Server):
    """A server that leaves signals to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing is captured."""
        yield


class Agent:
    """One edge agent; `run` until cancelled."""

    def __init__(self, config: Configuration, *, clock: PlantClock | None = None) -> None:
        """Open the journal and the copies, and catch everything up; nothing listens yet.

        Raises:
            ConfigurationError: A device's table is wrong, or the edge has no name.
            JournalError: The journal cannot be opened.
        """
        self.config = config
        self.clock = clock or PlantClock()
        self.edge = edge_id(config)
        self._broker = broker_of(config)
        drivers = {
            device.id: registry.build(
                device.driver, device.settings, clock=self.clock, file=config.file
            )
            for device in config.devices
        }
        private_folder(config.data_dir)
        self._alive = AliveMark(config.data_dir / "alive")
        self.journal = Journal.open(config.data_dir / "journal.db", clock=self.clock)
        self.desired = DesiredStore(config.data_dir / "desired.db")
        self.plant = Plant(self.desired, self.edge)
        self.known = Known(
            orders=OrdersProjection(),
            progress=ProgressProjection(),
            units=UnitsProjection(),
            numbers=NumbersProjection(self.journal.baselines()),
            carriers=CarriersProjection(),
            figures=OeeProjection(calendar=self.plant.calendar, edge=self.edge),
        )
        figures_file = config.data_dir / "figures.db"
        self.runner = ProjectionRunner(self.journal, figures_file, self.known.all())
        self.runner.catch_up()
        self.watchers = Watchers(config.edge.pages_max)
        self.recorder = Recorder(
            self.journal,
            clock=self.clock,
            follow=self.runner.catch_up,
            changed=self.watchers.tell,
            simulation=config.edge.simulation,
        )
        self.storage = StorageWatch(self.journal, clock=self.clock, changed=self.watchers.tell)
        self.upkeep = self._make_upkeep()
        self.sync = self._make_sync()
        self.upkeep.sync = self.sync
        self.desk = self._make_desk()
        self.lines = self._make_lines()
        self.devices = self._make_devices(drivers)
        self.upkeep.devices = self.devices
        self.renewal = renewal_of(config, clock=self.clock, notice=self.upkeep.notice)
        self.upkeep.renewal = self.renewal
        self.desired.on_change(self._desired_changed)
        self.port = config.port
        self.ready = asyncio.Event()
        self._fatal: LinesideError | None = None

    def _make_upkeep(self) -> Upkeep:
        return Upkeep(
            self.config,
            journal=self.journal,
            runner=self.runner,
            recorder=self.recorder,
            known=self.known,
            watchers=self.watchers,
            clock=self.clock,
            alive=self._alive,
            storage=self.storage,
        )

    def _make_desk(self) -> TerminalDesk:
        return TerminalDesk(
            self.config,
            edge=self.edge,
            journal=self.journal,
            recorder=self.recorder,
            known=self.known,
            plant=self.plant,
            clock=self.clock,
            watchers=self.watchers,
            sync=self.upkeep.sync_status,
            storage=self.storage.status,
            report=self.upkeep.health,
        )

    def _make_devices(self, drivers: dict[str, Driver]) -> dict[str, DeviceTask]:
        return {
            name: DeviceTask(
                name,
                driver,
                lines=[line for line in self.lines if name in line.devices],
                recorder=self.recorder,
                clock=self.clock,
                on_scan=self._on_scan,
            )
            for name, driver in drivers.items()
        }

    def _make_sync(self) -> SyncService | None:
        if self._broker is None:
            return None
        return SyncService(
            self.edge,
            self._broker,
            journal=self.journal,
            desired=self.desired,
            clock=self.clock,
            software=software_version(),
            on_notice=self.upkeep.notice,
        )

    def _make_lines(self) -> list[StationLine]:
        window = self.config.edge.device_time_window_s
        return [
            StationLine(
                Interpreter(station, device_time_window_s=window),
                self.recorder,
                clock=self.clock,
                context=self.desk.context,
                extend=self.desk.extend,
                weigh=self.desk.weighed,
            )
            for station in self.config.stations
        ]

    # --- running
    # -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Record, serve and sync until cancelled.

        Raises:
            LinesideError: The journal stopped; start again, it verifies itself.
        """
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_fatal(problem: LinesideError) -> None:
            self._fatal = problem
            loop.call_soon_threadsafe(stopped.set)

        self.journal.on_fatal(on_fatal)
        await self.begin()
        server, listener = self._server()
        parts: dict[str, Coroutine[Any, Any, None]] = {
            "http": server.serve(sockets=[listener]),
            "upkeep": self.upkeep.run(self.desk),
            "storage": self.storage.run(),
            **{name: device.run() for name, device in self.devices.items()},
        }
        if self.sync is not None:
            parts["sync"] = self.sync.run()
        if self.renewal is not None:
            parts["renewal"] = self.renewal.run()
        tasks = {name: asyncio.create_task(part) for name, part in parts.items()}
        tasks["stop"] = asyncio.create_task(_wait(stopped))
        self.ready.set()
        try:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            self._explain_end(tasks)
        finally:
            self.watchers.close()
            server.should_exit = True
            for name, task in tasks.items():
                if name != "http":
                    task.cancel()
            await asyncio.wait([tasks["http"]], timeout=STOP_HTTP_S)
            tasks["http"].cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            await self._end()

    def _explain_end(self, tasks: dict[str, asyncio.Task[None]]) -> None:
        if self._fatal is not None:
            raise self._fatal
        for name, task in tasks.items():
            problem = task.exception() if task.done() and not task.cancelled() else None
            if problem is not None:
                log.error("agent_part_failed", part=name, why=str(problem))
                raise problem
            if task.done() and name != "stop":
                log.error("agent_part_ended", part=name)
                raise PartEndedError(name)

    async def begin(self) -> None:
        """Record the start, and that nobody watched the stations until now."""
        now = self.clock.now()
        alive = self._alive.read()
        boot = secrets.token_hex(4)
        events: list[Event] = [
            AgentStarted(
                occurred_at=now,
                recorded_at=now,
                source=Source.SYSTEM,
                version=software_version(),
                boot=boot,
            )
        ]
        baselines = self.journal.baselines()
        content = self.config.content_hash.encode()
        changed = baselines.get(CONFIGURATION) != content
        if changed:
            events.append(
                ConfigurationApplied(
                    occurred_at=now,
                    recorded_at=now,
                    source=Source.SYSTEM,
                    content_hash=self.config.content_hash,
                )
            )
        await self.recorder.record(events, baselines={CONFIGURATION: content} if changed else None)
        for line in self.lines:
            await line.begin(baselines, alive)

    async def _end(self) -> None:
        try:
            if self.journal.failure is None:
                now = self.clock.now()
                event = AgentStopped(occurred_at=now, recorded_at=now, source=Source.SYSTEM)
                await self.recorder.record([event])
                self._alive.write(now)
        except LinesideError as problem:
            log.warning("stop_not_recorded", why=str(problem))
        finally:
            self.close()

    def close(self) -> None:
        """Let go of all files."""
        self.runner.close()
        self.journal.close()
        self.desired.close()

    def _server(self) -> tuple[_Server, socket.socket]:
        board = LineBoard(
            self.config.stations,
            screens=self.desk,
            figures=self.known.figures,
            plant=self.plant,
            clock=self.clock,
        )
        api = build_api(self.desk, version=software_version(), web=WEB_DIST, board=board)
        listener = _listen(self.config.host, self.config.port)
        self.port = listener.getsockname()[1]
        settings = uvicorn.Config(
            api,
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        return _Server(settings), listener

    # --- what others ask
    # ---------------------------------------------------------------------------

    async def _on_scan(self, device: str, scan: ScanRead) -> None:
        accepted = await self.desk.scanned(device, scan)
        if accepted is None:
            return
        task = self.devices[device]
        try:
            await task.write("verdict", accepted)
        except LinesideError:
            return  # a scanner without lamp, or one that has just gone: the screen says it

    def _desired_changed(self, keys: set[tuple[str, str]]) -> None:
        if any(kind == "calendar" for kind, _ in keys):
            calendar = self.plant.calendar
            if calendar is not None:
                self.known.figures.set_calendar(calendar)
        self.watchers.tell({""})


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends without delay only where it is: each answer would
    # wait 40 ms for the acknowledgement of its headers otherwise.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    found.listen(128)
    return found
