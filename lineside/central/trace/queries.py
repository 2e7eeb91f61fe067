"""Hand-written SQL of trace: recursive links, lines of many things at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

LINKS_MAX = 20_000
ThingKey = tuple[str, str, str, str]
"""Kind, item, id, issuer."""
Found = Sequence[Row[Any]]

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


def _recursive(start: str, other: str) -> str:
    """Links from one side to the other, until there are no more; a cycle ends by UNION."""
    return f"""
        WITH RECURSIVE link AS (
            SELECT {_LINK_COLUMNS} FROM genealogy_link l
            WHERE l.{start}_id = :id AND l.{start}_item = :item AND l.{start}_issuer = :issuer
              AND l.{start}_kind = :kind AND NOT l.voided
            UNION
            SELECT {_LINK_COLUMNS} FROM link p JOIN genealogy_link l
              ON l.{start}_id = p.{other}_id AND l.{start}_item = p.{other}_item
             AND l.{start}_issuer = p.{other}_issuer AND l.{start}_kind = p.{other}_kind
             AND NOT l.voided
        )
        SELECT * FROM link LIMIT {LINKS_MAX + 1}
    """  # noqa: S608 - only our own column names


_BACKWARD = text(_recursive("product", "source"))
_FORWARD = text(_recursive("source", "product"))

_LINES = text("""
    SELECT l.* FROM unnest(
        CAST(:kinds AS text[]), CAST(:items AS text[]), CAST(:ids AS text[]),
        CAST(:issuers AS text[])
    ) AS wanted (kind, item, id, issuer)
    JOIN thing_line l ON l.id = wanted.id AND l.kind = wanted.kind AND l.item = wanted.item
     AND l.issuer = wanted.issuer
    ORDER BY l.occurred_at, l.edge, l.epoch, l.seq, l.n
""")

_CARRIERS = text("""
    SELECT * FROM carrier_content
    WHERE content_id = :id AND content_item = :item AND content_issuer = :issuer
      AND content_kind = :kind AND NOT voided
    ORDER BY occurred_at, edge, epoch, seq
""")

_KNOWN = text("""
    SELECT w.edge, w.epoch, w.reported_head, w.durable_through,
           coalesce(r.seq, 0) AS seq, r.occurred_at, r.received_at, e.heard_at
    FROM lane_watermark w
    JOIN edge e ON e.id = w.edge
    LEFT JOIN reader_edge r ON r.reader = :reader AND r.edge = w.edge AND r.epoch = w.epoch
    WHERE w.lane = 'facts' AND (w.closed_at IS NULL OR r.seq < w.durable_through)
    ORDER BY w.edge, w.epoch
""")

_ITEMS = text("SELECT id, name, name_zh FROM item WHERE id = ANY(:ids)")
_STATIONS = text("SELECT id, line FROM station WHERE id = ANY(:ids)")


def candidates(
    connection: Connection, *, kind: str, number: str, item: str | None, issuer: str | None
) -> list[ThingKey]:
    """Every thing of a kind that is known by a number."""
    rows = connection.execute(
        _CANDIDATES, {"id": number, "kind": kind, "item": item, "issuer": issuer}
    )
    return [(row.kind, row.item, row.id, row.issuer) for row in rows]


def links(connection: Connection, thing: ThingKey, *, backward: bool) -> Found:
    """All links from a thing back to its sources, or forward to its products."""
    kind, item, number, issuer = thing
    return connection.execute(
        _BACKWARD if backward else _FORWARD,
        {"kind": kind, "item": item, "id": number, "issuer": issuer},
    ).all()


def lines(connection: Connection, things: Sequence[ThingKey]) -> Found:
    """History lines of many things, in order of time."""
    columns = list(zip(*things, strict=True)) if things else [(), (), (), ()]
    names = ("kinds", "items", "ids", "issuers")
    return connection.execute(
        _LINES, {name: list(column) for name, column in zip(names, columns, strict=True)}
    ).all()


def carriers(connection: Connection, thing: ThingKey) -> Found:
    """Stays of a thing in carriers."""
    kind, item, number, issuer = thing
    return connection.execute(
        _CARRIERS, {"kind": kind, "item": item, "id": number, "issuer": issuer}
    ).all()


def known(connection: Connection, reader: str) -> Found:
    """How far a reader is with each edge, and how far each edge says to be."""
    return connection.execute(_KNOWN, {"reader": reader}).all()


def item_names(connection: Connection, items: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Names of items, in English and Chinese."""
    rows = connection.execute(_ITEMS, {"ids": sorted(set(items))})
    return {row.id: (row.name, row.name_zh) for row in rows}


def station_lines(connection: Connection, stations: Sequence[str]) -> dict[str, str]:
    """The line of each station."""
    rows = connection.execute(_STATIONS, {"ids": sorted(set(stations))})
    return {row.id: row.line for row in rows}
