"""`lineside-central init` and `migrate`: a new site, and tables for a new version."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lineside.central.authority import Authority
from lineside.central.commands.database import add_config_argument, opened
from lineside.central.config import SAMPLE, load_config
from lineside.central.errors import ConflictError
from lineside.central.migrate import migrate
from lineside.central.platform.identity.service import make_first_run_code
from lineside.contracts.clock import SystemClock


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare both commands."""
    init = subparsers.add_parser(
        "init",
        help="write a configuration and make the database",
        description="Writes central.toml with every key explained, makes the database and the "
        "site's authority, and prints a one-time code for the first administrator.",
        epilog="example: lineside-central init --directory /srv/lineside",
    )
    init.add_argument("--directory", type=Path, default=Path(), help="default: here")
    init.add_argument(
        "--dsn", default="", help="postgresql://... of an empty database; default: our own server"
    )
    init.set_defaults(run=run_init)
    tables = subparsers.add_parser(
        "migrate",
        help="bring the tables to this version",
        description="Applies the migrations that the database lacks, in one transaction.",
        epilog="example: lineside-central migrate --config central.toml",
    )
    add_config_argument(tables)
    tables.add_argument("--json", action="store_true", help="print revisions as JSON")
    tables.set_defaults(run=run_migrate)


def run_init(args: argparse.Namespace) -> int:
    """Make a new site in a directory."""
    path: Path = args.directory / "central.toml"
    if path.exists():
        raise ConflictError(f"{path} exists.", hint="Choose another directory, or remove it.")
    args.directory.mkdir(parents=True, exist_ok=True)
    named = SAMPLE.replace('dsn = ""', f"dsn = {json.dumps(args.dsn)}", 1)
    path.write_text(named, encoding="utf-8")
    config = load_config(path)
    if not (config.enrolment.authority / "ca.key").exists():
        Authority.create(config.enrolment.authority, site=config.site.name, now=SystemClock().now())
    with opened(path, current=False) as database:
        migrate(database.engine)
        with database.act() as work:
            code = make_first_run_code(work)
    sys.stdout.write(f"{path} is written, the database is ready.\n")
    if code is not None:
        sys.stdout.write(f"One-time code for the first administrator, valid 24 hours: {code}\n")
    sys.stdout.write(f"Start it with: lineside-central serve --config {path}\n")
    return 0


def run_migrate(args: argparse.Namespace) -> int:
    """Apply what is missing."""
    with opened(args.config, current=False) as database:
        before, after = migrate(database.engine)
    if args.json:
        sys.stdout.write(json.dumps({"before": before, "after": after}) + "\n")
    elif before == after:
        sys.stdout.write(f"The database is at {after} already.\n")
    else:
        sys.stdout.write(f"The database went from {before or 'nothing'} to {after}.\n")
    return 0
