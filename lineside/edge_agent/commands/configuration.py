"""`lineside-edge config`: check a configuration, see what it would change, put it in."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any

import msgspec

from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.contracts.errors import LinesideError
from lineside.edge_agent import config as configuration
from lineside.edge_agent.config import Configuration, standing
from lineside.edge_agent.config.standing import Request, Running

Commands = Any  # argparse keeps the type of its sub-parsers to itself
TRIAL_S = 60
PATIENCE_S = 20
LOOK_EVERY_S = 0.25
_EXAMPLE = """examples:
  lineside-edge config check edge.toml
  lineside-edge config check draft.toml --edge edge.toml --json
  lineside-edge config apply new.toml edge.toml
  lineside-edge config local edge.toml"""


def add_parser(commands: Commands) -> None:
    """Add the command `config`."""
    parser = _parser(commands, "config", "check a configuration, or put one in")
    acts = parser.add_subparsers(dest="config_act", required=True, metavar="ACT")
    check = _parser(acts, "check", "name the first wrong key, and tell what would change")
    check.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=Path("edge.toml"),
        help="the configuration file (default edge.toml)",
    )
    check.add_argument(
        "--edge",
        type=Path,
        metavar="FILE",
        help="the edge's own file, where the other holds only what central would send",
    )
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=check_configuration)
    apply = _parser(acts, "apply", "put a new configuration in while the agent runs")
    apply.add_argument("new", type=Path, help="the new configuration file")
    apply.set_defaults(run=apply_configuration)
    local = _parser(acts, "local", "use the edge's own file again instead of central's")
    local.set_defaults(run=use_own_file)
    for act in (apply, local):
        act.add_argument(
            "file",
            nargs="?",
            type=Path,
            default=Path("edge.toml"),
            help="the edge's own file (default edge.toml)",
        )
        act.add_argument(
            "--trial",
            type=int,
            default=TRIAL_S,
            metavar="SECONDS",
            help=f"how long devices may take to come back (default {TRIAL_S})",
        )


def _parser(commands: Commands, name: str, what: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def check_configuration(args: argparse.Namespace) -> int:
    """Check a file and every device table in it, and tell what it would change; nothing is opened.

    Returns:
        0; a wrong key is raised and named.
    """
    from lineside.edge_agent.config import difference as differences
    from lineside.edge_agent.config import outcomes, shop

    if args.edge is None:
        own = checked = _checked(args.file)
    else:
        own = configuration.load(args.edge)
        checked = shop.from_central(own, _text(args.file), version=0, name=str(args.file))
        shop.build_drivers(checked, SystemClock())
    known = standing.running(_marks(own))
    changes = None
    if known is not None:
        running = outcomes.as_it_runs(own, known)
        changes = differences.difference(running, checked)
    found: dict[str, Any] = {
        "file": str(args.file),
        "devices": [f"{device.id} ({device.driver})" for device in checked.devices],
        "stations": [station.id for station in checked.stations],
        "content_hash": checked.content_hash,
        "runs": None if known is None else _named(known),
        "changes": None if changes is None else differences.document(changes),
    }
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    stations, devices = ", ".join(found["stations"]), ", ".join(found["devices"])
    print(f"{args.file} is right: stations {stations or '-'}; devices {devices or '-'}.")
    if known is None or changes is None:
        print(f"Nothing has run in {own.data_dir} yet, so there is nothing to compare with.")
        return 0
    print(f"Against what the edge runs ({_words(known)}):")
    for line in differences.lines(changes):
        print(f"  {line}")
    if known.origin == "central" and args.edge is None:
        print("Central's configuration goes before this file; see `lineside-edge config local`.")
    return 0


def _checked(file: Path) -> Configuration:
    from lineside.edge_agent.config import shop
    from lineside.edge_agent.startup import broker_of

    checked = configuration.load(file)
    shop.build_drivers(checked, SystemClock())
    broker_of(checked)
    return checked


def apply_configuration(args: argparse.Namespace) -> int:
    """Let the agent try a new file; where it proves itself, it takes the place of the old one.

    Returns:
        0; 1 where it was taken back. A wrong key is raised and named, and nothing was touched.
    """
    code = _ask(args.file, args.new, args.trial)
    if code == 0 and args.new.resolve() != args.file.resolve():
        fresh = args.file.with_name(args.file.name + ".new")
        fresh.write_bytes(args.new.read_bytes())
        fresh.replace(args.file)
        print(f"{args.file} is replaced by {args.new}.")
    return code


def use_own_file(args: argparse.Namespace) -> int:
    """Let the agent use the edge's own file, until central has something newer.

    Returns:
        0; 1 where it was taken back. A wrong key is raised and named, and nothing was touched.
    """
    return _ask(args.file, args.file, args.trial)


def _ask(file: Path, new: Path, trial_s: int) -> int:
    from lineside.edge_agent.config import shop

    own = configuration.load(file)
    text = _text(new)
    shop.build_drivers(shop.from_file(own, text, name=str(new.resolve())), SystemClock())
    asked = Request(id=uuid.uuid4().hex, name=str(new), text=text, trial_s=trial_s)
    _leave(own.data_dir, msgspec.json.encode(asked))
    if not _agent_runs(own.data_dir):
        print("No agent runs here; it will try this when it is started.")
        return 0
    print(f"The agent tries it; devices have {trial_s} s to come back.", flush=True)
    for _ in range(round((trial_s + PATIENCE_S) / LOOK_EVERY_S)):
        sleep_blocking(LOOK_EVERY_S)
        marks = _marks(own)
        known, taken = standing.running(marks), standing.taken_back(marks)
        if known is not None and known.request == asked.id:
            print(f"{new} runs now.")
            return 0
        if taken is not None and taken.request == asked.id:
            print(f"It was taken back; the line runs as before. {taken.reason}")
            return 1
    print("The agent has not answered yet; see `lineside-edge journal tail` for what became of it.")
    return 1


def _leave(folder: Path, data: bytes) -> None:
    """Leave a request whole or not at all, readable by whoever the agent runs as."""
    target = folder / standing.REQUEST_FILE
    fresh = target.with_name(target.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    owner = folder.stat()
    if os.geteuid() == 0:
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(target)


def _agent_runs(folder: Path) -> bool:
    from lineside.edge_agent.journal.errors import JournalLockedError
    from lineside.edge_agent.journal.opening import take_lock

    path = folder / "journal.db"
    if not path.with_name(path.name + ".lock").exists():
        return False
    try:
        os.close(take_lock(path))
    except JournalLockedError:
        return True
    return False


def _marks(own: Configuration) -> dict[str, bytes]:
    from lineside.edge_agent.journal.reading import JournalReader

    path = own.data_dir / "journal.db"
    if not path.is_file():
        return {}
    reader = JournalReader(path)
    try:
        return reader.baselines()
    finally:
        reader.close()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LinesideError(f"{file} cannot be read: {problem}.") from problem


def _named(known: Running) -> dict[str, object]:
    return {
        "origin": known.origin,
        "version": known.version,
        "content_hash": known.content_hash,
    }


def _words(known: Running) -> str:
    short = known.content_hash[:12]
    return f"central's version {known.version}" if known.origin == "central" else f"a file, {short}"
