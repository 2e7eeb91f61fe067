"""Serves the application on a socket, in this process."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn
from fastapi import FastAPI

from lineside.central.errors import NotReadyError
from lineside.contracts.clock import sleep_blocking

START_TIMEOUT_S = 60.0
POLL_S = 0.01
DOOR_EVERY_S = 1.0
POLL_STOP_S = 0.1
LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on
Lifespan = Literal["on", "off"]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        NotReadyError: The address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, not 0: only then does asyncio switch off Nagle's algorithm (40 ms an answer).
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as problem:
        found.close()
        raise NotReadyError(
            f"Central cannot listen on {host}:{port}: {problem.strerror}.",
            hint="Choose another [server] port, or stop what uses it.",
        ) from problem
    found.listen(512)
    return found


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Certificate and key of the web server."""

    certificate: Path
    key: Path


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach who listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def loopback_of(host: str) -> str:
    """The address of this computer for itself, of the same kind as another one."""
    return "::1" if ":" in host else LOOPBACK


class _Silent(uvicorn.Server):
    """A server beside the one that the process has: signals go to that one."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing is captured."""
        yield


async def open_door(
    first: uvicorn.Server,
    app: FastAPI,
    *,
    host: str,
    port: int,
    tls: ServerTls | None,
    wanted: Callable[[], bool],
) -> None:
    """Listen on the configured address as soon as that is wanted; until cancelled.

    Until then `first` listens on loopback alone. Its open connections stay when it gives the port
    to a listener on every address, for which the port must be free.

    Args:
        first: What serves on loopback.
        app: The application, which is running already.
        host: The configured address.
        port: Where `first` listens.
        tls: As of `first`.
        wanted: Asked once a second, in a thread.

    Raises:
        NotReadyError: The address is taken or not ours.
    """
    while not await asyncio.to_thread(wanted):  # noqa: ASYNC110 - asked of a database
        await asyncio.sleep(DOOR_EVERY_S)
    if host in EVERY_ADDRESS:
        for server in first.servers:
            server.close()
    listening = listen(host, port)
    second = _Silent(_settings(app, tls, lifespan="off"))
    serving_too = asyncio.create_task(second.serve([listening]))
    try:
        while not (first.should_exit or serving_too.done()):  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(POLL_STOP_S)
    finally:
        second.should_exit = True
        await serving_too
        listening.close()


def _settings(app: FastAPI, tls: ServerTls | None, *, lifespan: Lifespan) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        lifespan=lifespan,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else str(tls.key),
    )


def uvicorn_server(app: FastAPI, tls: ServerTls | None = None) -> uvicorn.Server:
    """A server with our settings: no access log, no identifying header; https where it has TLS."""
    return uvicorn.Server(_settings(app, tls, lifespan="on"))


@contextmanager
def serving(
    app: FastAPI, *, host: str = "127.0.0.1", port: int = 0, tls: ServerTls | None = None
) -> Generator[str]:
    """Serve in a thread while the block runs; for tests, demos and tools.

    Yields:
        The address, e.g. `http://127.0.0.1:41873`.

    Raises:
        NotReadyError: It did not start; the log says why.
    """
    listening = listen(host, port)
    server = uvicorn_server(app, tls)
    thread = threading.Thread(target=server.run, args=([listening],), name="central", daemon=True)
    thread.start()
    try:
        waited = 0.0
        while not server.started and thread.is_alive() and waited < START_TIMEOUT_S:
            sleep_blocking(POLL_S)
            waited += POLL_S
        if not server.started:
            raise NotReadyError("Central did not start.", hint="Its log says why.")
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=START_TIMEOUT_S)
        listening.close()
