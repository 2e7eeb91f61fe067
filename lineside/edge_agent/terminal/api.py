"""The terminal's HTTP interface: thin routes over a `Desk`, which does the work.

Everything is answered by this edge alone. A body is capped before it is read, errors are problem
documents (RFC 9457), and nothing is said to be booked before its commit.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.edge_agent.terminal.acts import AnyAct
from lineside.edge_agent.terminal.board import LineBoard, add_board
from lineside.edge_agent.terminal.pages import add_pages
from lineside.edge_agent.terminal.problems import add_problems, problem_answer
from lineside.edge_agent.terminal.views import (
    Answer,
    Booked,
    ClockView,
    Problem,
    Stations,
    StationView,
    StreamMessage,
    Texts,
)

BODY_BYTES_MAX = 64 * 1024
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Desk(Protocol):
    """What the routes ask of the agent."""

    def stations(self) -> Stations:
        """All stations of this edge."""
        ...

    async def state(self, station: str) -> StationView:
        """The whole screen of a station.

        Raises:
            UnknownStationError: There is no such station here.
        """
        ...

    def stream(self, station: str) -> AsyncGenerator[StreamMessage]:
        """The screen whenever it changes, and verdicts of the station's own scanners.

        Raises:
            UnknownStationError: There is no such station here.
        """
        ...

    async def act(self, body: AnyAct) -> Answer:
        """Decide and book; the answer is given after the commit."""
        ...

    async def booked(self, act_id: str) -> Booked:
        """Whether an act was booked, with its answer."""
        ...

    def texts(self) -> Texts:
        """Reasons, defects, commands."""
        ...

    def set_clock(self, at: int) -> int:
        """Move business time of a simulated plant; microseconds UTC, returned as set.

        Raises:
            NotSimulatedError: This is a real plant.
        """
        ...

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether facts are recorded, and the details."""
        ...

    def metrics(self) -> str:
        """Prometheus text."""
        ...


class ClockBody(BaseModel):
    """The moment to which business time moves."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime


def build_api(
    desk: Desk, *, version: str = "0", web: Path | None = None, board: LineBoard | None = None
) -> FastAPI:
    """The application of one edge.

    Args:
        desk: Does the work.
        version: Software version shown in the schema.
        web: Folder of the built terminal; without it `/` says how to build it.
        board: Builds what a wall display shows of a line.
    """
    api = FastAPI(
        title="Lineside edge",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={status: {"model": Problem} for status in (404, 409, 413, 422, 503)},
    )
    api.add_middleware(Guard)
    add_problems(api)
    _add_reading(api, desk)
    _add_acting(api, desk)
    _add_watching(api, desk)
    add_board(api, board)
    add_pages(api, web)
    return api


def _add_reading(api: FastAPI, desk: Desk) -> None:
    @api.get("/api/stations", operation_id="list_stations")
    async def list_stations() -> Stations:
        """All stations of this edge."""
        return desk.stations()

    @api.get("/api/stations/{station}", operation_id="get_station")
    async def get_station(station: str) -> StationView:
        """The whole screen of a station."""
        return await desk.state(station)

    @api.get(
        "/api/stations/{station}/stream",
        operation_id="stream_station",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Server-sent events; `data` of each is a `StreamMessage`.",
                "content": {"text/event-stream": {}},
            }
        },
    )
    async def stream_station(station: str) -> StreamingResponse:
        """Server-sent events `state` and `verdict`."""
        messages = desk.stream(station)
        return StreamingResponse(
            _server_sent(messages),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @api.get("/api/stream-message", operation_id="describe_stream_message")
    async def describe_stream_message() -> StreamMessage | None:
        """Always null; names the shape of the stream's messages for generated clients."""
        return None

    @api.get("/api/texts", operation_id="get_texts")
    async def get_texts() -> Texts:
        """Stop reasons, defects, commands, call topics, with labels."""
        return desk.texts()

    # Registered functions are used by the framework; the names only serve a reader.
    del list_stations, get_station, stream_station, describe_stream_message, get_texts


def _add_acting(api: FastAPI, desk: Desk) -> None:
    @api.post("/api/acts", operation_id="post_act")
    async def post_act(body: Annotated[AnyAct, Body()]) -> Answer:
        """Book an act; asking twice with one id books once and answers the same."""
        return await desk.act(body)

    @api.get("/api/acts/{act_id}", operation_id="get_act")
    async def get_act(act_id: str) -> Booked:
        """Was it booked? Asked after a dropped connection, before offering it again."""
        return await desk.booked(act_id)

    @api.post("/api/simulation/clock", operation_id="set_clock")
    async def set_clock(body: ClockBody) -> ClockView:
        """Move business time; only in a simulated plant."""
        from lineside.contracts.clock import from_datetime, to_datetime  # noqa: PLC0415

        return ClockView(at=to_datetime(desk.set_clock(from_datetime(body.at))))

    del post_act, get_act, set_clock


def _add_watching(api: FastAPI, desk: Desk) -> None:
    @api.get("/healthz", operation_id="healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        """200 while facts are recorded, else 503, with the details."""
        healthy, details = desk.health()
        return JSONResponse(details, status_code=200 if healthy else 503)

    @api.get("/metrics", operation_id="metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Prometheus text."""
        return Response(desk.metrics(), media_type="text/plain; version=0.0.4")

    del healthz, metrics


async def _server_sent(messages: AsyncGenerator[StreamMessage]) -> AsyncGenerator[str]:
    async with aclosing(messages):
        async for message in messages:
            yield f"event: {message.event}\ndata: {message.model_dump_json(by_alias=True)}\n\n"


class Guard:
    """Caps bodies, refuses posts from other sites, sets the headers of a page that stays at home.

    Plain ASGI: a streaming answer passes through untouched.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _refusal(headers) if scope["method"] == "POST" else None
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in PAGE_HEADERS.items():
                    answer[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)


def _refusal(headers: Headers) -> JSONResponse | None:
    preferred, length = headers.get("accept-language", ""), headers.get("content-length", "")
    if not length.isdigit():
        return problem_answer(
            preferred, status=411, code="request.no_length", detail="A body needs its length."
        )
    if int(length) > BODY_BYTES_MAX:
        return problem_answer(
            preferred,
            status=413,
            code="request.too_large",
            detail=f"At most {BODY_BYTES_MAX:,} bytes are read.",
            values={"most": f"{BODY_BYTES_MAX:,}"},
        )
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return problem_answer(
            preferred,
            status=403,
            code="request.cross_site",
            detail="Acts come from this page only.",
            hint="Act on the terminal's own page.",
        )
    return None
