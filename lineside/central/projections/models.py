"""Where each reader is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from lineside.central.db import metadata

reader_cursor = Table(
    "reader_cursor",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)
"""Everything up to `position` has been read."""

reader_edge = Table(
    "reader_edge",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("edge", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
"""The last event of each edge that a reader has read: what its answers name as known."""

reader_problem = Table(
    "reader_problem",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("edge", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)
"""Events that a reader could not take in; it went on with the others."""
