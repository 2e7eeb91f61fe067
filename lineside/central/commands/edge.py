"""`lineside-central edge`: which edges may send, and how far each is."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from lineside.central.commands.database import add_config_argument, opened
from lineside.central.errors import NotFoundError
from lineside.central.ingest.edges import EdgeState, list_edges, revoke
from lineside.central.mes.master_data.service import enrol_edge
from lineside.contracts.clock import format_rfc3339


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "edge",
        help="invite, list, revoke edges",
        description="Edges that may send to this central.",
        epilog="example: lineside-central edge invite line-1 --name 'Line 1'",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    invite = acts.add_parser("invite", help="let an edge in")
    invite.add_argument("--name", default="", help="for people")
    end = acts.add_parser("revoke", help="take nothing more from an edge")
    for each in (invite, end):
        each.add_argument("edge", help="id, as in its certificate")
    listing = acts.add_parser("list", help="list edges with what is still to come")
    listing.add_argument("--json", action="store_true", help="print JSON")
    for each in (invite, end, listing):
        add_config_argument(each)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do one of the three."""
    with opened(args.config) as database, database.act() as work:
        if args.act == "list":
            _list(list_edges(work.connection), as_json=args.json)
        elif args.act == "invite":
            enrol_edge(work, args.edge, args.name)
            sys.stdout.write(
                f"Edge {args.edge} may send. Its certificate: lineside-central authority edge "
                f"{args.edge} --authority FOLDER --out FOLDER\n"
            )
        else:
            if not revoke(work.connection, args.edge, now=work.now()):
                raise NotFoundError("edge", args.edge)
            sys.stdout.write(f"Edge {args.edge} is revoked; what it sent stays.\n")
    return 0


def _list(edges: list[EdgeState], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([asdict(edge) for edge in edges]) + "\n")
        return
    for edge in edges:
        heard = "never heard" if edge.heard_at is None else format_rfc3339(edge.heard_at)
        state = "revoked" if edge.revoked_at is not None else heard
        missing = max(0, edge.reported_head - edge.durable_through)
        sys.stdout.write(
            f"{edge.id:24} {state:28} {edge.durable_through} events, {missing} still to come\n"
        )
