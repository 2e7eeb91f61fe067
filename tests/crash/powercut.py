"""Cuts the power under a journal, many thousand times, and looks at what is left (F-01, F-03,
F-04).

`python -m tests.crash.powercut --states 50000 --seed 1` records tapes of a working journal, makes
from each many disks as a power cut may leave them, opens the journal on each with the program's
own library, unattended, and compares it with what was confirmed. A failing state prints how to
make it again: `--seed S --only TAPE:STATE --keep FOLDER` leaves its files.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.store import Journal
from tests.crash.workload import COUNTER, Recording, contents, open_plainly, record

STATES_PER_TAPE = 250
STEPS = 60
GO_ON_EVERY = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A state in which something was wrong."""

    kind: str  # lost, refused, between, or broken
    tape: int
    state: int
    cut: int
    why: str


def states_of(
    seed: str, tape: int, recording: Recording, count: int
) -> Iterator[tuple[int, int, dict[str, bytes]]]:
    """(number of the state, cut, files), in the order of the cuts."""
    chosen: list[tuple[int, int, random.Random]] = []
    for state in range(count):
        chance = random.Random(f"{seed}/{tape}/{state}")
        chosen.append((chance.randrange(len(recording.tape.ops) + 1), state, chance))
    chosen.sort(key=lambda one: one[:2])
    disks = recording.tape.disks([(cut, chance) for cut, _, chance in chosen])
    for (cut, state, _), (_, files) in zip(chosen, disks, strict=True):
        yield state, cut, files


def examine(folder: Path, recording: Recording, cut: int, *, go_on: bool) -> tuple[str, str] | None:
    """Open what is left, and say what is wrong with it: a kind and a sentence; None: nothing."""
    confirmed, begun = recording.between(cut)
    path = folder / "journal.db"
    if not path.exists() and not confirmed:
        return None
    try:
        with open_plainly(path, ManualClock()) as journal:
            if journal.salvaged is not None:
                return "broken", f"it had to be salvaged: {journal.salvaged}"
            found = contents(journal.reader)
            expected = recording.states[confirmed : begun + 1]
            if confirmed and found not in expected:
                if found in recording.states:
                    known = len(recording.states) - 1 - recording.states[::-1].index(found)
                    return "lost", f"step {confirmed} was confirmed, the journal is at step {known}"
                return "between", f"the journal is at no step; {confirmed} was confirmed"
            return _consistent(journal, go_on=go_on)
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is the finding
        return "refused", f"{type(problem).__name__}: {problem}"


def _consistent(journal: Journal, *, go_on: bool) -> tuple[str, str] | None:
    """What holds without knowing what was done."""
    if go_on:
        head = journal.head()
        told = journal.append_now(
            [SignedOn(occurred_at=1, recorded_at=2, reason="0 after")], baselines={COUNTER: b"0"}
        )
        if told.first_seq != head + 1:
            return "broken", f"the head was {head}, the next event got {told.first_seq}"
    for seq, why in journal.reader.verify():
        return "broken", f"event {seq}: {why}"
    events = journal.read(journal.oldest() - 1, 10_000)
    if [event.seq for event in events] != list(range(journal.oldest(), journal.head() + 1)):
        return "broken", "the numbers have a hole"
    if events:
        last = events[-1].event.reason.split()[0]
        if journal.baselines()[COUNTER].decode() != last:
            return (
                "broken",
                f"the counter stands at {journal.baselines()}, the last event is {last}",
            )
    return None


def run_tape(
    seed: str, tape: int, count: int, synchronous: str, only: int | None, keep: str
) -> tuple[int, list[Failure]]:
    """Record a tape and examine states of it.

    Returns:
        How many states, and the failures.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    failures: list[Failure] = []
    seen = 0
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as scratch:
        work = Path(scratch) / "work"
        work.mkdir()
        recording = record(work, f"{seed}/{tape}", steps=STEPS, synchronous=synchronous)
        for state, cut, files in states_of(seed, tape, recording, count):
            if only is not None and state != only:
                continue
            folder = Path(scratch) / "state"
            folder.mkdir()
            for name, data in files.items():
                (folder / name).write_bytes(data)
            if keep:
                shutil.copytree(folder, keep, dirs_exist_ok=True)
            seen += 1
            wrong = examine(folder, recording, cut, go_on=state % GO_ON_EVERY == 0)
            if wrong is not None:
                failures.append(Failure(wrong[0], tape, state, cut, wrong[1]))
            shutil.rmtree(folder)
    return seen, failures


def campaign(
    states: int, seed: str, *, synchronous: str = "FULL", jobs: int = 1
) -> tuple[int, list[Failure]]:
    """Examine that many states.

    Returns:
        How many states were examined, and the failures.
    """
    tapes = [
        (seed, tape, min(STATES_PER_TAPE, states - tape * STATES_PER_TAPE), synchronous, None, "")
        for tape in range(-(-states // STATES_PER_TAPE))
    ]
    if jobs == 1:
        results = [run_tape(*arguments) for arguments in tapes]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            results = list(pool.map(run_tape, *zip(*tapes, strict=True)))
    return sum(seen for seen, _ in results), [one for _, failed in results for one in failed]


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run a campaign.

    Returns:
        0 when nothing was lost, 1 when something was.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=5_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--only", metavar="TAPE:STATE", help="make one state again")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="with --only: keep its files")
    parser.add_argument(
        "--plant",
        default="FULL",
        choices=("FULL", "NORMAL", "OFF"),
        help="weaken synchronous: the campaign must then find losses",
    )
    args = parser.parse_args()
    began = time.perf_counter()
    if args.only:
        tape, state = map(int, args.only.split(":"))
        seen, failures = run_tape(args.seed, tape, STATES_PER_TAPE, args.plant, state, args.keep)
    else:
        seen, failures = campaign(args.states, args.seed, synchronous=args.plant, jobs=args.jobs)
    for failure in failures[:20]:
        tell(
            f"{failure.kind}: {failure.why}; again: python -m tests.crash.powercut"
            f" --seed {args.seed} --plant {args.plant} --only {failure.tape}:{failure.state}"
        )
    kinds = Counter(failure.kind for failure in failures)
    spent = time.perf_counter() - began
    tell(
        f"seed {args.seed}, synchronous={args.plant}: {seen} states, {len(failures)} failed"
        f" {dict(kinds)}, {spent:.0f} s, {seen / spent:.0f} a second"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
