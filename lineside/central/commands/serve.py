"""`lineside-central serve`: database, wire, API and pages, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import structlog

from lineside.central.app import create_app
from lineside.central.commands.database import add_config_argument
from lineside.central.config import CentralConfig, load_config
from lineside.central.errors import NotReadyError
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.platform.identity.service import count_tokens
from lineside.central.runtime import Central
from lineside.central.serving import (
    ServerTls,
    is_loopback,
    listen,
    loopback_of,
    open_door,
    uvicorn_server,
)

SIGNED_IN = "signed-in"
"""File beside the configuration: somebody has signed in, so the configured address is used."""

log = structlog.get_logger("central.serve")


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "serve",
        help="run central",
        description="Runs database, readers, wire, API and console until SIGINT or SIGTERM.",
        epilog="example: lineside-central serve --config central.toml",
    )
    add_config_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    config = load_config(args.config)
    signed_in = args.config.with_name(SIGNED_IN)
    wide = config.server.host
    tls = tls_of(config)
    closed = not is_loopback(wide) and not signed_in.exists()
    listening = listen(loopback_of(wide) if closed else wide, config.server.port)
    host, port = listening.getsockname()[:2]
    background: list[asyncio.Task[None]] = []

    def ready(central: Central) -> None:
        address = f"{'http' if tls is None else 'https'}://{_written(host)}:{port}"
        sys.stdout.write(f"Lineside central serves {address} (API: {address}/docs).\n")
        if closed:
            sys.stdout.write(
                f"It listens on this computer only, and on {wide} as soon as somebody has signed "
                f"in for the first time. From another computer: ssh -L {port}:{_written(host)}:"
                f"{port} THIS-COMPUTER, then open {address} there.\n"
            )
            door = open_door(
                server,
                app,
                host=wide,
                port=port,
                tls=tls,
                wanted=lambda: _somebody_signed_in(central, signed_in),
            )
            background.append(asyncio.get_running_loop().create_task(door))
            background[0].add_done_callback(_say_failure)
        if central.first_run_code is not None:
            sys.stdout.write(
                "There is no user yet. Create the first administrator with the one-time code "
                f"{central.first_run_code}\n"
            )
        sys.stdout.flush()

    app = create_app(config, on_ready=ready)
    server = uvicorn_server(app, tls)
    server.run([listening])
    return 0 if server.started else 1


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say_failure(door: asyncio.Task[None]) -> None:
    if not door.cancelled() and (problem := door.exception()) is not None:
        log.error("configured_address_not_opened", why=str(problem))


def _somebody_signed_in(central: Central, mark: Path) -> bool:
    """Whether anybody has ever signed in; noted in a file, because tokens end."""
    with unit_of_work(central.engine, central.clock) as work:
        if not count_tokens(work):
            return False
    try:
        mark.touch(mode=0o600)
    except OSError as problem:  # found out again at the next start, from the tokens there are then
        log.warning("sign_in_not_noted", file=str(mark), why=problem.strerror)
    log.info("first_sign_in", opens=central.config.server.host)
    return True


def tls_of(config: CentralConfig) -> ServerTls | None:
    """Certificate and key of the web server; None: it serves in the clear.

    Raises:
        NotReadyError: Only one of the two is named, or a file is missing.
    """
    files = (config.server.certificate_file, config.server.key_file)
    if not any(files):
        return None
    missing = [name for name in files if not name or not Path(name).is_file()]
    if missing:
        raise NotReadyError(
            f"Central cannot serve https: {missing[0] or 'certificate or key'} is missing.",
            hint="Name both [server] certificate_file and key_file.",
        )
    return ServerTls(Path(files[0]), Path(files[1]))
