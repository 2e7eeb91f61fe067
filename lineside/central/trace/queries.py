"""Hand-written SQL of trace: recursive links, lines of many things at once.

A history takes three round trips: which thing; its genealogy with all lines; names and signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from lineside.central.kit.together import Statement

LINKS_MAX = 20_000
ThingKey = tuple[str, str, str, str]
"""Kind, item, id, issuer."""
Row = Any
"""A named tuple with the columns of its statement."""
Rows = Sequence[Row]

_CANDIDATES = text("""
    SELECT kind, item, id, issuer FROM thing
    WHERE id = :id AND kind = :kind
      AND (CAST(:item AS text) IS NULL OR item = :item)
      AND (CAST(:issuer AS text) IS NULL OR issuer = :issuer)
    ORDER BY item, issuer LIMIT 100
""")

_LINK_COLUMNS = """
    l.edge, l.epoch, l.seq, l.relation,
    l.product_kind, l.product_item, l.product_id, l.product_issuer,
    l.source_kind, l.source_item, l.source_id, l.source_issuer,
    l.quantity, l.unit, l.into_quantity, l.into_unit, l.certainty, l.valid_from, l.valid_until,
    l.removed_edge, l.removed_epoch, l.removed_seq, l.station, l.position, l.order_no, l.operation
"""


def _links_from(start: str, other: str, columns: str) -> str:
    """Links from one side to the other, until there are no more; a cycle ends by UNION."""
    return f"""
        WITH RECURSIVE link AS (
            SELECT {columns} FROM genealogy_link l
            WHERE l.{start}_id = %(id)s AND l.{start}_item = %(item)s
              AND l.{start}_issuer = %(issuer)s AND l.{start}_kind = %(kind)s AND NOT l.voided
            UNION
            SELECT {columns} FROM link p JOIN genealogy_link l
              ON l.{start}_id = p.{other}_id AND l.{start}_item = p.{other}_item
             AND l.{start}_issuer = p.{other}_issuer AND l.{start}_kind = p.{other}_kind
             AND NOT l.voided
        )
    """  # noqa: S608 - only our own column names


_ALL_LINKS = f"SELECT * FROM link LIMIT {LINKS_MAX + 1}"  # noqa: S608 - a number of our own
_BACKWARD = _links_from("product", "source", _LINK_COLUMNS) + _ALL_LINKS
_FORWARD = _links_from("source", "product", _LINK_COLUMNS) + _ALL_LINKS
_SOURCES = "l.source_kind, l.source_item, l.source_id, l.source_issuer"
_ALL_LINES = f"""
    SELECT l.* FROM (
        SELECT CAST(%(kind)s AS text) AS kind, CAST(%(item)s AS text) AS item,
               CAST(%(id)s AS text) AS id, CAST(%(issuer)s AS text) AS issuer
        UNION SELECT * FROM (SELECT * FROM link LIMIT {LINKS_MAX}) AS found
    ) AS wanted
    JOIN thing_line l ON l.id = wanted.id AND l.kind = wanted.kind AND l.item = wanted.item
     AND l.issuer = wanted.issuer
    ORDER BY l.occurred_at, l.edge, l.epoch, l.seq, l.n
"""  # noqa: S608 - a number of our own
_LINES = _links_from("product", "source", _SOURCES) + _ALL_LINES
_CARRIERS = """
    SELECT * FROM carrier_content
    WHERE content_id = %(id)s AND content_item = %(item)s AND content_issuer = %(issuer)s
      AND content_kind = %(kind)s AND NOT voided
    ORDER BY occurred_at, edge, epoch, seq
"""
_KNOWN = """
    SELECT w.edge, w.epoch, w.reported_head, w.durable_through,
           coalesce(r.seq, 0) AS seq, r.occurred_at, r.received_at, e.heard_at
    FROM lane_watermark w
    JOIN edge e ON e.id = w.edge
    LEFT JOIN reader_edge r ON r.reader = %(reader)s AND r.edge = w.edge AND r.epoch = w.epoch
    WHERE w.lane = 'facts' AND (w.closed_at IS NULL OR r.seq < w.durable_through)
    ORDER BY w.edge, w.epoch
"""
_ITEMS = "SELECT id, name, name_zh FROM item WHERE id = ANY(%(ids)s)"
_STATIONS = "SELECT id, line FROM station WHERE id = ANY(%(ids)s)"


def candidates(
    connection: Connection, *, kind: str, number: str, item: str | None, issuer: str | None
) -> list[ThingKey]:
    """Every thing of a kind that is known by a number."""
    rows = connection.execute(
        _CANDIDATES, {"id": number, "kind": kind, "item": item, "issuer": issuer}
    )
    return [(row.kind, row.item, row.id, row.issuer) for row in rows]


def genealogy(thing: ThingKey) -> list[Statement]:
    """Links back, links forward, lines of the thing and all its sources, stays in carriers."""
    kind, item, number, issuer = thing
    values = {"kind": kind, "item": item, "id": number, "issuer": issuer}
    return [(sql, values) for sql in (_BACKWARD, _FORWARD, _LINES, _CARRIERS)]


def known(reader: str) -> Statement:
    """How far a reader is with each edge, and how far each edge says to be."""
    return _KNOWN, {"reader": reader}


def item_names(items: Sequence[str]) -> Statement:
    """Names of items, in English and Chinese."""
    return _ITEMS, {"ids": sorted(set(items))}


def station_lines(stations: Sequence[str]) -> Statement:
    """The line of each station."""
    return _STATIONS, {"ids": sorted(set(stations))}
