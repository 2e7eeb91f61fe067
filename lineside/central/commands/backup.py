"""`lineside-central backup`: a copy that was restored and verified before anybody relies on it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine

from lineside.central import embedded_postgres
from lineside.central.commands.database import Opened, add_config_argument, opened
from lineside.central.db import open_engine
from lineside.central.ingest.incarnation import mark_backed_up
from lineside.central.ingest.verification import Copy, check_belongs, record_run, verify_copy
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import SystemClock, to_datetime
from lineside.contracts.errors import LinesideError

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """Stands beside an archive as `<archive>.json`.

    Attributes:
        sha256: Of the archive, hexadecimal.
        position, events: What it holds, as counted after restoring it.
        made_at: RFC 3339 UTC.
    """

    archive: str
    sha256: str
    incarnation: str
    position: int
    events: int
    made_at: str


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "backup",
        help="back the database up, verified by restoring it",
        description="Writes an archive, restores it into a server of its own, checks every chain "
        "and count there, and only then tells edges what they may forget. With --outside it does "
        "the same with a copy that your own tools have restored.",
        epilog="example: lineside-central backup /mnt/backup --keep 14",
    )
    parser.add_argument("folder", type=Path, nargs="?", help="where the archive is written")
    parser.add_argument("--keep", type=int, default=0, help="delete all but the newest N archives")
    parser.add_argument(
        "--scratch", type=Path, help="folder for the trial restore; default: beside the archive"
    )
    parser.add_argument(
        "--outside",
        metavar="DSN",
        help="a copy that was restored from a backup made with other tools",
    )
    parser.add_argument("--place", default="", help="with --outside: where that backup is kept")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_config_argument(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Back up, verify, record."""
    if (args.folder is None) == (args.outside is None) or args.keep < 0:
        args.parser.error("name a folder, or --outside with the DSN of a restored copy")
    with opened(args.config) as database:
        if args.outside:
            found = record_outside(database.engine, args.outside, args.place)
            told = asdict_of(found)
        else:
            manifest = back_up(database, args.folder, scratch=args.scratch)
            told = asdict(manifest)
            forget_older(args.folder, args.keep)
    if args.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.write(
            f"verified: {told['events']} events up to position {told['position']}; edges may forget"
            " what is in it and old enough\n"
        )
    return 0


def asdict_of(copy: Copy) -> dict[str, object]:
    """What is told of a copy."""
    return {
        "incarnation": copy.incarnation,
        "position": copy.position,
        "events": copy.events,
    }


def back_up(database: Opened, folder: Path, *, scratch: Path | None = None) -> Manifest:
    """Write an archive of the database and verify it by restoring it.

    Args:
        database: What is backed up.
        folder: Where archive and manifest are written; made with its parents.
        scratch: Where the trial restore takes place, as large as the database; None: in `folder`.

    Raises:
        LinesideError: It cannot be written, restored or verified; edges are told nothing then, and
            the failure is on record.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = SystemClock()
    started = clock.now()
    stamp = f"{to_datetime(started):%Y%m%dT%H%M%S%fZ}"
    archive = folder / f"lineside-{stamp}.dump"
    partial = archive.with_suffix(".partial")
    dsn = database.engine.url.render_as_string(hide_password=False)
    with _recorded(database.engine, "own", str(archive), started) as done:
        try:
            embedded_postgres.dump(dsn, partial)
            partial.chmod(0o600)
            copy = _tried(partial, scratch or folder)
            with database.engine.connect() as connection:
                check_belongs(connection, copy)
            digest = _digest(partial)
            manifest = Manifest(
                archive.name, digest, copy.incarnation, copy.position, copy.events, stamp
            )
            _write_synced(archive.with_suffix(".dump.json"), json.dumps(asdict(manifest)).encode())
            _sync(partial)
            partial.rename(archive)
            _sync(folder)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        done.append(copy)
    return manifest


def record_outside(engine: Engine, dsn: str, place: str) -> Copy:
    """Verify a copy that other tools have restored, and tell edges what is in it.

    Raises:
        LinesideError: It is damaged, or belongs to another database.
    """
    started = SystemClock().now()
    copied = open_engine(dsn, pool_connections=1)
    with _recorded(engine, "outside", place or "not said", started) as done:
        try:
            copy = verify_copy(copied)
        finally:
            copied.dispose()
        with engine.connect() as connection:
            check_belongs(connection, copy)
        done.append(copy)
    return copy


@contextmanager
def _recorded(engine: Engine, kind: str, place: str, started: int) -> Generator[list[Copy]]:
    """Put a run on record; what is in the verified copy may be forgotten by edges."""
    done: list[Copy] = []
    run = secrets.token_hex(8)
    try:
        yield done
    except LinesideError as problem:
        with transaction(engine) as connection:
            record_run(
                connection, run=run, kind=kind, place=place, started_at=started,
                finished_at=SystemClock().now(), copy=None, problem=str(problem),
            )  # fmt: skip
        raise
    with transaction(engine) as connection:
        mark_backed_up(connection, done[0].position)
        record_run(
            connection, run=run, kind=kind, place=place, started_at=started,
            finished_at=SystemClock().now(), copy=done[0],
        )  # fmt: skip


def _tried(archive: Path, scratch: Path) -> Copy:
    """Restore an archive into a server of its own, and read all of it."""
    scratch.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="trial-", dir=scratch))
    try:
        server = embedded_postgres.start(directory / "pg", options={"fsync": "off"})
        try:
            embedded_postgres.load(archive, server.dsn())
            engine = open_engine(server.dsn(), pool_connections=1)
            try:
                return verify_copy(engine)
            finally:
                engine.dispose()
        finally:
            embedded_postgres.stop(server)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def forget_older(folder: Path, keep: int) -> list[str]:
    """Delete the oldest archives of a folder; 0 keeps all.

    Returns:
        Names of the deleted archives.
    """
    archives = sorted(folder.glob("lineside-*.dump"))
    gone = archives[:-keep] if keep else []
    for archive in gone:
        archive.unlink()
        archive.with_suffix(".dump.json").unlink(missing_ok=True)
    return [archive.name for archive in gone]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(archive: Path) -> Manifest:
    """The manifest beside an archive, after comparing the archive with it.

    Raises:
        ArchiveError: There is none, or the archive is another one.
    """
    path = archive.with_suffix(".dump.json")
    try:
        manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
        digest = _digest(archive)
    except (OSError, ValueError, TypeError) as problem:
        raise ArchiveError(f"{archive} and its manifest cannot be read: {problem}.") from problem
    if digest != manifest.sha256:
        raise ArchiveError(f"{archive} is not what was verified when it was made.")
    return manifest


class ArchiveError(LinesideError):
    """An archive that was not verified, or has changed since."""

    code = "backup.archive"
    status = 409

    def __init__(self, what: str) -> None:
        super().__init__(what, hint="Take another archive; `backup` writes a manifest beside each.")


def _write_synced(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
