"""`lineside-central`: one program, one subcommand a job.

Only the module of the command that was typed is imported; the others stand in the list with one
line.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from lineside.contracts.errors import LinesideError

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve", "run central"),
    "init": ("setup", "write a configuration and make the database"),
    "migrate": ("setup", "bring the tables to this version"),
    "backup": ("backup", "back the database up, verified by restoring it"),
    "restore": ("restore", "put the database back to a backup"),
    "trace": ("trace", "the complete history of a serial or lot number"),
    "kpi": ("kpi", "recompute figures from raw events and compare"),
    "user": ("user", "add, list, change users"),
    "edge": ("edge", "invite, list, revoke, configure edges"),
    "sample": ("sample", "fill an empty database with a small plant"),
    "authority": ("authority", "make the site's authority, issue certificates"),
    "broker": ("broker", "run a broker on this computer"),
}
"""Command to (module in `commands`, one line)."""


def build_parser(typed: str = "") -> argparse.ArgumentParser:
    """The parser; only the command that was typed knows its arguments."""
    parser = argparse.ArgumentParser(
        prog="lineside-central",
        description="The central server of a plant: traceability, work orders, figures.",
        epilog="example: lineside-central init && lineside-central serve",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        if name == typed:
            importlib.import_module(f"lineside.central.commands.{module}").add_parser(commands)
        elif COMMANDS.get(typed, ("", ""))[0] != module:
            commands.add_parser(name, help=line)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 on success, 1 when it failed; wrong usage ends with 2.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    args = build_parser(words[0] if words else "").parse_args(words)

    from sqlalchemy.exc import OperationalError

    from lineside.central.logs import configure_logs

    configure_logs(level=logging.INFO if args.command == "serve" else logging.WARNING)
    try:
        return args.run(args)
    except LinesideError as problem:
        sys.stderr.write(f"lineside-central {args.command}: {problem}\n")
    except OperationalError as problem:
        sys.stderr.write(
            f"lineside-central {args.command}: the database does not answer: {problem.orig} "
            "Check [database] in the configuration.\n"
        )
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
