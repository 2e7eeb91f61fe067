"""`lineside-central restore`: back to a backup, as a new life of the database that edges notice."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.commands.backup import ArchiveError, Manifest, read_manifest
from lineside.central.commands.database import add_config_argument, opened
from lineside.central.config import CentralConfig, load_config
from lineside.central.db import open_engine
from lineside.central.errors import NotReadyError
from lineside.central.ingest.incarnation import mark_backed_up, mint_incarnation
from lineside.central.ingest.verification import Copy, verify_copy
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import US_PER_SECOND, SystemClock, to_datetime


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "restore",
        help="put the database back to a backup",
        description="Fills a new database from an archive of `backup`, checks it, and mints a new "
        "incarnation: edges see that central has forgotten something, and send it again. The "
        "former database stays beside it. With --outside, for a database that your own tools have "
        "restored: it is checked and gets its incarnation. Central must not run.",
        epilog="example: lineside-central restore /mnt/backup/lineside-20261124T020000000000Z.dump",
    )
    parser.add_argument("archive", type=Path, nargs="?", help="an archive of `backup`")
    parser.add_argument(
        "--outside", action="store_true", help="the configured database is restored already"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_config_argument(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Restore, check, mint."""
    if (args.archive is None) == (not args.outside):
        args.parser.error("name an archive, or --outside")
    kept = ""
    if args.outside:
        with opened(args.config, current=False) as database:
            copy, incarnation = announce(database.engine)
    else:
        config = load_config(args.config)
        copy, incarnation, aside = restore(config, args.archive)
        kept = "" if aside is None else str(aside)
    told = {
        "incarnation": incarnation,
        "position": copy.position,
        "events": copy.events,
        "former_database": kept,
    }
    if args.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.write(
            f"restored: {copy.events} events up to position {copy.position}; incarnation"
            f" {incarnation}. Start central: edges send again what came after.\n"
        )
        if kept:
            sys.stdout.write(f"The former database is kept in {kept}.\n")
    return 0


def restore(config: CentralConfig, archive: Path) -> tuple[Copy, str, Path | None]:
    """Fill our own server's database anew from an archive.

    Returns:
        What it holds, its incarnation, and where the former database is kept.

    Raises:
        NotReadyError: Central runs, or the database is not our own.
        ArchiveError: The archive is not one that was verified, or does not hold what it should.
    """
    if config.database.dsn:
        raise NotReadyError(
            "The database is a server of your own.",
            hint="Restore it with its own tools, then run `lineside-central restore --outside`.",
        )
    directory = config.database.directory.expanduser().resolve()
    if embedded_postgres.is_running(directory):
        raise NotReadyError("Central runs.", hint="Stop it, then restore.")
    manifest = read_manifest(archive)
    aside: Path | None = None
    if directory.exists() and any(directory.iterdir()):
        stamp = f"{to_datetime(SystemClock().now()):%Y%m%dT%H%M%S%fZ}"
        aside = directory.with_name(f"{directory.name}.before-restore-{stamp}")
        directory.rename(aside)
    try:
        server = embedded_postgres.start(directory)
        try:
            copy, incarnation = _fill(server, config.database.name, archive, manifest)
        finally:
            embedded_postgres.stop(server)
    except BaseException:
        if directory.exists():
            failed = directory.with_name(f"{directory.name}.failed-restore")
            _replace(directory, failed)
        if aside is not None:
            aside.rename(directory)
        raise
    return copy, incarnation, aside


def _replace(directory: Path, target: Path) -> None:
    number = 1
    while target.with_name(f"{target.name}-{number}").exists():
        number += 1
    directory.rename(target.with_name(f"{target.name}-{number}"))


def _fill(
    server: embedded_postgres.EmbeddedPostgres, name: str, archive: Path, manifest: Manifest
) -> tuple[Copy, str]:
    admin = open_engine(server.dsn(), pool_connections=1)
    try:
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            quoted = admin.dialect.identifier_preparer.quote(name)
            connection.execute(text(f"CREATE DATABASE {quoted}"))
    finally:
        admin.dispose()
    embedded_postgres.load(archive, server.dsn(name))
    engine = open_engine(server.dsn(name), pool_connections=1)
    try:
        copy, incarnation = announce(engine)
    finally:
        engine.dispose()
    if (copy.position, copy.events) != (manifest.position, manifest.events):
        raise ArchiveError(f"{archive} does not hold what its manifest says.")
    return copy, incarnation


def announce(engine: Engine) -> tuple[Copy, str]:
    """Check a restored database and mint its incarnation.

    The counter is at least the seconds since 1970: of two restores from one backup edges take the
    later for the later.

    Raises:
        CopyDamagedError: It does not hold what it says to hold.
    """
    copy = verify_copy(engine)
    now = SystemClock().now()
    with transaction(engine) as connection:
        incarnation = mint_incarnation(connection, now, above=now // US_PER_SECOND)
        mark_backed_up(connection, copy.position)  # the backup that it came from holds it
        # Leases of processes that ran before the restore would keep edges waiting.
        connection.execute(text("DELETE FROM edge_lease"))
    return copy, incarnation
