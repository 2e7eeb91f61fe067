"""How soon after its start an edge answers: program started to first `/healthz`.

Beside it, in turns: a Python that does nothing, and a bare FastAPI application under uvicorn, the
least that any agent with these pages must load. CPU is that of the started program alone (user and
system), from its start to the answer; the wall time also holds what the machine did meanwhile.

Prints one line of JSON. Run: `python -m benchmarks.start [events in the journal]`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.journal import event
from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.edge_agent.journal.store import Journal
from lineside.sim.processes import free_port, program

ROUNDS = 9
EVENTS = 1_000
HELLO = """
import uvicorn
from fastapi import FastAPI

api = FastAPI()


@api.get("/healthz")
async def healthz() -> dict[str, str]:
    return {}


uvicorn.run(api, host="127.0.0.1", port=PORT, log_level="warning")
"""


def used(pid: int) -> tuple[float, float]:
    """CPU seconds and resident megabytes of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def answered(command: list[str], port: int) -> dict[str, float]:
    """Start a program, wait for its first answer, and end it."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            while True:
                try:
                    http.get("/healthz").raise_for_status()
                except httpx.ConnectError:
                    if process.poll() is not None:
                        raise
                    sleep_blocking(0.01)
                else:
                    break
        wall_s = time.perf_counter() - began
        cpu_s, megabytes = used(process.pid)
    finally:
        process.kill()  # as a fault would: the next start is one after a kill
        process.wait()
    return {"wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": megabytes}


def nothing() -> dict[str, float]:
    """A Python that ends at once."""
    before = os.times()
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    wall_s = time.perf_counter() - began
    after = os.times()
    cpu_s = after.children_user - before.children_user + after.children_system
    return {"wall_s": wall_s, "cpu_s": cpu_s - before.children_system}


def prepare(folder: Path, port: int, events: int) -> Path:
    """An edge with one station, one OPC UA server that is away, and a journal."""
    file = folder / "edge.toml"
    file.write_text(
        f'[edge]\nlisten = "127.0.0.1:{port}"\n'
        f'[[device]]\nid = "plc"\ndriver = "opcua"\nendpoint = "opc.tcp://127.0.0.1:{free_port()}"\n'
        'security_policy = "None"\ninsecure = true\n'
        'signals = [{ name = "good", node = "nsu=urn:plc;s=good" }]\n'
        '[[station]]\nid = "press-1"\nstate_from = "acts"\ncounts_from = "unit_finished"\n'
    )
    data = folder / "data"
    data.mkdir(mode=0o700)
    with Journal.open(data / "journal.db", clock=SystemClock()) as journal:
        for at in range(0, events, 10_000):
            facts = [event(number) for number in range(at, min(at + 10_000, events))]
            appended = [
                journal.append(facts[n : n + 100], wait=False) for n in range(0, len(facts), 100)
            ]
            for one in appended:
                one.result()
    return file


def main(events: int) -> None:
    taken: dict[str, list[dict[str, float]]] = {"edge": [], "hello": [], "nothing": []}
    with tempfile.TemporaryDirectory() as name:
        port, bare_port = free_port(), free_port()
        file = prepare(Path(name), port, events)
        hello = HELLO.replace("PORT", str(bare_port))
        for _ in range(ROUNDS):
            taken["edge"].append(answered([program("lineside-edge"), "run", str(file)], port))
            taken["hello"].append(answered([sys.executable, "-c", hello], bare_port))
            taken["nothing"].append(nothing())
    first = taken["edge"].pop(0)  # its figures are made from the whole journal
    taken["hello"].pop(0)
    pairs = [
        edge["cpu_s"] / hello["cpu_s"]
        for edge, hello in zip(taken["edge"], taken["hello"], strict=True)
    ]
    low, middle, high = statistics.quantiles(pairs, n=4)
    result = {
        "events": events,
        "first_start": first,
        **{
            kind: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
            for kind, rounds in taken.items()
        },
        "cpu_ratio_to_hello": middle,
        "cpu_ratio_to_hello_q1": low,
        "cpu_ratio_to_hello_q3": high,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
