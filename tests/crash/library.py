# pyright: basic
"""apsw in the shape of pysqlite3, as far as the journal uses it, so that it may write through a
VFS.

The journal names its SQLite library in one place, `journal.schema.sqlite`; this stands there while
a tape is recorded. Statements, pragmas and their order are the journal's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import apsw

from lineside.edge_agent.journal import opening, schema, store, writer


class Rows:
    """The result of a statement, fetched at once."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Connection:
    def __init__(self, path: str, *, uri: bool, rewrite: Callable[[str], str]) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        self._apsw = apsw.Connection(str(path), flags | (apsw.SQLITE_OPEN_URI if uri else 0))
        self._rewrite = rewrite

    @property
    def in_transaction(self) -> bool:
        return self._apsw.in_transaction

    def execute(self, statement: str, arguments: Any = ()) -> Rows:
        before = self._apsw.total_changes()
        rows = list(self._apsw.execute(self._rewrite(statement), arguments))
        return Rows(rows, self._apsw.total_changes() - before)

    def executemany(self, statement: str, arguments: Any) -> None:
        for _ in self._apsw.executemany(statement, arguments):
            pass

    def close(self) -> None:
        self._apsw.close()


class ApswLibrary:
    """What stands for the module `sqlite`.

    Args:
        rewrite: Changes a statement; the identity, or a planted fault.
    """

    Error = apsw.Error
    DatabaseError = apsw.Error
    sqlite_version_info = tuple(map(int, apsw.sqlite_lib_version().split(".")))
    sqlite_version = apsw.sqlite_lib_version()
    complete_statement = staticmethod(apsw.complete)

    def __init__(self, rewrite: Callable[[str], str] = lambda statement: statement) -> None:
        self._rewrite = rewrite

    def connect(self, path: Any, *, uri: bool = False, **_: Any) -> Connection:
        return Connection(path, uri=uri, rewrite=self._rewrite)


@contextlib.contextmanager
def journal_on(library: ApswLibrary) -> Iterator[None]:
    """The journal works on this library meanwhile."""
    with contextlib.ExitStack() as stack:
        for module in (opening, schema, store, writer):
            stack.enter_context(mock.patch.object(module, "sqlite", library))
        yield
