"""The plant's ledger for those outside: read over loopback HTTP while the plant runs.

A file would have to be written all the time and would always be a little old; this is made when
it is asked for, and the same door lets a judge ask the plant to stand still.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from dataclasses import fields
from typing import Any, Self, cast

import httpx
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lineside.contracts.clock import Clock, Microseconds
from lineside.contracts.errors import InvalidMessageError, LinesideError
from lineside.sim.hold import Hold
from lineside.sim.truth import Truth

Json = dict[str, Any]
LEASE_S = 300.0
READ_TIMEOUT_S = 60.0
_EMPTY = Truth()


class SimulatorAwayError(LinesideError):
    """The simulator whose ledger is wanted does not answer."""

    code = "sim.simulator_away"


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What the plant says of itself at one moment.

    Attributes:
        at: When it was written, microseconds UTC.
        moving: Somebody had a piece in hand, or might begin one; what follows `at` is not in it.
        truth: All that really happened.
        attended: People work in the plant; without them it knows machines only.
    """

    at: Microseconds
    moving: bool
    truth: Truth
    attended: bool = True


def encode(ledger: Ledger) -> bytes:
    """A ledger as JSON."""
    return msgspec.json.encode(ledger)


def decode(data: bytes) -> Ledger:
    """A ledger from JSON.

    Raises:
        InvalidMessageError: These bytes are no ledger.
    """
    try:
        found = msgspec.json.decode(data, type=Ledger)
    except msgspec.MsgspecError as problem:
        raise InvalidMessageError(f"This is no ledger of a simulated plant: {problem}.") from None
    for each in fields(Truth):  # a station of which nothing is written has nothing, not an error
        fresh: object = getattr(_EMPTY, each.name)
        if isinstance(fresh, defaultdict):
            read = defaultdict(cast("Any", fresh.default_factory), getattr(found.truth, each.name))
            setattr(found.truth, each.name, read)
    return found


class _Server(uvicorn.Server):
    """A server that leaves signals to the plant."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing is captured."""
        yield


Scan = Callable[[str, bytes], Awaitable[None]]


class LedgerServer:
    """Answers `GET /ledger`, `POST /hold`, `POST /go`, `POST /scan` on loopback.

    Args:
        truth: The plant's ledger.
        hold: Stops and starts the plant.
        clock: The plant's.
        scan: Lets the scanner of a station read something.
        attended: As `Ledger` says.
    """

    def __init__(
        self, truth: Truth, hold: Hold, *, clock: Clock, scan: Scan, attended: bool
    ) -> None:
        self._truth, self._hold, self._clock = truth, hold, clock
        self._scan, self._attended = scan, attended
        self.address = ""
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Listen on a free port of loopback."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        routes = [
            Route("/ledger", self._ledger, methods=["GET"]),
            Route("/hold", self._ask, methods=["POST"]),
            Route("/go", self._go, methods=["POST"]),
            Route("/scan", self._read_code, methods=["POST"]),
        ]
        settings = uvicorn.Config(
            Starlette(routes=routes),
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = _Server(settings)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    def ledger(self) -> Ledger:
        """The ledger now."""
        return Ledger(
            at=self._clock.now(),
            moving=not self._hold.quiet,
            truth=self._truth,
            attended=self._attended,
        )

    async def _ledger(self, _: Request) -> Response:
        return Response(encode(self.ledger()), media_type="application/json")

    async def _ask(self, request: Request) -> Response:
        lease_s = float(request.query_params.get("seconds", LEASE_S))
        quiet = await self._hold.ask(lease_s=lease_s)
        return JSONResponse({"quiet": quiet, "busy": sorted(self._hold.busy)})

    async def _go(self, _: Request) -> Response:
        self._hold.release()
        return JSONResponse({"quiet": False})

    async def _read_code(self, request: Request) -> Response:
        body: Json = await request.json()
        try:
            await self._scan(str(body["station"]), str(body["code"]).encode())
        except KeyError as missing:
            return JSONResponse({"problem": f"There is no {missing}."}, status_code=422)
        except OSError as problem:
            return JSONResponse({"problem": str(problem)}, status_code=503)
        return JSONResponse({"scanned": body["code"]})


class Simulator:
    """A running plant as a judge sees it.

    Args:
        address: As `demo.json` and `plant.json` say under `simulator`.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def hold(self, *, lease_s: float = LEASE_S) -> list[str]:
        """Let the plant come to rest; who still has a piece in hand after that.

        Raises:
            SimulatorAwayError: It does not answer.
        """
        answer = self._call("POST", "/hold", seconds=lease_s)
        busy: list[str] = answer.json()["busy"]
        return busy

    def go(self) -> None:
        """Let the plant go on.

        Raises:
            SimulatorAwayError: It does not answer.
        """
        self._call("POST", "/go")

    def ledger(self) -> Ledger:
        """The ledger now.

        Raises:
            SimulatorAwayError: It does not answer.
            InvalidMessageError: What it answers is no ledger.
        """
        return decode(self._call("GET", "/ledger").content)

    def _call(self, method: str, path: str, **parameters: float) -> httpx.Response:
        url = f"{self.address}{path}"
        try:
            answer = httpx.request(method, url, params=parameters, timeout=READ_TIMEOUT_S)
            return answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise SimulatorAwayError(
                f"The simulator at {self.address} does not answer ({problem}).",
                hint="Is the plant still running? Its file is left behind when it is killed.",
            ) from problem
