"""`lineside-central edge`: which edges may send, how far each is, how it is configured."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from lineside.central.authority import Authority
from lineside.central.commands import edge_configuration
from lineside.central.commands.database import add_config_argument, opened
from lineside.central.ingest.edges import EdgeState, list_edges
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.service import enrol_edge
from lineside.central.platform.enrolment.deny_list import write_deny_list
from lineside.central.platform.enrolment.service import certificate_ends, invite, revoke_edge
from lineside.contracts.clock import Microseconds, format_rfc3339


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "edge",
        help="invite, list, revoke, configure edges",
        description="Edges that may send to this central, and how they are configured.",
        epilog="example: lineside-central edge invite line-1 --name 'Line 1'",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    invite = acts.add_parser("invite", help="let an edge in; prints its token, shown once")
    invite.add_argument("--name", default="", help="for people")
    end = acts.add_parser("revoke", help="take nothing more from an edge, end its certificates")
    for each in (invite, end):
        each.add_argument("edge", help="id, as in its certificate")
    listing = acts.add_parser("list", help="list edges with what is still to come")
    listing.add_argument("--json", action="store_true", help="print JSON")
    for each in (invite, end, listing, *edge_configuration.add_acts(acts)):
        add_config_argument(each)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do one of the five."""
    with opened(args.config) as database, database.act() as work:
        if args.act in edge_configuration.ACTS:
            return edge_configuration.ACTS[args.act](work, args)
        folder = database.config.enrolment.authority
        authority = Authority.open(folder) if (folder / "ca.key").is_file() else None
        if args.act == "list":
            _list(list_edges(work.connection), certificate_ends(work), as_json=args.json)
        elif args.act == "invite":
            _invite(work, authority, args.edge, args.name)
        else:
            revoke_edge(work, args.edge)
            sys.stdout.write(f"Edge {args.edge} is revoked; what it sent stays.\n")
            if authority is not None:
                lists, access = write_deny_list(work, authority, folder)
                sys.stdout.write(f"Let the broker read {lists} and {access} again (SIGHUP).\n")
    return 0


def _invite(work: UnitOfWork, authority: Authority | None, edge: str, name: str) -> None:
    if authority is None:
        enrol_edge(work, edge, name)
        sys.stdout.write(
            f"Edge {edge} may send. There is no authority here that could sign its certificate; "
            f"with one: lineside-central authority edge {edge} --authority FOLDER --out FOLDER\n"
        )
        return
    found = invite(work, authority, edge, name=name)
    sys.stdout.write(
        f"Edge {edge} is invited until {format_rfc3339(found.expires_at)}. On the edge:\n"
        f"  lineside-edge enrol --central https://CENTRAL:8400 --token {found.token}\n"
    )


def _list(edges: list[EdgeState], ends: dict[str, Microseconds], *, as_json: bool) -> None:
    if as_json:
        documents = [
            asdict(edge) | {"certificate_valid_until": ends.get(edge.id)} for edge in edges
        ]
        sys.stdout.write(json.dumps(documents) + "\n")
        return
    for edge in edges:
        heard = "never heard" if edge.heard_at is None else format_rfc3339(edge.heard_at)
        state = "revoked" if edge.revoked_at is not None else heard
        missing = max(0, edge.reported_head - edge.durable_through)
        sys.stdout.write(
            f"{edge.id:24} {state:28} {edge.durable_through} events, {missing} still to come"
            f"{_certificate(ends.get(edge.id))}\n"
        )


def _certificate(until: Microseconds | None) -> str:
    return "" if until is None else f", certificate until {format_rfc3339(until)}"
