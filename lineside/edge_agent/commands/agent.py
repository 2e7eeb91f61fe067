"""`run`: the agent itself."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from lineside.contracts.errors import LinesideError
from lineside.edge_agent import config as configuration
from lineside.edge_agent.host import tell_service_manager, watchdog_s

if TYPE_CHECKING:
    from lineside.edge_agent.app import Agent

EX_TEMPORARY = 75
EX_UNAVAILABLE = 69
GARBAGE_AFTER = 50_000  # new objects until Python looks for cycles among them
Commands = Any  # argparse keeps the type of its sub-parsers to itself


def add_parser(commands: Commands) -> None:
    """Add the command `run`."""
    run_parser = _command(
        commands, "run", "run the agent until it is interrupted", "lineside-edge run edge.toml"
    )
    _file(run_parser)
    run_parser.add_argument("--log-json", action="store_true", help="log JSON lines")
    run_parser.set_defaults(run=run)


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
        0 after an orderly end; 69 when another agent has the journal; 75 when it should be started
        again (the journal stopped).
    """
    from lineside.edge_agent.journal.errors import JournalFailedError, JournalLockedError

    _log(as_json=args.log_json)
    checked = configuration.load(args.file)
    try:
        asyncio.run(_serve(checked))
    except JournalLockedError as problem:
        print(f"lineside-edge run: {problem}", file=sys.stderr)
        return EX_UNAVAILABLE
    except JournalFailedError as problem:
        print(f"lineside-edge run: {problem}", file=sys.stderr)
        return EX_TEMPORARY
    return 0


def _spare_collector() -> None:
    """What stands after the start stays until the end: Python need not look through it again.

    Events make objects in thousands and hardly any cycle; with Python's own thresholds a third of
    the time of a busy agent goes into looking for them.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


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
        found = agent.door.host
        host = f"[{found}]" if ":" in found else found
        print(f"lineside-edge {agent.edge}: terminal at http://{host}:{agent.port}/", flush=True)
        if found != checked.host:
            print(
                f"It listens on this computer only, and on {checked.host} as soon as somebody has "
                "signed on here for the first time: scan a badge.",
                flush=True,
            )
        tell_service_manager("READY=1")
        _spare_collector()
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
