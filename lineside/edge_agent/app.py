"""The agent: journal, projections, devices, sync and terminal put together in one event loop."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.errors import LinesideError
from lineside.contracts.events import (
    AgentStarted,
    AgentStopped,
    Event,
    Source,
)
from lineside.contracts.samples import ScanRead
from lineside.drivers.base import Driver
from lineside.edge_agent.acquisition.connectors import Connectors
from lineside.edge_agent.acquisition.line import StationLine
from lineside.edge_agent.config import Configuration, StationSection, outcomes
from lineside.edge_agent.door import Door, Server
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
from lineside.edge_agent.reconfigure import Reconfiguration
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.startup import broker_of, edge_id, renewal_of, software_version
from lineside.edge_agent.storage import StorageWatch
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.terminal.api import build_api
from lineside.edge_agent.terminal.board import LineBoard
from lineside.edge_agent.terminal.desk import TerminalDesk
from lineside.edge_agent.terminal.known import Known
from lineside.edge_agent.terminal.plant import Plant
from lineside.edge_agent.terminal.watchers import Watchers
from lineside.edge_agent.upkeep import Upkeep

STOP_HTTP_S = 3.0
WEB_DIST = Path(__file__).resolve().parent.parent / "web_dist" / "terminal"
log = structlog.get_logger("edge.app")


class Agent:
    """One edge agent; `run` until cancelled."""

    def __init__(self, config: Configuration, *, clock: PlantClock | None = None) -> None:
        """Open the journal and the copies, and catch everything up; nothing listens yet.

        Args:
            config: The edge's own file; devices and stations of another configuration go before
                its own where that has proved itself (`config.standing.wins`).
            clock: Business time.

        Raises:
            ConfigurationError: A device's table is wrong, or the edge has no name.
            JournalError: The journal cannot be opened.
        """
        self._own = config
        self.clock = clock or PlantClock()
        self.edge = edge_id(config)
        self._broker = broker_of(config)
        private_folder(config.data_dir)
        self._alive = AliveMark(config.data_dir / "alive")
        self.journal = Journal.open(config.data_dir / "journal.db", clock=self.clock)
        self.config, drivers, self._unusable = self._begin_with(config)
        self.desired = DesiredStore(config.data_dir / "desired.db")
        self.plant = Plant(self.desired, self.edge)
        self.known = self._make_known()
        figures_file = config.data_dir / "figures.db"
        self.runner = ProjectionRunner(self.journal, figures_file, self.known.all())
        self.runner.catch_up()
        self.watchers = Watchers(config.edge.pages_max)
        self.recorder = self._make_recorder()
        self.storage = StorageWatch(
            self.journal,
            clock=self.clock,
            changed=self.watchers.tell,
            central_refused=lambda: self.desired.full,
        )
        self.upkeep = self._make_upkeep()
        self.sync = self._make_sync()
        self.upkeep.sync = self.sync
        self.desk = self._make_desk()
        self.board = self._make_board()
        self.connectors = self._make_connectors(drivers)
        self.lines, self.devices = self.connectors.lines, self.connectors.devices
        self.upkeep.devices = self.devices
        self.reconfiguration = self._make_reconfiguration()
        self.desk.notices = self.reconfiguration.notices
        self.renewal = renewal_of(config, clock=self.clock, notice=self.upkeep.notice)
        self.upkeep.renewal = self.renewal
        self.desired.on_change(self._desired_changed)
        self.port = config.port
        self.door = Door(
            config.host,
            config.port,
            folder=config.data_dir,
            orders=self.known.orders,
            journal=self.journal,
            notice=self.upkeep.notice,
        )
        self.ready = asyncio.Event()
        self._fatal: LinesideError | None = None

    def _begin_with(self, config: Configuration) -> tuple[Configuration, dict[str, Driver], str]:
        try:
            return outcomes.begin_with(config, self.journal.baselines(), self.clock)
        except LinesideError:
            self.journal.close()
            raise

    def _make_known(self) -> Known:
        return Known(
            orders=OrdersProjection(),
            progress=ProgressProjection(),
            units=UnitsProjection(),
            numbers=NumbersProjection(self.journal.baselines()),
            carriers=CarriersProjection(),
            figures=OeeProjection(calendar=self.plant.calendar, edge=self.edge),
        )

    def _make_recorder(self) -> Recorder:
        return Recorder(
            self.journal,
            clock=self.clock,
            follow=self.runner.catch_up,
            changed=self.watchers.tell,
            simulation=self._own.edge.simulation,
        )

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

    def _make_connectors(self, drivers: dict[str, Driver]) -> Connectors:
        return Connectors(
            self.config.stations,
            drivers,
            make_line=self._make_line,
            recorder=self.recorder,
            clock=self.clock,
            on_scan=self._on_scan,
        )

    def _make_reconfiguration(self) -> Reconfiguration:
        return Reconfiguration(
            self._own,
            self.config,
            journal=self.journal,
            recorder=self.recorder,
            desired=self.desired,
            connectors=self.connectors,
            orders=self.known.orders,
            clock=self.clock,
            use=self._use,
            notice=self.upkeep.notice,
        )

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
            on_time=self.clock.heard,
            unsure=self.clock.unsure,
        )

    def _make_line(self, station: StationSection) -> StationLine:
        return StationLine(
            Interpreter(station, device_time_window_s=self._own.edge.device_time_window_s),
            self.recorder,
            clock=self.clock,
            context=self.desk.context,
            extend=self.desk.extend,
            weigh=self.desk.weighed,
        )

    def _make_board(self) -> LineBoard:
        return LineBoard(
            self.config.stations,
            screens=self.desk,
            figures=self.known.figures,
            plant=self.plant,
            clock=self.clock,
        )

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
            "door": self.door.run(),
            "upkeep": self.upkeep.run(self.desk),
            "storage": self.storage.run(),
            "devices": self.connectors.run(),
            "configuration": self.reconfiguration.run(),
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
        told, marks = outcomes.starting(
            self._own, self.config, self.journal.baselines(), self._unusable, now
        )
        await self.recorder.record([*events, *told], baselines=marks)
        baselines = self.journal.baselines()
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

    def _server(self) -> tuple[Server, socket.socket]:
        api = build_api(self.desk, version=software_version(), web=WEB_DIST, board=self.board)
        opened = self.door.open(api)
        self.port = self.door.port
        return opened

    # --- what others ask
    # ---------------------------------------------------------------------------

    async def _on_scan(self, device: str, scan: ScanRead) -> None:
        accepted = await self.desk.scanned(device, scan)
        if accepted is None:
            return
        task = self.devices.get(device)
        if task is None:
            return  # it was taken out of the configuration just now
        try:
            await task.write("verdict", accepted)
        except LinesideError:
            return  # a scanner without lamp, or one that has just gone: the screen says it

    def _use(self, config: Configuration) -> None:
        self.config = config
        self.desk.use(config)
        self.upkeep.use(config)
        self.board.use(config.stations)
        self.watchers.tell({"", *(station.id for station in config.stations)})

    def _desired_changed(self, keys: set[tuple[str, str]]) -> None:
        if any(kind == "calendar" for kind, _ in keys):
            calendar = self.plant.calendar
            if calendar is not None:
                self.known.figures.set_calendar(calendar)
        self.watchers.tell({""})


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
