"""What edges and central have booked, read through their own doors: APIs, journals, the database.

Nothing here judges. The programs of an installation are asked as an outsider would ask them; a
door that was not named, or does not open, is said in `left_out`, and nobody pretends to have looked
behind it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import psycopg

from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.errors import LinesideError
from lineside.sim import scenario
from lineside.sim.central_client import Central, CentralRefusedError
from lineside.sim.processes import program
from lineside.sim.truth import Truth

Json = dict[str, Any]
EDGE_TIMEOUT_S = 10.0
JOURNAL_TIMEOUT_S = 300.0

_CENTRAL_FACTS = """
    SELECT epoch, seq, convert_from(data, 'UTF8') FROM raw_event
    WHERE edge = %s AND lane = 'facts' ORDER BY epoch, seq, position
"""
_HOLES = "SELECT edge, epoch, first_seq, last_seq, why FROM event_gap WHERE lane = 'facts'"
_QUARANTINE = "SELECT edge, type, code, why FROM quarantine WHERE settled_at IS NULL"


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where the books lie.

    Attributes:
        central: Address of central's API; empty: there is none.
        user, password: Of an account that may read traces and figures.
        edges: Edge to the address of its terminal.
        journals: Edge to the path of its journal, where it lies on this computer.
        database: Address of central's database; empty: its events are not looked at.
    """

    central: str = ""
    user: str = ""
    password: str = ""
    edges: dict[str, str] = {}
    journals: dict[str, str] = {}
    database: str = ""


class Fact(msgspec.Struct, frozen=True):
    """One event as somebody has stored it."""

    epoch: str
    seq: int
    event: Json


class EdgeBooks(msgspec.Struct, kw_only=True):
    """What one edge has, and what central has of it.

    Attributes:
        stations: Station to its whole screen, the edge's own figures among it.
        same_window: Station to central's figures of the window that the screen shows.
        unreachable: Why its terminal could not be read; empty: it was, or was not named.
        head: Last committed fact, as the edge says; None: it was not asked or did not answer.
        known: Facts that central's figures know, as central says; None: central was not asked.
        journal: Facts of the edge's journal; None: it was not read.
        epochs: Epoch to the sequence number after which it begins, as the journal says.
        journal_problems: What its own check found.
        central: Facts in central's database; None: it was not read.
    """

    stations: dict[str, Json] = {}
    same_window: dict[str, Json] = {}
    unreachable: str = ""
    head: int | None = None
    known: int | None = None
    journal: list[Fact] | None = None
    epochs: dict[str, int] = {}
    journal_problems: list[str] = []
    central: list[Fact] | None = None


class Books(msgspec.Struct, kw_only=True):
    """All that is compared with the plant's ledger.

    Attributes:
        start, end: The window of the figures, microseconds UTC.
        machines: Central's figures by machine; None: central was not asked.
        shifts: The same by machine, shift and day.
        units: Serial to central's answer about it.
        lots: Lot to central's answer about it.
        orders: Order to its progress.
        edges: Edge to its books.
        holes: Holes and unreadable events that central knows of, as text.
        left_out: What was not looked at, and why.
    """

    start: Microseconds
    end: Microseconds
    machines: Json | None = None
    shifts: Json | None = None
    units: dict[str, Json] = {}
    lots: dict[str, Json] = {}
    orders: dict[str, Json] = {}
    edges: dict[str, EdgeBooks] = {}
    holes: list[str] = []
    left_out: list[str] = []


def read_books(
    sources: Sources, central: Central | None, truth: Truth, *, end: Microseconds
) -> Books:
    """Read everything that can be reached.

    Args:
        sources: Where.
        central: Signed in; None: there is no central.
        truth: Says which units, lots and orders to ask for.
        end: Until when figures are compared, microseconds UTC.

    Raises:
        CentralRefusedError: Central answers, but refuses figures.
        httpx.TransportError: Central does not answer.
    """
    books = Books(start=truth.began_at, end=end)
    for edge in sorted({*sources.edges, *sources.journals}):
        books.edges[edge] = EdgeBooks()
    _read_screens(sources, books)
    if central is None:
        books.left_out.append("central was not named: nothing of it was compared")
    else:
        _read_central(central, truth, books)
    for edge, path in sources.journals.items():
        _read_journal(edge, path, books)
    missing = [edge for edge in sources.edges if edge not in sources.journals]
    if missing:
        books.left_out.append(f"the journals of {', '.join(missing)} were not read: no path")
    _read_database(sources, books)
    return books


def _read_screens(sources: Sources, books: Books) -> None:
    for edge, address in sources.edges.items():
        found = books.edges[edge]
        try:
            with httpx.Client(base_url=address, timeout=EDGE_TIMEOUT_S) as http:
                found.head = int(http.get("/healthz").json()["head_seq"])
                listed: Json = http.get("/api/stations").raise_for_status().json()
                for row in listed["stations"]:
                    answer = http.get(f"/api/stations/{row['id']}").raise_for_status()
                    found.stations[row["id"]] = answer.json()
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            found.unreachable = f"{address} could not be read: {problem!r}"


def _read_central(central: Central, truth: Truth, books: Books) -> None:
    window = {"from": format_rfc3339(books.start), "to": format_rfc3339(books.end)}
    books.machines = central.get("/api/v1/mes/kpi", **window, by="machine")
    books.shifts = central.get("/api/v1/mes/kpi", **window, by="machine,shift,day")
    known: list[Json] = books.machines["known"]
    for row in known:
        edge = books.edges.setdefault(row["edge"], EdgeBooks())
        edge.known = int(row["seq"])
    for found in books.edges.values():
        for station, screen in found.stations.items():
            found.same_window[station] = _same_window(central, station, screen)
    for serial, item in dict.fromkeys((step.serial, step.item) for step in truth.steps):
        books.units[serial] = _answer(central, "/api/v1/trace/units", serial=serial, item=item)
    for lot, item in _lots(truth):
        books.lots[lot] = _answer(central, "/api/v1/trace/lots", lot=lot, item=item)
    for order in sorted({step.order for step in truth.steps}):
        books.orders[order] = _answer(central, f"/api/v1/mes/work-orders/{order}/progress")


def _same_window(central: Central, station: str, screen: Json) -> Json:
    """Central's figures of the very window whose figures a terminal shows."""
    shift: Json | None = screen["shift"]
    if shift is None:
        return {}
    window = {"from": shift["start"], "to": screen["at"]}
    rows: list[Json] = central.get("/api/v1/mes/kpi", **window, by="machine", station=station)[
        "rows"
    ]
    return rows[0] if rows else {}


def _answer(central: Central, path: str, **parameters: str) -> Json:
    """What central says; what it does not know is a finding, not a failure."""
    try:
        return central.get(path, **parameters)
    except CentralRefusedError as problem:
        return {"problem": str(problem)}


def _lots(truth: Truth) -> Iterator[tuple[str, str]]:
    used = {link.parent for link in truth.links if link.kind == "lot"}
    for station in scenario.STATIONS:
        for _, item, lot, _ in station.mounts:
            if lot in used:
                yield lot, item


def _read_journal(edge: str, path: str, books: Books) -> None:
    found = books.edges[edge]
    try:
        checked: Json = json.loads(_journal("verify", path))
        found.journal_problems = [f"{one['seq']}: {one['problem']}" for one in checked["problems"]]
        found.epochs = {epoch["id"]: epoch["base"] for epoch in checked["epochs"]}
        lines = _journal("export", path).splitlines()
        documents: list[Json] = [json.loads(line) for line in lines]
        found.journal = [Fact(one["epoch"], one["seq"], one["event"]) for one in documents]
    except (OSError, LinesideError, ValueError, KeyError, subprocess.TimeoutExpired) as problem:
        books.left_out.append(f"the journal of {edge} could not be read: {problem}")


def _journal(act: str, path: str) -> str:
    done = subprocess.run(  # noqa: S603 our own program
        [program("lineside-edge"), "journal", act, path, *(["--json"] if act == "verify" else [])],
        capture_output=True,
        text=True,
        check=False,
        timeout=JOURNAL_TIMEOUT_S,
    )
    if not done.stdout and done.returncode != 0:
        raise LinesideError(done.stderr.strip())
    return done.stdout


def _read_database(sources: Sources, books: Books) -> None:
    if not sources.database:
        books.left_out.append(
            "central's database was not named: its events were not compared one by one"
        )
        return
    try:
        with psycopg.connect(sources.database, connect_timeout=10) as database:
            for edge, found in books.edges.items():
                rows = database.execute(_CENTRAL_FACTS, [edge]).fetchall()
                found.central = [Fact(epoch, seq, json.loads(data)) for epoch, seq, data in rows]
            books.holes = [
                f"{edge}, epoch {epoch}: facts {first} to {last} are declared lost: {why}"
                for edge, epoch, first, last, why in database.execute(_HOLES)
            ] + [
                f"{edge}: a {kind} cannot be read by central ({code}): {why}"
                for edge, kind, code, why in database.execute(_QUARANTINE)
            ]
    except (psycopg.Error, ValueError) as problem:
        text = " ".join(str(problem).split())
        books.left_out.append(f"central's database could not be read: {text}")
