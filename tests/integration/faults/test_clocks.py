"""A real agent whose computer's clock is set while it works: libfaketime between it and the kernel.

Only the wall clock is moved; the monotonic clock runs on, as it does when a person, a dead battery
or the network time sets a real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.contracts.clock import US_PER_SECOND, SystemClock, sleep_blocking
from lineside.contracts.events import ClockStepped, CounterRead, Event
from lineside.edge_agent.host import clock_is_synchronised
from lineside.edge_agent.journal.reading import JournalReader

DEADLINE_S = 40.0
NEAR_US = 5 * US_PER_SECOND
STEPS = "\n".join(
    f"  {{ after_s = 0.2, values = {{ state = 6, total = {n} }} }}," for n in range(1, 200)
)
EDGE_TOML = f"""
[edge]
listen = "127.0.0.1:0"

[[device]]
id = "plc"
driver = "scripted"
steps = [
{STEPS}
]

[[station]]
id = "TURN"
name = "Turning"
device = "plc"
counts_from = "counter"
[station.state]
signal = "state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "total"
bits = 16
max_per_min = 6000
"""


def library() -> Path | None:
    """libfaketime for programs with threads."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Program:
    """The agent in a process of its own, and what it has recorded."""

    def __init__(self, folder: Path, faked: Path) -> None:
        self.offset = folder / "offset"
        self.set_clock(0)
        file = folder / "edge.toml"
        file.write_text(EDGE_TOML, encoding="utf-8")
        self.journal = folder / "data" / "journal.db"
        environment = os.environ | {
            "LD_PRELOAD": str(faked),
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.running = subprocess.Popen(
            [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(file)],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.running.stdout is not None
        said = self.running.stdout.readline()
        assert "terminal at" in said, self.running.communicate()[1]
        self.address = said.rsplit(" ", 1)[1].strip()

    def set_clock(self, seconds: int) -> None:
        """The wall clock is so far from the truth from now on."""
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n", encoding="ascii")
        fresh.replace(self.offset)

    def facts(self) -> list[Event]:
        reader = JournalReader(self.journal)
        try:
            return [one.event for one in reader.read(0, 10_000)]
        finally:
            reader.close()

    def until(self, condition, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition(self.facts()):
            assert self.running.poll() is None, "the agent ended"
            assert time.monotonic() < deadline, what
            sleep_blocking(0.1)

    def pieces_go_on(self) -> None:
        """Some more counter readings are recorded."""
        known = len(_readings(self.facts()))
        self.until(lambda facts: len(_readings(facts)) >= known + 3, "the machine goes on")

    def problems(self) -> str:
        with urllib.request.urlopen(self.address + "healthz", timeout=DEADLINE_S) as said:
            return json.dumps(json.load(said))


@pytest.fixture
def program(tmp_path) -> Iterator[Program]:
    faked = library()
    if faked is None:
        if os.environ.get("CI") == "true":
            pytest.fail("faketime is not installed")
        pytest.skip("faketime is not installed (deploy/dev/services)")
    found = Program(tmp_path, faked)
    yield found
    found.running.kill()
    found.running.communicate()


def _readings(facts: list[Event]) -> list[CounterRead]:
    return [event for event in facts if isinstance(event, CounterRead)]


def _steps(facts: list[Event]) -> list[ClockStepped]:
    return [event for event in facts if isinstance(event, ClockStepped)]


@pytest.mark.fault("F-16", "F-17", "F-18")
@pytest.mark.parametrize("seconds", [10 * 365 * 86_400, -90])
def test_a_clock_that_is_set_in_a_shift_and_set_right_again_moves_no_fact(program, seconds):
    """Ten years ahead, or stepped back by a wrong time server: facts keep to the time before."""
    program.pieces_go_on()
    program.set_clock(seconds)
    program.until(lambda facts: len(_steps(facts)) == 1, "the step is a fact")
    program.pieces_go_on()
    said = program.problems()
    program.set_clock(0)
    program.until(lambda facts: len(_steps(facts)) == 2, "so is the way back")
    program.pieces_go_on()

    facts, now = program.facts(), SystemClock().now()
    assert [round(step.step / US_PER_SECOND) for step in _steps(facts)] == [seconds, -seconds]
    if clock_is_synchronised():
        return  # this computer's time service vouches for whatever its clock says
    assert all(step.held for step in _steps(facts))
    assert "clock was moved" in said
    times = [event.occurred_at for event in _readings(facts)]
    assert times == sorted(times)
    assert times[0] > now - 100 * US_PER_SECOND
    assert times[-1] <= now + NEAR_US
    marked = [event for event in _readings(facts) if "clock_unsure" in event.flags]
    assert 0 < len(marked) < len(times)
