"""Tables of the trace projection; it owns them wholly."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from lineside.central.db import metadata


def _event_columns() -> tuple[Column[object], ...]:
    return (
        Column("edge", Text, primary_key=True),
        Column("epoch", Text, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
    )


thing = Table(
    "thing",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("issuer", Text, primary_key=True),
)
"""Every thing that an event named; finds the candidates of a number."""

thing_line = Table(
    "thing_line",
    metadata,
    *_event_columns(),
    Column("n", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("occurred_until", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("time_source", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("position", Text, nullable=False),
    Column("by", ARRAY(Text), nullable=False),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Column("replaced", Boolean, nullable=False, server_default="false"),
    Index("ix_thing_line_thing", "id", "kind", "item", "issuer", "occurred_at"),
    Index("ix_thing_line_station", "station", "occurred_at"),
    Index("ix_thing_line_order", "order_no", "operation"),
)
"""One event in the history of one thing."""

genealogy_link = Table(
    "genealogy_link",
    metadata,
    *_event_columns(),
    Column("relation", Text, nullable=False),
    Column("product_kind", Text, nullable=False),
    Column("product_item", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("product_issuer", Text, nullable=False),
    Column("source_kind", Text, nullable=False),
    Column("source_item", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("source_issuer", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("into_quantity", Numeric, nullable=False),
    Column("into_unit", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    Column("removed_edge", Text),
    Column("removed_epoch", Text),
    Column("removed_seq", BigInteger),
    Column("removed_quantity", Numeric, nullable=False, server_default="0"),
    Column("station", Text, nullable=False),
    Column("position", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index("ix_genealogy_link_product", "product_id", "product_item", "product_issuer"),
    Index("ix_genealogy_link_source", "source_id", "source_item", "source_issuer"),
)
"""Source went into product. Relations: consumed, fitted, split, merged, serialised.

`quantity` is what went in, `removed_quantity` what of it came out again; the end names the removal
after which nothing was left.
"""

component_removal = Table(
    "component_removal",
    metadata,
    *_event_columns(),
    Column("product_item", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("source_item", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("source_issuer", Text, nullable=False, server_default=""),
    Column("quantity", Numeric),
    Column("occurred_at", BigInteger, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index(None, "product_id", "source_id"),
)
"""Removals, kept beside the links because another edge's fitting may arrive after its removal.

No quantity: all of it.
"""

carrier_content = Table(
    "carrier_content",
    metadata,
    *_event_columns(),
    Column("direction", Text, nullable=False),
    Column("content_kind", Text, nullable=False),
    Column("content_item", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("content_issuer", Text, nullable=False),
    Column("carrier_item", Text, nullable=False),
    Column("carrier_id", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("station", Text, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index(None, "content_id", "content_item"),
    Index(None, "carrier_id", "occurred_at"),
)
"""Something was put into a carrier or taken out of it."""
