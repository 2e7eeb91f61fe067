"""Health, readiness and metrics; open to everybody, and without names or numbers of products."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.central.errors import NotReadyError
from lineside.central.kit.http import refusals, unexpected_problem
from lineside.central.kit.schema import Out
from lineside.central.platform.access.principal import public
from lineside.central.runtime import Central

router = APIRouter(tags=["health"], dependencies=[Depends(public)])
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_LAG = text("""
    SELECT c.reader, (SELECT coalesce(max(position), 0) FROM ingest_sequencer) - c.position AS lag,
           (SELECT count(*) FROM reader_problem p WHERE p.reader = c.reader) AS problems
    FROM reader_cursor c ORDER BY c.reader
""")
_EDGES = text("""
    SELECT w.edge, w.durable_through, greatest(w.reported_head - w.durable_through, 0) AS missing,
           coalesce(e.heard_at, 0) AS heard_at
    FROM lane_watermark w JOIN edge e ON e.id = w.edge
    WHERE w.lane = 'facts' AND w.closed_at IS NULL ORDER BY w.edge
""")
_QUARANTINE = text("SELECT count(*) FROM quarantine WHERE settled_at IS NULL")


class HealthOut(Out):
    """Alive."""

    status: str


class ReadyOut(Out):
    """Ready to serve.

    Attributes:
        wire: Empty, or why edges cannot be reached; the API serves all the same.
    """

    status: str
    wire: str


def _central(request: Request) -> Central:
    central: Central | None = getattr(request.app.state, "central", None)
    if central is None:
        raise NotReadyError("Central is starting or stopping.", hint="Ask again in a second.")
    return central


Running = Annotated[Central, Depends(_central)]


@router.get("/healthz")
async def healthz() -> HealthOut:
    """The process is alive."""
    return HealthOut(status="ok")


@router.get("/readyz", responses=refusals(NotReadyError))
async def readyz(central: Running) -> ReadyOut:
    """The database answers, and the routes may be used."""
    try:
        await run_in_threadpool(_select_one, central)
    except SQLAlchemyError as problem:
        raise NotReadyError("The database does not answer.", hint="See its log.") from problem
    return ReadyOut(status="ready", wire=central.wire_problem)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, central: Running) -> Response:
    """Figures about central itself in the Prometheus text format."""
    lines = request.app.state.request_figures.lines()
    lines += await run_in_threadpool(_database_lines, central)
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _select_one(central: Central) -> None:
    with central.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def _database_lines(central: Central) -> list[str]:
    with central.engine.connect() as connection:
        lag = connection.execute(_LAG).all()
        edges = connection.execute(_EDGES).all()
        waiting = connection.execute(_QUARANTINE).scalar_one()
    lines = ["# TYPE lineside_reader_lag_events gauge"]
    lines += [f'lineside_reader_lag_events{{reader="{row.reader}"}} {row.lag}' for row in lag]
    lines.append("# TYPE lineside_reader_problems gauge")
    lines += [f'lineside_reader_problems{{reader="{row.reader}"}} {row.problems}' for row in lag]
    lines.append("# TYPE lineside_edge_durable_seq counter")
    lines += [
        f'lineside_edge_durable_seq{{edge="{row.edge}"}} {row.durable_through}' for row in edges
    ]
    lines.append("# TYPE lineside_edge_events_missing gauge")
    lines += [f'lineside_edge_events_missing{{edge="{row.edge}"}} {row.missing}' for row in edges]
    lines.append("# TYPE lineside_edge_heard_at_seconds gauge")
    lines += [
        f'lineside_edge_heard_at_seconds{{edge="{row.edge}"}} {row.heard_at / 1e6:.3f}'
        for row in edges
    ]
    lines.append("# TYPE lineside_quarantine_events gauge")
    lines.append(f"lineside_quarantine_events {waiting}")
    return lines


class RequestFigures:
    """Counts and durations of requests by route template, so that their number stays bounded."""

    def __init__(self) -> None:
        self._count: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._sum_s: dict[str, float] = defaultdict(float)

    def add(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request."""
        self._count[method, route, status] += 1
        self._sum_s[route] += took_s
        place = next((n for n, top in enumerate(BUCKETS_S) if took_s <= top), len(BUCKETS_S))
        self._buckets[route][place] += 1

    def lines(self) -> list[str]:
        """The figures in the Prometheus text format."""
        lines = ["# TYPE lineside_http_requests_total counter"]
        for (method, route, status), count in sorted(self._count.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            lines.append(f"lineside_http_requests_total{{{labels}}} {count}")
        lines.append("# TYPE lineside_http_request_seconds histogram")
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for top, count in zip((*BUCKETS_S, "+Inf"), buckets, strict=True):
                total += count
                labels = f'route="{route}",le="{top}"'
                lines.append(f"lineside_http_request_seconds_bucket{{{labels}}} {total}")
            name = f'{{route="{route}"}}'
            lines.append(f"lineside_http_request_seconds_sum{name} {self._sum_s[route]:.6f}")
            lines.append(f"lineside_http_request_seconds_count{name} {total}")
        return lines


class Measured:
    """Middleware: counts requests, answers unforeseen errors, puts security headers on answers."""

    def __init__(self, app: ASGIApp, figures: RequestFigures) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, started = 500, False

        async def send_on(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status = message["status"]
                started = True
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            if started:
                raise
            # Answered here, not by the server, which would close the connection behind its answer.
            answer = unexpected_problem(Request(scope), error)
            await answer(scope, receive, send_on)
        finally:
            route = getattr(scope.get("route"), "path", "") or "(none)"
            self._figures.add(scope["method"], route, status, time.perf_counter() - began)


SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        (
            b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
            b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
    ),
]
