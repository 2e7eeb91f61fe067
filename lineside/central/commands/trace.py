"""`lineside-central trace`: the history of a number on the command line."""

from __future__ import annotations

import argparse
import sys

from lineside.central.commands.database import add_config_argument, opened
from lineside.central.kit.shapes import encode
from lineside.central.trace import schemas, service


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "trace",
        help="the complete history of a serial or lot number",
        description="Prints what a unit or lot was made from, how, and what it went into.",
        epilog="example: lineside-central trace VA-2026-000311 --json",
    )
    parser.add_argument("number", metavar="SERIAL", help="exactly as scanned")
    parser.add_argument("--lot", action="store_true", help="the number is a lot's")
    parser.add_argument("--item", help="only of this item")
    parser.add_argument("--issuer", help="only of this issuer; empty: our own")
    parser.add_argument("--json", action="store_true", help="print the API's answer")
    add_config_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the history, or the candidates."""
    kind = "lot" if args.lot else "unit"
    with opened(args.config) as database, database.act() as work:
        found = service.trace(
            work, kind=kind, number=args.number, item=args.item, issuer=args.issuer
        )
    if args.json:
        sys.stdout.write(encode(found).decode() + "\n")
    else:
        sys.stdout.write("\n".join(as_text(found)) + "\n")
    return 0


def as_text(found: schemas.TraceOut) -> list[str]:
    """An answer for people."""
    if found.history is None:
        lines = [f"The number is known for {len(found.candidates)} things; name the item:"]
        return lines + [f"  --item {c.item!r} --issuer {c.issuer!r}" for c in found.candidates]
    history = found.history
    name = f" ({history.name})" if history.name else ""
    lines = [
        f"{history.thing.kind} {history.thing.id} of {history.thing.item}{name}: {history.status}"
    ]
    nodes = history.made_from.nodes
    for node in nodes:
        lines.append(f"{node.kind} {node.id} of {node.item}")
        for operation in node.operations:
            at = operation.finished_at or operation.started_at
            lines.append(
                f"  {at or ''}  operation {operation.operation} {operation.name} "
                f"at {operation.station} by {' '.join(operation.by) or '-'}: "
                f"{operation.result or 'running'}"
            )
    for title, graph in (("made from", history.made_from), ("went into", history.went_into)):
        for link in graph.links:
            product, source = graph.nodes[link.product], graph.nodes[link.source]
            ended = "" if link.valid_until is None else ", removed again"
            lines.append(
                f"{title}: {source.kind} {source.id} -> {product.kind} {product.id} "
                f"({link.relation} {link.quantity} {link.unit}, {link.certainty}{ended}; "
                f"{link.evidence.edge} #{link.evidence.seq})"
            )
    for edge in found.as_of:
        line = f"as of {edge.edge} #{edge.seq}"
        if edge.still_to_come:
            line += f": history arriving, #{edge.seq} of #{edge.seq + edge.still_to_come}"
        lines.append(line)
    return lines
