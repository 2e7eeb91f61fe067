"""`lineside-edge probe opcua`: what a server offers, and a configuration to start from."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineside.contracts.clock import Clock, SystemClock
from lineside.contracts.errors import LinesideError
from lineside.drivers.opcua import nodeids
from lineside.drivers.opcua.browse import FoundNode, Tree, look_around
from lineside.drivers.opcua.channel import Endpoint, endpoints
from lineside.drivers.opcua.config import MODES, POLICIES, OpcUaSettings, parse
from lineside.drivers.opcua.trust import TrustList, thumbprint_of

EXAMPLE = """example:
  lineside-edge probe opcua opc.tcp://192.0.2.10:4840
  lineside-edge probe opcua opc.tcp://192.0.2.10:4840 --start "nsu=urn:plc;s=Machine1" --json"""

_VALUE_WIDTH = 40
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_DUMMY = {"name": "probe", "node": "i=2258"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = "Show what an OPC UA server offers, and a configuration to start from."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("endpoint", help="address, opc.tcp://host:port")
    parser.add_argument("--policy", choices=POLICIES, default=POLICIES[0], help="security policy")
    parser.add_argument("--mode", choices=MODES, help="security mode (default: SignAndEncrypt)")
    parser.add_argument(
        "--insecure", action="store_true", help="allow --policy None: readable for everybody"
    )
    parser.add_argument("--user", default="", help="user name (default: anonymous)")
    parser.add_argument("--password-file", default="", help="file with the password")
    parser.add_argument("--application-uri", default="urn:lineside:edge", help="our own name")
    parser.add_argument("--pki", default="pki", help="folder of certificates (default: pki)")
    parser.add_argument(
        "--trust",
        metavar="THUMBPRINT",
        default="",
        help="trust the rejected certificate with this thumbprint, compared by you at the server",
    )
    parser.add_argument("--start", default="", help="node to start from (default: Objects)")
    parser.add_argument("--depth", type=int, default=4, help="levels below the start")
    parser.add_argument("--nodes-max", type=int, default=2000, help="stop after so many nodes")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds for one answer")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run the command; 0 only when the server could be looked at."""
    return asyncio.run(probe(args, clock=SystemClock()))


async def probe(args: argparse.Namespace, *, clock: Clock) -> int:
    """Look at a server and print what is there.

    Args:
        args: As `add_arguments` declares them.
        clock: For judging certificates.

    Returns:
        Exit status: 0 when all could be shown, 1 with a sentence on standard error otherwise.
    """
    ways: list[Endpoint] = []
    try:
        settings = _settings(args)
        start = nodeids.parse(args.start) if args.start else None
        ways = await endpoints(settings)
        if args.trust:
            TrustList(settings.trust_list, clock=clock).accept(args.trust)
        tree = await look_around(
            settings, clock=clock, start=start, depth_max=args.depth, nodes_max=args.nodes_max
        )
    except (LinesideError, ValueError) as error:
        if ways and not args.json:
            print("\n".join(_endpoint_lines(ways)))
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(_document(ways, tree, args), ensure_ascii=False, indent=1))
        return 0
    lines = [*_endpoint_lines(ways), "", *_tree_lines(tree), "", skeleton(tree.nodes, args)]
    print("\n".join(lines))
    return 0


def _settings(args: argparse.Namespace) -> OpcUaSettings:
    folder = Path(args.pki)
    table: dict[str, Any] = {
        "endpoint": args.endpoint,
        "security_policy": args.policy,
        "insecure": args.insecure,
        "application_uri": args.application_uri,
        "certificate": str(folder / "own/certificate.der"),
        "private_key": str(folder / "own/private-key.pem"),
        "trust_list": str(folder / "opcua"),
        "user": args.user,
        "password_file": args.password_file,
        "session_name": "lineside-edge probe",
        "timeout_s": args.timeout,
        "signals": [_DUMMY],
    }
    if args.mode:
        table["security_mode"] = args.mode
    return parse(table, file="command line")


def _endpoint_lines(ways: Sequence[Endpoint]) -> list[str]:
    lines = [f"Server: {ways[0].server} ({ways[0].application_uri})"] if ways else []
    lines.append("Endpoints:")
    for way in ways:
        sign_in = ", ".join(way.sign_in)
        lines.append(f"  {way.policy}/{way.mode}  sign-in: {sign_in}  {way.url}")
    thumbprints = sorted({thumbprint_of(way.certificate) for way in ways if way.certificate})
    return lines + [f"Certificate: thumbprint {thumbprint}" for thumbprint in thumbprints]


def _tree_lines(tree: Tree) -> list[str]:
    lines = ["Namespaces:", *(f"  {index} {uri}" for index, uri in enumerate(tree.namespaces))]
    lines += ["", "Nodes:"]
    for node in tree.nodes:
        name = node.path.rpartition("/")[2]
        text = f"{'  ' * (node.depth + 1)}{name}  [{node.address}]"
        if node.kind == "variable":
            shown = str(node.value) if node.value is not None else node.status
            shown = shown if len(shown) <= _VALUE_WIDTH else shown[:_VALUE_WIDTH] + "..."
            text += f"  {node.type or '?'} = {shown}{', writable' if node.writable else ''}"
        elif node.kind == "method":
            text += "  method"
        lines.append(text)
    if tree.cut_off:
        lines.append("  ... there is more: use --start, --depth or --nodes-max")
    return lines


def skeleton(nodes: Sequence[FoundNode], args: argparse.Namespace) -> str:
    """A configuration with every variable that can be read as one value."""
    lines = [
        "# Keep the signals that you need; a part-complete sequence number gets trigger = true,",
        "# its acknowledgement writable = true.",
        "[[device]]",
        'id = "opcua-1"',
        'driver = "opcua"',
        f"endpoint = {_quoted(args.endpoint)}",
        f"security_policy = {_quoted(args.policy)}",
    ]
    lines += [f"security_mode = {_quoted(args.mode)}"] if args.mode else []
    lines += ["insecure = true"] if args.policy == "None" else []
    lines.append(f"application_uri = {_quoted(args.application_uri)}")
    if args.user:
        lines.append(f"user = {_quoted(args.user)}")
        lines.append(f"password_file = {_quoted(args.password_file)}")
    names: set[str] = set()
    for node in nodes:
        if node.kind != "variable" or not node.family or node.address.namespace.startswith("("):
            continue
        lines += [
            "",
            "[[device.signals]]",
            f"name = {_quoted(_signal_name(node, names))}",
            f"node = {_quoted(str(node.address))}",
            f'type = "{node.family}"',
        ]
    return "\n".join(lines)


def _signal_name(node: FoundNode, taken: set[str]) -> str:
    """Last words of the path, as many as make it unique."""
    parts = ["_".join(_WORD.findall(part)).lower() for part in node.path.split("/")]
    parts = [part for part in parts if part] or ["signal"]
    name = parts[-1]
    for count in range(2, len(parts) + 1):
        if name not in taken:
            break
        name = "_".join(parts[-count:])
    number, base = 2, name
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _document(ways: Sequence[Endpoint], tree: Tree, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "endpoints": [
            {
                "url": way.url,
                "security_policy": way.policy,
                "security_mode": way.mode,
                "sign_in": way.sign_in,
                "server": way.server,
                "application_uri": way.application_uri,
                "thumbprint": thumbprint_of(way.certificate) if way.certificate else "",
            }
            for way in ways
        ],
        "namespaces": tree.namespaces,
        "nodes": [
            {
                "path": node.path,
                "kind": node.kind,
                "node": str(node.address),
                "type": node.type,
                "value": node.value,
                "status": node.status,
                "writable": node.writable,
            }
            for node in tree.nodes
        ],
        "cut_off": tree.cut_off,
        "configuration": skeleton(tree.nodes, args),
    }
