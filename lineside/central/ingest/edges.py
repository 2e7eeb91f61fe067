"""Which edges may send."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.ingest import models
from lineside.contracts import topics
from lineside.contracts.clock import Microseconds
from lineside.contracts.errors import LinesideError


class EdgeIdError(LinesideError):
    """An edge id that cannot stand in a topic and in a certificate."""

    code = "edge.id"
    status = 422

    def __init__(self, edge: str) -> None:
        super().__init__(
            f"{edge[:80]!r} is no edge id.",
            hint="Use letters, digits, '-', '_' and '.', at most 63, a letter or digit first.",
        )


@dataclass(frozen=True, slots=True)
class EdgeState:
    """An edge as people see it.

    Attributes:
        durable_through: Last fact of its present journal that is stored.
        reported_head: Last fact that it says to have.
        clock_offset: Central's time less the edge's, microseconds; None before its first hello.
    """

    id: str
    name: str
    enrolled_at: Microseconds
    revoked_at: Microseconds | None
    heard_at: Microseconds | None
    software: str
    epoch: str
    durable_through: int
    reported_head: int
    backed_up_through: int
    cursor: int
    clock_offset: Microseconds | None


def enrol(
    connection: Connection,
    edge: str,
    *,
    now: Microseconds,
    name: str = "",
    fingerprint: str = "",
) -> None:
    """Let an edge in, or in again: a revocation and a fence are lifted, what it sent stays.

    Raises:
        EdgeIdError: The id cannot be used.
    """
    if topics.EDGE_ID.fullmatch(edge) is None:
        raise EdgeIdError(edge)
    values = {"name": name, "fingerprint": fingerprint, "revoked_at": None}
    connection.execute(
        upsert(models.edge)
        .values(id=edge, enrolled_at=now, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
    connection.execute(delete(models.edge_boot).where(models.edge_boot.c.edge == edge))


def certify(connection: Connection, edge: str, *, fingerprint: str) -> None:
    """An edge has a new certificate, so it may send; a revocation is lifted, what it sent stays."""
    connection.execute(
        update(models.edge)
        .where(models.edge.c.id == edge)
        .values(fingerprint=fingerprint, revoked_at=None)
    )


def revoke(connection: Connection, edge: str, *, now: Microseconds) -> bool:
    """Take nothing more from an edge; what it sent stays.

    Returns:
        False when there is no such edge.
    """
    found = connection.execute(
        update(models.edge)
        .where(models.edge.c.id == edge)
        .values(revoked_at=now)
        .returning(models.edge.c.id)
    ).all()
    return bool(found)


def list_edges(connection: Connection) -> list[EdgeState]:
    """All edges by id."""
    table, lane = models.edge, models.lane_watermark
    rows = connection.execute(
        select(
            table.c.id,
            table.c.name,
            table.c.enrolled_at,
            table.c.revoked_at,
            table.c.heard_at,
            table.c.software,
            table.c.epoch,
            lane.c.durable_through,
            lane.c.reported_head,
            lane.c.backed_up_through,
            table.c.cursor,
            table.c.clock_offset,
        )
        .outerjoin(
            lane,
            (lane.c.edge == table.c.id)
            & (lane.c.lane == "facts")
            & (lane.c.epoch == table.c.epoch),
        )
        .order_by(table.c.id)
    )
    return [EdgeState(*row[:7], *(value or 0 for value in row[7:10]), *row[10:]) for row in rows]
