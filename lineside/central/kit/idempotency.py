"""`Idempotency-Key`: a write that is sent twice happens once, and answers the same.

The key is claimed and the answer stored in the transaction of the write itself, so a crash leaves
either
both or neither.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text, delete
from sqlalchemy.dialects.postgresql import insert

from lineside.central.db import metadata
from lineside.central.errors import ConflictError, InvalidInputError
from lineside.contracts.clock import US_PER_SECOND, Microseconds

KEY_LENGTH_MAX = 200
KEPT_FOR = 7 * 24 * 3600 * US_PER_SECOND

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("status", Integer),
    Column("content_type", Text),
    Column("etag", Text),
    Column("body", LargeBinary),
)


class KeyReusedError(ConflictError):
    """The same key came with another request."""

    code = "idempotency.key_reused"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request.",
            hint="Make a new key for every new act; repeat one only with the same content.",
        )


class StoredAnswer:
    """The answer that the first request got."""

    def __init__(self, status: int, content_type: str, etag: str | None, body: bytes) -> None:
        self.status, self.content_type, self.etag, self.body = status, content_type, etag, body


def request_hash(method: str, path: str, query: str, body: bytes) -> str:
    """What two requests must have in common to be the same."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), query.encode(), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def claim(
    connection: Connection, *, owner: str, key: str, wanted: str, now: Microseconds
) -> StoredAnswer | None:
    """Take a key for this request, waiting for a running request with the same key.

    Returns:
        None when the request is new; the stored answer when it was done before.

    Raises:
        InvalidInputError: The key is empty or too long.
        KeyReusedError: The key was used for another request.
    """
    if not key or len(key) > KEY_LENGTH_MAX:
        raise InvalidInputError(
            f"An Idempotency-Key has 1 to {KEY_LENGTH_MAX} characters.",
            field="header.idempotency-key",
            said="idempotency.bad_key",
        )
    table = idempotency_key
    taken = connection.execute(
        insert(table)
        .values(owner=owner, key=key, request_hash=wanted, created_at=now)
        .on_conflict_do_nothing()
        .returning(table.c.key)
    ).first()
    if taken is not None:
        return None
    stored = connection.execute(
        table.select().where(table.c.owner == owner, table.c.key == key)
    ).one()
    if stored.request_hash != wanted:
        raise KeyReusedError
    return StoredAnswer(stored.status, stored.content_type, stored.etag, stored.body)


def store(connection: Connection, *, owner: str, key: str, answer: StoredAnswer) -> None:
    """Keep the answer with its key, in the transaction of the write."""
    table = idempotency_key
    connection.execute(
        table.update()
        .where(table.c.owner == owner, table.c.key == key)
        .values(
            status=answer.status,
            content_type=answer.content_type,
            etag=answer.etag,
            body=answer.body,
        )
    )


def release(connection: Connection, *, owner: str, key: str) -> None:
    """Give a key back whose answer must not be kept, in the transaction of the write."""
    connection.execute(
        delete(idempotency_key).where(
            idempotency_key.c.owner == owner, idempotency_key.c.key == key
        )
    )


def forget_old(connection: Connection, now: Microseconds) -> int:
    """Delete keys older than a week; returns how many."""
    return connection.execute(
        delete(idempotency_key).where(idempotency_key.c.created_at < now - KEPT_FOR)
    ).rowcount
