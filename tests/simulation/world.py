"""The plant, its network and central: rounds of time, faults out of one seed, checks after each."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.clock import US_PER_SECOND, Microseconds, parse_rfc3339
from lineside.edge_agent.journal.errors import JournalFailedError

from . import checks
from .central import SimulatedCentral, Wanted
from .chance import fork, seeded_secrets
from .disk import KilledError, SimulatedJournal
from .edge import SimulatedEdge, TrueTime, seams
from .ledger import InvariantError
from .plant import Machine, documents
from .wire import Weather, Wire

SECOND = US_PER_SECOND
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
# Nights on which Europe's clocks move, and an ordinary week.
BEGINNINGS = ("2026-03-28T06:00:00Z", "2026-10-24T06:00:00Z", "2026-06-01T06:00:00Z")
CLOCKS_MOVE = (parse_rfc3339("2026-03-29T01:00:00Z"), parse_rfc3339("2026-10-25T01:00:00Z"))
EXCHANGES = 5
ROUND_S = (40, 240)
DRAIN_ROUNDS_MAX = 600
CALM_EVERY = 8 * HOUR
TIDY_EVERY = 20
# What the programs log where they met a fault of their own.
ALARMING = frozenset(
    {"projections_behind", "projection_failed", "decision_failed", "commit_listener_failed"}
)


@dataclass(slots=True)
class Report:
    """What a run did."""

    seed: int
    busy_hours: float = 0.0
    edge_hours: float = 0.0
    partition_days: int = 0
    events_committed: int = 0
    events_stored: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    windows_compared: int = 0
    drains: int = 0
    declared: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[str] = field(default_factory=Counter[str])
    notices: Counter[str] = field(default_factory=Counter[str])
    trace: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """For `--json` and people."""
        return {
            "seed": self.seed,
            "busy_hours": round(self.busy_hours, 1),
            "edge_hours": round(self.edge_hours, 1),
            "days_in_long_partitions": self.partition_days,
            "events_committed": self.events_committed,
            "events_stored": self.events_stored,
            "faults_total": self.faults.total(),
            "faults_of_messages": sum(
                count for name, count in self.faults.items() if name.startswith("message_")
            ),
            "faults": dict(sorted(self.faults.items())),
            "windows_compared": self.windows_compared,
            "drains": self.drains,
            "counts_declared": dict(sorted(self.declared.items())),
            "refusals": dict(sorted(self.refusals.items())),
            "notices": dict(sorted(self.notices.items())),
            "trace": self.trace,
        }


@dataclass(slots=True)
class Line:
    """An edge, its wire, and what the world does to it.

    Attributes:
        link_down_until, power_off_until, plc_off_until: True time.
        disk_full_until: Its disk takes nothing.
        clock_right_at: When somebody sets its clock right; None: it is right or stays wrong.
        image: An older copy of its disk, with the ledger of then.
    """

    edge: SimulatedEdge
    wire: Wire
    link_down_until: Microseconds = 0
    power_off_until: Microseconds = 0
    plc_off_until: Microseconds = 0
    disk_full_until: Microseconds = 0
    asleep_until: Microseconds = 0
    clock_right_at: Microseconds | None = None
    image: tuple[Path, Any] | None = None
    used_share: float = 0.5


class World:
    """Everything; `run` drives it."""

    def __init__(self, seed: int, *, edges: int, folder: Path, faults: Any) -> None:
        self.chance = random.Random(seed)
        self.report = Report(seed)
        self.folder = folder
        self.faults = faults
        self.truth = TrueTime(parse_rfc3339(self.chance.choice(BEGINNINGS)))
        self.central = SimulatedCentral(self.truth, fork(self.chance))
        self.watch = checks.CentralWatch()
        self.trace = hashlib.blake2b(digest_size=16)
        self.lines = [self._line(f"edge-{number}") for number in range(1, edges + 1)]
        self.guests: list[Line] = []
        self.rounds = 0
        self.calm_at = self.truth.us + CALM_EVERY
        self.busy = 0
        self.old_copy_rounds = 0
        self.guest_leaves_at = 0
        self.alarms: list[str] = []
        self.arrived: dict[str, checks.Arrived] = {}

    def _line(self, name: str) -> Line:
        machine = Machine(fork(self.chance))
        edge = SimulatedEdge(name, self.truth, fork(self.chance), self.folder, machine)
        self.central.store.enrol(name)
        wanted = self.central.wanted.setdefault(name, Wanted())
        for (kind, identity), document in documents(name).items():
            wanted.put(kind, identity, document)
        self.watch.ledgers[name] = [edge.ledger]
        return self.join(edge)

    def join(self, edge: SimulatedEdge) -> Line:
        """Give an edge a wire."""
        line = Line(edge, Wire(fork(self.chance), self.report.faults))
        edge.send = lambda topic, payload: line.wire.send(self.truth.us, topic, payload, rises=True)
        edge.seen = self._committed
        return line

    def _committed(self, new: list[bytes]) -> None:
        self.report.events_committed += len(new)
        for data in new:
            self.trace.update(data)

    def share(self, data: Path) -> float:
        """How full the disk of a folder is."""
        for line in (*self.lines, *self.guests):
            if line.edge.data == data:
                return line.used_share
        return 0.5

    # --- time

    def run(self, hours: float) -> Report:
        """Work for so many hours of the plant; quiet weeks in between are not counted."""
        for line in self.lines:
            self._alive(line)
        while self.busy < hours * HOUR:
            self.round(self.chance.uniform(*ROUND_S), rate=0.4)
            self.busy += self.truth.us - self._round_began
            if self.truth.us >= self.calm_at:
                self.calm()
                self.calm_at = self.truth.us + CALM_EVERY
        self.calm()
        self.report.busy_hours = self.busy / HOUR
        self.report.trace = self.trace.hexdigest()
        return self.report

    def round(self, seconds: float, rate: float, *, calm: bool = False) -> None:
        """Time passes once: faults, plant, edges, sync, checks."""
        self._round_began = self.truth.us
        self.rounds += 1
        if not calm:
            self.faults.strike(self, seconds)
        self.truth.us += round(seconds * SECOND)
        self.report.edge_hours += len(self.lines) * seconds / 3600
        for moved in CLOCKS_MOVE:
            if self._round_began < moved <= self.truth.us:
                self.report.faults["dst_night"] += len(self.lines)
        for line in (*self.lines, *self.guests):
            self._weather(line)
            asleep = line.edge.agent is None or self.truth.us < line.asleep_until
            self._alive(line)
            if asleep and line in self.lines:  # nobody reads what is made now
                line.edge.machine.work(seconds, rate)
                self._guard(line, lambda line=line: self._work(line, 0, 0, calm=calm))
            else:
                self._guard(line, lambda line=line: self._work(line, seconds, rate, calm=calm))
        for _ in range(EXCHANGES):
            self._exchange()
        self.watch.follow(self.central)
        for line in self.lines:
            if line.edge.agent is not None and not self.central.is_old_copy:
                checks.check_watermark(line.edge, self.watch)

    def _weather(self, line: Line) -> None:
        """What was broken for a while is mended when its time has come."""
        now, edge, wire = self.truth.us, line.edge, line.wire
        edge.machine.off = now < line.plc_off_until
        edge.disk.full = now < line.disk_full_until
        line.used_share = 0.99 if edge.disk.full else 0.5
        if line.clock_right_at is not None and now >= line.clock_right_at:
            line.clock_right_at = None
            edge.clock.offset = 0
        if wire.up and now < line.link_down_until and not wire.silent:
            wire.cut()
            if edge.agent is not None:
                self._guard(line, edge.disconnected)
        if wire.silent and now >= line.link_down_until:
            wire.cut()
            if edge.agent is not None:
                self._guard(line, edge.disconnected)

    def _alive(self, line: Line) -> None:
        """Power, process and connection are there unless something forbids it."""
        edge, wire, now = line.edge, line.wire, self.truth.us
        if now < line.power_off_until:
            return
        if edge.agent is None:
            wire.cut()
            if not self._guard(line, edge.start) or edge.agent is None:
                return
        if not wire.up and now >= line.link_down_until:
            wire.up = True
            self._guard(line, edge.connected)

    def _guard(self, line: Line, work: Any) -> bool:
        """Do something with an edge that may be killed by it; False: it was."""
        edge = line.edge
        try:
            if edge.agent is None and work != edge.start:
                return False
            work()
            if edge.agent is not None:
                edge.audit()
            alive = edge.agent is None or edge.agent.journal.failure is None
        except (KilledError, JournalFailedError):
            alive = False
        if not alive:  # an agent whose journal failed ends itself; either way it starts again
            self.report.faults["edge_died"] += 1
            self.died(line)
            return False
        if self.alarms:
            raise InvariantError("alarm", self.alarms[0])
        return True

    def died(self, line: Line) -> None:
        """The process of an edge is gone."""
        line.wire.cut()
        line.edge.kill()
        line.edge.disk.kill_in = None

    def _work(self, line: Line, seconds: float, rate: float, *, calm: bool) -> None:
        edge = line.edge
        if self.truth.us < line.asleep_until:
            return
        if line in self.lines:
            edge.poll(seconds, rate)
            edge.audit()
        if self.chance.random() < (0.25 if not calm else 0.02):
            edge.act()
            edge.audit()
        edge.beat()
        if (self.rounds + len(edge.name)) % TIDY_EVERY == 0:
            edge.tidy()

    def _exchange(self) -> None:
        """Edges speak, central answers, edges hear."""
        lines = (*self.lines, *self.guests)
        for line in lines:
            if self._speaks(line):
                self._guard(line, line.edge.tick)
        self._rise(lines)
        self._fall(lines)

    def _rise(self, lines: tuple[Line, ...]) -> None:
        self.truth.us += round(0.3 * SECOND)
        arrived = [
            message for line in lines for message in line.wire.take(self.truth.us, rises=True)
        ]
        if self.central.running:
            for begin in range(0, len(arrived), 16):
                self._central(arrived[begin : begin + 16])
                if not self.central.running:
                    break  # the rest is lost with the process
        elif self.central.down_rounds <= 0:
            self._answer(self.central.start())

    def _fall(self, lines: tuple[Line, ...]) -> None:
        self.truth.us += round(0.3 * SECOND)
        for line in lines:
            if not self._speaks(line):
                continue
            for topic, payload in line.wire.take(self.truth.us, rises=False):
                if not self._guard(
                    line, lambda line=line, t=topic, p=payload: line.edge.hear(t, p)
                ):
                    break

    def _speaks(self, line: Line) -> bool:
        return line.edge.agent is not None and self.truth.us >= line.asleep_until

    def _central(self, messages: list[tuple[str, bytes]]) -> None:
        answers = self.central.receive(messages)
        self.trace.update(len(answers).to_bytes(4, "big"))
        self._answer(answers)

    def _answer(self, answers: list[tuple[str, bytes]]) -> None:
        self.watch.answers(self.central, answers)
        for topic, payload in answers:
            edge = topic.split("/")[1]
            for line in (*self.lines, *self.guests):
                if line.edge.name == edge:
                    line.wire.send(self.truth.us, topic, payload, rises=False)

    # --- calm

    def calm(self) -> None:
        """All faults end; everything arrives; everything is compared.

        Raises:
            InvariantError: Something does not arrive, or differs.
        """
        self.faults.heal(self)
        for _ in range(DRAIN_ROUNDS_MAX):
            self.round(15, rate=0.0, calm=True)
            if self.central.running and not any(self._behind(line) for line in self.lines):
                break
        else:
            states = {line.edge.name: self._why_behind(line) for line in self.lines}
            raise InvariantError("drain", f"does not arrive: {states}")
        self.report.drains += 1
        self.watch.follow(self.central)
        for line in self.lines:
            edge = line.edge
            arrived = self.arrived[edge.name] = checks.check_arrived(
                edge, self.central, self.arrived.get(edge.name)
            )
            edge.ledger.check_sums()
            self.report.windows_compared += checks.check_figures(edge, arrived, self.truth.us)
        checks.check_chain(self.chance.choice(self.lines).edge)
        self._summarise()

    def _behind(self, line: Line) -> bool:
        edge = line.edge
        if edge.agent is None or edge.parked or edge.behind:
            return True
        lane = self.central.store.tables.lanes.get((edge.name, "facts", edge.agent.journal.epoch))
        if lane is None or lane.durable_through != edge.agent.journal.head():
            return True
        wanted = self.central.wanted[edge.name]
        desired = edge.agent.desired
        has = (desired.cursor, desired.content_hash)
        return has != (wanted.position, wanted.content_hash) or bool(desired.unreported())

    def _why_behind(self, line: Line) -> Any:
        edge = line.edge
        if edge.agent is None or edge.agent.sync is None:
            return "down"
        uplink = edge.agent.sync.uplink
        lanes = {
            key[2][:6]: (lane.durable_through, lane.closed)
            for key, lane in self.central.store.tables.lanes.items()
            if key[:2] == (edge.name, "facts")
        }
        return {
            "head": edge.agent.journal.head(), "durable": uplink.durable_through,
            "welcomed": uplink.welcomed, "opening": uplink._opening, "probing": uplink._probing,
            "epoch": edge.agent.journal.epoch[:6], "base": edge.agent.journal.epoch_base,
            "central": lanes, "knows": uplink._incarnation, "is": self.central.store.incarnation,
            "parked": len(edge.parked),
            "cursor": (edge.agent.desired.cursor, self.central.wanted[edge.name].position),
        }  # fmt: skip

    def _summarise(self) -> None:
        report = self.report
        report.events_stored = self.watch.checked
        report.declared = Counter()
        for line in self.lines:
            report.declared.update(line.edge.ledger.flagged)
            report.faults.update(line.edge.hits)
            line.edge.hits.clear()
            report.faults.update(line.edge.disk.hits)
            line.edge.disk.hits.clear()
        report.refusals = checks.refused(self.central)


def simulate(seed: int, *, hours: float, edges: int, faults: Any) -> Report:
    """Run one seed.

    Raises:
        InvariantError: It found something.
    """
    with laboratory() as folder, seeded_secrets(seed):
        world = World(seed, edges=edges, folder=folder, faults=faults)
        with seams(world.share):
            try:
                with listening(world.report.notices, world.alarms):
                    return world.run(hours)
            finally:
                for line in (*world.lines, *world.guests):
                    line.edge.stop()


@contextmanager
def laboratory() -> Generator[Path]:
    """A folder in memory where there is one."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="lineside-simulation-", dir=parent))
    try:
        yield folder
    finally:
        SimulatedJournal.disk_of.clear()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening(notices: Counter[str], alarms: list[str]) -> Generator[None]:
    """Count what the programs log as a warning or worse; what never may be logged is a finding."""
    before = structlog.get_config()

    def hear(_: Any, level: str, event: Any) -> Any:
        name = str(event.get("event"))
        if level in {"warning", "error", "critical"}:
            notices[name] += 1
        if name in ALARMING:
            alarms.append(f"{json.dumps(event, default=str)} {traceback.format_exc()}")
        raise structlog.DropEvent

    structlog.configure(processors=[hear])
    try:
        yield
    finally:
        structlog.configure(**before)


__all__ = ["InvariantError", "Line", "Report", "Weather", "World", "simulate"]
