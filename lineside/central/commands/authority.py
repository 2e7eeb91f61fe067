"""`lineside-central authority`: the site's own certificate authority."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lineside.central.authority import Authority
from lineside.contracts.clock import Microseconds, SystemClock
from lineside.contracts.errors import LinesideError


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "authority",
        help="make the site's authority, issue certificates",
        description="Makes the site's certificate authority and issues certificates with it.",
        epilog="example: lineside-central authority edge line-1 --authority data/authority --out .",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    create = acts.add_parser("create", help="make a new authority")
    rotate = acts.add_parser("rotate", help="sign with a new root; the one before stays trusted")
    for each in (create, rotate):
        each.add_argument("--site", default="plant", help="name of the site")
    retire = acts.add_parser("retire", help="trust the newest root alone, after a rotation")
    central = acts.add_parser("central", help="issue central's own certificate for the broker")
    server = acts.add_parser("server", help="issue a certificate for the broker or the web server")
    server.add_argument("host", nargs="+", help="names and addresses by which it is called")
    edge = acts.add_parser("edge", help="issue an edge's certificate; its id stands in it")
    edge.add_argument("edge", help="id of the edge")
    edge.add_argument(
        "--central",
        default="",
        metavar="URL",
        help="central's https address, so that the edge renews this certificate by itself",
    )
    edge.add_argument("--request", type=Path, help="sign this request; the key stays on the edge")
    for each in (create, rotate, retire, central, server, edge):
        each.add_argument("--authority", type=Path, required=True, help="folder of the authority")
    for each in (central, server, edge):
        each.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do one of the six."""
    now = SystemClock().now()
    try:
        if args.act == "create":
            Authority.create(args.authority, site=args.site, now=now)
            return 0
        if args.act == "rotate":
            Authority.rotate(args.authority, site=args.site, now=now)
            return 0
        if args.act == "retire":
            Authority.retire(args.authority)
            return 0
        authority = Authority.open(args.authority)
        if args.act == "central":
            authority.issue_central(now=now).save(args.out, "central")
        elif args.act == "server":
            authority.issue_server(args.host, now=now).save(args.out, "server")
        else:
            _issue_edge(authority, args, now)
    except (OSError, LinesideError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    (args.out / "ca.crt").write_bytes(authority.certificate)
    return 0


def _issue_edge(authority: Authority, args: argparse.Namespace, now: Microseconds) -> None:
    if args.request is not None:
        issued = authority.sign_edge(args.request.read_bytes(), args.edge, now=now)
    else:
        issued = authority.issue_edge(args.edge, now=now)
    issued.save(args.out, "edge")
    if args.central:
        (args.out / "central.url").write_text(args.central.rstrip("/") + "\n", encoding="utf-8")
