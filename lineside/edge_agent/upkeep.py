"""What an agent does beside its work: marks of life, sign-offs, retention, its own health."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

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
from lineside.edge_agent.journal.receipt import dropped
from lineside.edge_agent.journal.retention import DISK_PRESSURE, prune
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.runner import ProjectionRunner
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.renewal import Renewal
from lineside.edge_agent.storage import StorageWatch
from lineside.edge_agent.sync.service import SyncService
from lineside.edge_agent.terminal.desk import TerminalDesk
from lineside.edge_agent.terminal.known import Known
from lineside.edge_agent.terminal.screen import SyncStatus
from lineside.edge_agent.terminal.watchers import Watchers

TICK_S = 1.0
SAVE_EVERY_S = 60
LIVE_EVERY_S = 5
PRUNE_EVERY_S = 60
CLOCK_STEP_US = US_PER_SECOND
SLEPT_US = US_PER_SECOND
log = structlog.get_logger("edge.upkeep")


@dataclass(frozen=True, slots=True)
class Offsets:
    """What clocks are ahead of the one that never steps, microseconds.

    Attributes:
        wall: The computer's clock.
        business: The time under which facts are recorded; it follows steps that are believed.
    """

    wall: Microseconds
    business: Microseconds


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
        self._dropped = dropped(journal.reader)  # damage is found when a journal is opened only
        self._began = self._offsets().wall
        self.sync: SyncService | None = None
        self.devices: Mapping[str, DeviceTask] = {}
        self.renewal: Renewal | None = None

    def use(self, config: Configuration) -> None:
        """Speak of the stations of this configuration from now on."""
        self._config = config

    async def run(self, desk: TerminalDesk) -> None:
        """Beat until cancelled."""
        offsets = self._offsets()
        suspended = self._clock.suspended()
        beat = 0
        while True:
            await self._clock.sleep(TICK_S)
            beat += 1
            suspended = self._watch_sleep(suspended)
            offsets = await self._watch_clock(offsets)
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

    async def _watch_clock(self, before: Offsets) -> Offsets:
        """A step of the wall clock is an event of its own, and so is that business time follows it.

        A simulated plant steps on purpose.
        """
        self._clock.unsure()  # the clocks are looked at where nothing is recorded, too
        found = self._offsets()
        step, moved = found.wall - before.wall, found.business - before.business
        if self._clock.moved or max(abs(step), abs(moved)) < CLOCK_STEP_US:
            return found
        now = self._clock.now()
        follows = abs(moved) >= CLOCK_STEP_US
        event = ClockStepped(
            occurred_at=now,
            recorded_at=now,
            source=Source.SYSTEM,
            step=moved if follows else step,
            held=not follows,
        )
        try:
            await self._recorder.record([event])
        except LinesideError:
            return before
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
            lost=self._dropped,
            stopped="sync.broker_open" in self._notices and not self.sync.connected,
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
        away = self._known.orders.state.devices.items()
        lost = {name: said for name, (_, said) in away if name in self.devices}
        share = disk_share(self._config.data_dir)
        problems = [str(problem)] if problem is not None else []
        problems += [f"{name}: {why}" for name, why in self._runner.failures.items()]
        problems += list(self._notices.values())
        problems += self._storage.problems()
        held = self._held()
        if abs(held) >= CLOCK_STEP_US:
            problems.append(
                f"The computer's clock was moved by {held / US_PER_SECOND:+,.0f} s and nobody has "
                "confirmed it: facts keep to the time before and are marked. If the new time is "
                "right, start the agent again; else set the clock right."
            )
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
            "dropped_facts": float(self._dropped),
            "connected": 1.0 if sync.connected else 0.0,
            "devices_lost": float(len(lost)),
            "projections_failed": float(len(self._runner.failures)),
            "events_unreadable": float(self._runner.unreadable),
            "pages": float(self._watchers.count),
            "disk_free_bytes": float(free_bytes(self._config.data_dir)),
            "scans_refused": float(self._recorder.refused_scans),
            "facts_recorded": float(self._recorder.recorded),
            "clock_moved_seconds": (self._offsets().wall - self._began) / US_PER_SECOND,
            "clock_held_seconds": self._held() / US_PER_SECOND,
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

    def _offsets(self) -> Offsets:
        # Real time passes while the computer sleeps, so that is no step of the wall clock.
        running = self._clock.monotonic() + self._clock.suspended()
        return Offsets(wall=self._clock.wall() - running, business=self._clock.now() - running)

    def _held(self) -> Microseconds:
        """How far the wall clock is from business time, which did not follow its step (yet)."""
        offsets = self._offsets()
        return 0 if self._clock.moved else offsets.wall - offsets.business

    def _device_health(self) -> dict[str, DeviceHealth]:
        now = self._clock.monotonic()
        return {
            name: DeviceHealth(
                connected=device.connected,
                silent_s=None if device.read_at is None else (now - device.read_at) / US_PER_SECOND,
            )
            for name, device in self.devices.items()
        }
