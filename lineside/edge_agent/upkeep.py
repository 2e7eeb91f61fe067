"""What an agent does beside its work: marks of life, sign-offs, retention, its own health."""

from __future__ import annotations

import asyncio

import structlog

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import ClockStepped, Source
from lineside.edge_agent.config import Configuration
from lineside.edge_agent.health import Health
from lineside.edge_agent.host import AliveMark, PlantClock, disk_share, free_bytes
from lineside.edge_agent.journal.retention import DISK_PRESSURE, prune
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.runner import ProjectionRunner
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.terminal.desk import Known, TerminalDesk
from lineside.edge_agent.terminal.screen import SyncStatus
from lineside.edge_agent.terminal.watchers import Watchers

TICK_S = 1.0
SAVE_EVERY_S = 60
LIVE_EVERY_S = 5
PRUNE_EVERY_S = 60
CLOCK_STEP_US = US_PER_SECOND
log = structlog.get_logger("edge.upkeep")


class Upkeep:
    """Beats once a second, and knows how the agent is."""

    def __init__(
        self,
        config: Configuration,
        *,
        journal: Journal,
        runner: ProjectionRunner,
        recorder: Recorder,
        known: Known,
        watchers: Watchers,
        clock: PlantClock,
        alive: AliveMark,
    ) -> None:
        self._config = config
        self._journal = journal
        self._runner = runner
        self._recorder = recorder
        self._known = known
        self._watchers = watchers
        self._clock = clock
        self._alive = alive
        self._away_since: Microseconds | None = None
        self._notices: dict[str, str] = {}
        self.sync: SyncService | None = None

    async def run(self, desk: TerminalDesk) -> None:
        """Beat until cancelled."""
        offset = self._clock.now() - self._clock.monotonic()
        beat = 0
        while True:
            await self._clock.sleep(TICK_S)
            beat += 1
            offset = await self._watch_clock(offset)
            if self._recorder.problem is None:
                self._alive.write(self._clock.now())
            self._watch_sync()
            try:
                await desk.close_forgotten()
            except LinesideError as problem:
                log.warning("sign_offs_wait", why=str(problem))
            if beat % SAVE_EVERY_S == 0:
                await asyncio.to_thread(self._save)
            if beat % PRUNE_EVERY_S == 0:
                await asyncio.to_thread(self._prune)
            if beat % LIVE_EVERY_S == 0 and self.sync is not None:
                self.sync.publish_live(self._live())

    async def _watch_clock(self, offset: Microseconds) -> Microseconds:
        """A step of the wall clock is an event of its own; a simulated plant steps on purpose."""
        now = self._clock.now()
        found = now - self._clock.monotonic()
        if self._clock.moved or abs(found - offset) < CLOCK_STEP_US:
            return found
        event = ClockStepped(
            occurred_at=now, recorded_at=now, source=Source.SYSTEM, step=found - offset
        )
        try:
            await self._recorder.record([event])
        except LinesideError:
            return offset
        return found

    def _save(self) -> None:
        try:
            self._runner.save()
        except Exception:
            log.exception("figures_not_saved")  # a cache; the next beat tries again

    def _prune(self) -> None:
        pruned = prune(self._journal, used_share=disk_share(self._config.data_dir))
        if pruned.events:
            log.info("journal_pruned", events=pruned.events, rule=pruned.rule)

    def notice(self, code: str, text: str) -> None:
        """Something that people must hear of; an empty text settles it."""
        if text:
            self._notices[code] = text
        else:
            self._notices.pop(code, None)

    def _watch_sync(self) -> None:
        connected = self.sync is not None and self.sync.connected
        if connected and self._away_since is not None:
            self._away_since = None
            self._watchers.tell({""})
        elif not connected and self._away_since is None and self.sync is not None:
            self._away_since = self._clock.now()
            self._watchers.tell({""})

    def sync_status(self) -> SyncStatus:
        """The pill."""
        if self.sync is None:
            return SyncStatus()
        pending = self._journal.head() - self._journal.watermarks().durable_through
        return SyncStatus(
            connected=self.sync.connected,
            away_since=self._away_since,
            pending=max(0, pending),
            lost=1 if "sync.gap" in self._notices else 0,
        )

    def _live(self) -> dict[str, dict[str, str]]:
        live: dict[str, dict[str, str]] = {}
        for station in self._config.stations:
            state = self._known.orders.station(station.id)
            jobs = ", ".join(job.order for job in state.floor.jobs.values())
            live[station.id] = {"state": state.state, "detail": state.detail, "orders": jobs}
        return live

    def health(self) -> Health:
        """For `/healthz` and `/metrics`."""
        problem = self._recorder.problem or self._journal.failure
        sync = self.sync_status()
        lost = {name: said for name, (_, said) in self._known.orders.state.devices.items()}
        share = disk_share(self._config.data_dir)
        problems = [str(problem)] if problem is not None else []
        problems += [f"{name}: {why}" for name, why in self._runner.failures.items()]
        problems += list(self._notices.values())
        if share >= DISK_PRESSURE:
            problems.append(f"The disk is {share:.0%} full.")
        values = {
            "lineside_edge_recording": 0.0 if problem is not None else 1.0,
            "lineside_edge_head_seq": float(self._journal.head()),
            "lineside_edge_pending_facts": float(sync.pending),
            "lineside_edge_connected": 1.0 if sync.connected else 0.0,
            "lineside_edge_devices_lost": float(len(lost)),
            "lineside_edge_projections_failed": float(len(self._runner.failures)),
            "lineside_edge_events_unreadable": float(self._runner.unreadable),
            "lineside_edge_pages": float(self._watchers.count),
            "lineside_edge_disk_free_bytes": float(free_bytes(self._config.data_dir)),
        }
        return Health(recording=problem is None, values=values, lost=lost, problems=tuple(problems))
