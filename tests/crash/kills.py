"""Kills a real edge agent again and again while a machine makes pieces (F-02, F-13, F-32).

`python -m tests.crash.kills --kills 300 --seed 1` plays a machine on a Modbus server that makes a
piece, shows its number and waits for the acknowledgement; the agent is killed at random moments
and at named places in its program. After each kill everything acknowledged must be in the journal;
at the end every piece must be there once, and the counter must sum up to what the machine made.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lineside.contracts.events import CounterRead, GapFound, PieceCompleted
from lineside.edge_agent.commands.agent import EX_UNAVAILABLE
from lineside.edge_agent.journal.reading import JournalReader
from lineside.sim.servers.modbus import SimModbusServer
from tests.crash.edge_program import PLACES

ROOT = Path(__file__).resolve().parents[2]
UNIT = 1
WAIT_S = 30.0
CONFIGURATION = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"

[[device]]
id = "plc"
driver = "modbus"
host = "127.0.0.1"
port = {port}
addressing = "modicon"
poll_s = 0.02
signals = [
  {{ name = "state", address = 40001, group = "piece" }},
  {{ name = "total", address = 40002, group = "piece" }},
  {{ name = "sequence", address = 40004, group = "piece" }},
  {{ name = "acknowledge", address = 40011, group = "piece", writable = true }},
]

[[station]]
id = "PRESS"
device = "plc"
counts_from = "counter"
[station.state]
signal = "state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "total"
bits = 16
max_per_min = 30000
[[station.trigger]]
name = "piece"
sequence = "sequence"
acknowledge = "acknowledge"
modulus = 65536
"""


class Machine:
    """Makes a piece, shows its number, waits until that is acknowledged, and makes the next."""

    def __init__(self, server: SimModbusServer) -> None:
        self._server = server
        self.made = 0
        self.acknowledged = 0
        self.running = False
        server.set(UNIT, state=6, total=0, sequence=0, acknowledge=0)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            self.acknowledged = int(self._server.get(UNIT, "acknowledge"))
            if self.running and self.acknowledged == self.made:
                self.made += 1
                self._server.set(UNIT, total=self.made, sequence=self.made)


@dataclass(slots=True)
class Findings:
    """What a campaign saw."""

    kills: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    slowest_ready_s: float = 0.0
    made: int = 0


class Campaign:
    """One machine, one journal, many lives of an agent."""

    def __init__(self, folder: Path, machine: Machine, port: int, seed: str) -> None:
        self._file = folder / "edge.toml"
        self._file.write_text(CONFIGURATION.format(port=port))
        self._journal = folder / "data" / "journal.db"
        self._machine = machine
        self._chance = random.Random(seed)
        self.findings = Findings()

    async def start(self, place: str, times: int) -> asyncio.subprocess.Process:
        program = ("-m", "tests.crash.edge_program", str(self._file), place, str(times))
        return await asyncio.create_subprocess_exec(
            sys.executable, *program,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip

    async def kill_once(self) -> None:
        """One life of the agent: it is killed at a random moment, or dies at a place."""
        place = self._chance.choice(("anywhere",) * len(PLACES) + PLACES)
        process = await self.start(place, self._chance.randrange(40))
        before = self._machine.acknowledged
        try:
            await self._ready(process)
            if place == "anywhere":
                await asyncio.sleep(self._chance.uniform(0, 0.7))
                process.kill()
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 4)
                if process.returncode is None:  # places in a checkpoint are passed seldom
                    process.kill()
                    place = "anywhere"
        finally:
            if process.returncode is None:
                process.kill()
            _, told = await process.communicate()
        if process.returncode != -signal.SIGKILL:
            self.findings.wrong.append(f"{place}: ended with {process.returncode}: {told[-500:]!r}")
        self.findings.kills[place] += 1
        self._look(f"after kill {self.findings.kills.total()} ({place}) from {before}")

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        """It tells its address when it works; a place may lie before that."""
        assert process.stdout is not None
        began = time.monotonic()
        told = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
        if told:
            spent = time.monotonic() - began
            self.findings.slowest_ready_s = max(self.findings.slowest_ready_s, spent)

    def _look(self, when: str) -> None:
        """I1, I2, I3, I4: acknowledged is stored, once, without hole, chained."""
        if not self._journal.exists():
            if self._machine.acknowledged:
                self.findings.wrong.append(f"{when}: there is no journal")
            return
        reader = JournalReader(self._journal)
        try:
            pieces = pieces_in(reader)
            missing = set(range(1, self._machine.acknowledged + 1)) - set(pieces)
            if missing:
                self.findings.wrong.append(f"{when}: acknowledged and lost {sorted(missing)}")
            if len(pieces) != len(set(pieces)):
                self.findings.wrong.append(f"{when}: a piece is there twice")
            self.findings.wrong += [f"{when}: event {seq}: {why}" for seq, why in reader.verify()]
        finally:
            reader.close()

    async def begin(self) -> None:
        """A first agent takes the counter over at zero: what was made before it looked is not
        its."""
        process = await self.start("nowhere", 0)
        try:
            await self._ready(process)
            deadline = time.monotonic() + WAIT_S
            while not self._sees_the_counter():
                assert process.returncode is None, await process.communicate()
                assert time.monotonic() < deadline, "the agent does not read the machine"
                await asyncio.sleep(0.05)
            second = await self.start("nowhere", 0)
            _, told = await second.communicate()
            if second.returncode != EX_UNAVAILABLE or b"in use by another agent" not in told:
                self.findings.wrong.append(f"a second agent: {second.returncode} {told[-500:]!r}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
        self._machine.running = True

    def _sees_the_counter(self) -> bool:
        reader = JournalReader(self._journal)
        try:
            return any(isinstance(one.event, CounterRead) for one in reader.read(0, 1_000))
        finally:
            reader.close()

    async def finish(self) -> None:
        """The machine stops, a last agent catches up and ends in order; I7: the sums agree."""
        process = await self.start("nowhere", 0)
        try:
            await self._ready(process)
            self._machine.running = False
            deadline = time.monotonic() + WAIT_S
            while self._machine.acknowledged != self._machine.made and process.returncode is None:
                if time.monotonic() > deadline:
                    self.findings.wrong.append("the last piece is not acknowledged")
                    break
                await asyncio.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):  # it has died before: told below
                process.terminate()
            await asyncio.wait_for(process.wait(), WAIT_S)
        finally:
            if process.returncode is None:
                process.kill()
            _, told = await process.communicate()
        if process.returncode != 0:
            self.findings.wrong.append(f"the last ended with {process.returncode}: {told[-500:]!r}")
        self._look("at the end")
        if not self._journal.exists():
            self.findings.wrong.append("there is no journal at the end")
            return
        reader = JournalReader(self._journal)
        self._sum_up(reader)
        reader.close()

    def _sum_up(self, reader: JournalReader) -> None:
        made = self._machine.made
        events = [stored.event for stored in reader.read(0, 10_000)]
        while more := reader.read(len(events), 10_000):
            events += [stored.event for stored in more]
        counted = sum(event.increment for event in events if isinstance(event, CounterRead))
        holes = sum(event.missing or 0 for event in events if isinstance(event, GapFound))
        pieces = sorted(event.sequence for event in events if isinstance(event, PieceCompleted))
        self.findings.made = made
        if pieces != list(range(1, made + 1)):
            self.findings.wrong.append(f"{made} pieces were made, {len(pieces)} booked")
        if counted + holes != made:
            self.findings.wrong.append(f"{made} made, {counted} counted, {holes} declared missing")


def pieces_in(reader: JournalReader) -> list[int]:
    """Numbers of all booked pieces, in order of the journal."""
    found: list[int] = []
    after = 0
    while events := reader.read(after, 10_000):
        found += [
            stored.event.sequence for stored in events if isinstance(stored.event, PieceCompleted)
        ]
        after = events[-1].seq
    return found


async def campaign(folder: Path, kills: int, seed: str) -> Findings:
    """Kill an agent that often, and say what was wrong afterwards."""
    async with SimModbusServer([UNIT]) as server:
        machine = Machine(server)
        work = Campaign(folder, machine, server.port, seed)
        making = asyncio.create_task(machine.run())
        try:
            await work.begin()
            for _ in range(kills):
                await work.kill_once()
            await work.finish()
        finally:
            making.cancel()
        return work.findings


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run a campaign.

    Returns:
        0 when everything agreed, 1 otherwise.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        findings = asyncio.run(campaign(Path(folder), args.kills, args.seed))
    for wrong in findings.wrong:
        tell(wrong)
    tell(
        f"seed {args.seed}: {findings.kills.total()} kills {dict(findings.kills)},"
        f" {findings.made} pieces, {len(findings.wrong)} wrong, slowest ready"
        f" {findings.slowest_ready_s:.1f} s, {time.monotonic() - began:.0f} s"
    )
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
