# pyright: basic
"""The edge's local copies of what central wants and knows: `desired.db`.

The line works from these copies alone, so they are in a file of their own that is not computed from
anything. A message is applied whole or not at all, together with the cursor and with what is still
to be reported as `IntentionApplied`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from lineside.contracts.commands import DOCUMENTS, AnyDocument, Document, decode_document
from lineside.contracts.envelope import DesiredObject, desired_hash
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.journal.schema import connect_side_file, sqlite
from lineside.edge_agent.journal.side_files import Database
from lineside.edge_agent.journal.writer import FULL_CODES

Wanted = TypeVar("Wanted", bound=Document)
Key = tuple[str, str]

log = structlog.get_logger("edge.sync")


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that this edge has now, still to be reported.

    Attributes:
        number: Its place in the list of reports.
        refused: Empty, or why the document could not be used; the one before stays in use.
    """

    number: int
    kind: str
    id: str
    revision: int
    refused: str = ""


class DesiredStore:
    """Documents by (kind, id). All methods from any thread.

    Attributes:
        full: What was to be written last found no room on the disk.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database = Database(connect_side_file(path, synchronous="FULL"))
        self._create()
        self._documents: dict[Key, AnyDocument] = {}
        self._listeners: list[Callable[[set[Key]], None]] = []
        self._judges: dict[str, Callable[[AnyDocument], str]] = {}
        self._hash = ""
        self.full = False
        self._load()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    @property
    def cursor(self) -> int:
        """Position of the last change that is applied."""
        with self._lock:
            return self._query("SELECT cursor FROM state")[0]["cursor"]

    @property
    def content_hash(self) -> str:
        """Content hash of all copies, as central computes it."""
        with self._lock:
            if not self._hash:
                rows = self._query("SELECT kind, id, revision, body FROM object")
                self._hash = desired_hash(
                    (row["kind"], row["id"], row["revision"], bytes(row["body"])) for row in rows
                )
            return self._hash

    def document(self, kind: type[Wanted], identity: str) -> Wanted | None:
        """The document of a kind with an id; None where there is none that can be used."""
        found = self._documents.get((_kind_of(kind), identity))
        return found if isinstance(found, kind) else None

    def documents(self, kind: type[Wanted]) -> list[Wanted]:
        """All usable documents of a kind, by id."""
        name = _kind_of(kind)
        with self._lock:
            keys = sorted(key for key in self._documents if key[0] == name)
            found = [self._documents[key] for key in keys]
        return [document for document in found if isinstance(document, kind)]

    def revision(self, kind: str, identity: str) -> int:
        """The revision in use; 0 where there is none."""
        with self._lock:
            row = self._row(kind, identity)
            return row["used_revision"] if row else 0

    def on_change(self, listener: Callable[[set[Key]], None]) -> None:
        """Call `listener({(kind, id), ...})` after each applied message, in the applying thread."""
        self._listeners.append(listener)

    def latest(self, kind: type[Wanted], identity: str) -> Wanted | None:
        """The document as it came last, even where it was refused; None: none, or unreadable."""
        with self._lock:
            row = self._row(_kind_of(kind), identity)
        try:
            found = decode_document(bytes(row["body"])) if row else None
        except LinesideError:
            return None
        return found if isinstance(found, kind) else None

    def judge(self, kind: str, judge: Callable[[AnyDocument], str]) -> None:
        """Ask `judge` why a document of a kind cannot be used, before it is; empty: it can."""
        self._judges[kind] = judge

    def apply(
        self, objects: Sequence[DesiredObject], *, through: int, complete: bool = False
    ) -> set[Key]:
        """Apply differences, or a complete state, in one transaction.

        Args:
            objects: In order of position.
            through: The cursor afterwards.
            complete: Whatever is not among the objects is gone.

        Returns:
            What changed.

        Raises:
            JournalFullError: The disk is full; nothing of it is applied, all is as before.
        """
        with self._lock:
            changed: set[Key] = set()
            with self._room(), self._database.atomic():
                for item in objects:
                    if self._put(item, self._row(item.kind, item.id)):
                        changed.add((item.kind, item.id))
                if complete:
                    named = {(item.kind, item.id) for item in objects}
                    for row in self._query("SELECT kind, id, revision FROM object"):
                        if (row["kind"], row["id"]) not in named:
                            self._drop((row["kind"], row["id"]), row["revision"])
                            changed.add((row["kind"], row["id"]))
                self._database.execute("UPDATE state SET cursor = ?", [through])
            self._hash = ""
            self._load(changed)
        for listener in self._listeners:
            listener(changed)
        return changed

    def unreported(self) -> list[Applied]:
        """What is applied and not yet reported, in order."""
        with self._lock:
            return [
                Applied(row["number"], row["kind"], row["id"], row["revision"], row["refused"])
                for row in self._query("SELECT * FROM report ORDER BY number LIMIT 500")
            ]

    def reported(self, through: int) -> None:
        """The reports up to this number are committed in the journal.

        Raises:
            JournalFullError: The disk is full; they are reported once more.
        """
        with self._lock, self._room():
            self._database.execute("DELETE FROM report WHERE number <= ?", [through])

    @contextmanager
    def _room(self) -> Generator[None]:
        """Tell a full disk from all other faults, and remember it."""
        try:
            yield
        except sqlite.Error as problem:
            if getattr(problem, "sqlite_errorcode", 0) not in FULL_CODES:
                raise
            self.full = True
            log.warning("desired_disk_full")
            raise JournalFullError from problem
        self.full = False

    def _row(self, kind: str, identity: str) -> dict[str, Any] | None:
        rows = self._query("SELECT * FROM object WHERE kind = ? AND id = ?", kind, identity)
        return rows[0] if rows else None

    def _query(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """All rows at once: a query that is half read would outlive the lock around it."""
        return list(self._database.query(query, arguments))

    def _put(self, item: DesiredObject, before: dict[str, Any] | None) -> bool:
        if item.gone:
            if before is None:
                return False
            self._drop((item.kind, item.id), item.revision)
            return True
        body = bytes(item.body)
        if before and (before["revision"], bytes(before["body"])) == (item.revision, body):
            self._database.execute(
                "UPDATE object SET position = ? WHERE kind = ? AND id = ?",
                [item.position, item.kind, item.id],
            )
            return False
        refused = _why_not(item.kind, body, self._judges.get(item.kind))
        used_revision, used_body = item.revision, body
        if refused:
            used_revision = before["used_revision"] if before else 0
            used_body = bytes(before["used_body"]) if before else b""
        self._database.table("object").upsert(
            {
                "kind": item.kind,
                "id": item.id,
                "revision": item.revision,
                "position": item.position,
                "body": body,
                "used_revision": used_revision,
                "used_body": used_body,
            },
            pk=("kind", "id"),
        )
        self._report((item.kind, item.id), item.revision, refused)
        return True

    def _drop(self, key: Key, revision: int) -> None:
        self._database.execute("DELETE FROM object WHERE kind = ? AND id = ?", list(key))
        self._report(key, revision, "")

    def _report(self, key: Key, revision: int, refused: str) -> None:
        self._database.table("report").insert(
            {"kind": key[0], "id": key[1], "revision": revision, "refused": refused}
        )

    def _load(self, keys: set[Key] | None = None) -> None:
        """Decode what changed; None: everything."""
        if keys is not None and len(keys) < len(self._documents):
            rows = [
                row
                for key in keys
                for row in self._query(
                    "SELECT kind, id, used_body FROM object WHERE kind = ? AND id = ?", *key
                )
            ]
            for key in keys:
                self._documents.pop(key, None)
        else:
            rows = self._query("SELECT kind, id, used_body FROM object")
            self._documents.clear()
        for row in rows:
            if row["used_body"]:
                document = decode_document(bytes(row["used_body"]))
                self._documents[row["kind"], row["id"]] = document

    def _create(self) -> None:
        with self._database.atomic():
            self._database.table("object").create(
                {
                    "kind": str,
                    "id": str,
                    "revision": int,
                    "position": int,
                    "body": bytes,
                    "used_revision": int,
                    "used_body": bytes,
                },
                pk=("kind", "id"),
                if_not_exists=True,
            )
            self._database.table("report").create(
                {"number": int, "kind": str, "id": str, "revision": int, "refused": str},
                pk="number",
                if_not_exists=True,
            )
            self._database.table("state").create(
                {"id": int, "cursor": int}, pk="id", if_not_exists=True
            )
            self._database.table("state").insert({"id": 1, "cursor": 0}, ignore=True)


def _kind_of(kind: type[Document]) -> str:
    return next(name for name, known in DOCUMENTS.items() if known is kind)


def _why_not(kind: str, body: bytes, judge: Callable[[AnyDocument], str] | None) -> str:
    """Why a body cannot be used as a document of its kind; empty: it can."""
    known = DOCUMENTS.get(kind)
    if known is None:
        return f"kind {kind[:64]} is not known to this edge"
    try:
        document = decode_document(body)
    except LinesideError as problem:
        return str(problem)[:500]
    if not isinstance(document, known):
        return f"the document is no {kind}"
    return judge(document)[:500] if judge is not None else ""
