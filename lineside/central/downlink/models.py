"""The tables of the downlink."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from lineside.central.db import metadata

desired_head = Table(
    "desired_head",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False, server_default="0"),
    Column("content_hash", Text, nullable=False, server_default=""),
)
"""Last position of each edge. Below `floor` deletions are forgotten; an empty hash is stale."""

desired_object = Table(
    "desired_object",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("body", LargeBinary),
    Column("changed_at", BigInteger, nullable=False),
    Column("applied_revision", BigInteger, nullable=False, server_default="0"),
    Column("applied_at", BigInteger),
    Column("refused", Text, nullable=False, server_default=""),
    Index("ix_desired_object_position", "edge", "position"),
)
"""Documents by edge; a body of null says that the document is gone."""
