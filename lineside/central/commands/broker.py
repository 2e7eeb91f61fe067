"""`lineside-central broker`: runs a broker in the foreground, for one box and for the demo.

Mosquitto with mutual TLS and the access list where it is installed, else the embedded one.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from threading import Event

from lineside.central.authority import Authority
from lineside.central.broker import (
    LOCALHOST,
    BrokerTls,
    EmbeddedBroker,
    MosquittoBroker,
    access_list,
)
from lineside.central.certificates import write_secret
from lineside.central.platform.enrolment.deny_list import ACCESS, REVOKED
from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import LinesideError


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "broker",
        help="run a broker on this computer",
        description="Runs a broker until it is stopped; prints its address as one JSON line.",
        epilog="example: lineside-central broker --folder data/broker --authority data/authority",
    )
    parser.add_argument("--folder", type=Path, required=True, help="where its files are written")
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument(
        "--authority",
        type=Path,
        help="folder of the site's authority: then Mosquitto, with mutual TLS and access list",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run a broker until SIGTERM or SIGINT."""
    stop = Event()

    def ask_to_stop(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    try:
        broker = open_broker(args.folder.resolve(), port=args.port, authority=args.authority)
        broker.start()
    except LinesideError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    scheme = "mqtts" if isinstance(broker, MosquittoBroker) else "mqtt"
    found = {"scheme": scheme, "host": broker.host, "port": broker.port}
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    files = _denied(args.authority)
    seen = [_changed_at(file) for file in files]
    while not stop.wait(0.5) and broker.is_running:
        if isinstance(broker, MosquittoBroker) and seen != (
            seen := [_changed_at(file) for file in files]
        ):
            broker.reload()  # an edge was revoked, or let in again
    broker.stop()
    return 0 if stop.is_set() else 1


def open_broker(
    folder: Path, *, port: int, authority: Path | None
) -> EmbeddedBroker | MosquittoBroker:
    """The best broker that this computer has; not started.

    Raises:
        AuthorityError: The authority's folder cannot be read.
    """
    if authority is None or MosquittoBroker.program() is None:
        return EmbeddedBroker(folder, port=port)
    authority = authority.resolve()
    signer = Authority.open(authority)
    issued = signer.issue_server([LOCALHOST, "localhost"], now=SystemClock().now())
    issued.save(folder, "server")
    revoked, access = _denied(authority)
    if not revoked.exists():
        revoked.write_bytes(signer.revocations([], now=SystemClock().now()))
    if not access.exists():
        write_secret(access, access_list().encode())
    files = BrokerTls(
        authority=authority / "ca.crt",
        certificate=folder / "server.crt",
        key=folder / "server.key",
        revoked=revoked,
        access=access,
    )
    return MosquittoBroker(folder, tls=files, port=port)


def _denied(authority: Path | None) -> list[Path]:
    """Files by which central tells the broker whom it must refuse."""
    return [] if authority is None else [authority / REVOKED, authority / ACCESS]


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
