"""One edge: the production agent on a simulated clock, disk and wire, driven by hand.

Its coroutines are stepped without an event loop. They only ever wait for the clock (a full disk is
tried again after a second); such a one is parked and resumed in a later round.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any
from unittest import mock

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.envelope import MESSAGE_BYTES_MAX
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import DeviceBack, DeviceLost
from lineside.contracts.samples import DriverNotice, SignalSample
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.host import PlantClock
from lineside.edge_agent.journal.errors import JournalError, JournalFullError
from lineside.edge_agent.sync.mqtt import Broker
from lineside.edge_agent.sync.uplink import WINDOW_BATCHES
from lineside.edge_agent.terminal import acts

from .chance import fork
from .disk import Disk, KilledError, SimulatedJournal
from .ledger import InvariantError, Ledger
from .plant import EDGE_TOML, SCANS, Machine

READINGS = 4
"""How often the PLC is read in a round; they arrive together, as a subscription brings them."""
APP = "lineside.edge_agent.app"


class TrueTime:
    """The time that really is; nobody in the plant sees it but through a clock."""

    def __init__(self, now: Microseconds) -> None:
        self.began = self.us = now

    def now(self) -> Microseconds:
        """Central's clock is right."""
        return self.us

    def monotonic(self) -> Microseconds:
        """Never steps."""
        return self.us - self.began

    async def sleep(self, seconds: float) -> None:
        """Park whoever waits."""
        await _park()


class EdgeClock(TrueTime):
    """The clocks of one industrial PC.

    Attributes:
        steps: How often its wall clock was set.
        moved_at: When that was last, by the true time.
    """

    def __init__(self, truth: TrueTime) -> None:
        self._truth = truth
        self._offset = 0
        self.steps = 0
        self.moved_at: Microseconds = 0
        self.boot()

    def boot(self) -> None:
        """The monotonic clock begins anew."""
        self._booted = self._asleep_from = self._asleep_until = self._truth.us
        self._slept = 0

    def suspend(self, span: Microseconds) -> None:
        """The computer sleeps from now on: its monotonic clock stands."""
        self._slept += self._sleeping()
        self._asleep_from = self._truth.us
        self._asleep_until = self._truth.us + span

    def wake(self) -> None:
        """Somebody wakes it, or it is awake."""
        self._asleep_until = min(self._asleep_until, self._truth.us)

    def _sleeping(self) -> Microseconds:
        return min(self._truth.us, self._asleep_until) - self._asleep_from

    @property
    def offset(self) -> Microseconds:
        """How far the wall clock is from the truth."""
        return self._offset

    @offset.setter
    def offset(self, value: Microseconds) -> None:
        self.steps += value != self._offset
        self.moved_at = self._truth.us
        self._offset = value

    def now(self) -> Microseconds:
        """Wall time as this PC believes."""
        return max(0, self._truth.us + self._offset)

    def monotonic(self) -> Microseconds:
        """Since this PC was booted, without the time in which it slept."""
        return self._truth.us - self._booted - self.suspended()

    def suspended(self) -> Microseconds:
        """How long this PC slept since it was booted."""
        return self._slept + self._sleeping()


@types.coroutine
def _park() -> Generator[None]:
    yield


class LinkToWire:
    """In place of the MQTT link: hands messages to the simulated wire."""

    def __init__(self, edge: str, *_: Any, **__: Any) -> None:
        self.edge = edge
        self.publish: Callable[[str, bytes, int], bool] = lambda *_: False


Seam = Callable[[Path], float]


@contextlib.contextmanager
def seams(disk_share: Seam) -> Generator[None]:
    """Production takes its journal, wire, name and disk from the simulation while this is open."""
    with (
        mock.patch(f"{APP}.Journal", SimulatedJournal),
        mock.patch(f"{APP}.edge_id", lambda config: Path(config.file).stem),
        mock.patch(f"{APP}.broker_of", return_value=Broker("simulated", 1)),
        mock.patch("lineside.edge_agent.sync.service.MqttLink", LinkToWire),
        mock.patch("lineside.edge_agent.upkeep.disk_share", disk_share),
        mock.patch("lineside.edge_agent.upkeep.free_bytes", return_value=1 << 30),
    ):
        yield


class SimulatedEdge:
    """An edge that can be started, driven and killed.

    Attributes:
        ledger: What it has committed; see there.
        agent: Running; None while it is down.
        beyond: What to publish with.
    """

    def __init__(
        self, name: str, truth: TrueTime, chance: random.Random, folder: Path, machine: Machine
    ) -> None:
        self.name, self.truth, self.chance = name, truth, chance
        self.folder = folder
        self.machine = machine
        self.clock = EdgeClock(truth)
        self.ledger = Ledger()
        self.agent: Agent | None = None
        self.send: Callable[[str, bytes], None] = lambda *_: None
        self.seen: Callable[[list[bytes]], None] = lambda _: None
        self.hits: Counter[str] = Counter()
        self.parked: list[Coroutine[Any, Any, Any]] = []
        self.device_lost = False
        self.clock_offset_seen = 0
        self._generation = 0
        self._acts = 0

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.folder / f"{self.name}-{self._generation}" / "data"

    @property
    def disk(self) -> Disk:
        """Its disk, as long as this boot lives on it."""
        return SimulatedJournal.disk_of.setdefault(str(self.data), Disk())

    @property
    def running(self) -> Agent:
        """The agent.

        Raises:
            AssertionError: It is down.
        """
        assert self.agent is not None
        return self.agent

    def start(self) -> bool:
        """Power on; False when it cannot start yet (full disk)."""
        if self.agent is not None:
            return True
        config = configuration.parse(
            EDGE_TOML.encode(), file=f"{self.name}.toml", folder=self.data.parent
        )
        self.clock.boot()
        agent = Agent(config, clock=PlantClock(self.clock))
        assert agent.sync is not None
        uplink = agent.sync.uplink
        uplink._chance = uplink._retry._chance = fork(self.chance)
        agent.sync._link.publish = self._publish  # pyright: ignore[reportAttributeAccessIssue]
        self.agent = agent
        self._offsets = agent.upkeep._offsets()
        self.audit()
        try:
            self._step(agent.begin())
        except JournalError:
            self.stop()
            return False
        self.audit()
        self.read_at = self.truth.us
        return True

    def _publish(self, topic: str, payload: bytes, qos: int) -> bool:
        if len(payload) > MESSAGE_BYTES_MAX:
            raise InvariantError("I6", f"a message of {len(payload)} bytes")
        self.send(topic, payload)
        return True

    def stop(self) -> None:
        """Let go of everything, in order; nothing more is recorded."""
        agent, self.agent = self.agent, None
        for waiting in self.parked:
            waiting.close()
        self.parked.clear()
        if agent is not None:
            agent.close()

    def kill(self) -> None:
        """The process is gone: what is on the disk at this moment is all that is left."""
        before = self.data
        if self.agent is None:
            return
        self._generation += 1
        shutil.copytree(before, self.data, ignore=shutil.ignore_patterns("*.lock", "*.new"))
        disk = SimulatedJournal.disk_of[str(self.data)] = Disk()
        SimulatedJournal.disk_of[str(before)].full = False
        disk.full = False
        self.stop()
        self._forget(before)

    def _forget(self, data: Path) -> None:
        disk = SimulatedJournal.disk_of.pop(str(data), None)
        if disk is not None:
            self.hits.update(disk.hits)
        shutil.rmtree(data.parent, ignore_errors=True)

    def image(self, to: Path) -> Ledger:
        """A copy of the disk as of now, and of the ledger with it."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.data, to, ignore=shutil.ignore_patterns("*.lock", "*.new"))
        return self.ledger.copy()

    def replace_disk(self, image: Path | None, ledger: Ledger) -> None:
        """The computer comes back with another disk: an older copy, or an empty one."""
        self.stop()
        before = self.data
        self._generation += 1
        if image is not None:
            shutil.copytree(image, self.data)
        self._forget(before)
        self.ledger = ledger

    # --- driving

    def _step(self, work: Coroutine[Any, Any, Any]) -> tuple[bool, Any]:
        """Run until it is done or waits for the clock; (done, result)."""
        try:
            work.send(None)
        except StopIteration as done:
            return True, done.value
        self.parked.append(work)
        return False, None

    def audit(self) -> None:
        """Look at what was committed."""
        if self.agent is not None and self.agent.journal.failure is None:
            new = self.ledger.audit(self.agent.journal)
            if new:
                self.seen(new)

    def poll(self, seconds: float, rate: float) -> None:
        """One round of the PLC: it works, is read a few times, and all of it comes together."""
        waiting, self.parked = self.parked, []
        for work in waiting:
            done, writes = self._step(work)
            if done:
                self._write(writes)
        self.audit()
        if self.parked:  # the device is not asked for more while its last batch waits
            self.machine.work(seconds, rate)
            return
        agent = self.running
        if self.machine.off:
            self._lose()
            return
        if self.device_lost:
            self.device_lost, self.machine.initial = False, True
            now = agent.clock.now()
            back = DeviceBack(occurred_at=now, recorded_at=now, device="plc")
            if not self._step(agent.devices["plc"]._record([back]))[0]:
                return
        samples: list[SignalSample] = []
        for part in range(READINGS):
            self.machine.work(seconds / READINGS, rate)
            ago = round(seconds * (READINGS - 1 - part) / READINGS * US_PER_SECOND)
            more, truth = self.machine.readings(agent.clock.now() - ago)
            samples += more
            self.ledger.show(truth, self.clock.steps)
        for line in agent.lines:
            done, writes = self._step(line.take("plc", samples))
            if done:
                self._write(writes)

    def _write(self, writes: Any) -> None:
        for write in writes or ():
            self.machine.acknowledge(write.value)

    def _lose(self) -> None:
        if self.device_lost:
            return
        self.device_lost = True
        agent = self.running
        now = agent.clock.now()
        lost = DeviceLost(occurred_at=now, recorded_at=now, device="plc")
        self._step(agent.devices["plc"]._record([lost]))
        notice = DriverNotice(kind="lost", detail="-", read_at=now, since=now - US_PER_SECOND)
        for line in agent.lines:
            self._step(line.take("plc", [notice]))

    def act(self) -> None:
        """Somebody at the terminal scans something; now and then the page sends it twice."""
        if self.parked:
            return
        agent, chance = self.running, self.chance
        self._acts += 1
        body = acts.Scan(
            kind="scan",
            id=f"{self.name}-{self._generation}-{self._acts}",
            station=chance.choice(("TURN", "GRIND")),
            raw=chance.choice(SCANS),
        )
        twice = chance.random() < 0.2
        self.hits["act_sent_twice"] += twice
        answers = [self._step(agent.desk.act(body)) for _ in range(1 + twice)]
        for _, answer in answers:
            if agent.recorder.problem is not None and answer.answer == "accepted":
                raise InvariantError("I5", f"accepted while nothing is recorded: {answer}")

    def beat(self) -> None:
        """What the agent does once a second, done once a round."""
        agent = self.running
        _, self._offsets = self._step(agent.upkeep._watch_clock(self._offsets))
        if agent.recorder.problem is None:
            agent.upkeep._alive.write(agent.clock.now())
        elif agent.upkeep.health().recording or not agent.upkeep.health().problems:
            raise InvariantError("I5", "nothing is recorded, and nobody is told")
        with contextlib.suppress(LinesideError):
            self._step(agent.desk.close_forgotten())
        agent.upkeep._watch_sync()

    def tidy(self) -> None:
        """What the agent does once a minute."""
        agent = self.running
        agent.upkeep._save()
        with contextlib.suppress(JournalFullError):
            agent.upkeep._prune()

    # --- sync

    def connected(self) -> None:
        """The wire stands."""
        self._take("connected", "", b"")

    def disconnected(self) -> None:
        """The wire is gone."""
        if self.agent is not None:
            self._take("disconnected", "cut", b"")

    def hear(self, topic: str, payload: bytes) -> None:
        """A message from central."""
        self._take("message", topic, payload)

    def _take(self, what: str, topic: str, payload: bytes) -> None:
        sync = self.running.sync
        assert sync is not None
        self._done(sync._carry_out(sync._take(what, topic, payload)))

    def tick(self) -> None:
        """The rest of one step of the sync service."""
        sync = self.running.sync
        assert sync is not None
        if sync._greet_wanted and sync.uplink.connected_now:
            sync._greet_wanted = False
            self._done(sync._carry_out(sync.uplink.greet()))
        self._done(sync._open_epoch())
        self._done(sync._carry_out(sync.uplink.tick()))
        sync._remember()
        if sync._reports:
            self._done(sync._record_applied())
        if len(sync.uplink._flight) > WINDOW_BATCHES:
            raise InvariantError("I6", f"{len(sync.uplink._flight)} batches in flight")

    def _done(self, work: Coroutine[Any, Any, Any]) -> None:
        done, _ = self._step(work)
        if not done:
            raise InvariantError("stuck", "the sync service waits for something")

    @property
    def behind(self) -> bool:
        """Whether central lacks something, as far as this edge knows."""
        agent = self.running
        assert agent.sync is not None
        uplink = agent.sync.uplink
        return (
            not uplink.welcomed
            or uplink._opening
            or uplink._probing
            or uplink.durable_through < agent.journal.head()
            or agent.journal.watermarks().durable_through < agent.journal.head()
        )


__all__ = ["KilledError", "SimulatedEdge", "TrueTime", "seams"]
