"""`lineside-sim score`: lets a running plant stand still for a moment and compares all its books.

The plant is asked to come to rest between two pieces (it goes on afterwards, and by itself if the
judge never comes back). What the edges have recorded by then has to be at central; then ledger and
books are compared up to that instant.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from lineside.contracts.clock import Clock, SystemClock, sleep_blocking
from lineside.contracts.errors import InvalidMessageError, LinesideError
from lineside.sim.books import Books, Sources, read_books
from lineside.sim.central_client import Central
from lineside.sim.ledger import Ledger, Simulator, decode, encode
from lineside.sim.score import Score, judge

Json = dict[str, Any]
ARRIVE_S = 40.0
REST_S = 0.6  # longer than the slowest device's way: poll, read, commit
POLL_S = 0.1
_LAG = re.compile(r'^lineside_reader_lag_events\{reader="[^"]*"\} (\S+)$', re.MULTILINE)
_DURABLE = re.compile(r'^lineside_edge_durable_seq\{edge="([^"]*)"\} (\S+)$', re.MULTILINE)


class CentralAwayError(LinesideError):
    """Central, whose books are to be compared, does not answer."""

    code = "sim.central_away"


def sources_of(document: Json) -> Sources:
    """Where the books lie, by what a demo has announced; a bare plant has none.

    Args:
        document: Contents of `demo.json` or `plant.json`.
    """
    account: Json = document.get("sign_in", {}).get("administrator", {})
    return Sources(
        central=document.get("console", ""),
        user=account.get("user", ""),
        password=account.get("password", ""),
        edges=document.get("edges", {}),
        journals=document.get("journals", {}),
        database=document.get("database", ""),
    )


def named(
    sources: Sources,
    *,
    edges: dict[str, str],
    journals: dict[str, str],
    central: str | None,
    account: tuple[str, str] | None,
    database: str | None,
) -> Sources:
    """The sources with what was named beside the plant's file, which goes first.

    Args:
        sources: By the file.
        edges: Terminals by name of the edge, added.
        journals: Files by name of the edge, added.
        central: Its address.
        account: User and password of central.
        database: Address of central's database.
    """
    user, password = account or (sources.user, sources.password)
    return Sources(
        central=(central or sources.central).rstrip("/"),
        user=user,
        password=password,
        edges={**sources.edges, **edges},
        journals={**sources.journals, **journals},
        database=database or sources.database,
    )


def score_sources(
    sources: Sources, ledger_of: Callable[[], Ledger], *, clock: Clock, record: Path | None = None
) -> Score:
    """Compare the books with a plant that stands still.

    Args:
        sources: Where the books lie.
        ledger_of: Reads the plant's ledger.
        clock: Real time.
        record: File into which ledger and books are written as JSON, as evidence.

    Raises:
        CentralAwayError: Central does not answer.
        CentralRefusedError: Central refuses to sign us in, or figures.
    """
    sleep_blocking(REST_S)
    central: Central | None = None
    try:
        if sources.central:
            central = Central(sources.central)
            _sign_in(central, sources, clock)
            _wait_until_arrived(sources, clock)
        ledger = ledger_of()
        books = read_books(sources, central, ledger.truth, end=ledger.at)
        after = ledger_of()
        if after.moving or after.truth != ledger.truth:  # somebody let it go on meanwhile
            ledger = msgspec.structs.replace(ledger, moving=True)
    except httpx.TransportError as problem:
        raise CentralAwayError(
            f"Central at {sources.central} does not answer ({problem}).",
            hint="Start it, and score again.",
        ) from problem
    finally:
        if central is not None:
            central.http.close()
    if record is not None:
        recorded = {"ledger": msgspec.Raw(encode(ledger)), "books": books}
        record.write_bytes(msgspec.json.format(msgspec.json.encode(recorded), indent=1))
    return judge(ledger, books)


def read_recorded(path: Path) -> tuple[Ledger, Books]:
    """A ledger and books that `--record` has written.

    Raises:
        InvalidMessageError: The file holds something else.
    """
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        books = msgspec.json.decode(document["books"], type=Books)
        return decode(bytes(document["ledger"])), books
    except (msgspec.MsgspecError, KeyError) as problem:
        raise InvalidMessageError(f"{path} is no recorded score: {problem}.") from problem


def _sign_in(central: Central, sources: Sources, clock: Clock) -> None:
    """Sign in; a central that is away may come back, as it does in a demo with an end."""
    deadline = clock.monotonic() + round(ARRIVE_S * 1_000_000)
    while True:
        try:
            return central.sign_in(sources.user, sources.password)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            if clock.monotonic() > deadline:
                raise
        sleep_blocking(POLL_S)


def _wait_until_arrived(sources: Sources, clock: Clock) -> None:
    """Wait until central has and knows what the edges have; where it never does, lines say so."""
    deadline = clock.monotonic() + round(ARRIVE_S * 1_000_000)
    with httpx.Client(timeout=10.0) as http:
        while clock.monotonic() < deadline:
            heads = {edge: _head(http, address) for edge, address in sources.edges.items()}
            text = http.get(f"{sources.central}/metrics").text
            durable = {edge: float(seq) for edge, seq in _DURABLE.findall(text)}
            read = all(float(lag) == 0 for lag in _LAG.findall(text))
            if read and all(durable.get(edge, 0) >= head for edge, head in heads.items()):
                return
            sleep_blocking(POLL_S)


def _head(http: httpx.Client, address: str) -> float:
    try:
        return float(http.get(f"{address}/healthz").json()["head_seq"])
    except (httpx.HTTPError, ValueError, KeyError):
        return 0.0  # it does not answer, and will not be waited for


def run_score(
    document: Json, sources: Sources, *, as_json: bool, record: Path | None = None
) -> int:
    """Score a running plant and print what was found.

    Args:
        document: Contents of the plant's file; names the simulator.
        sources: Where the books lie.
        as_json: Print one JSON document instead of lines.
        record: As `score_sources` says.

    Returns:
        0 when nothing differs, else 1.

    Raises:
        SimulatorAwayError: The plant does not answer.
        CentralAwayError, CentralRefusedError: Central does not.
    """
    simulator = Simulator(document["simulator"])
    busy = simulator.hold()
    try:
        found = score_sources(sources, simulator.ledger, clock=SystemClock(), record=record)
    finally:
        simulator.go()
    return print_score(found, as_json=as_json, busy=busy)


def run_recorded(path: Path, *, as_json: bool) -> int:
    """Score a recorded ledger and its books again; 0 when nothing differs."""
    return print_score(judge(*read_recorded(path)), as_json=as_json, busy=[])


def print_score(found: Score, *, as_json: bool, busy: list[str]) -> int:
    """Print a score; its exit status."""
    if as_json:
        document = msgspec.to_builtins(found) | {"still_busy": busy}
        sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return 0 if found.clean else 1
    for line in found.differences:
        sys.stdout.write(f"{line}\n")
    for line in found.left_out:
        sys.stdout.write(f"Not compared: {line}.\n")
    if found.moving:
        who = f" ({', '.join(busy)})" if busy else ""
        sys.stdout.write(f"The plant still moves{who}: what is under way may look different.\n")
    counts = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in found.compared.items()
    )
    verdict = "CLEAN" if found.clean else f"NOT CLEAN, {len(found.differences)} differences"
    sys.stdout.write(f"Score: {counts}: {verdict}\n")
    return 0 if found.clean else 1
