"""Tables of exceptions: what was used and finished where, and what people said of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base, metadata

exception_use = Table(
    "exception_use",
    metadata,
    Column("order_no", Text, primary_key=True),
    Column("edge", Text, primary_key=True),
    Column("routing", Text, primary_key=True),
    Column("station", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
"""Which edge worked on which order by which revision: the first such fact, and its last time."""

exception_finish = Table(
    "exception_finish",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("item", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("station", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("clash", Boolean, nullable=False),
    Index("ix_exception_finish_piece", "unit", "item", "operation", "attempt"),
    Index("ix_exception_finish_clash", "occurred_at", postgresql_where="clash"),
)
"""Finished operations of pieces; `clash`: another station finished the same one."""


class ExceptionClosed(Base):
    """A person has looked at an exception. Rows are added, never changed.

    Attributes:
        kind, entity, edge: Which one.
        by: Who closed it: an opaque person, or the account.
    """

    __tablename__ = "exception_closed"

    kind: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    edge: Mapped[str] = mapped_column(primary_key=True)
    by: Mapped[str]
    reason: Mapped[str]
    closed_at: Mapped[int]
