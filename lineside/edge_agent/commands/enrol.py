"""`enrol`: make this edge's key, and get the certificate that goes with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lineside.contracts.clock import format_rfc3339
from lineside.contracts.topics import EDGE_ID
from lineside.edge_agent.certification import enrol
from lineside.edge_agent.enrolment import (
    EnrolmentError,
    files_in,
    new_request,
    save_identity,
    write_private,
)

_EXAMPLE = """examples:
  lineside-edge enrol --central https://central.plant:8400 --token lineside1.8Zq...
  lineside-edge enrol line-1 --folder .
  lineside-edge enrol line-1 --folder . --certificate edge.crt --authority ca.crt

The key never leaves this computer. With a token (lineside-central edge invite) central signs at
once, and the agent renews the certificate by itself. Without a network between them, the second
form makes the key and a request (edge.csr), central's authority signs it, the third form puts
certificate and authority in place."""


def add_parser(commands: Any) -> None:  # noqa: ANN401 argparse keeps that type to itself
    """Add the command `enrol` to the program's commands."""
    parser = commands.add_parser(
        "enrol",
        help="make this edge's key and take its certificate",
        description="Make this edge's key, and take the certificate that central signs.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("edge", nargs="?", default="", help="id of this edge, without --token")
    parser.add_argument("--central", default="", help="address of central, https://HOST:PORT")
    parser.add_argument("--token", default="", help="as `lineside-central edge invite` printed it")
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="where the files go (default .)"
    )
    parser.add_argument("--certificate", type=Path, help="the signed certificate")
    parser.add_argument("--authority", type=Path, help="the certificate of central's authority")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make a key and a request, or put the answer to it in place.

    Returns:
        0 when it is done.

    Raises:
        EnrolmentError: The name or a file cannot be used; nothing in use is replaced.
    """
    if args.token or args.central:
        return _ask_central(args.central, args.token, args.folder)
    if EDGE_ID.fullmatch(args.edge) is None:
        raise EnrolmentError(
            f"{args.edge!r} cannot be the name of an edge.",
            hint="Use letters, digits, - _ . and at most 63 characters.",
        )
    waiting = args.folder / "edge.key.request"
    if args.certificate is None and args.authority is None:
        return _ask(args.edge, args.folder, waiting)
    if args.certificate is None or args.authority is None:
        raise EnrolmentError(
            "One of the two certificates is missing.", hint="Give --certificate and --authority."
        )
    try:
        save_identity(
            args.folder,
            key=waiting.read_bytes(),
            certificate=args.certificate.read_bytes(),
            authority=args.authority.read_bytes(),
        )
    except OSError as problem:
        raise EnrolmentError(
            f"The certificate cannot be put in place: {problem}.",
            hint="Make the request in this folder first, and name files that can be read.",
        ) from problem
    waiting.unlink()
    print(f"{args.edge} has its identity in {args.folder}: edge.crt, edge.key, ca.crt.")
    return 0


def _ask_central(central: str, token: str, folder: Path) -> int:
    if not central or not token:
        raise EnrolmentError(
            "Central's address and its token belong together.", hint="Give --central and --token."
        )
    identity = enrol(central, token, files_in(folder))
    print(f"{identity.edge} has its identity in {folder}: edge.crt, edge.key, ca.crt.")
    print(f"It is valid until {format_rfc3339(identity.valid_until)} and renewed by the agent.")
    return 0


def _ask(edge: str, folder: Path, waiting: Path) -> int:
    key, request = new_request(edge)
    folder.mkdir(parents=True, exist_ok=True)
    write_private(waiting, key)
    target = folder / "edge.csr"
    target.write_bytes(request)
    print(f"Let central's authority sign {target}, then give its answer with --certificate.")
    return 0
