"""Hand-written SQL of trace: recursive links, lines of many things at once.

A history takes two statements: which thing, its genealogy and all lines; names and signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lineside.central.kit.together import Statement

LINKS_MAX = 20_000
AMOUNTS = frozenset({"quantity", "into_quantity", "removed_quantity"})
ThingKey = tuple[str, str, str, str]
"""Kind, item, id, issuer."""


class ThingRow(msgspec.Struct, gc=False, array_like=True):
    """A thing that is known by a number."""

    kind: str
    item: str
    id: str
    issuer: str


class LinkRow(msgspec.Struct, gc=False, array_like=True):
    """A row of `genealogy_link`; amounts are written by PostgreSQL, without trailing zeros."""

    edge: str
    epoch: str
    seq: int
    relation: str
    product: ThingKey
    source: ThingKey
    quantity: str
    unit: str
    into_quantity: str
    into_unit: str
    certainty: str
    valid_from: int
    valid_until: int | None
    removed_quantity: str
    removed_edge: str | None
    removed_epoch: str | None
    removed_seq: int | None
    station: str
    position: str
    order_no: str
    operation: str


class LineRow(msgspec.Struct, array_like=True):
    """A row of `thing_line`."""

    edge: str
    epoch: str
    seq: int
    kind: str
    item: str
    id: str
    issuer: str
    type: str
    occurred_at: int
    occurred_until: int | None
    recorded_at: int
    received_at: int
    time_source: str
    source: str
    station: str
    position: str
    by: list[str]
    order_no: str
    operation: str
    detail: dict[str, Any]
    flags: list[str]
    reason: str
    voided: bool
    replaced: bool


class CarrierRow(msgspec.Struct, gc=False, array_like=True):
    """A row of `carrier_content`."""

    edge: str
    epoch: str
    seq: int
    direction: str
    carrier_item: str
    carrier_id: str
    quantity: Decimal
    occurred_at: int
    station: str


class KnownRow(msgspec.Struct, gc=False, array_like=True):
    """How far the reader is with a journal of an edge."""

    edge: str
    epoch: str
    reported_head: int
    durable_through: int
    seq: int
    occurred_at: int | None
    received_at: int | None
    heard_at: int | None


class NameRow(msgspec.Struct, gc=False, array_like=True):
    """Names of an item."""

    id: str
    name: str | None
    name_zh: str | None


class StepNameRow(msgspec.Struct, gc=False, array_like=True):
    """Names of an operation of an order."""

    id: str
    operation: str
    name: str | None
    name_zh: str | None


class StationRow(msgspec.Struct, gc=False, array_like=True):
    """The line of a station."""

    id: str
    line: str


class SignalRow(msgspec.Struct, gc=False, array_like=True):
    """A value of a signal in the n-th stretch."""

    n: int
    role: str
    value: str
    occurred_at: int


class AlarmRow(msgspec.Struct, gc=False, array_like=True):
    """An alarm in the n-th stretch."""

    n: int
    occurred_at: int
    alarm: str
    severity: str
    condition: str
    text: str
    edge: str
    epoch: str
    seq: int


_CANDIDATES = """
    SELECT kind, item, id, issuer FROM thing
    WHERE id = %(id)s AND kind = %(kind)s
      AND (CAST(%(item)s AS text) IS NULL OR item = %(item)s)
      AND (CAST(%(issuer)s AS text) IS NULL OR issuer = %(issuer)s)
    ORDER BY item, issuer LIMIT 100
"""


def _links(name: str, start: str, other: str) -> str:
    """Links of the one thing, side to side until there are no more; a cycle ends by UNION."""
    return f"""
        {name} AS (
            SELECT l.* FROM one JOIN genealogy_link l
              ON l.{start}_id = one.id AND l.{start}_item = one.item
             AND l.{start}_issuer = one.issuer AND l.{start}_kind = one.kind AND NOT l.voided
            UNION
            SELECT l.* FROM {name} p JOIN genealogy_link l
              ON l.{start}_id = p.{other}_id AND l.{start}_item = p.{other}_item
             AND l.{start}_issuer = p.{other}_issuer AND l.{start}_kind = p.{other}_kind
             AND NOT l.voided
        )
    """  # noqa: S608 - only our own names


# Behind names, so that PostgreSQL plans it once and not for each number (a third of the time).
_WHOLE = f"""
    RECURSIVE found AS MATERIALIZED ({_CANDIDATES}),
    one AS (SELECT * FROM found WHERE (SELECT count(*) FROM found) = 1),
    {_links("back", "product", "source")},
    {_links("forward", "source", "product")}
"""  # noqa: S608 - only our own names
_FOUND = "SELECT * FROM found"


def _link_column(name: str) -> str:
    if name in {"product", "source"}:
        parts = ", ".join(f"{name}_{part}" for part in ("kind", "item", "id", "issuer"))
        return f"json_build_array({parts}) AS {name}"
    return f"trim_scale({name})::text AS {name}" if name in AMOUNTS else name


_LINK_COLUMNS = ", ".join(_link_column(name) for name in LinkRow.__struct_fields__)
_BACKWARD = f"SELECT {_LINK_COLUMNS} FROM back LIMIT {LINKS_MAX + 1}"  # noqa: S608 - our own
_FORWARD = f"SELECT {_LINK_COLUMNS} FROM forward LIMIT {LINKS_MAX + 1}"  # noqa: S608 - our own
_LINES = f"""
    SELECT l.* FROM (
        SELECT kind, item, id, issuer FROM one
        UNION SELECT * FROM (
            SELECT source_kind, source_item, source_id, source_issuer FROM back LIMIT {LINKS_MAX}
        ) AS source
    ) AS wanted
    JOIN thing_line l ON l.id = wanted.id AND l.kind = wanted.kind AND l.item = wanted.item
     AND l.issuer = wanted.issuer
    ORDER BY l.occurred_at, l.edge, l.epoch, l.seq, l.n
"""  # noqa: S608 - a number of our own
_CARRIERS = """
    SELECT c.* FROM one JOIN carrier_content c
      ON c.content_id = one.id AND c.content_item = one.item AND c.content_issuer = one.issuer
     AND c.content_kind = one.kind AND NOT c.voided
    ORDER BY c.occurred_at, c.edge, c.epoch, c.seq
"""
_KNOWN = """
    SELECT w.edge, w.epoch, w.durable_through,
           greatest(w.reported_head, l.head_seq) AS reported_head,
           coalesce(r.seq, 0) AS seq, r.occurred_at, r.received_at, e.heard_at
    FROM lane_watermark w
    JOIN edge e ON e.id = w.edge
    LEFT JOIN edge_live l ON l.edge = w.edge AND e.epoch = w.epoch
    LEFT JOIN reader_edge r ON r.reader = %(reader)s AND r.edge = w.edge AND r.epoch = w.epoch
    WHERE w.lane = 'facts' AND (w.closed_at IS NULL OR r.seq < w.durable_through)
    ORDER BY w.edge, w.epoch
"""
_ITEMS = "SELECT id, name, name_zh FROM item WHERE id = ANY(%(ids)s)"
_STATIONS = "SELECT id, line FROM station WHERE id = ANY(%(ids)s)"


def whole(
    *, kind: str, number: str, item: str | None, issuer: str | None
) -> tuple[Statement, list[Statement]]:
    """The things that are known by a number and, where it is one, all that is known of it.

    Returns:
        Tables that the reads share, and the reads: `ThingRow`, links back and links forward
        (`LinkRow`), lines of the thing and all its sources (`LineRow`), stays in carriers.
    """
    values = {"id": number, "kind": kind, "item": item, "issuer": issuer}
    reads = (_FOUND, _BACKWARD, _FORWARD, _LINES, _CARRIERS)
    return (_WHOLE, values), [(sql, {}) for sql in reads]


def known(reader: str) -> Statement:
    """How far a reader is with each edge, and how far each edge says to be."""
    return _KNOWN, {"reader": reader}


def item_names(items: Sequence[str]) -> Statement:
    """Names of items, in English and Chinese."""
    return _ITEMS, {"ids": sorted(set(items))}


def station_lines(stations: Sequence[str]) -> Statement:
    """The line of each station."""
    return _STATIONS, {"ids": sorted(set(stations))}
