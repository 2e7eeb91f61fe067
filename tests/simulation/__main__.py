# ruff: noqa: T201 - a program that prints its results
"""`python -m tests.simulation --hours 200 --seed 1`: find bugs, or replay one by its seed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run; 0: nothing found."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts have one order in every process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="so many, from --seed on")
    parser.add_argument("--hours", type=float, default=20.0, help="working hours of the plant")
    parser.add_argument("--edges", type=int, default=6)
    parser.add_argument("--only", default="", help="names of faults, with commas between")
    parser.add_argument("--without", default="")
    parser.add_argument("--scale", type=float, default=1.0, help="how much more often faults come")
    parser.add_argument("--clock-scripts", type=int, default=0, help="so many clock scripts alone")
    asked = parser.parse_args(arguments)
    if asked.clock_scripts:
        from .clock_scripts import main as run_scripts

        return run_scripts(asked.clock_scripts, asked.seed)
    status = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        status |= _one(seed, asked)
    return status


def _one(seed: int, asked: argparse.Namespace) -> int:
    from .faults import Faults
    from .world import simulate

    only = frozenset(asked.only.split(",")) if asked.only else None
    faults = Faults(only=only, without=frozenset(asked.without.split(",")), scale=asked.scale)
    began = time.perf_counter()
    try:
        report = simulate(seed, hours=asked.hours, edges=asked.edges, faults=faults)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - whatever ends a run is worth its seed
        traceback.print_exc()
        given = [f"--hours {asked.hours} --edges {asked.edges} --scale {asked.scale}"]
        given += [f"--only {asked.only}"] if asked.only else []
        given += [f"--without {asked.without}"] if asked.without else []
        print(f"FOUND with seed {seed} at commit {commit()}.", file=sys.stderr)
        print(
            f"Replay: python -m tests.simulation --seed {seed} {' '.join(given)}", file=sys.stderr
        )
        return 1
    document = report.document | {"took_s": round(time.perf_counter() - began, 1)}
    print(json.dumps(document, ensure_ascii=False, indent=1))
    return 0


def commit() -> str:
    """The commit that this is, marked where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
