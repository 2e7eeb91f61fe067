"""What an agent does beside its work: marks of life, sign-offs, retention, its own health."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import ClockStepped, Source
from lineside.edge_agent.acquisition.supervisor import DeviceTask
from lineside.edge_agent.config import Configuration
from lineside.edge_agent.health import DeviceHealth, Health
from lineside.edge_agent.host import (
    AliveMark,
    PlantClock,
    clock_is_synchronised,
    disk_share,
    free_bytes,
)
from lineside.edge_agent.journal.retention import DISK_PRESSURE, prune
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.runner import ProjectionRunner
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.renewal import Renewal
from lineside.edge_agent.storage import StorageWatch
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.terminal.desk import Known, TerminalDesk
from lineside.edge_agent.terminal.screen import SyncStatus
from lineside.edge_agent.terminal.watchers import Watchers

TICK_S = 1.0
SAVE_EVERY_S = 60
LIVE_EVERY_S = 5
PRUNE_EVERY_S = 60
CLOCK_STEP_US = US_PER_SECOND
SLEPT_US = US_PER_SECOND
log = structlog.get_logger("edge.upkeep")


class Upkeep:
    """Beats once a second, and knows how the agent is.

    Attributes:
        sync: The sync, where there is one; set once it is made.
        devices: Devices by name; set once they are made.
        renewal: What renews the certificate, where central gave it.
    """

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
        storage: StorageWatch,
    ) -> None:
        self._config = config
        self._journal = journal
        self._runner = runner
        self._recorder = recorder
        self._known = known
        self._watchers = watchers
        self._clock = clock
        self._alive = alive
        self._storage = storage
        self._told_live: dict[str, dict[str, str]] = {}
        self._away_since: Microseconds | None = None
        self._notices: dict[str, str] = {}
        self._began = self._offset()
        self.sync: SyncService | None = None
        self.devices: Mapping[str, DeviceTask] = {}
        self.renewal: Renewal | None = None

    async def run(self, desk: TerminalDesk) -> None:
        """Beat until cancelled."""
        offset = self._offset()
        suspended = self._clock.suspended()
        beat = 0
        while True:
            await self._clock.sleep(TICK_S)
            beat += 1
            suspended = self._watch_sleep(suspended)
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
            self._tell_live(beat)

    def _watch_sleep(self, before: Microseconds) -> Microseconds:
        """Nobody watched the machines while the computer slept: their states are unknown for it."""
        suspended = self._clock.suspended()
        slept = suspended - before
        if slept < SLEPT_US:
            return before
        log.warning("computer_slept", seconds=slept / US_PER_SECOND)
        for device in self.devices.values():
            device.slept(self._clock.now() - slept - round(TICK_S * US_PER_SECOND))
        return suspended

    async def _watch_clock(self, offset: Microseconds) -> Microseconds:
        """A step of the wall clock is an event of its own; a simulated plant steps on purpose."""
        now = self._clock.now()
        found = self._offset()
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

    def _tell_live(self, beat: int) -> None:
        """Send the newest state when it changed, and now and then, so that silence is noticed."""
        live = self._live()
        due = live != self._told_live or beat % LIVE_EVERY_S == 0
        if due and self.sync is not None and self.sync.publish_live(live):
            self._told_live = live

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
        problems += self._storage.problems()
        if share >= DISK_PRESSURE:
            problems.append(f"The disk is {share:.0%} full.")
        marks = self._journal.watermarks()
        synchronised = clock_is_synchronised()
        values = {
            "recording": 0.0 if problem is not None else 1.0,
            "head_seq": float(self._journal.head()),
            "durable_seq": float(marks.durable_through),
            "backed_up_seq": float(marks.backed_up_through),
            "pending_facts": float(sync.pending),
            "connected": 1.0 if sync.connected else 0.0,
            "devices_lost": float(len(lost)),
            "projections_failed": float(len(self._runner.failures)),
            "events_unreadable": float(self._runner.unreadable),
            "pages": float(self._watchers.count),
            "disk_free_bytes": float(free_bytes(self._config.data_dir)),
            "scans_refused": float(self._recorder.refused_scans),
            "facts_recorded": float(self._recorder.recorded),
            "clock_moved_seconds": (self._offset() - self._began) / US_PER_SECOND,
            **self._storage.values(),
        }
        if synchronised is not None:
            values["clock_synchronised"] = float(synchronised)
        if self.renewal is not None and self.renewal.identity is not None:
            until = self.renewal.identity.valid_until
            values["certificate_valid_until_seconds"] = until / US_PER_SECOND
        return Health(
            recording=problem is None,
            values=values,
            lost=lost,
            devices=self._device_health(),
            problems=tuple(problems),
        )

    def _offset(self) -> Microseconds:
        # Real time passes while the computer sleeps, so that is no step of the wall clock.
        return self._clock.now() - self._clock.monotonic() - self._clock.suspended()

    def _device_health(self) -> dict[str, DeviceHealth]:
        now = self._clock.monotonic()
        return {
            name: DeviceHealth(
                connected=device.connected,
                silent_s=None if device.read_at is None else (now - device.read_at) / US_PER_SECOND,
            )
            for name, device in self.devices.items()
        }
