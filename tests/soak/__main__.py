"""Memory, descriptors, threads and WAL stay flat under faults (F-15).

`python -m tests.soak --minutes 10`

Runs `lineside-sim demo`, a whole plant of real programs, scans at its terminals as fast as they
answer, and freezes broker, central and an edge in turn, as a network and a slow disk do. Each
program's figures are read from /proc once a second; a straight line is fitted through those after
the warm-up, and what it would gain in a day is judged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WARM_UP_SHARE = 0.4
READY_S = 120.0
FREEZE_EVERY_S = (6.0, 14.0)
FREEZE_S = (0.5, 4.0)
RSS_GROWTH_SHARE_MAX = 0.06  # of a program's memory, over the whole time after the warm-up
RSS_GROWTH_MIN = 8 * 1024 * 1024  # less than this is the allocator's noise
DESCRIPTORS_GROWTH_MAX = 6
PROGRAMS_MIN = 3  # central and two edges
WAL_BYTES_MAX = 64 * 1024 * 1024
WATCHED = ("lineside-edge run", "lineside-central serve")
FROZEN = (*WATCHED, "lineside-central broker")


@dataclass(slots=True)
class Watched:
    """One program and what it used, a value a second."""

    name: str
    pid: int
    at_s: list[float] = field(default_factory=list[float])
    rss: list[int] = field(default_factory=list[int])
    descriptors: list[int] = field(default_factory=list[int])
    threads: list[int] = field(default_factory=list[int])

    def look(self, at_s: float) -> None:
        """Read its figures now; a program that ended keeps what it had."""
        try:
            words = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()
            opened = len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - only counted
            running = len(os.listdir(f"/proc/{self.pid}/task"))  # noqa: PTH208 - only counted
        except OSError:
            return
        self.at_s.append(at_s)
        self.rss.append(int(words[1]) * os.sysconf("SC_PAGE_SIZE"))
        self.descriptors.append(opened)
        self.threads.append(running)


def growth(at_s: Sequence[float], values: Sequence[float]) -> float:
    """What a straight line through the values gains from the first to the last (least squares)."""
    count = len(at_s)
    if count < 2:
        return 0.0
    mean_t, mean_v = sum(at_s) / count, sum(values) / count
    spread = sum((t - mean_t) ** 2 for t in at_s)
    if not spread:
        return 0.0
    slope = sum((t - mean_t) * (v - mean_v) for t, v in zip(at_s, values, strict=True)) / spread
    return slope * (at_s[-1] - at_s[0])


def judge(program: Watched) -> list[str]:
    """What grew in a program after its warm-up, as sentences."""
    first = round(len(program.at_s) * WARM_UP_SHARE)
    at_s = program.at_s[first:]
    found: list[str] = []
    rss = growth(at_s, program.rss[first:])
    allowed = max(RSS_GROWTH_MIN, RSS_GROWTH_SHARE_MAX * program.rss[-1])
    if rss > allowed:
        found.append(
            f"{program.name} grew by {rss / 1e6:.1f} MB in {at_s[-1] - at_s[0]:.0f} s,"
            f" {allowed / 1e6:.1f} are allowed"
        )
    for what, values in (("descriptors", program.descriptors), ("threads", program.threads)):
        more = growth(at_s, values[first:])
        if more > DESCRIPTORS_GROWTH_MAX:
            found.append(f"{program.name} opened {more:.0f} more {what}")
    return found


def children(of: int) -> dict[str, int]:
    """Programs of ours below a process: command line to process id."""
    found: dict[str, int] = {}
    pending = [of]
    while pending:
        parent = pending.pop()
        # A child belongs to the thread that started it.
        listings = Path(f"/proc/{parent}/task").glob("*/children")
        for word in [word for one in listings for word in one.read_text("ascii").split()]:
            pending.append(int(word))
            line = Path(f"/proc/{word}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            for name in FROZEN:
                if name in line:
                    where = "/".join(line.strip().split("/")[-2:])
                    found[f"{name} {where}"] = int(word)
    return found


def run(minutes: float, seed: int, folder: Path) -> list[str]:
    """A plant for some minutes; what grew, as sentences.

    Args:
        minutes: After READY.
        seed: Of what is frozen when.
        folder: For the plant; its log stays there.
    """
    announce = folder / "demo.json"
    log = (folder / "demo.log").open("wb")
    demo = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("lineside-sim")), "demo"),
            *("--keep", str(folder / "plant"), "--announce", str(announce)),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    loads: list[subprocess.Popen[bytes]] = []
    try:
        if problem := _wait_ready(demo, announce):
            return [problem]
        edges = json.loads(announce.read_text(encoding="utf-8"))["edges"]
        loads = [_load(address, minutes) for address in edges.values()]
        return _watch(demo, minutes, random.Random(seed), folder)
    finally:
        for load in loads:
            load.terminate()
            load.wait()
        demo.send_signal(signal.SIGINT)
        try:
            demo.wait(60)
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.wait()
        log.close()


def _wait_ready(demo: subprocess.Popen[bytes], announce: Path) -> str:
    began = time.monotonic()
    while not announce.exists():
        if demo.poll() is not None or time.monotonic() - began > READY_S:
            return "the plant did not start; see demo.log"
        time.sleep(0.2)  # noqa: TID251 - waits for a program
    return ""


def _load(address: str, minutes: float) -> subprocess.Popen[bytes]:
    words = [str(Path(sys.executable).with_name("lineside-sim")), "load", "--edge", address]
    words += ["--terminals", "2", "--rate", "20", "--seconds", str(round(minutes * 60))]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _watch(
    demo: subprocess.Popen[bytes], minutes: float, chance: random.Random, folder: Path
) -> list[str]:
    programs = {
        name: Watched(name, pid)
        for name, pid in children(demo.pid).items()
        if name.startswith(WATCHED)
    }
    if len(programs) < PROGRAMS_MIN:
        return [f"only {sorted(programs)} were found to watch"]
    began = time.monotonic()
    next_freeze = chance.uniform(*FREEZE_EVERY_S)
    frozen = 0
    wal_bytes = 0
    while (elapsed := time.monotonic() - began) < minutes * 60:
        if demo.poll() is not None:
            return [f"the plant ended with status {demo.returncode}; see demo.log"]
        for program in programs.values():
            program.look(elapsed)
        wal_bytes = max([wal_bytes, *(one.stat().st_size for one in folder.rglob("*.db-wal"))])
        if elapsed >= next_freeze:
            frozen += _freeze(demo.pid, chance)
            next_freeze = elapsed + chance.uniform(*FREEZE_EVERY_S)
        time.sleep(1)  # noqa: TID251 - a value a second
    found = [line for program in programs.values() for line in judge(program)]
    if wal_bytes > WAL_BYTES_MAX:
        found.append(f"a write-ahead log reached {wal_bytes / 1e6:.0f} MB")
    for program in programs.values():
        sys.stdout.write(
            f"{program.name}: {program.rss[0] / 1e6:.0f} to {program.rss[-1] / 1e6:.0f} MB,"
            f" {program.descriptors[0]} to {program.descriptors[-1]} descriptors,"
            f" {program.threads[0]} to {program.threads[-1]} threads\n"
        )
    sys.stdout.write(f"{frozen} freezes, largest write-ahead log {wal_bytes / 1e6:.1f} MB\n")
    return found


def _freeze(parent: int, chance: random.Random) -> int:
    there = children(parent)
    pid = there[chance.choice(sorted(there))]
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(chance.uniform(*FREEZE_S))  # noqa: TID251 - how long it is frozen
    finally:
        os.kill(pid, signal.SIGCONT)
    return 1


def main() -> int:
    """Run a soak.

    Returns:
        0 when everything stayed flat.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the plant's folder here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lineside-soak-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        problems = run(args.minutes, args.seed, folder)
    for problem in problems:
        sys.stdout.write(problem + "\n")
    sys.stdout.write(f"soak of {args.minutes:g} min, seed {args.seed}: ")
    sys.stdout.write("flat\n" if not problems else f"{len(problems)} problems\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
