"""A route whose whole request is one transaction, committed before the answer leaves.

FastAPI's dependencies with `yield` cannot do this together with stored answers: when they end, the
answer
is made but unknown to them. Here the answer is known, stored under its idempotency key and
committed, and
only then handed on; a commit that fails is an error answer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from lineside.central.kit import idempotency
from lineside.central.kit.known_callers import KnownCallers
from lineside.central.kit.notices import NOBODY, Listeners
from lineside.central.kit.together import Reads
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.contracts.clock import Clock

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = 400
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Authenticate(Protocol):
    """Who sends the request, or None; asked once a request, in its transaction."""

    def __call__(self, work: Reads, authorization: str) -> Any:  # noqa: ANN401
        """The principal behind an `Authorization` header; it has an attribute `id`."""
        ...


def nobody(work: Reads, authorization: str) -> None:
    """Authenticate nobody; for schemas and tests without identity."""


@dataclass(slots=True)
class Workplace:
    """What requests need from the app; stands in `app.state.workplace`.

    Attributes:
        reading_engine: The same connections without a transaction around a statement.
        known_callers: Who sent reads a moment ago; forgotten with every request that writes.
    """

    engine: Engine
    clock: Clock
    authenticate: Authenticate = nobody
    listeners: Listeners = field(default=NOBODY)
    reading_engine: Engine = field(init=False)
    known_callers: KnownCallers = field(default_factory=KnownCallers)

    def __post_init__(self) -> None:
        """Derive the engine for reads; both share one pool."""
        self.reading_engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")


@dataclass(slots=True)
class _Begun:
    work: UnitOfWork
    owner: str
    answer: idempotency.StoredAnswer | None


class TransactionRoute(APIRoute):
    """Opens the transaction, authenticates, runs the route, stores the answer, commits."""

    def get_route_handler(self) -> Handler:
        """The route's handler within a transaction."""
        handle = super().get_route_handler()

        async def transactional(request: Request) -> Response:
            workplace: Workplace = request.app.state.workplace
            key = None if request.method in SAFE_METHODS else request.headers.get("idempotency-key")
            wanted = ""
            if key is not None:
                body = await request.body()
                path, query = request.url.path, request.url.query
                wanted = idempotency.request_hash(request.method, path, query, body)
            work = UnitOfWork(workplace.engine, workplace.clock, workplace.listeners)
            try:
                begun = await run_in_threadpool(_begin, work, workplace, request, key, wanted)
                if begun.answer is not None:
                    return _replayed(begun.answer)
                response = await handle(request)
                if request.method not in SAFE_METHODS and response.status_code < REFUSED:
                    await run_in_threadpool(_finish, begun, key, response)
                return response
            finally:
                if request.method not in SAFE_METHODS:
                    workplace.known_callers.forget()
                await run_in_threadpool(work.close)

        return transactional


def _begin(
    work: UnitOfWork, workplace: Workplace, request: Request, key: str | None, wanted: str
) -> _Begun:
    request.state.work = work
    authorization = request.headers.get("authorization", "")
    principal = workplace.authenticate(work, authorization) if authorization else None
    request.state.principal = principal
    owner = principal.id if principal is not None else ""
    answer = None
    if key is not None and principal is not None:
        answer = idempotency.claim(
            work.connection, owner=owner, key=key, wanted=wanted, now=work.now()
        )
    return _Begun(work, owner, answer)


def _finish(begun: _Begun, key: str | None, response: Response) -> None:
    if key is not None and begun.owner and response.headers.get("cache-control") == "no-store":
        # A secret that is shown once is not kept beside its key; sent again, it is a new act.
        idempotency.release(begun.work.connection, owner=begun.owner, key=key)
    elif key is not None and begun.owner:
        answer = idempotency.StoredAnswer(
            response.status_code,
            response.headers.get("content-type", ""),
            response.headers.get("etag"),
            bytes(response.body),
        )
        idempotency.store(begun.work.connection, owner=begun.owner, key=key, answer=answer)
    begun.work.commit()


def _replayed(answer: idempotency.StoredAnswer) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    if answer.content_type:
        headers["content-type"] = answer.content_type
    if answer.etag:
        headers["etag"] = answer.etag
    return Response(answer.body, status_code=answer.status, headers=headers)


async def _work_of(request: Request) -> UnitOfWork:
    return request.state.work


Work = Annotated[UnitOfWork, Depends(_work_of)]
"""The transaction of the request; services take it, routes never commit."""
