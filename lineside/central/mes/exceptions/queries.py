"""The list of exceptions, as it is now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, text

from lineside.contracts.clock import Microseconds

LIST_MAX = 500
WAIT = 24 * 3_600 * 1_000_000
"""So long an order that is not here may still come, microseconds."""

_FOUND = """
    WITH found AS (
        SELECT 'unknown_order' AS kind, u.order_no AS entity, u.edge, u.station, u.seq,
               u.first_at AS occurred_at, u.seen_at + :wait AS due_at,
               '' AS used, '' AS expected
        FROM exception_use u LEFT JOIN work_order w ON w.id = u.order_no WHERE w.id IS NULL
        UNION ALL
        SELECT 'superseded_revision', u.order_no, u.edge, u.station, u.seq, u.first_at, u.seen_at,
               u.routing, w.routing_revision
        FROM exception_use u JOIN work_order w ON w.id = u.order_no
        WHERE u.routing <> '' AND w.routing_revision <> '' AND u.routing <> w.routing_revision
        UNION ALL
        SELECT 'ended_order', u.order_no, u.edge, u.station, u.seq, u.last_at, u.seen_at, '',
               w.state
        FROM exception_use u JOIN work_order w ON w.id = u.order_no
        WHERE w.closed_at IS NOT NULL AND u.last_at > w.closed_at
        UNION ALL
        SELECT 'two_stations', f.item || ' ' || f.unit || ' ' || f.operation, f.edge, f.station,
               f.seq, f.occurred_at, f.seen_at, '', ''
        FROM exception_finish f WHERE f.clash
    ), listed AS (
        SELECT DISTINCT ON (f.kind, f.entity, f.edge) f.*, c.by, c.reason, c.closed_at
        FROM found f
        LEFT JOIN exception_closed c
            ON c.kind = f.kind AND c.entity = f.entity AND c.edge = f.edge
        ORDER BY f.kind, f.entity, f.edge, f.occurred_at
    ), judged AS (
        SELECT *, CASE WHEN closed_at IS NOT NULL THEN 'closed' WHEN due_at > :now THEN 'waiting'
                  ELSE 'open' END AS state
        FROM listed
    )
    SELECT * FROM judged
"""
_LIST = text(
    _FOUND + " WHERE state = ANY(:states) ORDER BY occurred_at DESC, kind, entity, edge LIMIT :most"
)
_ONE = text(_FOUND + " WHERE kind = :kind AND entity = :entity AND edge = :edge")


def exceptions(
    connection: Connection, *, states: Sequence[str], now: Microseconds
) -> Sequence[RowMapping]:
    """Those in some states, the newest first, at most `LIST_MAX` and one that shows there are more.

    Args:
        connection: The database.
        states: Of `waiting`, `open`, `closed`.
        now: Decides what waits, microseconds UTC.
    """
    given = {"states": list(states), "now": now, "wait": WAIT, "most": LIST_MAX + 1}
    return connection.execute(_LIST, given).mappings().all()


def one(
    connection: Connection, kind: str, entity: str, edge: str, now: Microseconds
) -> RowMapping | None:
    """One exception; None: there is none (any more)."""
    given = {"kind": kind, "entity": entity, "edge": edge, "now": now, "wait": WAIT}
    return connection.execute(_ONE, given).mappings().first()
