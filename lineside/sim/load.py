"""`lineside-sim load`: many terminals at once, or many readers of central, or many tags.

With a rate the load is open: a scan that is due is measured from the moment it was due, so that an
answer that keeps the next one waiting is not hidden. Without a rate each terminal scans again as
soon as it has its verdict.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds, SystemClock
from lineside.contracts.errors import LinesideError
from lineside.sim.central_client import Central
from lineside.sim.servers.opcua import SimOpcUaServer

Json = dict[str, Any]
ANSWER_TIMEOUT_S = 30.0
PROBLEMS_KEPT = 5
CENTRAL_PATHS = ("/api/v1/trace/known", "/api/v1/mes/work-orders")


class LoadTargetError(LinesideError):
    """What is to be loaded does not answer as it should."""

    code = "sim.load_target"


@dataclass(slots=True, kw_only=True)
class Measured:
    """What the load generator saw.

    Attributes:
        took: Microseconds from when each request was due to its answer; failed ones are not in it.
        counts: `accepted`, `refused`, `asked`, `answered`, `failed`.
        problems: The first few failures, as text.
    """

    took: list[Microseconds] = field(default_factory=list[Microseconds])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[str] = field(default_factory=list[str])

    def count(self, what: str) -> None:
        """One more of a kind."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def failed(self, problem: str) -> None:
        """A request that has no answer."""
        self.count("failed")
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)

    def result(self, elapsed_s: float) -> Json:
        """Figures for people and programs; milliseconds, null without any answer."""
        total = sum(self.counts.values())
        return {
            "requests": total,
            "seconds": round(elapsed_s, 3),
            "per_second": round(total / elapsed_s, 2) if elapsed_s else 0.0,
            "p50_ms": percentile_ms(self.took, 0.50),
            "p99_ms": percentile_ms(self.took, 0.99),
            "max_ms": percentile_ms(self.took, 1.0),
            **{name: self.counts.get(name, 0) for name in ("accepted", "refused", "asked")},
            "answered": self.counts.get("answered", 0),
            "failed": self.counts.get("failed", 0),
            "problems": self.problems,
        }


def percentile_ms(took: Sequence[Microseconds], share: float) -> float | None:
    """A percentile by nearest rank, milliseconds; None of nothing."""
    if not took:
        return None
    rank = max(1, -(-len(took) * round(share * 1000) // 1000))
    return sorted(took)[rank - 1] / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much load.

    Attributes:
        terminals: How many at once.
        rate: Requests a second of all together; 0: each as fast as it is answered.
        seconds: How long requests are begun.
    """

    terminals: int
    rate: float
    seconds: float


Request = Callable[[int, int, Microseconds], Awaitable[None]]
"""Terminal, running number, when it was due (monotonic)."""


async def drive(pace: Pace, request: Request, *, clock: Clock) -> float:
    """Let all terminals send requests; the seconds from the first one to the last answer.

    Args:
        pace: How much.
        request: Sends one and waits for its answer; does not raise for a failed one.
        clock: Real time.
    """
    began = clock.monotonic()
    end = began + round(pace.seconds * US_PER_SECOND)
    step = round(pace.terminals / pace.rate * US_PER_SECOND) if pace.rate else 0

    async def one(terminal: int) -> None:
        number = 0
        due = began + step * terminal // pace.terminals
        while due < end:
            await clock.sleep(max(0, due - clock.monotonic()) / US_PER_SECOND)
            await request(terminal, number, due)
            number += 1
            due = due + step if step else clock.monotonic()

    await asyncio.gather(*(one(terminal) for terminal in range(pace.terminals)))
    return (clock.monotonic() - began) / US_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Scans:
    """What terminals scan; `{n}` is a running number, `{terminal}` the terminal's.

    Attributes:
        first: Once by each terminal at the beginning, not measured: a badge, an order.
        codes: In turn, measured.
        stations: Only these; empty: all of the edge. Terminals are spread over them.
    """

    first: tuple[str, ...] = ()
    codes: tuple[str, ...] = ("LOAD-{terminal}-{n}",)
    stations: tuple[str, ...] = ()


async def load_edge(address: str, pace: Pace, scans: Scans, *, clock: Clock) -> Json:
    """Scan at the terminals of an edge.

    Raises:
        LoadTargetError: There is no edge, or it has no such station.
    """
    limits = httpx.Limits(max_connections=None)
    measured = Measured()
    async with httpx.AsyncClient(base_url=address, timeout=ANSWER_TIMEOUT_S, limits=limits) as http:
        stations = scans.stations or tuple(await _stations(http, address))

        async def scan(terminal: int, code: str) -> str:
            body = {
                "id": uuid.uuid4().hex,
                "station": stations[terminal % len(stations)],
                "kind": "scan",
                "raw": code,
            }
            answer = (await http.post("/api/acts", json=body)).raise_for_status()
            return str(answer.json()["answer"])

        async def request(terminal: int, number: int, due: Microseconds) -> None:
            code = scans.codes[number % len(scans.codes)]
            try:
                verdict = await scan(terminal, code.format(n=number, terminal=terminal))
            except (httpx.HTTPError, ValueError, KeyError) as problem:
                measured.failed(repr(problem))
                return
            measured.took.append(clock.monotonic() - due)
            measured.count("asked" if verdict == "ask" else verdict)

        try:
            for terminal in range(pace.terminals):
                for code in scans.first:
                    await scan(terminal, code.format(n=0, terminal=terminal))
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            raise LoadTargetError(
                f"A first scan at {address} was not answered: {problem!r}.",
                hint="Look whether the station exists and the edge is well.",
            ) from problem
        elapsed_s = await drive(pace, request, clock=clock)
    return {"edge": address, "terminals": pace.terminals, **measured.result(elapsed_s)}


async def _stations(http: httpx.AsyncClient, address: str) -> list[str]:
    try:
        answer: Json = (await http.get("/api/stations")).raise_for_status().json()
        found = [str(row["id"]) for row in answer["stations"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as problem:
        raise LoadTargetError(
            f"There is no edge at {address}: {problem!r}.",
            hint="Name the address of its terminal, e.g. http://127.0.0.1:8080.",
        ) from problem
    if not found:
        raise LoadTargetError(f"The edge at {address} has no stations.")
    return found


async def load_central(
    address: str, pace: Pace, paths: Sequence[str], *, token: str, clock: Clock
) -> Json:
    """Read from central with many readers at once; every answer below 400 is `answered`.

    Args:
        address: Of the API.
        pace: How much.
        paths: In turn, e.g. `/api/v1/trace/known`.
        token: Bearer token; empty: none.
        clock: Real time.
    """
    measured = Measured()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=ANSWER_TIMEOUT_S, limits=limits
    ) as http:

        async def request(terminal: int, number: int, due: Microseconds) -> None:
            path = paths[(terminal + number) % len(paths)]
            try:
                (await http.get(path)).raise_for_status()
            except httpx.HTTPError as problem:
                measured.failed(repr(problem))
                return
            measured.took.append(clock.monotonic() - due)
            measured.count("answered")

        elapsed_s = await drive(pace, request, clock=clock)
    return {"central": address, "terminals": pace.terminals, **measured.result(elapsed_s)}


def token_of(address: str, user: str, password: str) -> str:
    """A token of central; empty without a user.

    Raises:
        LoadTargetError: Central does not answer.
        CentralRefusedError: It refuses the account.
    """
    if not user:
        return ""
    central = Central(address)
    try:
        central.sign_in(user, password)
    except (httpx.TransportError, httpx.InvalidURL) as problem:
        raise LoadTargetError(f"Central at {address} does not answer: {problem!r}.") from problem
    finally:
        central.http.close()
    return central.http.headers["Authorization"].removeprefix("Bearer ")


async def load_tags(tags: int, pace: Pace, *, clock: Clock, tell: Callable[[str], None]) -> Json:
    """Be an OPC UA server with many tags that change, for an edge agent to read.

    Args:
        tags: How many; their nodes are `tag.0` and so on.
        pace: `rate` changes a second of all tags together.
        clock: Real time.
        tell: Takes the endpoint as soon as it listens.
    """
    measured = Measured()
    server = SimOpcUaServer(namespace="urn:lineside:load", policies=("None",), clock=clock)
    for tag in range(tags):
        await server.add(f"tag.{tag}", "Double", 0.0)
    async with server:
        tell(f"{tags} tags at {server.endpoint}, nodes nsu=urn:lineside:load;s=tag.0 ...")

        async def change(_: int, number: int, due: Microseconds) -> None:
            await server.set(f"tag.{number % tags}", float(number))
            measured.took.append(clock.monotonic() - due)
            measured.count("answered")

        one = Pace(terminals=1, rate=pace.rate, seconds=pace.seconds)
        elapsed_s = await drive(one, change, clock=clock)
        return {"opcua": server.endpoint, "tags": tags, **measured.result(elapsed_s)}


def print_load(found: Json, *, as_json: bool) -> int:
    """Print the figures; 0 when something was answered and nothing failed."""
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for problem in found["problems"]:
            sys.stderr.write(f"Failed: {problem}\n")
        times = ", ".join(
            f"{name} {'–' if found[key] is None else f'{found[key]:.1f} ms'}"
            for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"), ("max", "max_ms"))
        )
        kinds = ("accepted", "refused", "asked", "answered", "failed")
        counts = ", ".join(f"{found[kind]} {kind}" for kind in kinds if found[kind])
        sys.stdout.write(
            f"{found['requests']} in {found['seconds']:.1f} s ({found['per_second']:g} a second): "
            f"{times}; {counts or 'nothing'}\n"
        )
    return 0 if found["requests"] and not found["failed"] else 1


def run_load(
    pace: Pace,
    *,
    edge: str = "",
    scans: Scans,
    central: str = "",
    token: str = "",
    paths: Sequence[str] = (),
    tags: int = 0,
    as_json: bool,
) -> int:
    """Load what was named and print the figures.

    Returns:
        0 when everything was answered.

    Raises:
        LoadTargetError: It does not answer at all.
    """
    clock: Clock = SystemClock()

    def tell(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    if edge:
        found = asyncio.run(load_edge(edge, pace, scans, clock=clock))
    elif central:
        found = asyncio.run(load_central(central, pace, paths, token=token, clock=clock))
    else:
        found = asyncio.run(load_tags(tags, pace, clock=clock, tell=tell))
    return print_load(found, as_json=as_json)
