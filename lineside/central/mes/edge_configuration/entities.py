"""Tables of configurations: versions, sendings, and what edges told of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base, metadata

TOLD = ("taken", "refused", "applied", "reverted")


class ConfigurationVersion(Base):
    """A text for one edge. Rows are added, never changed.

    Attributes:
        version: From 1 for each edge, without gaps.
        content_hash: SHA-256 of the text in UTF-8, hexadecimal.
        source: Where its text is from: empty, or `edge version` that was copied or sent again.
    """

    __tablename__ = "edge_configuration"

    edge: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[str]
    text: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    author: Mapped[str]
    created_at: Mapped[int]


class ConfigurationSending(Base):
    """A version was sent, each once. Rows are added, never changed.

    Attributes:
        revision: Of the desired-state document that carries it; the edge answers with it.
        trial_s: How long the edge tries it before it keeps it, seconds.
    """

    __tablename__ = "edge_configuration_sending"
    __table_args__ = (Index("ix_edge_configuration_sending_edge_revision", "edge", "revision"),)

    edge: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]
    trial_s: Mapped[int]
    sent_by: Mapped[str]
    sent_at: Mapped[int]


configuration_told = Table(
    "edge_configuration_told",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("content_hash", Text, nullable=False, server_default=""),
    Column("origin", Text, nullable=False, server_default=""),
    Column("back_to", Text, nullable=False, server_default=""),
    Column("stage", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("devices", ARRAY(Text), nullable=False, server_default="{}"),
    Column("stations", ARRAY(Text), nullable=False, server_default="{}"),
    Column("at", BigInteger, nullable=False),
    CheckConstraint(f"what IN {TOLD}", name="what"),
    Index("ix_edge_configuration_told_edge_position", "edge", "position"),
)
"""What edges told of their configuration, in order of `position`; rebuildable.

`version` is 0 where the fact names none. `back_to` is the content hash that runs again.
"""
