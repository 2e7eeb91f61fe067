# ruff: noqa: T201 - a program that prints its results
"""Every write and sync of a short life of a journal fails once, each in each way (strace).

`python -m tests.crash.syscalls --share 100` tries all of them; a share is drawn by the seed. The
program is a real one in a process of its own; what it called saved must be there afterwards.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lineside.contracts.clock import SystemClock
from lineside.edge_agent.journal.store import Journal

PROGRAM = Path(__file__).parents[1] / "integration" / "journal" / "journal_program.py"
EVENTS = 8
CALLS = ("fsync", "fdatasync", "pwrite64", "ftruncate", "unlink")
WAYS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL", "delay_enter=20000")
PATIENCE_S = 60.0


class StraceMissingError(RuntimeError):
    """This machine cannot trace processes; the text says why."""


class SyscallFindingError(AssertionError):
    """Something that was called saved is not there, or not whole."""


@dataclass(frozen=True, slots=True)
class Case:
    """The n-th call of a kind goes wrong in one way."""

    call: str
    nth: int
    way: str

    def __str__(self) -> str:
        return f"{self.call} #{self.nth} {self.way}"


def _strace(journal: Path, *arguments: str) -> tuple[list[str], int]:
    program = shutil.which("strace")
    if program is None:
        raise StraceMissingError("strace is not installed (deploy/dev/services).")
    done = subprocess.run(
        [program, "-f", "-qq", *arguments, sys.executable, str(PROGRAM), str(journal), str(EVENTS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    if "ptrace" in done.stderr.lower() and not done.stdout:
        raise StraceMissingError("This machine does not let processes be traced.")
    return done.stdout.splitlines(), done.returncode


def cases(folder: Path) -> list[Case]:
    """Every case, by a run in which nothing goes wrong.

    Raises:
        StraceMissingError: Nothing can be traced here.
    """
    seen = folder / "calls"
    traced = f"trace={','.join(CALLS)}"
    words, status = _strace(folder / "whole" / "j.db", "-o", str(seen), "-e", traced)
    assert (status, words[-1]) == (0, "closed"), words
    # "1234 fsync(5) = 0": strace counts the calls of each thread on their own.
    by_thread = Counter(
        (line.split()[0], line.split("(")[0].split()[-1])
        for line in seen.read_text().splitlines()
        if "(" in line
    )
    counts: Counter[str] = Counter()
    for (_, name), times in by_thread.items():
        counts[name] = max(counts[name], times)
    return [
        Case(call, nth, way) for call in CALLS for nth in range(1, counts[call] + 1) for way in WAYS
    ]


def try_case(case: Case, folder: Path) -> Counter[str]:
    """Let it happen, and look at what is left.

    Raises:
        SyscallFindingError: Something that was called saved is not there, or not whole.
    """
    journal = folder / "j.db"
    inject = f"inject={case.call}:{case.way}:when={case.nth}"
    traced = f"trace={case.call}"
    words, status = _strace(journal, "-o", "/dev/null", "-e", traced, "-e", inject)
    saved = [int(word.split()[1]) for word in words if word.startswith("saved ")]
    with Journal.open(journal, clock=SystemClock()) as opened:
        broken = list(opened.reader.verify())
        facts = opened.read(0, 10_000)
        kept = [int(stored.event.reason.split()[0]) for stored in facts]
        whole = [stored.seq for stored in facts] == list(range(1, len(facts) + 1))
    if broken or not whole:
        raise SyscallFindingError(f"{case}: not whole: {broken or kept}")
    unsaid = [number for number in kept if number not in saved]
    if [number for number in kept if number in saved] != saved or len(unsaid) > 1:
        raise SyscallFindingError(f"{case}: saved {saved}, found {kept}")
    if case.way.startswith("delay") and (status, words[-1:]) != (0, ["closed"]):
        raise SyscallFindingError(f"{case}: a slow call ended it: {words[-3:]}")
    return Counter({"cases": 1, f"{case.way}": 1, f"exit {status}": 1})


def main() -> int:
    """Run so large a share of all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=100.0, help="percent of all cases")
    parser.add_argument("--seed", type=int, default=1, help="draws the share")
    arguments = parser.parse_args()
    began, total = time.perf_counter(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="lineside-syscalls-") as name:
        folder = Path(name)
        try:
            every = cases(folder)
        except StraceMissingError as problem:
            print(problem, file=sys.stderr)
            return 1
        chance = random.Random(arguments.seed)
        drawn = chance.sample(every, max(1, round(len(every) * arguments.share / 100)))
        for number, case in enumerate(drawn):
            place = folder / str(number)
            try:
                total.update(try_case(case, place))
            except SyscallFindingError as finding:
                print(f"FOUND {finding}", file=sys.stderr)
                return 1
            shutil.rmtree(place)
    took = round(time.perf_counter() - began, 1)
    print(json.dumps({"all": len(every), **total, "took_s": took}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
