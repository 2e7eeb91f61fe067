"""A route that only reads and must be quick: no transaction around it, one hop to a thread.

PostgreSQL gives each statement its own snapshot anyway (READ COMMITTED), so a read needs no
transaction; without one it saves two round trips. Who asks is remembered for two seconds and
forgotten with every request that writes, so that a token taken back here opens nothing; one taken
back by another program (the command line) opens reads for two seconds more.

A route can also say how its plain request is answered (`answered_by`): FastAPI reads such a request
in 0.3 ms, a route with three parameters by hand in 0.02 ms. Whatever is not plain goes its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection

from lineside.central.kit.shapes import json_answer
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


Plain = Callable[[Mapping[str, str]], "Callable[[Reads], bytes] | None"]
"""What answers a request with these parameters, each given once; None: it is not a plain one."""


def answered_by(permission: str, plain: Plain) -> Callable[[Found], Found]:
    """Mark a route: who has the permission and asks plainly gets this JSON, without more ado.

    Args:
        permission: The one that the route requires.
        plain: Takes the parameters; refuses (None) what it does not know or finds out of bounds.
    """

    def marked(route: Found) -> Found:
        route.plain = (permission, plain)  # pyright: ignore[reportAttributeAccessIssue]
        return route

    return marked


class ReadingRoute(APIRoute):
    """Authenticates, then runs the route; the route reads through `Read`."""

    def get_route_handler(self) -> Handler:
        """The route's handler behind authentication."""
        handle = super().get_route_handler()
        permission, plain = getattr(self.endpoint, "plain", ("", _nothing_plain))

        async def reading(request: Request) -> Response:
            workplace: Workplace = request.app.state.workplace
            authorization = request.headers.get("authorization", "")
            principal = await _principal(workplace, authorization) if authorization else None
            if principal is not None and permission and principal.may(permission):
                read = plain(_parameters(request))
                if read is not None:
                    return json_answer(await _in_thread(workplace, read))
            request.state.principal = principal
            return await handle(request)

        return reading


class Reading:
    """Runs a read of the database in a thread."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def __call__(self, read: Callable[[Reads], Found]) -> Found:
        """What a read finds; it must not write."""
        return await _in_thread(self._workplace, read)


def _nothing_plain(_: Mapping[str, str]) -> None:
    return None


def _parameters(request: Request) -> dict[str, str]:
    """Parameters of the query; none where one is given twice or another answer is wanted."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    found = dict(pairs)
    wanted = request.headers.get("accept", "")
    return {} if len(found) < len(pairs) or "csv" in wanted else found


async def _principal(workplace: Workplace, authorization: str) -> Any | None:  # noqa: ANN401
    known = workplace.known_callers
    found = known.get(authorization, workplace.clock.monotonic())
    if found is not None:
        return found
    generation = known.generation
    found = await _in_thread(workplace, lambda work: workplace.authenticate(work, authorization))
    if found is not None:
        known.keep(authorization, found, workplace.clock.monotonic(), generation)
    return found


async def _in_thread(workplace: Workplace, read: Callable[[Reads], Found]) -> Found:
    """Run a read in a thread of the loop's own pool; anyio's costs a tenth of a millisecond more.

    No more run at once than that pool has threads; the others wait their turn.
    """
    return await asyncio.get_running_loop().run_in_executor(None, _run, workplace, read)


def _run(workplace: Workplace, read: Callable[[Reads], Found]) -> Found:
    with workplace.reading_engine.connect() as connection:
        return read(Look(connection, workplace.clock))


async def _reading_of(request: Request) -> Reading:
    return Reading(request.app.state.workplace)


Read = Annotated[Reading, Depends(_reading_of)]
"""Reads of the request: `await read(lambda work: ...)`."""
