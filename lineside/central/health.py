"""Health, readiness and metrics; open to everybody, and without names or numbers of products."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.central.errors import NotReadyError
from lineside.central.kit.http import refusals, unexpected_problem
from lineside.central.kit.schema import Out
from lineside.central.metrics import Metrics, RequestFigures
from lineside.central.platform.access.principal import public
from lineside.central.runtime import Central

router = APIRouter(tags=["health"], dependencies=[Depends(public)])


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
async def metrics(request: Request) -> Response:
    """Figures about central itself in the Prometheus text format."""
    figures: Metrics = request.app.state.metrics
    body, media_type = await run_in_threadpool(
        figures.answer, request.headers.get("accept", "text/plain")
    )
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def _select_one(central: Central) -> None:
    with central.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


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
