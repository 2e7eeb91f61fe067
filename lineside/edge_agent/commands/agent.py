"""`run`, `config` and `doctor`: the agent itself and its configuration file."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import LinesideError
from lineside.edge_agent import config as configuration

EX_TEMPORARY = 75
Commands = Any  # argparse keeps the type of its sub-parsers to itself


def add_parsers(commands: Commands) -> None:
    """Add the commands `run`, `config` and `doctor`."""
    run_parser = _command(
        commands, "run", "run the agent until it is interrupted", "lineside-edge run edge.toml"
    )
    _file(run_parser)
    run_parser.add_argument("--log-json", action="store_true", help="log JSON lines")
    run_parser.set_defaults(run=run)

    config_parser = _command(
        commands, "config", "check a configuration", "lineside-edge config check edge.toml"
    )
    acts = config_parser.add_subparsers(dest="config_act", required=True, metavar="ACT")
    check = _command(
        acts, "check", "name the first wrong key", "lineside-edge config check edge.toml --json"
    )
    _file(check)
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=check_configuration)
    apply = _command(
        acts,
        "apply",
        "check a new configuration and put it in place of the old one",
        "lineside-edge config apply new.toml edge.toml",
    )
    apply.add_argument("new", type=Path, help="the new configuration file")
    _file(apply)
    apply.set_defaults(run=apply_configuration)

    doctor = _command(
        commands, "doctor", "look at configuration, journal and disk", "lineside-edge doctor"
    )
    _file(doctor)
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=examine)


def _command(commands: Commands, name: str, what: str, example: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def _file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=Path("edge.toml"),
        help="the configuration file (default edge.toml)",
    )


def _log(*, as_json: bool) -> None:
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def run(args: argparse.Namespace) -> int:
    """Run the agent until SIGINT or SIGTERM.

    Returns:
        0 after an orderly end; 75 when it should be started again (the journal stopped).
    """
    from lineside.edge_agent.journal.errors import JournalFailedError

    _log(as_json=args.log_json)
    checked = configuration.load(args.file)
    try:
        asyncio.run(_serve(checked))
    except JournalFailedError as problem:
        print(f"lineside-edge run: {problem}", file=sys.stderr)
        return EX_TEMPORARY
    return 0


async def _serve(checked: configuration.Configuration) -> None:
    from lineside.edge_agent.app import Agent

    agent = Agent(checked)
    serving = asyncio.current_task()
    assert serving is not None
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(agent.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    ready = asyncio.create_task(agent.ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        host = f"[{checked.host}]" if ":" in checked.host else checked.host
        print(f"lineside-edge {agent.edge}: terminal at http://{host}:{agent.port}/", flush=True)
    ready.cancel()
    try:
        await running
    except asyncio.CancelledError:
        return


def check_configuration(args: argparse.Namespace) -> int:
    """Check a file and every device table in it; nothing is opened.

    Returns:
        0; a wrong key is raised and named.
    """
    checked = _checked(args.file)
    found = {
        "file": str(args.file),
        "devices": [f"{device.id} ({device.driver})" for device in checked.devices],
        "stations": [station.id for station in checked.stations],
        "content_hash": checked.content_hash,
    }
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        stations, devices = ", ".join(found["stations"]), ", ".join(found["devices"])
        print(f"{args.file} is right: stations {stations or '-'}; devices {devices or '-'}.")
    return 0


def _checked(file: Path) -> configuration.Configuration:
    from lineside.drivers import registry
    from lineside.edge_agent.startup import broker_of

    checked = configuration.load(file)
    for device in checked.devices:
        registry.build(device.driver, device.settings, clock=SystemClock(), file=checked.file)
    broker_of(checked)
    return checked


def apply_configuration(args: argparse.Namespace) -> int:
    """Put a new file in place of the old one, after checking it; the agent is restarted by hand.

    Returns:
        0; a wrong key is raised and named, and the old file stays.
    """
    _checked(args.new)
    target: Path = args.file
    fresh = target.with_name(target.name + ".new")
    fresh.write_bytes(args.new.read_bytes())
    fresh.replace(target)
    print(f"{target} is in place; restart the agent to use it.")
    return 0


def examine(args: argparse.Namespace) -> int:
    """Look at what an agent needs, and say what is wrong.

    Returns:
        0 when everything is in order, else 1.
    """
    from lineside.edge_agent.host import disk_share
    from lineside.edge_agent.journal.reading import JournalReader

    found: list[dict[str, object]] = []

    def note(name: str, text: str, *, fine: bool) -> None:
        found.append({"check": name, "ok": fine, "text": text})

    try:
        checked = _checked(args.file)
        note("configuration", f"{args.file} is right", fine=True)
        share = disk_share(checked.data_dir.parent)
        note("disk", f"{share:.0%} used", fine=share < 0.8)  # noqa: PLR2004
        path = checked.data_dir / "journal.db"
        if path.exists():
            reader = JournalReader(path)
            broken = list(reader.verify(reader.verified_through()))
            note("journal", f"{reader.head():,} facts", fine=not broken)
            reader.close()
        else:
            note("journal", "not created yet", fine=True)
    except LinesideError as problem:
        note("configuration", str(problem), fine=False)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for one in found:
            print(f"{'ok  ' if one['ok'] else 'BAD '} {one['check']}: {one['text']}")
    return 0 if all(one["ok"] for one in found) else 1
