"""The journal beside bare SQLite: the same rows, the same settings, the same group size.

The bare side inserts events that are encoded already, in the columns of the journal's own table;
it neither encodes, nor chains, nor writes a row a group, nor hands anything from thread to thread:
that is what the ratio shows. Ratios are of neighbours in time, one pair a round; their median
counts, the quartiles say how far one round may be trusted on a busy machine.

Prints one line of JSON. Run: `python -m benchmarks.journal [events]`.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from lineside.contracts.clock import SystemClock
from lineside.contracts.codec import SCHEMA, encode_event
from lineside.contracts.events import CounterRead
from lineside.edge_agent.journal.schema import connect_writer
from lineside.edge_agent.journal.store import Journal

APPEND = 100
GROUP = 200  # where the journal closes a group
ROUNDS = 15
CLOCK = SystemClock()


def event(number: int) -> CounterRead:
    now = CLOCK.now()
    return CounterRead(
        occurred_at=now,
        recorded_at=now,
        station="press-1",
        counter="good",
        value=number % 65_536,
        max_per_min=Decimal(60),
    )


def bare(folder: Path, name: str, groups: list[list[bytes]]) -> float:
    """Events a second of executemany in one transaction a group."""
    connection = connect_writer(folder / f"{name}.db")
    connection.execute(
        "CREATE TABLE event (seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, data BLOB NOT NULL)"
    )
    seq = 0
    written = 0
    began = time.perf_counter()
    for group in groups:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO event VALUES (?, ?, ?)",
            [(seq + index + 1, SCHEMA, data) for index, data in enumerate(group)],
        )
        connection.execute("COMMIT")
        seq += len(group)
        written += sum(map(len, group)) + 4096
        if written > 4 * 1024 * 1024:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            written = 0
    rate = seq / (time.perf_counter() - began)
    connection.close()
    return rate


def ours(folder: Path, name: str, groups: list[list[CounterRead]], *, pipelined: bool) -> float:
    """Events a second through the journal, each append confirmed, with encoding and hashing.

    Pipelined: many append at once, as machines do; else one appends and waits, over and over.
    """
    with Journal.open(folder / f"{name}.db", clock=CLOCK) as journal:
        began = time.perf_counter()
        if pipelined:
            futures = [journal.append(group, wait=False) for group in groups]
            for future in futures:
                future.result()
        else:
            for group in groups:
                journal.append_now(group)
        return sum(map(len, groups)) / (time.perf_counter() - began)


def confirmation(folder: Path, seconds: float = 3.0) -> list[float]:
    """Milliseconds from a scan to its commit while machines append 1,000 events a second."""
    waits: list[float] = []
    with Journal.open(folder / "confirm.db", clock=CLOCK) as journal:
        number = 0
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for _ in range(10):
                number += 1
                journal.append([event(number)], wait=False)
            began = time.perf_counter()
            journal.append_now([event(number)])
            waits.append((time.perf_counter() - began) * 1_000)
            left = 0.01 - (time.perf_counter() - began)
            if left > 0:
                time.sleep(left)  # noqa: TID251 - real load on a real disk
    return sorted(waits)


def _round(
    folder: Path, number: int, events: list[CounterRead], encoded: list[bytes]
) -> list[tuple[str, float]]:
    """One rate of each kind, in neighbouring pairs."""
    count = len(events)
    appends = [events[at : at + APPEND] for at in range(0, count, APPEND)]
    grouped_bytes = [encoded[at : at + GROUP] for at in range(0, count, GROUP)]
    appended_bytes = [encoded[at : at + APPEND] for at in range(0, count, APPEND)]
    singles = [[one] for one in events[: count // 50]]
    single_bytes = [[one] for one in encoded[: count // 50]]
    return [
        ("bare_grouped", bare(folder, f"bg{number}", grouped_bytes)),
        ("grouped", ours(folder, f"og{number}", appends, pipelined=True)),
        ("bare_appends", bare(folder, f"ba{number}", appended_bytes)),
        ("appends", ours(folder, f"oa{number}", appends, pipelined=False)),
        ("bare_single", bare(folder, f"bs{number}", single_bytes)),
        ("single", ours(folder, f"os{number}", singles, pipelined=False)),
    ]


def _ratios(figures: dict[str, list[float]]) -> dict[str, float]:
    """Median and quartiles of the paired ratios."""
    found: dict[str, float] = {}
    for name, ours_name in (
        ("grouped", "grouped"),
        ("one_waiter", "appends"),
        ("single", "single"),
    ):
        pairs = [
            mine / raw
            for mine, raw in zip(figures[ours_name], figures[f"bare_{ours_name}"], strict=True)
        ]
        low, middle, high = statistics.quantiles(pairs, n=4)
        found |= {f"{name}_ratio": middle, f"{name}_ratio_q1": low, f"{name}_ratio_q3": high}
    return found


def main(count: int) -> None:
    events = [event(number) for number in range(count)]
    encoded = [encode_event(one) for one in events]
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(ROUNDS):  # side by side, so that a busy machine is busy for both
            for name, rate in _round(folder, number, events, encoded):
                figures.setdefault(name, []).append(rate)
        waits = confirmation(folder)
    median = {name: statistics.median(rates) for name, rates in figures.items()}
    result = {
        "events": count,
        "group": GROUP,
        "bytes_per_event": sum(map(len, encoded)) / count,
        "events_per_s": {name: round(rate) for name, rate in median.items()},
        **_ratios(figures),
        "confirm_p50_ms": waits[len(waits) // 2],
        "confirm_p99_ms": waits[int(len(waits) * 0.99)],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
