"""`lineside-edge`: run the agent, help at the machine, look at what was recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

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


def parser() -> argparse.ArgumentParser:
    """The program's commands."""
    from lineside.edge_agent.commands import agent, doctor, enrol, journal, oee, probe, scan

    program = argparse.ArgumentParser(
        prog="lineside-edge",
        description="The edge agent of a line: reads machines and scanners, serves the terminal.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = program.add_subparsers(dest="command", required=True, metavar="COMMAND")
    agent.add_parsers(commands)
    doctor.add_parsers(commands)
    enrol.add_parser(commands)
    oee.add_parser(commands)
    scan.add_parser(commands)
    probe.add_parser(commands)
    journal.add_parser(commands)
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 only on success, 1 for what went wrong, 2 for wrong usage.
    """
    args = parser().parse_args(arguments)
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
