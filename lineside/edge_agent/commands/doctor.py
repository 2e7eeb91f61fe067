"""`lineside-edge doctor`: which of network, port, certificate, node, device, disk or clock is it?

Looks at one thing after the other in the order in which they depend on each other, and names the
first that is wrong of each chain, in words that an electrician can act on. Nothing is written to a
device, and nothing is recorded. While the agent runs it owns its devices (a controller may allow a
single session): then the doctor asks the agent what it sees instead of connecting a second time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import httpx

from lineside.contracts.clock import Clock, SystemClock
from lineside.contracts.errors import LinesideError
from lineside.drivers import registry
from lineside.edge_agent import config as configuration
from lineside.edge_agent import enrolment, host, startup
from lineside.edge_agent.commands.doctor_devices import (
    Finding,
    bad,
    cause_of,
    device,
    good,
    reachable,
)
from lineside.edge_agent.journal import medium
from lineside.edge_agent.journal.errors import JournalError
from lineside.edge_agent.journal.reading import JournalReader

DISK_FULL_SHARE = 0.8  # from here on central's confirmations allow the journal to be pruned
SYNC_SLOW_US = 50_000  # a person waits for it at every scan
CERTIFICATE_DAYS = 7
DAY_US = 86_400_000_000


def add_parsers(commands: Any) -> None:  # noqa: ANN401 - argparse keeps the type to itself
    """Add the command `doctor`."""
    parser = commands.add_parser(
        "doctor",
        help="say which of network, port, certificate, node, device, disk or clock is wrong",
        description="Looks at all that an agent needs and says in plain words what is wrong.",
        epilog="example: lineside-edge doctor edge.toml --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=Path("edge.toml"),
        help="the configuration file (default edge.toml)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look, and print what was found.

    Returns:
        0 when everything is in order, else 1.
    """
    found = asyncio.run(examine(args.file, clock=SystemClock()))
    if args.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False))
    else:
        for one in found:
            print(f"{'ok  ' if one.ok else 'BAD '} {one.check}: {one.text} {one.hint}".rstrip())
    return 0 if all(one.ok for one in found) else 1


async def examine(file: Path, *, clock: Clock) -> list[Finding]:
    """Everything that an agent with this configuration needs.

    Args:
        file: The configuration; where it is wrong, nothing else can be looked at.
        clock: Time, for certificates and the pace of syncs.
    """
    try:
        config = configuration.load(file)
        for section in config.devices:
            registry.build(section.driver, section.settings, clock=clock, file=config.file)
        broker = startup.broker_of(config)
    except LinesideError as problem:
        return [bad("configuration", "configuration", problem)]
    found = [good("configuration", "configuration", f"{file} is right.")]
    found += [_clock(clock), _disk(config.data_dir), _journal(config.data_dir)]
    agent = await _agent(config)
    if agent is not None:
        found += _what_the_agent_sees(agent, config)
    else:
        for section in config.devices:
            found.append(await device(section, config.file, clock))
    if config.identity.certificate:
        found.append(_certificate(Path(config.identity.certificate), clock))
    if broker is not None:
        tls = broker.tls.context() if broker.tls is not None else None
        found.append(await reachable("central", broker.host, broker.port, tls))
    return found


def _clock(clock: Clock) -> Finding:
    synchronised = host.clock_is_synchronised()
    if clock.now() < host.BUILT_AFTER:
        return bad(
            "clock",
            "clock",
            "The computer's clock stands before this program was written.",
            "Set the time and look at the clock's battery; records keep their order meanwhile.",
        )
    if synchronised is False:
        return bad(
            "clock",
            "clock",
            "The computer's clock is not synchronised.",
            "Start a time service (chrony, systemd-timesyncd) that reaches a server of the plant.",
        )
    known = "is synchronised" if synchronised else "is plausible"
    return good("clock", "clock", f"The computer's clock {known}.")


def _disk(folder: Path) -> Finding:
    there = next(place for place in [folder, *folder.parents] if place.is_dir())
    share = host.disk_share(there)
    text = f"{share:.0%} of the disk is used."
    if share >= DISK_FULL_SHARE:
        return bad("disk", "disk", text, "Free space: soon nothing more can be recorded.")
    try:
        found = medium.examine(there)
    except JournalError as problem:
        return bad("disk", "disk", problem)
    except OSError as problem:
        return bad(
            "disk",
            "disk",
            f"Nothing can be written to {there}: {problem.strerror}.",
            "Look at the disk's state (`dmesg`) and at the rights of the folder.",
        )
    if found.flush_us > SYNC_SLOW_US:
        slow = f"The disk takes {found.flush_us / 1000:.0f} ms to store a write."
        return bad("disk", "disk", slow, "Expect slow answers at the terminal; use an SSD.")
    return good("disk", "disk", " ".join([text, *found.warnings]))


def _journal(folder: Path) -> Finding:
    path = folder / "journal.db"
    if not path.exists():
        return good("journal", "journal", "There is no journal yet; the agent makes it.")
    try:
        reader = JournalReader(path)
    except (JournalError, OSError) as problem:
        return bad("journal", "journal", f"{path} cannot be read: {problem}.")
    try:
        broken = list(reader.verify(reader.verified_through()))
        head = reader.head()
    except JournalError as problem:
        return bad("journal", "journal", problem)
    finally:
        reader.close()
    if broken:
        return bad(
            "journal",
            "journal",
            f"The journal is damaged: {broken[0]}.",
            "Run `lineside-edge journal verify` and keep the file.",
        )
    return good("journal", "journal", f"{head:,} facts, the chain is whole.")


async def _agent(config: configuration.Configuration) -> dict[str, Any] | None:
    where = f"[{config.host}]" if ":" in config.host else config.host
    if where in {"0.0.0.0", "[::]"}:  # noqa: S104 - compared, not listened on
        where = "127.0.0.1"
    here = "[::1]" if ":" in config.host else "127.0.0.1"  # until somebody has signed on
    for scheme, address in itertools.product(("http", "https"), dict.fromkeys((where, here))):
        try:
            async with httpx.AsyncClient(verify=False, timeout=2, trust_env=False) as client:  # noqa: S501 - this computer
                answer = await client.get(f"{scheme}://{address}:{config.port}/healthz")
            return cast("dict[str, Any]", answer.json())
        except (httpx.HTTPError, ValueError):
            continue
    return None


def _what_the_agent_sees(
    agent: dict[str, Any], config: configuration.Configuration
) -> Iterable[Finding]:
    problems = [str(problem) for problem in agent.get("problems", [])]
    if problems:
        yield bad("agent", "agent", " ".join(problems))
    else:
        yield good("agent", "agent", "The agent runs and sees no problem.")
    lost: dict[str, str] = agent.get("devices_lost", {})
    for section in config.devices:
        check = f"device {section.id}"
        if section.id in lost:
            yield bad(check, cause_of(lost[section.id], "network"), lost[section.id])
        else:
            yield good(check, "network", "The running agent reads it.")


def _certificate(path: Path, clock: Clock) -> Finding:
    try:
        identity = enrolment.read_identity(path)
    except LinesideError as problem:
        return bad("certificate", "certificate", problem)
    left = (identity.valid_until - clock.now()) // DAY_US
    if identity.valid_from > clock.now():
        return bad(
            "certificate",
            "certificate",
            f"The certificate of {identity.edge} is not valid yet.",
            "Look at the clock of this computer.",
        )
    if left < 0:
        return bad(
            "certificate",
            "certificate",
            f"The certificate of {identity.edge} ended {-left} days ago.",
            "Run `lineside-edge enrol` with a new token from `lineside-central edge invite`.",
        )
    text = f"{identity.edge}, valid for {left} days."
    if left < CERTIFICATE_DAYS:
        return bad("certificate", "certificate", text, "Does this edge reach central to renew it?")
    return good("certificate", "certificate", text)
