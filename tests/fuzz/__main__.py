# ruff: noqa: T201 - a program that prints its results
"""`python -m tests.fuzz --seconds 60`: every parser in turn; with atheris where it is installed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from . import corpus_files
from .judge import FuzzFinding
from .mutation import fuzz
from .targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Fuzz; 0: nothing found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--corpus", type=Path, default=corpus_files.CORPUS)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("atheris", "own", "auto"), default="auto")
    asked = parser.parse_args()
    targets: list[str] = asked.target or sorted(TARGETS)
    engine = asked.engine
    if engine == "auto":
        engine = "atheris" if importlib.util.find_spec("atheris") else "own"
    each = asked.seconds / len(targets)
    status = 0
    total = 0
    for target in targets:
        inputs = corpus_files.load(asked.corpus, target)
        run = _with_atheris if engine == "atheris" else _with_ours
        executions, finding = run(target, inputs, seconds=each, seed=asked.seed)
        total += executions
        print(json.dumps({"target": target, "engine": engine, "executions": executions}))
        if finding:
            status = 1
            print(f"FOUND in {target}: {finding}", file=sys.stderr)
    print(json.dumps({"targets": len(targets), "engine": engine, "executions": total}))
    return status


def _with_ours(target: str, inputs: list[bytes], *, seconds: float, seed: int) -> tuple[int, str]:
    try:
        return fuzz(target, inputs, seconds=seconds, seed=seed).executions, ""
    except FuzzFinding as finding:
        return 0, str(finding)


def _with_atheris(
    target: str, inputs: list[bytes], *, seconds: float, seed: int
) -> tuple[int, str]:
    """In a process of its own: libFuzzer never gives one back."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number, data in enumerate(inputs):
            (folder / f"{number:04}").write_bytes(data)
        done = subprocess.run(
            [
                sys.executable, "-m", "tests.fuzz.guided", target, str(folder),
                f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", "-timeout=5",
                "-rss_limit_mb=1024", "-max_len=20000", f"-artifact_prefix={folder}/found-",
                "-print_final_stats=1", "-verbosity=0",
            ],
            cwd=ROOT, capture_output=True, text=True, check=False, errors="replace",
        )  # fmt: skip
        said = done.stdout + done.stderr
        executions = 0
        for line in said.splitlines():
            if line.startswith("stat::number_of_executed_units:"):
                executions = int(line.split()[-1])
        if done.returncode == 0:
            return executions, ""
        found = sorted(folder.glob("found-*"))
        data = found[0].read_bytes() if found else b""
        reason = [line for line in said.splitlines() if "FuzzFinding" in line or "ERROR" in line]
        return executions, f"{data!r} {reason[:3] or said[-2000:]}"


if __name__ == "__main__":
    sys.exit(main())
