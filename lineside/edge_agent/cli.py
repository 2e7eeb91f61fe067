"""`lineside-edge`: run the agent, help at the machine, look at what was recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import structlog

from lineside.contracts.errors import LinesideError

_EXAMPLES = """examples:
  lineside-edge run edge.toml
  lineside-edge config check edge.toml
  lineside-edge doctor edge.toml
  lineside-edge enrol line-1 --folder .
  lineside-edge probe opcua opc.tcp://192.0.2.10:4840
  lineside-edge oee shift.json --json
  lineside-edge scan --json < scans.txt
  lineside-edge journal tail --lines 20

Each command has its own --help."""


# command -> module of `commands` and its function that adds the parsers
_COMMANDS = {
    "run": ("agent", "add_parser"),
    "config": ("configuration", "add_parser"),
    "doctor": ("doctor", "add_parsers"),
    "enrol": ("enrol", "add_parser"),
    "oee": ("oee", "add_parser"),
    "scan": ("scan", "add_parser"),
    "probe": ("probe", "add_parser"),
    "journal": ("journal", "add_parser"),
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """The program's commands.

    Args:
        command: The one that is going to be used: no other is loaded, since an agent that starts
            again has no time for the libraries of `probe`. Otherwise all are.
    """
    program = argparse.ArgumentParser(
        prog="lineside-edge",
        description="The edge agent of a line: reads machines and scanners, serves the terminal.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = program.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = [_COMMANDS[command]] if command in _COMMANDS else dict.fromkeys(_COMMANDS.values())
    for module, add in wanted:
        getattr(import_module(f"lineside.edge_agent.commands.{module}"), add)(commands)
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 only on success, 1 for what went wrong, 2 for wrong usage.
    """
    words = sys.argv[1:] if arguments is None else arguments
    args = parser(words[0] if words else "").parse_args(words)
    # Standard output belongs to what a command prints for programs.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except LinesideError as problem:
        print(f"lineside-edge {args.command}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
