"""`lineside-central edge configure` and `edge configuration`: versions, and what an edge runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.edge_configuration import checking, queries, service
from lineside.central.mes.edge_configuration.difference import PartChange, difference
from lineside.central.mes.edge_configuration.standing import Running
from lineside.contracts.clock import format_rfc3339
from lineside.contracts.errors import LinesideError

AUTHOR = "lineside-central"
VERSIONS_SHOWN = 20
TRIAL_S, TRIAL_MAX_S = 60, 3600


class ConfigurationFileError(LinesideError):
    """The file cannot be read."""

    code = "edge_configuration.file"


def add_acts(
    acts: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> Sequence[argparse.ArgumentParser]:
    """Declare both acts."""
    configure = acts.add_parser(
        "configure",
        help="check a configuration and send it to an edge",
        epilog="example: lineside-central edge configure line-1 line-1.toml --dry-run",
    )
    configure.add_argument("edge", help="id, as in its certificate")
    configure.add_argument("file", type=Path, help="TOML with [scan], [[device]], [[station]]")
    configure.add_argument("--note", default="", help="why, for people")
    configure.add_argument(
        "--trial-s",
        type=_trial,
        default=TRIAL_S,
        help=f"how long the edge tries it, default {TRIAL_S}",
    )
    configure.add_argument("--dry-run", action="store_true", help="check and compare, send nothing")
    show = acts.add_parser(
        "configuration",
        help="versions of an edge's configuration, and which one it runs",
        epilog="example: lineside-central edge configuration line-1 --json",
    )
    show.add_argument("edge", help="id, as in its certificate")
    for each in (configure, show):
        each.add_argument("--json", action="store_true", help="print JSON")
    return configure, show


def _configure(work: UnitOfWork, args: argparse.Namespace) -> int:
    text = _read(args.file)
    problems = service.problems_of(work, args.edge, text)
    against, old = service.running_text(work, args.edge)
    changes = difference(old, text)
    errors = checking.errors(problems)
    version = 0
    if not errors and not args.dry_run:
        row = service.save(work, args.edge, text, note=args.note, by=AUTHOR)
        row = service.send(
            work, args.edge, row.version, by=AUTHOR, trial_s=args.trial_s, expected=None
        )
        version = row.version
    if args.json:
        found = {
            "edge": args.edge,
            "sent_version": version or None,
            "problems": [asdict(one) for one in problems],
            "against": against,
            "changes": [asdict(one) for one in changes],
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return 1 if errors else 0
    for one in problems:
        out = sys.stderr if one.severity == "error" else sys.stdout
        key = f"{one.key}: " if one.key else ""
        found_ = f"found {one.found}, " if one.found else ""
        out.write(f"{args.file}:{one.line}: {one.severity}: {key}{found_}expected {one.expected}\n")
    if errors:
        return 1
    compared = f"version {against}" if against else "nothing that central knows of"
    sys.stdout.write(f"Against {compared}:\n{_changes(changes)}")
    if version:
        sys.stdout.write(
            f"Version {version} is sent to {args.edge}, which tries it for {args.trial_s} s. "
            f"What became of it: lineside-central edge configuration {args.edge}\n"
        )
    return 0


def _changes(changes: Sequence[PartChange]) -> str:
    lines = [] if changes else ["  no difference\n"]
    for one in changes:
        lines.append(f"  {one.change} {one.part} {one.id}\n")
        lines += [f"    {key.key}: {key.old or '-'} -> {key.new or '-'}\n" for key in one.keys]
    return "".join(lines)


def _show(work: UnitOfWork, args: argparse.Namespace) -> int:
    service.need_edge(work, args.edge)
    running = service.running_at(work, args.edge)
    rows = queries.versions(work.connection, args.edge, limit=VERSIONS_SHOWN)
    versions = service.seen(work, args.edge, rows)
    if args.json:
        found = {
            "edge": args.edge,
            "running": None if running is None else asdict(running),
            "versions": [asdict(one.row) | asdict(one.standing) for one in versions],
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return 0
    sys.stdout.write(f"{args.edge} {_runs(running)}\n")
    for one in versions:
        standing = one.standing
        stage = f" ({standing.stage})" if standing.stage else ""
        reason = f": {standing.reason}" if standing.reason else ""
        note = f"  {one.row.note}" if one.row.note else ""
        sys.stdout.write(
            f"{one.row.version:5} {one.row.content_hash[:12]} {standing.state:9}"
            f" {format_rfc3339(standing.since)}{stage}{reason}{note}\n"
        )
    return 0


def _runs(running: Running | None) -> str:
    if running is None:
        return "has not said what it runs"
    since = format_rfc3339(running.since)
    if running.origin == "file":
        return f"runs its own file {running.content_hash[:12]} since {since}"
    number = f"version {running.version}" if running.version else "an unknown version"
    return f"runs {number} {running.content_hash[:12]} since {since}"


def _trial(word: str) -> int:
    seconds = int(word)
    if not 1 <= seconds <= TRIAL_MAX_S:
        raise argparse.ArgumentTypeError(f"{word} is not 1 to {TRIAL_MAX_S} seconds")
    return seconds


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationFileError(
            f"{path} cannot be read: {problem}.", hint="Name a TOML file in UTF-8."
        ) from problem


ACTS: dict[str, Callable[[UnitOfWork, argparse.Namespace], int]] = {
    "configure": _configure,
    "configuration": _show,
}
