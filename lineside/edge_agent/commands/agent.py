"""`run` and `config`: the agent itself and its configuration file."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import LinesideError
from lineside.edge_agent import config as configuration
from lineside.edge_agent.host import tell_service_manager, watchdog_s

if TYPE_CHECKING:
    from lineside.edge_agent.app import Agent

EX_TEMPORARY = 75
Commands = Any  # argparse keeps the type of its sub-parsers to itself


def add_parsers(commands: Commands) -> None:
    """Add the commands `run` and `config`."""
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
        tell_service_manager("READY=1")
    ready.cancel()
    watched = asyncio.create_task(_show_life(agent))
    try:
        await running
    except asyncio.CancelledError:
        return
    finally:
        watched.cancel()
        tell_service_manager("STOPPING=1")


async def _show_life(agent: Agent) -> None:
    """Answer the service manager's watchdog while this loop turns and the journal's writer works.

    The writer is asked for an empty transaction, in a thread of its own: a writer that hangs must
    not stop the loop, and a loop that hangs must not be spoken for by the writer.
    """
    period = watchdog_s()
    if period is None:
        return
    while True:
        try:
            await asyncio.to_thread(agent.journal.answers, period)
        except (LinesideError, TimeoutError) as problem:
            structlog.get_logger("edge.watchdog").error("journal_silent", why=str(problem))
        else:
            tell_service_manager("WATCHDOG=1")
        await asyncio.sleep(period / 3)


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
