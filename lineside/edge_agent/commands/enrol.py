"""`enrol`: make this edge's key, and put the certificate that comes back beside it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from lineside.contracts.topics import EDGE_ID
from lineside.edge_agent.enrolment import EnrolmentError, new_request, save_identity

_EXAMPLE = """examples:
  lineside-edge enrol line-1 --folder .
  lineside-edge enrol line-1 --folder . --certificate edge.crt --authority ca.crt

The key never leaves this computer: the first call makes it and a request (edge.csr), central's
authority signs the request, the second call puts certificate and authority in place."""


def add_parser(commands: Any) -> None:  # noqa: ANN401 argparse keeps that type to itself
    """Add the command `enrol` to the program's commands."""
    enrol = commands.add_parser(
        "enrol",
        help="make this edge's key and take its certificate",
        description="Make this edge's key, and take the certificate that central signs.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    enrol.add_argument("edge", help="id of this edge, as invited by central")
    enrol.add_argument("--folder", type=Path, default=Path(), help="where the files go (default .)")
    enrol.add_argument("--certificate", type=Path, help="the signed certificate")
    enrol.add_argument("--authority", type=Path, help="the certificate of central's authority")
    enrol.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make a key and a request, or put the answer to it in place.

    Returns:
        0 when it is done.

    Raises:
        EnrolmentError: The name or a file cannot be used; nothing in use is replaced.
    """
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


def _ask(edge: str, folder: Path, waiting: Path) -> int:
    key, request = new_request(edge)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    target = folder / "edge.csr"
    target.write_bytes(request)
    print(f"Let central's authority sign {target}, then give its answer with --certificate.")
    return 0
