"""Scan to committed verdict with ten terminals at once, through HTTP, on a running agent.

Each terminal starts and finishes pieces by scanning; an answer is given after its commit with
`synchronous=FULL`. Prints one JSON line; the raw limit beside it is a bare HTTP answer of the same
agent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec

from lineside.contracts.clock import sleep_blocking
from lineside.contracts.commands import (
    Calendar,
    Document,
    OperationStep,
    Person,
    ShiftRule,
    WorkOrder,
    encode_document,
)
from lineside.contracts.envelope import DesiredObject
from lineside.edge_agent.startup import UNENROLLED
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.sim.processes import free_port, program

TERMINALS, PIECES, PAUSE_S = 10, 60, 0.25


def documents() -> dict[tuple[str, str], Document]:
    stations = tuple(f"S{n}" for n in range(TERMINALS))
    step = OperationStep(
        operation="10", name="Assembly", stations=stations, edge=UNENROLLED, starts_unit=True
    )
    always = ShiftRule(id="day", local_start="00:00", local_end="00:00")
    found: dict[tuple[str, str], Document] = {
        ("calendar", "site"): Calendar(time_zone="UTC", shifts=(always,)),
        ("work_order", "WO-1"): WorkOrder(
            order="WO-1", item="V", quantity=Decimal(100_000), steps=(step,)
        ),
    }
    for n in range(TERMINALS):
        found["person", f"P-{n}"] = Person(person=f"P-{n}", badge=f"B-{n}", name=f"Person {n}")
    return found


def prepare(folder: Path, port: int) -> Path:
    lines = [f'[edge]\nlisten = "127.0.0.1:{port}"\nscan_repeat_s = 0.01\n']
    lines += [
        f'[[station]]\nid = "S{n}"\nstate_from = "acts"\ncounts_from = "unit_finished"\n'
        for n in range(TERMINALS)
    ]
    file = folder / "edge.toml"
    file.write_text("\n".join(lines))
    (folder / "data").mkdir(mode=0o700)
    store = DesiredStore(folder / "data" / "desired.db")
    objects = [
        DesiredObject(
            kind=kind, id=name, revision=at, position=at, body=msgspec.Raw(encode_document(one))
        )
        for at, ((kind, name), one) in enumerate(documents().items(), start=1)
    ]
    store.apply(objects, through=len(objects))
    store.close()
    return file


def work(address: str, n: int, took_ms: list[float], bare_ms: list[float]) -> None:
    with httpx.Client(base_url=address, timeout=30) as http:

        def scan(raw: str) -> float:
            body = {"id": uuid.uuid4().hex, "station": f"S{n}", "kind": "scan", "raw": raw}
            began = time.perf_counter()
            answer = http.post("/api/acts", json=body).json()
            took = (time.perf_counter() - began) * 1000
            assert answer["answer"] == "accepted", answer
            return took

        scan(f"B-{n}")
        scan("WO-1")
        for piece in range(PIECES):
            for raw in (f"V{n:02}-{piece:05}", "CMD-FINISH"):
                took_ms.append(scan(raw))
                began = time.perf_counter()
                http.get("/api/texts").raise_for_status()
                bare_ms.append((time.perf_counter() - began) * 1000)
                sleep_blocking(PAUSE_S)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    took_ms: list[float] = []
    bare_ms: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        file = prepare(Path(name), port)
        agent = subprocess.Popen(
            [program("lineside-edge"), "run", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(300):
                try:
                    httpx.get(f"{address}/healthz", timeout=1).raise_for_status()
                    break
                except httpx.HTTPError:
                    sleep_blocking(0.1)
            threads = [
                threading.Thread(target=work, args=(address, n, took_ms, bare_ms))
                for n in range(TERMINALS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            agent.terminate()
            agent.wait()
    result = {
        "terminals": TERMINALS,
        "scans": len(took_ms),
        "p50_ms": percentile(took_ms, 0.5),
        "p99_ms": percentile(took_ms, 0.99),
        "bare_http_p50_ms": percentile(bare_ms, 0.5),
        "bare_http_p99_ms": percentile(bare_ms, 0.99),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
