"""`lineside-sim`: a plant to test against."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lineside.contracts.errors import LinesideError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 on success, 1 when something failed, 2 for wrong usage."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except LinesideError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except TimeoutError as problem:
        sys.stderr.write(f"Too late: {problem}.\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lineside-sim",
        description="A simulated plant, and recordings of real ones, against the whole chain.",
        epilog="example: lineside-sim demo --seconds 60",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="run a plant: broker, central, two edges, machines, people",
        description="Starts a plant; with --seconds it is judged and ends.",
        epilog="example: lineside-sim demo --seconds 60 --seed 7",
    )
    demo.add_argument("--seconds", type=float, default=0.0, help="0 (default): until Ctrl+C")
    demo.add_argument("--seed", type=int, default=22, help="of the plant's chance")
    demo.add_argument("--announce", type=Path, default=Path("demo.json"), help="written at READY")
    demo.add_argument("--keep", type=Path, help="use and keep this folder")
    demo.set_defaults(run=_demo)
    replay = commands.add_parser(
        "replay",
        help="drive a production log through the whole chain",
        description="Reports every row at the terminals, reads the figures back from central.",
        epilog="example: lineside-sim replay Production_Data.csv --expected expected.json --json",
    )
    replay.add_argument("log", type=Path, metavar="LOG.csv")
    replay.add_argument("--expected", type=Path, help="figures to compare with")
    replay.add_argument("--json", action="store_true", help="print the figures as JSON")
    replay.add_argument("--keep", type=Path, help="use and keep this folder")
    replay.set_defaults(run=_replay)
    stream = commands.add_parser(
        "replay-mtconnect",
        help="play recorded controller streams through the whole chain",
        description="Plays streams/ and machine-days/ of a folder, compares unit histories.",
        epilog="example: lineside-sim replay-mtconnect nist-sms-testbed --json",
    )
    stream.add_argument("folder", type=Path, metavar="DIR")
    stream.add_argument("--expected", type=Path, help="default: expected.json of the folder")
    stream.add_argument("--json", action="store_true", help="print the figures as JSON")
    stream.add_argument("--keep", type=Path, help="use and keep this folder")
    stream.add_argument("--pieces", type=int, default=0, help="at most so many files; 0: all")
    stream.set_defaults(run=_replay_mtconnect)
    return parser


def _demo(args: argparse.Namespace) -> int:
    from lineside.sim.demo import run_demo

    return run_demo(
        seconds=args.seconds, seed=args.seed, announce=args.announce.resolve(), keep=args.keep
    )


def _replay(args: argparse.Namespace) -> int:
    from lineside.sim.replay_run import run_replay

    return run_replay(args.log, expected=args.expected, as_json=args.json, keep=args.keep)


def _replay_mtconnect(args: argparse.Namespace) -> int:
    from lineside.sim.mtconnect_run import run_mtconnect

    return run_mtconnect(
        args.folder,
        expected=args.expected,
        as_json=args.json,
        keep=args.keep,
        pieces_max=args.pieces,
    )
