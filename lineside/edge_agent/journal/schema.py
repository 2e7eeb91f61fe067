"""The journal's tables, and how a connection to them is opened.

The one place that names the SQLite library: the wheel's, because older ones may corrupt a WAL when
it restarts.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.contracts.clock import Microseconds
from lineside.edge_agent.journal.errors import JournalError, JournalSqliteError

if TYPE_CHECKING:
    import sqlite3 as sqlite
else:
    from pysqlite3 import dbapi2 as sqlite

__all__ = [
    "FORMAT",
    "FORMAT_PLAIN",
    "connect_reader",
    "connect_side_file",
    "connect_writer",
    "create",
    "has_segments",
    "mint_epoch",
    "sqlite",
]

SQLITE_NEEDED = (3, 51, 3)
FORMAT = 2
FORMAT_PLAIN = 1
"""It has no segments yet: a program from before segments can go on with it."""
WAL_BYTES_MAX = 64 * 1024 * 1024

_TABLES = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE event_group (
    first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, schema INTEGER NOT NULL,
    previous BLOB NOT NULL, hash BLOB NOT NULL, committed_at INTEGER NOT NULL
);
CREATE TABLE telemetry (
    seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE telemetry_gap (
    first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, thinned_at INTEGER NOT NULL
);
CREATE TABLE act (
    id TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, answer BLOB
) WITHOUT ROWID;
CREATE INDEX act_last_seq ON act (last_seq);
CREATE TABLE baseline (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE cursor (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE epoch (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, base INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
);
CREATE TABLE pruning (
    at INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, rule TEXT NOT NULL
);
-- Has a row only inside the transactions of retention, of packing and of a new epoch: the way past
-- triggers.
CREATE TABLE opened (what TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TRIGGER event_is_never_edited BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never edited'); END;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
WHEN NOT EXISTS (SELECT 1 FROM opened WHERE what = 'retention')
BEGIN SELECT RAISE(ABORT, 'an event is deleted by retention only'); END;
CREATE TRIGGER group_is_never_edited BEFORE UPDATE ON event_group
WHEN NOT EXISTS (SELECT 1 FROM opened WHERE what = 'epoch')
BEGIN SELECT RAISE(ABORT, 'a commit group is never edited'); END;
CREATE TRIGGER group_is_kept BEFORE DELETE ON event_group
WHEN NOT EXISTS (SELECT 1 FROM opened WHERE what = 'retention')
BEGIN SELECT RAISE(ABORT, 'a commit group is deleted by retention only'); END;
CREATE TRIGGER telemetry_is_never_edited BEFORE UPDATE ON telemetry
BEGIN SELECT RAISE(ABORT, 'an event is never edited'); END;
"""


# Facts that are no longer rows: see `segments`.
_SEGMENTS = """
CREATE TABLE IF NOT EXISTS segment (
    first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, committed_until INTEGER NOT NULL,
    hash BLOB NOT NULL, data BLOB NOT NULL
);
CREATE TRIGGER IF NOT EXISTS segment_is_never_edited BEFORE UPDATE ON segment
BEGIN SELECT RAISE(ABORT, 'a segment is never edited'); END;
CREATE TRIGGER IF NOT EXISTS segment_is_kept BEFORE DELETE ON segment
WHEN NOT EXISTS (SELECT 1 FROM opened WHERE what = 'retention')
BEGIN SELECT RAISE(ABORT, 'a segment is deleted by retention only'); END;
"""


def mint_epoch() -> str:
    """A new random epoch id: 64 bits, hexadecimal."""
    return secrets.token_hex(8)


def connect_writer(path: Path) -> sqlite.Connection:
    """The one connection that writes and checkpoints.

    Raises:
        JournalSqliteError: The library is older than 3.51.3.
    """
    if sqlite.sqlite_version_info < SQLITE_NEEDED:
        raise JournalSqliteError(sqlite.sqlite_version, ".".join(map(str, SQLITE_NEEDED)))
    connection = sqlite.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "wal_autocheckpoint=0",
        f"journal_size_limit={WAL_BYTES_MAX}",
        "mmap_size=0",
        "cache_size=-16384",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def connect_reader(path: Path) -> sqlite.Connection:
    """A connection that can only read, and therefore never checkpoints.

    Raises:
        JournalError: There is no journal.
    """
    if not path.is_file():
        raise JournalError(
            f"There is no journal at {path}.", hint="Name the file, or start the agent once."
        )
    connection = sqlite.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=5,
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA mmap_size=0")
    return connection


def connect_side_file(path: Path, *, synchronous: str) -> sqlite.Connection:
    """A connection to a file beside the journal, for sqlite-utils; used under its owner's lock.

    Args:
        path: Made with its directory where it is missing.
        synchronous: `FULL`, or `NORMAL` for what can be computed again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite.connect(path, check_same_thread=False, timeout=5)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    return connection


def create(connection: sqlite.Connection, now: Microseconds) -> None:
    """Make the tables and the first epoch in one transaction, if they are not there yet.

    Raises:
        JournalError: The file is of a newer format.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise JournalError(
            f"The journal is of format {found}; this program knows {FORMAT}.",
            hint="Update the agent.",
        )
    if found and has_segments(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(_SEGMENTS if found else _TABLES + _SEGMENTS):
        connection.execute(statement)
    if not found:
        connection.execute("INSERT INTO epoch VALUES (1, ?, 0, ?)", (mint_epoch(), now))
        connection.execute(f"PRAGMA user_version={FORMAT_PLAIN}")
    connection.execute("COMMIT")


def has_segments(connection: sqlite.Connection) -> bool:
    """Whether the journal was opened by a program that knows segments."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'segment'").fetchone()
    return found is not None


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit the transaction around them."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
