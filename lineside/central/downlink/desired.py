"""What each edge shall have: one document an object, with a revision.

Every change takes the next position of its edge; the row of `desired_head` is locked until the
commit, so positions become visible in their order and an edge's cursor skips nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.downlink.models import desired_head, desired_object
from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import Document, encode_document
from lineside.contracts.envelope import DesiredObject, desired_hash


@dataclass(frozen=True, slots=True)
class Head:
    """Where an edge's desired state is.

    Attributes:
        position: Of its last change.
        floor: Cursors below it need everything, because deletions before it are forgotten.
    """

    position: int = 0
    floor: int = 0


def put(
    connection: Connection,
    edge: str,
    kind: str,
    identity: str,
    body: Document | bytes,
    *,
    now: Microseconds,
) -> int:
    """An edge shall have this document; the same again changes nothing.

    Args:
        connection: Within a transaction.
        edge: Its id; it need not be enrolled yet.
        kind: One of `commands.DOCUMENTS`.
        identity: Which of its kind.
        body: The document, or its canonical bytes.
        now: Microseconds UTC.

    Returns:
        The revision that is wanted now.
    """
    return _write(
        connection,
        edge,
        (kind, identity),
        body if isinstance(body, bytes) else encode_document(body),
        now,
    )


def drop(connection: Connection, edge: str, kind: str, identity: str, *, now: Microseconds) -> int:
    """An edge shall no longer have this document; 0 when it never should."""
    return _write(connection, edge, (kind, identity), None, now)


def drop_many(
    connection: Connection, edge: str, kind: str, ids: Sequence[str], *, now: Microseconds
) -> int:
    """An edge shall no longer have these documents; how many of them it had."""
    position = _lock(connection, edge)
    chosen = (
        select(
            desired_object.c.id,
            func.row_number().over(order_by=desired_object.c.id).label("place"),
        )
        .where(
            desired_object.c.edge == edge,
            desired_object.c.kind == kind,
            desired_object.c.id.in_(ids),
            desired_object.c.body.is_not(None),
        )
        .subquery()
    )
    gone = connection.execute(
        update(desired_object)
        .where(
            desired_object.c.edge == edge,
            desired_object.c.kind == kind,
            desired_object.c.id == chosen.c.id,
        )
        .values(
            body=None,
            revision=desired_object.c.revision + 1,
            position=position + chosen.c.place,
            changed_at=now,
        )
        .returning(desired_object.c.position)
    ).all()
    if gone:
        connection.execute(
            update(desired_head)
            .where(desired_head.c.edge == edge)
            .values(position=position + len(gone), content_hash="")
        )
    return len(gone)


def ids(connection: Connection, edge: str, kind: str, prefix: str = "") -> list[str]:
    """Ids of the documents of a kind that an edge shall have, those that begin so."""
    rows = connection.execute(
        select(desired_object.c.id)
        .where(
            desired_object.c.edge == edge,
            desired_object.c.kind == kind,
            desired_object.c.body.is_not(None),
            desired_object.c.id.startswith(prefix, autoescape=True),
        )
        .order_by(desired_object.c.id)
    )
    return [row.id for row in rows]


def head(connection: Connection, edge: str) -> Head:
    """Where an edge's desired state is."""
    row = connection.execute(
        select(desired_head.c.position, desired_head.c.floor).where(desired_head.c.edge == edge)
    ).one_or_none()
    return Head() if row is None else Head(row.position, row.floor)


def heads(connection: Connection) -> dict[str, int]:
    """Last position of every edge."""
    rows = connection.execute(select(desired_head.c.edge, desired_head.c.position))
    return {row.edge: row.position for row in rows}


def differences(connection: Connection, edge: str, after: int, limit: int) -> list[DesiredObject]:
    """What changed after a position, in order; each object once, as it is now."""
    rows = connection.execute(
        select(desired_object)
        .where(desired_object.c.edge == edge, desired_object.c.position > after)
        .order_by(desired_object.c.position)
        .limit(limit)
    )
    return [
        DesiredObject(
            kind=row.kind,
            id=row.id,
            revision=row.revision,
            position=row.position,
            body=msgspec.Raw(b"null" if row.body is None else bytes(row.body)),
        )
        for row in rows
    ]


def content_hash(connection: Connection, edge: str) -> str:
    """Content hash of all documents of an edge, as the edge computes it of its copies."""
    known = connection.execute(
        select(desired_head.c.content_hash).where(desired_head.c.edge == edge)
    ).scalar_one_or_none()
    if known:
        return known
    rows = connection.execute(
        select(
            desired_object.c.kind,
            desired_object.c.id,
            desired_object.c.revision,
            desired_object.c.body,
        ).where(desired_object.c.edge == edge, desired_object.c.body.is_not(None))
    )
    found = desired_hash((row.kind, row.id, row.revision, bytes(row.body)) for row in rows)
    connection.execute(
        update(desired_head).where(desired_head.c.edge == edge).values(content_hash=found)
    )
    return found


def revisions(
    connection: Connection, kind: str, wanted: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Wanted revision by (id, edge)."""
    rows = connection.execute(
        select(desired_object.c.id, desired_object.c.edge, desired_object.c.revision).where(
            desired_object.c.kind == kind,
            desired_object.c.id.in_(wanted),
            desired_object.c.body.is_not(None),
        )
    )
    return {(row.id, row.edge): row.revision for row in rows}


def record_applied(
    connection: Connection,
    edge: str,
    kind: str,
    identity: str,
    *,
    revision: int,
    refused: str,
    at: Microseconds,
) -> None:
    """An edge says that it has a revision of a document, or why it could not use it."""
    connection.execute(
        update(desired_object)
        .where(
            desired_object.c.edge == edge,
            desired_object.c.kind == kind,
            desired_object.c.id == identity,
            desired_object.c.applied_revision <= revision,
        )
        .values(applied_revision=revision, applied_at=at, refused=refused)
    )


def record_cursor(connection: Connection, edge: str, cursor: int, *, at: Microseconds) -> None:
    """An edge says up to which position it has applied everything."""
    connection.execute(
        update(desired_object)
        .where(
            desired_object.c.edge == edge,
            desired_object.c.position <= cursor,
            desired_object.c.applied_revision < desired_object.c.revision,
        )
        .values(applied_revision=desired_object.c.revision, applied_at=at)
    )


def forget_dropped(
    connection: Connection, edge: str, *, cursor: int, changed_before: Microseconds
) -> int:
    """Forget deletions that the edge has applied long ago.

    Args:
        connection: Within a transaction.
        edge: Its id.
        cursor: As the edge last said.
        changed_before: Deletions after it stay, microseconds UTC.

    Returns:
        How many were forgotten.
    """
    _lock(connection, edge)
    gone = connection.execute(
        delete(desired_object)
        .where(
            desired_object.c.edge == edge,
            desired_object.c.body.is_(None),
            desired_object.c.position <= cursor,
            desired_object.c.changed_at < changed_before,
        )
        .returning(desired_object.c.position)
    ).all()
    if gone:
        connection.execute(
            update(desired_head)
            .where(desired_head.c.edge == edge)
            .values(floor=max(row.position for row in gone))
        )
    return len(gone)


def _lock(connection: Connection, edge: str) -> int:
    """Lock the edge's head and return its position."""
    connection.execute(upsert(desired_head).values(edge=edge, position=0).on_conflict_do_nothing())
    return connection.execute(
        select(desired_head.c.position).where(desired_head.c.edge == edge).with_for_update()
    ).scalar_one()


def _write(
    connection: Connection,
    edge: str,
    key: tuple[str, str],
    body: bytes | None,
    now: Microseconds,
) -> int:
    kind, identity = key
    position = _lock(connection, edge) + 1
    row = connection.execute(
        select(desired_object.c.revision, desired_object.c.body).where(
            desired_object.c.edge == edge,
            desired_object.c.kind == kind,
            desired_object.c.id == identity,
        )
    ).one_or_none()
    if row is None and body is None:
        return 0
    if row is not None and (None if row.body is None else bytes(row.body)) == body:
        return row.revision
    revision = 1 if row is None else row.revision + 1
    values = {"revision": revision, "position": position, "body": body, "changed_at": now}
    connection.execute(
        upsert(desired_object)
        .values(edge=edge, kind=kind, id=identity, **values)
        .on_conflict_do_update(index_elements=["edge", "kind", "id"], set_=values)
    )
    connection.execute(
        update(desired_head)
        .where(desired_head.c.edge == edge)
        .values(position=position, content_hash="")
    )
    return revision
