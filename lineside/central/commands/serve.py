"""`lineside-central serve`: database, wire, API and pages, until it is stopped."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from pathlib import Path

from lineside.central.app import create_app
from lineside.central.commands.database import add_config_argument
from lineside.central.config import CentralConfig, load_config
from lineside.central.errors import NotReadyError
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.platform.identity.service import count_users
from lineside.central.runtime import Central
from lineside.central.serving import ServerTls, listen, uvicorn_server
from lineside.contracts.clock import SystemClock


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
    listening = listen(config.server.host, config.server.port)
    tls = tls_of(config)
    scheme = "http" if tls is None else "https"
    address = f"{scheme}://{config.server.host}:{listening.getsockname()[1]}"

    def ready(central: Central) -> None:
        refuse_open_door(config, central)
        sys.stdout.write(f"Lineside central serves {address} (API: {address}/docs).\n")
        if central.first_run_code is not None:
            sys.stdout.write(
                "There is no user yet. Create the first administrator with the one-time code "
                f"{central.first_run_code}\n"
            )
        sys.stdout.flush()

    server = uvicorn_server(create_app(config, on_ready=ready), tls)
    server.run([listening])
    return 0 if server.started else 1


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


def refuse_open_door(config: CentralConfig, central: Central) -> None:
    """Without a user, nobody but this computer may reach the page that creates the first one.

    Raises:
        NotReadyError: It would listen to the network before there is a user.
    """
    host = config.server.host
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local:
        return
    with unit_of_work(central.engine, SystemClock()) as work:
        if not count_users(work):
            raise NotReadyError(
                f"Central does not listen on {host} before there is a user.",
                hint="Run `lineside-central user add NAME --role administrator` first.",
            )
