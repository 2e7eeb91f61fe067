"""Where the terminal listens: on this computer alone, until somebody has signed on here once.

An edge that nobody uses yet must not be found by anybody on the network. Whoever scans a badge has
stood before this computer: from then on, and at every later start, the configured address is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Generator
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.orders import OrdersProjection

LOOK_EVERY_S = 1.0
STOP_S = 3.0
NOTICE = "terminal.this_computer_only"
SIGNED_ON = "signed-on"
"""File in the data folder: somebody has signed on here."""
LOOKED_BACK = 200_000
"""Facts in which a sign-on is looked for at the start of an edge that has no such file yet."""
READ_AT_ONCE = 5_000
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on

log = structlog.get_logger("edge.door")


class Server(uvicorn.Server):
    """A server that leaves signals to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing is captured."""
        yield


class Door:
    """Opens the terminal's addresses.

    Args:
        host, port: As configured; port 0 takes a free one.
        folder: The data folder.
        orders: Knows who is signed on.
        journal: Knows who was.
        notice: Told (code, text) while other computers are not let in; an empty text settles it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        folder: Path,
        orders: OrdersProjection,
        journal: Journal,
        notice: Callable[[str, str], None],
    ) -> None:
        self._wanted, self.port, self._mark = host, port, folder / SIGNED_ON
        self._orders, self._journal, self._notice = orders, journal, notice
        self.host = host

    def open(self, api: FastAPI) -> tuple[Server, socket.socket]:
        """A server and what it listens on at first; `host` and `port` say where that is.

        Raises:
            OSError: The address is taken or not ours.
        """
        self._api = api
        if not is_loopback(self._wanted) and not self._somebody_was_here():
            self.host = "::1" if ":" in self._wanted else "127.0.0.1"
            text = (
                f"The terminal listens on this computer only, and on {self._wanted} as soon as "
                "somebody has signed on here for the first time: scan a badge at this edge."
            )
            log.warning("terminal_on_this_computer_only", wanted=self._wanted)
            self._notice(NOTICE, text)
        listener = listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._first = _server(api)
        return self._first, listener

    async def run(self) -> None:
        """Open the configured address when somebody has signed on; until cancelled."""
        if self.host == self._wanted:
            await asyncio.Event().wait()
        while not self._somebody_is_here():  # noqa: ASYNC110 - looked up in a projection
            await asyncio.sleep(LOOK_EVERY_S)
        self._note()
        if self._wanted in EVERY_ADDRESS:
            for listening in self._first.servers:
                listening.close()  # its connections stay; the port must be free
        listener = listen(self._wanted, self.port)
        log.info("terminal_opened", host=self._wanted, port=self.port)
        self.host = self._wanted
        self._notice(NOTICE, "")
        second = _server(self._api)
        serving = asyncio.create_task(second.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            second.should_exit = True
            await asyncio.wait([serving], timeout=STOP_S)
            serving.cancel()

    def _somebody_is_here(self) -> bool:
        return any(station.floor.people for station in self._orders.state.stations.values())

    def _somebody_was_here(self) -> bool:
        if self._mark.exists():
            return True
        if not (self._somebody_is_here() or self._recorded()):
            return False
        self._note()
        return True

    def _recorded(self) -> bool:
        """Whether the newest facts tell of a sign-on: of an edge older than its mark."""
        after = max(0, self._journal.head() - LOOKED_BACK)
        while read := self._journal.read(after, READ_AT_ONCE):
            if any(b'"type":"signed_on"' in stored.data for stored in read):
                return True
            after = read[-1].seq
        return False

    def _note(self) -> None:
        try:
            self._mark.touch(mode=0o600)
        except OSError as problem:  # looked up in the journal at the next start
            log.warning("sign_on_not_noted", file=str(self._mark), why=problem.strerror)


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach who listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: The address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends without delay only where it is: each answer would
    # wait 40 ms for the acknowledgement of its headers otherwise.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    found.listen(128)
    return found


def _server(api: FastAPI) -> Server:
    return Server(
        uvicorn.Config(
            api,
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
    )
