# ruff: noqa: T201 - a program that prints its results
"""Clock scripts alone: a line works, and only its clocks go wrong (F-16 to F-21).

Each script is one edge for some hours with clocks that step, sleep, die, come back, or stand in the
year 2000. Afterwards: the order of facts is the order in which they happened, pieces are counted
exactly, no duration is negative and each window is a partition, and what was recorded under a
wrong clock says so.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections import Counter
from typing import Any

from lineside.contracts.calendar import shifts_overlapping
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.events import AgentStarted, ClockStepped, CounterRead, PieceCompleted
from lineside.contracts.kpi import Window
from lineside.contracts.kpi.errors import KpiHistoryError
from lineside.edge_agent.host import SETTLED_AFTER_US

from .chance import seeded_secrets
from .edge import seams
from .faults import Faults, Strike, clock_step, dead_clock, kill, suspend
from .ledger import InvariantError
from .plant import SEQUENCES
from .world import HOUR, World, laboratory, listening

SECOND = US_PER_SECOND
SCRIPTS = ("steps", "dead_clock", "suspend", "dst", "plc_in_2000", "everything")
RATES: dict[str, dict[Strike, float]] = {
    "steps": {clock_step: 1.5},
    "dead_clock": {dead_clock: 0.8, kill: 0.3},
    "suspend": {suspend: 1.0},
    "dst": {},
    "plc_in_2000": {},
    "everything": {clock_step: 0.7, dead_clock: 0.3, suspend: 0.4, kill: 0.2},
}
DEVICE_CLOCKS = (-26 * 365 * 24 * HOUR, -HOUR, 3 * 365 * 24 * HOUR)
WRONG_FROM = SECOND


class ClockScript:
    """One script and what was seen of it."""

    def __init__(self, seed: int, kind: str) -> None:
        self.seed, self.kind = seed, kind
        self.seen: Counter[str] = Counter()
        self.wrong: dict[int, Microseconds] = {}
        self._right = self._right_before = True
        self._moved_at: Microseconds = 0
        self._followed = 0

    def run(self) -> Counter[str]:
        """Run it.

        Raises:
            InvariantError: Something about time is wrong.
        """
        with laboratory() as folder, seeded_secrets(self.seed):
            world = World(self.seed, edges=1, folder=folder, faults=Faults(RATES[self.kind]))
            (line,) = world.lines
            edge = line.edge
            self._set_device_clock(edge)
            self._follow(world, edge)
            with seams(world.share), listening(world.report.notices, world.alarms):
                try:
                    world.run(16 if self.kind == "dst" else 3)
                    self._check(edge)
                finally:
                    edge.stop()
            self.seen["events"] += world.report.events_committed
            self.seen.update(world.report.faults)
            if edge.ledger.declared.total():
                self.seen["counts_declared"] += edge.ledger.declared.total()
        return self.seen

    def _set_device_clock(self, edge: Any) -> None:
        """The PLC gives stamps of a clock that is years away, or of a right one."""
        if self.kind not in {"plc_in_2000", "everything"}:
            return
        readings = edge.machine.readings
        away = random.Random(self.seed).choice(DEVICE_CLOCKS)

        def stamped(now: Microseconds) -> Any:
            from msgspec.structs import replace

            samples, truth = readings(now)
            return [replace(sample, source_at=sample.read_at + away) for sample in samples], truth

        machine = _Readings(edge.machine, stamped)
        edge.machine = machine

    def _follow(self, world: World, edge: Any) -> None:
        """Remember of each fact how wrong business time was when it was committed."""
        before = edge.seen

        def seen(new: list[bytes]) -> None:
            head = edge.ledger.audited
            for number in range(head - len(new) + 1, head + 1):
                self.wrong[number] = edge.running.clock.now() - edge.truth.us
            self._follow_steps(edge, head)
            before(new)

        edge.seen = seen

    def _follow_steps(self, edge: Any, number: int) -> None:
        """Business time that was right stays right while a step is young."""
        right = abs(self.wrong[number]) < WRONG_FROM
        if edge.clock.moved_at != self._moved_at:
            self._moved_at, self._right_before = edge.clock.moved_at, self._right
        self._right = right
        if abs(edge.clock.offset) < WRONG_FROM:
            return
        self.seen["facts_while_the_clock_was_wrong"] += 1
        self.seen["carried_right"] += right
        young = edge.truth.us - self._moved_at < SETTLED_AFTER_US - 60 * SECOND
        if self.kind == "steps" and young and self._right_before and not right:
            self._followed = self._followed or number

    # --- checks

    def _check(self, edge: Any) -> None:
        events = [stored.event for stored in edge.running.journal.read(0, 10_000)]
        self._check_order(events)
        self._check_flags(events)
        self._check_durations(edge, events)
        if self._followed:
            raise InvariantError("clock", f"fact {self._followed} followed a step at once")
        if any(event.recorded_at < 0 for event in events):
            raise InvariantError("clock", "a fact was recorded before 1970")

    def _check_order(self, events: list[Any]) -> None:
        """The journal tells pieces in the order in which they were made, whatever clocks said."""
        last: int | None = None
        for event in events:
            if isinstance(event, PieceCompleted):
                if last is not None and event.sequence != (last + 1) % SEQUENCES:
                    raise InvariantError("order", f"piece {event.sequence} after {last}")
                last = event.sequence
        self.seen["pieces_in_order"] += last is not None
        if self.kind == "plc_in_2000":
            for event in events:
                if isinstance(event, CounterRead) and event.time_source == "device":
                    raise InvariantError("clock", f"a clock years away was believed: {event}")

    def _check_flags(self, events: list[Any]) -> None:
        """Facts under a wrong clock are marked, or a step in the same run of the agent says it.

        A clock that is ahead when the agent starts, or behind and still after the last fact, looks
        like any other: only its way back shows.
        """
        steps: dict[int, bool] = {}
        run = 0
        runs: list[int] = []
        for event in events:
            run += isinstance(event, AgentStarted)
            runs.append(run)
            steps[run] = steps.get(run, False) or isinstance(event, ClockStepped)
        believed = 0
        for number, event in enumerate(events, start=1):
            wrong = self.wrong.get(number, 0)
            before = believed
            if "clock_unsure" not in event.flags:
                believed = event.recorded_at
            if abs(wrong) < WRONG_FROM:
                continue
            self.seen["facts_under_wrong_clock"] += 1
            if "clock_unsure" in event.flags:
                self.seen["marked"] += 1
            elif steps[runs[number - 1]]:
                self.seen["told_by_a_step"] += 1
            elif event.recorded_at >= before - WRONG_FROM:
                self.seen["not_to_be_known"] += 1
            else:
                raise InvariantError(
                    "clock", f"fact {number} is {wrong} us wrong, and nothing says so: {event}"
                )

    def _check_durations(self, edge: Any, events: list[Any]) -> None:
        for event in events:
            if event.occurred_until is not None and event.occurred_until < event.occurred_at:
                raise InvariantError("duration", f"ends before it begins: {event}")
        live = edge.running.known.figures
        now = edge.truth.us
        for station in ("TURN", "GRIND"):
            for hours in (1, 3, 17):
                window = Window(unit=station, start=now - hours * HOUR, end=now)
                try:
                    self._check_partition(live, window)
                except KpiHistoryError:
                    self.seen["windows_forgotten"] += 1
            for shift in shifts_overlapping(live.calendar, now - 30 * HOUR, now):
                self._check_partition(live, Window.of_shift(station, shift))
        shifts = shifts_overlapping(live.calendar, now - 40 * HOUR, now + 40 * HOUR)
        for earlier, later in itertools.pairwise(shifts):
            if earlier.end_us != later.start_us:
                raise InvariantError("duration", f"{later} does not follow {earlier}")
        lengths = {(shift.end_us - shift.start_us) // HOUR for shift in shifts}
        self.seen["odd_shifts"] += bool(lengths - {8})

    def _check_partition(self, live: Any, window: Window) -> None:
        segments = live._figures.segments(window)
        at = window.start
        for segment in segments:
            if segment.start_us != at or segment.end_us <= segment.start_us:
                raise InvariantError("duration", f"{segment} in a window from {at}")
            at = segment.end_us
        if segments and at != window.end:
            raise InvariantError("duration", f"the window ends at {at}")
        elements = live.result(window).elements
        parts = (
            elements.planned_downtime_us, elements.apt_us, elements.aust_us, elements.adet_us,
            elements.adot_us, elements.unknown_us,
        )  # fmt: skip
        if min(parts) < 0 or sum(parts) != elements.pot_us:
            raise InvariantError("duration", f"{elements}")
        self.seen["partitions"] += 1


class _Readings:
    """A machine whose readings carry other stamps."""

    def __init__(self, machine: Any, readings: Any) -> None:
        self.__dict__["_machine"] = machine
        self.__dict__["readings"] = readings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._machine, name, value)


def main(count: int, seed: int) -> int:
    """Run so many scripts, one kind after the other."""
    total: Counter[str] = Counter()
    began = time.perf_counter()
    for number in range(seed, seed + count):
        kind = SCRIPTS[number % len(SCRIPTS)]
        try:
            total.update(ClockScript(number, kind).run())
        except InvariantError as finding:
            print(f"FOUND with script {number} ({kind}): {finding}", file=sys.stderr)
            print(
                f"Replay: python -m tests.simulation --clock-scripts 1 --seed {number}",
                file=sys.stderr,
            )
            return 1
        total[f"scripts_{kind}"] += 1
    print(json.dumps({**total, "took_s": round(time.perf_counter() - began, 1)}, indent=1))
    return 0
