"""Hand-written SQL of trace: recursive links, lines of many things at once.

A history takes three statements: which thing; its genealogy with all lines; names and signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lineside.central.kit.together import Statement

LINKS_MAX = 20_000
ThingKey = tuple[str, str, str, str]
"""Kind, item, id, issuer."""


class ThingRow(msgspec.Struct, gc=False, array_like=True):
    """A thing that is known by a number."""

    kind: str
    item: str
    id: str
    issuer: str


class LinkRow(msgspec.Struct, gc=False, array_like=True):
    """A row of `genealogy_link`."""

    edge: str
    epoch: str
    seq: int
    relation: str
    product_kind: str
    product_item: str
    product_id: str
    product_issuer: str
    source_kind: str
    source_item: str
    source_id: str
    source_issuer: str
    quantity: Decimal
    unit: str
    into_quantity: Decimal
    into_unit: str
    certainty: str
    valid_from: int
    valid_until: int | None
    removed_quantity: Decimal
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
_BACKWARD = _links_from("product", "source", "l.*") + _ALL_LINKS
_FORWARD = _links_from("source", "product", "l.*") + _ALL_LINKS
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


def candidates(*, kind: str, number: str, item: str | None, issuer: str | None) -> Statement:
    """Every thing of a kind that is known by a number."""
    return _CANDIDATES, {"id": number, "kind": kind, "item": item, "issuer": issuer}


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
