"""Serves the application on a socket, in this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from lineside.central.errors import NotReadyError
from lineside.contracts.clock import sleep_blocking

START_TIMEOUT_S = 60.0
POLL_S = 0.01


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


def uvicorn_server(app: FastAPI, tls: ServerTls | None = None) -> uvicorn.Server:
    """A server with our settings: no access log, no identifying header; https where it has TLS."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            lifespan="on",
            ssl_certfile=None if tls is None else tls.certificate,
            ssl_keyfile=None if tls is None else str(tls.key),
        )
    )


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
