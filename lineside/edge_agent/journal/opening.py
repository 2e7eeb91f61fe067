"""From a path to an open journal: the lock, the connection, the verification, and salvage."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import structlog

from lineside.contracts.clock import Clock
from lineside.edge_agent.journal import salvage, schema
from lineside.edge_agent.journal.errors import (
    JournalDamagedError,
    JournalFailedError,
    JournalLockedError,
)
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.salvage import Salvaged
from lineside.edge_agent.journal.schema import sqlite

Opened = TypeVar("Opened")
DAMAGE_CODES = frozenset({11, 26})  # SQLITE_CORRUPT, SQLITE_NOTADB
log = structlog.get_logger("edge.journal")


def open_or_salvage(
    path: Path, clock: Clock, once: Callable[[], Opened]
) -> tuple[Opened, Salvaged | None]:
    """Open; where it is damaged, salvage, and open what was saved."""
    try:
        salvage.finish(path)  # the power may have gone in the midst of one
        try:
            return once(), None
        except JournalDamagedError as damage:
            log.critical("journal_damaged", path=str(path), why=str(damage))
            try:
                saved = salvage.salvage(path, clock=clock)
            except (OSError, sqlite.Error) as problem:
                log.critical("journal_not_salvaged", path=str(path), why=str(problem))
                raise damage from problem
        journal = once()
    except (OSError, sqlite.Error) as problem:
        raise JournalFailedError(str(problem)) from problem
    return journal, saved


def refuse_damage(reader: JournalReader) -> None:
    """Verify what was not verified before."""
    try:
        for seq, why in reader.verify(reader.verified_through()):
            raise JournalDamagedError(reader.path, seq, why)
    except sqlite.DatabaseError as damage:
        if getattr(damage, "sqlite_errorcode", 0) & 0xFF not in DAMAGE_CODES:
            raise
        raise JournalDamagedError(reader.path, 0, str(damage)) from damage


def connect(path: Path, clock: Clock, opened: ExitStack) -> sqlite.Connection:
    """The writer's connection, which `opened` closes; damage by its name."""
    try:
        connection = schema.connect_writer(path)
        opened.callback(connection.close)
        schema.create(connection, clock.now())
    except sqlite.DatabaseError as damage:
        if getattr(damage, "sqlite_errorcode", 0) & 0xFF not in DAMAGE_CODES:
            raise
        raise JournalDamagedError(path, 0, str(damage)) from damage
    return connection


def take_lock(path: Path) -> int:
    """A lock that lives as long as this process has it open; a lock file itself means nothing."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(descriptor)
        raise JournalLockedError(path) from taken
    return descriptor
