"""A route that only reads and must be quick: no transaction around it, one hop to a thread.

PostgreSQL gives each statement its own snapshot anyway (READ COMMITTED), so a read needs no
transaction; without one it saves two round trips. Who asks is remembered for two seconds and
forgotten with every request that writes, so that a token taken back here opens nothing; one taken
back by another program (the command line) opens reads for two seconds more.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy import Connection

from lineside.central.kit.together import Reads
from lineside.central.kit.transaction_route import Workplace
from lineside.contracts.clock import Clock, Microseconds

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Look:
    """A connection without a transaction, and the clock."""

    connection: Connection
    clock: Clock

    def now(self) -> Microseconds:
        """Time of the request, microseconds UTC."""
        return self.clock.now()


class ReadingRoute(APIRoute):
    """Authenticates, then runs the route; the route reads through `Read`."""

    def get_route_handler(self) -> Handler:
        """The route's handler behind authentication."""
        handle = super().get_route_handler()

        async def reading(request: Request) -> Response:
            workplace: Workplace = request.app.state.workplace
            authorization = request.headers.get("authorization", "")
            request.state.principal = (
                await _principal(workplace, authorization) if authorization else None
            )
            return await handle(request)

        return reading


class Reading:
    """Runs a read of the database in a thread."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def __call__(self, read: Callable[[Reads], Found]) -> Found:
        """What a read finds; it must not write."""
        return await run_in_threadpool(_run, self._workplace, read)


async def _principal(workplace: Workplace, authorization: str) -> object:
    known = workplace.known_callers
    found = known.get(authorization, workplace.clock.monotonic())
    if found is not None:
        return found
    generation = known.generation
    found = await run_in_threadpool(
        _run, workplace, lambda work: workplace.authenticate(work, authorization)
    )
    if found is not None:
        known.keep(authorization, found, workplace.clock.monotonic(), generation)
    return found


def _run(workplace: Workplace, read: Callable[[Reads], Found]) -> Found:
    with workplace.reading_engine.connect() as connection:
        return read(Look(connection, workplace.clock))


async def _reading_of(request: Request) -> Reading:
    return Reading(request.app.state.workplace)


Read = Annotated[Reading, Depends(_reading_of)]
"""Reads of the request: `await read(lambda work: ...)`."""
