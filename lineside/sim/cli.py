"""`lineside-sim`: a plant to test against."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, cast

from lineside.contracts.errors import LinesideError

PASSWORD_VARIABLE = "LINESIDE_PASSWORD"  # noqa: S105 the name of a variable

_EXAMPLES = """examples:
  lineside-sim demo --seconds 60
  lineside-sim score --json
  lineside-sim plant --seconds 600
  lineside-sim load --edge http://127.0.0.1:8080 --terminals 10 --seconds 30
  lineside-sim replay Production_Data.csv --expected expected.json --json
  lineside-sim replay-mtconnect nist-sms-testbed --json

Each command has its own --help."""

_SCORE_EXAMPLES = f"""examples:
  lineside-sim score --json
  lineside-sim score --demo-file ~/demo.json
  lineside-sim score --demo-file plant.json --journal line-1=line-1/data/journal.db
  {PASSWORD_VARIABLE}=... lineside-sim score --demo-file plant.json \\
      --central https://mes.example.com --user planner --edge line-1=http://line-1:8080

The plant is asked to rest between two pieces, and goes on afterwards. Exit status 0: nothing
differs; 1: something does, each difference on a line; 2: wrong usage."""

_LOAD_EXAMPLES = f"""examples:
  lineside-sim load --edge http://127.0.0.1:8080 --terminals 10 --rate 40 --seconds 30 --json
  lineside-sim load --edge http://127.0.0.1:8080 --first B-1 --first WO-1 \\
      --code 'V{{terminal}}-{{n}}' --code CMD-FINISH
  {PASSWORD_VARIABLE}=... lineside-sim load --central http://127.0.0.1:8000 --user planner
  lineside-sim load --tags 1000 --rate 5000 --seconds 60

Times are from when a request was due to its verdict. Exit status 0: all were answered, refusals
among them; 1: some were not; 2: wrong usage."""


class WrongUsageError(LinesideError):
    """The command cannot be meant like this."""

    code = "sim.usage"
    status = 422


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 on success, 1 when something failed, 2 for wrong usage."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except WrongUsageError as problem:
        print(f"lineside-sim {args.command}: {problem}", file=sys.stderr)
        return 2
    except LinesideError as problem:
        print(f"lineside-sim {args.command}: {problem}", file=sys.stderr)
        return 1
    except TimeoutError as problem:
        print(f"lineside-sim {args.command}: Too late: {problem}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


_Commands = Any
"""What argparse hands out for subcommands: its class is private."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lineside-sim",
        description="A simulated plant, and recordings of real ones, against the whole chain.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_plant(commands)
    _add_score(commands)
    _add_replay(commands)
    _add_replay_mtconnect(commands)
    _add_load(commands)
    return parser


def _add_demo(commands: _Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="run a plant: broker, central, two edges, machines, people",
        description="Starts a plant; with --seconds it is judged and ends.",
        epilog="example: lineside-sim demo --seconds 60 --seed 7",
    )
    demo.add_argument("--seconds", type=_span, default=0.0, help="0 (default): until Ctrl+C")
    demo.add_argument("--seed", type=int, default=22, help="of the plant's chance")
    demo.add_argument("--announce", type=Path, default=Path("demo.json"), help="written at READY")
    demo.add_argument("--keep", type=Path, help="use and keep this folder")
    demo.set_defaults(run=_demo)


def _add_plant(commands: _Commands) -> None:
    plant = commands.add_parser(
        "plant",
        help="run the machines and scanners only, for your own edge agents",
        description="Starts simulated machines (OPC UA, Modbus TCP) and scanners (serial lines) "
        "without broker, central and edges, prints their addresses and writes them to a file.",
        epilog="example: lineside-sim plant --seconds 600 --keep plant",
    )
    plant.add_argument("--seconds", type=_span, default=0.0, help="0 (default): until Ctrl+C")
    plant.add_argument("--seed", type=int, default=22, help="of the plant's chance")
    plant.add_argument("--announce", type=Path, default=Path("plant.json"), help="written at READY")
    plant.add_argument("--keep", type=Path, help="use and keep this folder")
    plant.add_argument("--json", action="store_true", help="print the addresses as JSON")
    plant.set_defaults(run=_plant)


def _add_score(commands: _Commands) -> None:
    score = commands.add_parser(
        "score",
        help="compare what the plant really did with what is booked",
        description="Compares the ledger of a running demo or plant with the books of its edges "
        "and of central. Every difference is a line.",
        epilog=_SCORE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument(
        "--demo-file",
        type=Path,
        default=Path("demo.json"),
        metavar="FILE",
        help="what the demo or plant has written (default demo.json)",
    )
    score.add_argument(
        "--edge", action="append", default=[], metavar="NAME=URL", help="an edge's terminal"
    )
    score.add_argument(
        "--journal", action="append", default=[], metavar="NAME=FILE", help="an edge's journal"
    )
    score.add_argument("--central", metavar="URL", help="central's API")
    score.add_argument("--user", help=f"of central; its password is read from {PASSWORD_VARIABLE}")
    score.add_argument("--database", metavar="DSN", help="central's database")
    score.add_argument(
        "--record", type=Path, metavar="FILE", help="write down ledger and books, as evidence"
    )
    score.add_argument(
        "--recorded", type=Path, metavar="FILE", help="score what was recorded; no plant is needed"
    )
    score.add_argument("--json", action="store_true", help="print JSON")
    score.set_defaults(run=_score)


def _add_replay(commands: _Commands) -> None:
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


def _add_replay_mtconnect(commands: _Commands) -> None:
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


def _add_load(commands: _Commands) -> None:
    load = commands.add_parser(
        "load",
        help="many terminals, readers or tags at once",
        description="Scans at the terminals of an edge, reads from central, or is a server with "
        "many changing tags, and prints how long the answers took.",
        epilog=_LOAD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = load.add_mutually_exclusive_group(required=True)
    target.add_argument("--edge", metavar="URL", default="", help="scan at this edge's terminals")
    target.add_argument("--central", metavar="URL", default="", help="read from this central")
    target.add_argument("--tags", type=_count, default=0, help="be a server with so many tags")
    load.add_argument("--terminals", type=_count, default=10, help="at once (default 10)")
    load.add_argument(
        "--rate",
        type=_span,
        default=0.0,
        help="requests (or changes of tags) a second, all together; 0 (default): each terminal "
        "as fast as it is answered",
    )
    load.add_argument("--seconds", type=_span, default=10.0, help="default 10")
    load.add_argument("--first", action="append", default=[], help="scanned once by each terminal")
    load.add_argument(
        "--code",
        action="append",
        default=[],
        help="scanned in turn; {n} counts, {terminal} is the terminal's number; default: codes "
        "that nobody knows, which are refused",
    )
    load.add_argument("--station", action="append", default=[], help="only these stations")
    load.add_argument("--user", help=f"of central; its password is read from {PASSWORD_VARIABLE}")
    load.add_argument("--path", action="append", default=[], help="read from central, in turn")
    load.add_argument("--json", action="store_true", help="print JSON")
    load.set_defaults(run=_load)


def _span(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        message = "not below 0"
        raise argparse.ArgumentTypeError(message)
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "at least 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _pairs(words: list[str], option: str) -> dict[str, str]:
    """NAME=VALUE words by name."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not name or not sign or not value:
            raise WrongUsageError(
                f"{option} {word} names no edge.", hint=f"Write {option} NAME=VALUE."
            )
        found[name] = value
    return found


def _password(user: str | None) -> str:
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if user and not password:
        raise WrongUsageError(
            f"The password of {user} is missing.", hint=f"Put it into {PASSWORD_VARIABLE}."
        )
    return password


def _demo(args: argparse.Namespace) -> int:
    from lineside.sim.demo import run_demo

    return run_demo(
        seconds=args.seconds, seed=args.seed, announce=args.announce.resolve(), keep=args.keep
    )


def _plant(args: argparse.Namespace) -> int:
    from lineside.sim.plant_run import run_plant

    return run_plant(
        seconds=args.seconds,
        seed=args.seed,
        announce=args.announce.resolve(),
        keep=args.keep,
        as_json=args.json,
    )


def _score(args: argparse.Namespace) -> int:
    from lineside.sim import score_run

    if args.recorded is not None:
        _needed(args.recorded, "--recorded")
        return score_run.run_recorded(args.recorded, as_json=args.json)
    document = _announced(args.demo_file)
    sources = score_run.named(
        score_run.sources_of(document),
        edges=_pairs(args.edge, "--edge"),
        journals=_pairs(args.journal, "--journal"),
        central=args.central,
        account=(args.user, _password(args.user)) if args.user else None,
        database=args.database,
    )
    return score_run.run_score(document, sources, as_json=args.json, record=args.record)


def _needed(path: Path, option: str) -> None:
    if not path.is_file():
        raise WrongUsageError(
            f"There is no file {path}.",
            hint=f"Start `lineside-sim demo` here, or name the file with {option}.",
        )


def _announced(path: Path) -> dict[str, Any]:
    """What a demo or a plant has written down.

    Raises:
        WrongUsageError: The file is missing or is something else.
    """
    import json

    _needed(path, "--demo-file")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise WrongUsageError(f"{path} is no JSON: {problem}.") from problem
    if not isinstance(document, dict) or "simulator" not in document:
        raise WrongUsageError(
            f"{path} was not written by `lineside-sim demo` or `lineside-sim plant`.",
            hint="Name their file with --demo-file.",
        )
    return cast("dict[str, Any]", document)


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


def _load(args: argparse.Namespace) -> int:
    from lineside.sim import load

    token = ""
    if args.central:
        token = load.token_of(args.central, args.user or "", _password(args.user))
    return load.run_load(
        load.Pace(terminals=args.terminals, rate=args.rate, seconds=args.seconds),
        edge=args.edge.rstrip("/"),
        scans=load.Scans(
            first=tuple(args.first),
            codes=tuple(args.code) or load.Scans().codes,
            stations=tuple(args.station),
        ),
        central=args.central.rstrip("/"),
        token=token,
        paths=tuple(args.path) or load.CENTRAL_PATHS,
        tags=args.tags,
        as_json=args.json,
    )
