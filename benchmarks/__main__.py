"""Runs every benchmark as a process of its own, writes `results/`, and checks the budgets."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import UTC
from pathlib import Path

from lineside.contracts.clock import SystemClock, to_datetime

HERE = Path(__file__).parent
# name -> (limit, "max" or "min") of a figure that a benchmark prints
BUDGETS: dict[str, tuple[float, str]] = {
    "scan_to_verdict.p99_ms": (50.0, "max"),
    "journal.grouped_ratio": (0.7, "min"),
    "journal.confirm_p99_ms": (50.0, "max"),
    "opcua.agent_to_bare": (0.7, "min"),
    "opcua.agent_to_gateway": (1.5, "min"),
    "opcua.lost.agent": (0, "max"),
    "opcua.fast.lost": (0, "max"),
    "sync.ratio_to_slower": (0.5, "min"),
    "sync.bytes_per_event": (35.0, "max"),
    "kpi_update.growth_ratio": (1.5, "max"),
    "start.edge.cpu_s": (1.2, "max"),
    "modbus.typed.ratio_to_pymodbus": (0.8, "max"),
    "modbus.times_gateway": (20.0, "min"),
    "footprint.captured.cpu_share": (0.3, "max"),
    "footprint.captured.peak_mb": (300.0, "max"),
    "footprint.facts.cpu_share": (0.3, "max"),
    "footprint.facts.peak_mb": (300.0, "max"),
    "trace.backward.p99_ms": (10.0, "max"),
    "trace.backward.ratio_to_bare_p50": (3.0, "max"),
    "trace.forward_1000.p99_ms": (50.0, "max"),
    "trace.forward_1000.ratio_to_bare_p50": (3.0, "max"),
}


def flatten(name: str, value: object) -> dict[str, float]:
    """Numbers of a nested result by dotted name."""
    if isinstance(value, bool):
        return {}
    if isinstance(value, int | float):
        return {name: float(value)}
    if isinstance(value, dict):
        return {
            k: v for key, part in value.items() for k, v in flatten(f"{name}.{key}", part).items()
        }
    return {}


def main() -> int:
    """Run all, or those named; 1 when a budget is passed."""
    wanted = sys.argv[1:] or sorted(
        p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_") and p.stem != "peers"
    )
    figures: dict[str, float] = {}
    for name in wanted:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.stderr.write(f"{name} failed:\n{done.stderr[-3000:]}\n")
            return 1
        result = json.loads(done.stdout.splitlines()[-1])
        figures |= flatten(name, result)
    stamp = to_datetime(SystemClock().now()).astimezone(UTC)
    machine = {
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    out = HERE / "results" / f"{stamp:%Y-%m-%d}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(
        json.dumps({"date": f"{stamp:%Y-%m-%d}", **machine, "figures": figures}, indent=1) + "\n"
    )
    failed = False
    for name, value in sorted(figures.items()):
        limit, sense = BUDGETS.get(name, (None, ""))
        verdict = ""
        if limit is not None:
            good = value <= limit if sense == "max" else value >= limit
            failed |= not good
            word = "at most" if sense == "max" else "at least"
            verdict = f"{word} {limit:g}: {'ok' if good else 'MISSED'}"
        sys.stdout.write(f"{name:45} {value:>14,.3f}  {verdict}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
