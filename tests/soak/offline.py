"""An edge that was offline for 35 days comes back (F-12, F-36).

`python -m tests.soak.offline --events 2000000`

A journal is filled as a line fills it at 20 facts a second and packed as the agent packs it. A real
agent starts on it without network, is killed and starts again: how soon it is ready. Then a real
Mosquitto with mutual TLS, a real PostgreSQL and central's ingest come up in processes of their own,
everything drains while terminals scan, and what central has is compared with the journal: every
number once, in order, under the same chain.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.authority import Authority
from lineside.central.broker import BrokerTls, MosquittoBroker, free_port
from lineside.central.db import metadata, open_engine
from lineside.central.downlink import models as downlink_models
from lineside.central.ingest import models as ingest_models
from lineside.central.ingest.edges import enrol
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import US_PER_SECOND, SystemClock
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.store import Journal
from tests.integration.sync.stand import Files
from tests.soak.backlog import STATIONS, fill

ROOT = Path(__file__).resolve().parents[2]
CENTRAL = ROOT / "tests" / "integration" / "sync" / "central_program.py"
EDGE = "edge-1"
CLOCK = SystemClock()
DRAINED_PER_S = 10_000
EIGHT_HOURS_EVENTS = 576_000
EIGHT_HOURS_WITHIN_S = 60.0  # from the broker's return, the agent's waiting included
LIVE_WITHIN_S = 2.0
READY_WITHIN_S = 2.0  # with up to 6 million facts, and 5 s with more
READY_LARGE_WITHIN_S = 5.0
SMALL_EVENTS = 6_000_000
DAYS_EVENTS = 60_480_000  # 35 days at 20 a second
DISK_BYTES_MAX = 10e9  # of the journal with that many
PATIENCE_S = 7_200.0
COMPARED_EVERY = 997
CONFIGURATION = """
[edge]
data_dir = "data"
listen = "127.0.0.1:{port}"
[identity]
certificate = "{folder}/edge-1.crt"
key = "{folder}/edge-1.key"
authority = "{folder}/ca.crt"
[sync]
broker = "mqtts://127.0.0.1:{broker}"
"""
STATION = """
[[station]]
id = "L1-PRESS-{number}"
state_from = "acts"
counts_from = "unit_finished"
"""


@dataclass(slots=True)
class Found:
    """What a run measured, and what it found wrong."""

    figures: dict[str, Any] = field(default_factory=dict[str, Any])
    wrong: list[str] = field(default_factory=list[str])

    def tell(self, name: str, value: Any) -> None:
        """Keep a figure and show it now: a long run must not be silent."""
        self.figures[name] = value
        sys.stdout.write(f"{name}: {value}\n")
        sys.stdout.flush()

    def judge(self, *, right: bool, said: str) -> None:
        """Something that must be so."""
        if not right:
            self.wrong.append(said)


@dataclass(slots=True)
class Edge:
    """The agent as a program, again and again on one folder."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; seconds until `/healthz` says that it records."""
        began = time.perf_counter()
        with (self.folder / "edge.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("lineside-edge")), "run", "edge.toml"],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _until(self._healthy, "the agent is ready", pause_s=0.02)
        return time.perf_counter() - began

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the agent ended: {self.folder / 'edge.log'}"
        with contextlib.suppress(httpx.HTTPError):
            return self.health()["status"] == "ok"
        return False

    def health(self) -> dict[str, Any]:
        """What it says about itself."""
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10).json()

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Terminals:
    """Four terminals that scan while something else goes on."""

    port: int
    slices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _running: subprocess.Popen[str] | None = None

    def keep_scanning(self) -> None:
        """Begin the next ten seconds when the last are over."""
        if self._running is not None:
            if self._running.poll() is None:
                return
            self._collect()
        words = [str(Path(sys.executable).with_name("lineside-sim")), "load", "--json"]
        words += ["--edge", f"http://127.0.0.1:{self.port}"]
        words += ["--terminals", "4", "--rate", "8", "--seconds", "10"]
        self._running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def end(self) -> None:
        """Wait for the last answers."""
        if self._running is not None:
            self._running.wait(60)
            self._collect()

    def _collect(self) -> None:
        assert self._running is not None
        assert self._running.stdout is not None
        said = self._running.stdout.read()
        self._running.stdout.close()
        self._running = None
        if said.strip():
            self.slices.append(json.loads(said))

    def figures(self) -> dict[str, Any]:
        """Of the worst ten seconds."""
        return {
            "scans": sum(one["requests"] for one in self.slices),
            "failed": sum(one["failed"] for one in self.slices),
            "p50_ms": max((one["p50_ms"] or 0 for one in self.slices), default=None),
            "p99_ms": max((one["p99_ms"] or 0 for one in self.slices), default=None),
        }


def _until(condition: Callable[[], bool], what: str, *, pause_s: float) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(pause_s)  # noqa: TID251 - waits for programs


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _family_cpu_s(pid: int) -> float:
    """Of a process and its children."""
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(word) for one in listings for word in one.read_text("ascii").split()]
    return _cpu_s(pid) + sum(_cpu_s(child) for child in children)


def fill_offline(folder: Path, events: int, found: Found) -> None:
    """The journal of the time without network."""
    path = folder / "data" / "journal.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    log_bytes = 0

    def said(_: int) -> None:
        nonlocal log_bytes
        log_bytes = max(log_bytes, path.with_name(path.name + "-wal").stat().st_size)

    began = time.perf_counter()
    never = 1e9
    with Journal.open(
        path, clock=CLOCK, ballast_bytes=0, verify_after_s=never, pack_after_s=never
    ) as journal:
        fill(journal, events, until=CLOCK.now(), said=said)
    spent = time.perf_counter() - began
    found.tell("filled_per_s", round(events / spent))
    found.tell("journal_bytes_a_fact", round(path.stat().st_size / events, 1))
    found.tell("largest_wal_mb", round(log_bytes / 1e6, 1))


def start_offline(edge: Edge, events: int, found: Found) -> None:
    """Figures computed once, then a kill and another start."""
    found.tell("first_start_with_all_figures_anew_s", round(edge.start(), 1))
    data = edge.folder / "data"
    found.tell("figures_bytes_a_fact", round((data / "figures.db").stat().st_size / events, 1))
    time.sleep(6)  # noqa: TID251 - the background verification has begun
    edge.kill()
    ready = [edge.start()]
    for _ in range(2):
        edge.kill()
        ready.append(edge.start())
    assert edge.process is not None
    cpu = _cpu_s(edge.process.pid)
    found.tell("ready_after_kill_s", [round(one, 2) for one in ready])
    found.tell("ready_cpu_s", round(cpu, 2))
    found.tell("edge_rss_mb", round(_rss_mb(edge.process.pid)))
    limit = READY_WITHIN_S if events <= SMALL_EVENTS else READY_LARGE_WITHIN_S
    # Its own time: the wall time also holds what else the machine did.
    found.judge(right=cpu <= limit, said=f"ready after {cpu:.1f} s of its own, not {limit:g}")


@contextlib.contextmanager
def central_of(folder: Path) -> Generator[tuple[Engine, str]]:
    """A PostgreSQL with the tables of ingest and downlink, and its address."""
    server = embedded_postgres.start(folder / "pg")
    engine = open_engine(server.dsn(), pool_connections=2)
    try:
        mine = [
            table
            for module in (ingest_models, downlink_models)
            for table in vars(module).values()
            if table in metadata.sorted_tables
        ]
        metadata.create_all(engine, tables=mine)
        with transaction(engine) as connection:
            enrol(connection, EDGE, now=CLOCK.now())
        yield engine, server.dsn()
    finally:
        engine.dispose()
        embedded_postgres.stop(server)


def drain(edge: Edge, engine: Engine, pids: dict[str, int], found: Found, events: int) -> None:
    """Until central has what the edge had when it came back; terminals scan all the while.

    Args:
        edge: Running.
        engine: Of central's database.
        pids: Processes whose CPU is told; `central` among them.
        found: Where the figures go.
        events: How many facts the edge had.
    """
    terminals = Terminals(edge.port)
    began = time.perf_counter()
    live_after: float | None = None
    lags: list[float] = []
    provisional = 0
    marks: list[tuple[float, int]] = []
    rss = {"edge": 0.0, "central": 0.0}
    assert edge.process is not None
    pids = {"edge": edge.process.pid, **pids}
    cpu = {name: _family_cpu_s(pid) for name, pid in pids.items()}
    while True:
        terminals.keep_scanning()
        with engine.connect() as connection:
            durable = _durable(connection)
            live = connection.execute(
                text("SELECT sent_at, received_at, head_seq FROM edge_live")
            ).first()
        now = time.perf_counter() - began
        marks.append((now, durable))
        if live is not None:
            live_after = now if live_after is None else live_after
            lags.append((live.received_at - live.sent_at) / US_PER_SECOND)
            provisional += live.head_seq > durable
        rss["edge"] = max(rss["edge"], _rss_mb(edge.process.pid))
        rss["central"] = max(rss["central"], _rss_mb(pids["central"]))
        if durable >= events:
            break
        assert now < PATIENCE_S, "not drained"
        time.sleep(0.5)  # noqa: TID251 - looks twice a second
    spent = marks[-1][0] - next((at for at, durable in marks if durable), 0.0)
    rate = events / max(spent, 0.5)
    if events >= EIGHT_HOURS_EVENTS:
        eight = next(at for at, durable in marks if durable >= EIGHT_HOURS_EVENTS)
        found.tell("eight_hours_are_there_after_s", round(eight, 1))
        found.judge(
            right=eight <= EIGHT_HOURS_WITHIN_S, said=f"8 hours were there after {eight:.0f} s"
        )
    found.tell("drained_per_s", round(rate))
    found.tell("drained_s", round(spent, 1))
    used = {name: _family_cpu_s(pid) - cpu[name] for name, pid in pids.items()}
    found.tell("cpu_us_a_fact", {name: round(one / events * 1e6, 1) for name, one in used.items()})
    found.tell("live_state_first_seen_s", None if live_after is None else round(live_after, 1))
    found.tell("live_state_under_way_max_s", round(max(lags, default=-1), 3))
    found.tell("live_state_seen_as_provisional_times", provisional)
    found.tell("rss_max_mb", {name: round(value) for name, value in rss.items()})
    terminals.end()
    found.tell("terminals_meanwhile", terminals.figures())
    found.judge(right=rate >= DRAINED_PER_S, said=f"drained at {rate:.0f} a second")
    found.judge(
        right=0 <= max(lags, default=-1) <= LIVE_WITHIN_S, said="the newest state came late"
    )
    found.judge(right=not terminals.figures()["failed"], said="a terminal got no answer")


def _durable(connection: Any) -> int:
    return connection.execute(
        text("SELECT coalesce(max(durable_through), 0) FROM lane_watermark WHERE lane = 'facts'")
    ).scalar_one()


def compare(folder: Path, engine: Engine, events: int, found: Found) -> None:
    """Every number once, positions in the order of numbers, the same bytes, the same chain."""
    reader = JournalReader(folder / "data" / "journal.db")
    try:
        with engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT count(*) AS n, count(DISTINCT seq) AS seqs, min(seq) AS first,"
                    " count(*) FILTER (WHERE seq <> before + 1) AS jumps FROM (SELECT seq,"
                    " lag(seq) OVER (ORDER BY position) AS before FROM raw_event"
                    " WHERE lane = 'facts') AS facts"
                )
            ).one()
            right = row.n == row.seqs >= events and row.first == 1 and row.jumps == 0
            found.judge(right=right, said=f"central has {row.n} facts, {row.jumps} jumps")
            sample = connection.execute(
                text(
                    "SELECT seq, data FROM raw_event WHERE lane = 'facts' AND seq % :n = 0"
                    " ORDER BY seq"
                ),
                {"n": COMPARED_EVERY},
            )
            differ = [one.seq for one in sample if not _same(reader, one.seq, bytes(one.data))]
        found.tell("compared", {"facts": row.n, "bytes_of_every": COMPARED_EVERY})
        found.judge(right=not differ, said=f"facts differ: {differ[:5]}")
    finally:
        reader.close()


def _same(reader: JournalReader, seq: int, data: bytes) -> bool:
    (own,) = reader.read(seq - 1, 1)
    return own.seq == seq and own.data == data


def prune_after(folder: Path, events: int, found: Found) -> None:
    """What it costs to forget: everything is in a backup, and 35 days are over."""
    from lineside.edge_agent.journal.retention import prune

    with Journal.open(folder / "data" / "journal.db", clock=CLOCK, ballast_bytes=0) as journal:
        journal.set_watermarks(durable_through=events, backed_up_through=events).result()
        took: list[float] = []
        while len(took) < 50:
            began = time.perf_counter()
            if not prune(journal, used_share=0.0, retention=0).events:
                break
            took.append(time.perf_counter() - began)
    found.tell("pruning_20000_facts_ms", round(sorted(took)[len(took) // 2] * 1e3, 1))


def run(folder: Path, events: int) -> Found:
    """The whole way.

    Args:
        folder: Empty, or with a journal of an earlier run of the same size, which is used again.
        events: How many facts.
    """
    found = Found()
    found.tell("facts", events)
    files = Files(
        Authority.create(folder / "authority", site="soak", now=CLOCK.now()), folder / "pki"
    )
    files.edge(EDGE)
    files.server()
    edge = Edge(folder, free_port())
    broker_port = free_port()
    settings = CONFIGURATION.format(port=edge.port, folder=folder / "pki", broker=broker_port)
    settings += "".join(STATION.format(number=number) for number in range(STATIONS))
    (folder / "edge.toml").write_text(settings, encoding="utf-8")
    if not (folder / "data" / "journal.db").exists():
        fill_offline(folder, events, found)
    size = (folder / "data" / "journal.db").stat().st_size
    found.tell("journal_mb", round(size / 1e6))
    found.tell("journal_gb_in_35_days", round(size / events * DAYS_EVENTS / 1e9, 1))
    tls = BrokerTls(*(files.folder / name for name in ("ca.crt", "server.crt", "server.key")))
    broker = MosquittoBroker(folder / "broker", tls=tls, port=broker_port)
    central: subprocess.Popen[bytes] | None = None
    try:
        start_offline(edge, events, found)
        with central_of(folder) as (engine, dsn):
            central = subprocess.Popen(
                [sys.executable, str(CENTRAL), dsn, str(broker_port), str(files.folder)],
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
            )
            broker.start()
            words = (folder / "pg" / "postmaster.pid").read_text(encoding="utf-8").split()
            pids = {"central": central.pid, "postgresql": int(words[0])}
            drain(edge, engine, pids, found, events)
            edge.kill()
            compare(folder, engine, events, found)
    finally:
        edge.kill()
        if central is not None:
            central.kill()
            central.wait()
        broker.stop()
    prune_after(folder, events, found)
    share = DISK_BYTES_MAX / DAYS_EVENTS
    found.judge(
        right=size <= share * events + 40e6, said=f"{size / events:.0f} bytes a fact on the disk"
    )
    return found


def main() -> int:
    """Run it.

    Returns:
        0 when everything held, 1 when something did not.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, help="keep everything here; a journal is used again")
    args = parser.parse_args()
    if MosquittoBroker.program() is None:
        sys.stdout.write("mosquitto is not installed: make services\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="lineside-offline-") as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = run(folder.resolve(), args.events)
    for line in found.wrong:
        sys.stdout.write(f"wrong: {line}\n")
    sys.stdout.write(f"offline with {args.events} facts: ")
    sys.stdout.write("clean\n" if not found.wrong else f"{len(found.wrong)} wrong\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
