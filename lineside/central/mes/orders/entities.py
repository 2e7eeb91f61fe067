"""Tables of orders: the order itself, and what its projection keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base, metadata

STATES = ("created", "released", "held", "cancelled", "finished")


class Order(Base):
    """A work order.

    Attributes:
        steps: After the release: `StepRecord` documents, in routing order.
        moves: Every move of an operation, in order of time.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "state", "priority", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    routing: Mapped[str] = mapped_column(ForeignKey("routing.id"))
    routing_revision: Mapped[str] = mapped_column(default="")
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    state: Mapped[str]
    priority: Mapped[int]
    due_at: Mapped[int | None]
    serial_tracked: Mapped[bool]
    steps: Mapped[list[Any]]
    moves: Mapped[list[Any]]
    hold_reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[int]
    released_at: Mapped[int | None]
    closed_at: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=1)


class ComponentNeeded(Base):
    """An open order needs an item at an edge; says where passports of that item go."""

    __tablename__ = "component_needed"

    item: Mapped[str] = mapped_column(primary_key=True)
    edge: Mapped[str] = mapped_column(primary_key=True)
    order_no: Mapped[str] = mapped_column(ForeignKey("work_order.id"), primary_key=True)


def _event_columns() -> tuple[Column[object], ...]:
    return (
        Column("edge", Text, primary_key=True),
        Column("epoch", Text, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
    )


order_quantity = Table(
    "order_quantity",
    metadata,
    *_event_columns(),
    Column("n", Integer, primary_key=True),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index(None, "order_no", "operation"),
    Index(None, "station", "occurred_at"),
)
"""One amount that one event reported for one order operation."""

unit_step = Table(
    "unit_step",
    metadata,
    *_event_columns(),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("last_operation", Boolean, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index(None, "item", "unit", "issuer"),
    Index(None, "order_no", "operation"),
    Index(None, "station", "occurred_at"),
)
"""One thing that happened to a unit: started, finished, disposed, fitted, removed."""

applied_document = Table(
    "applied_document",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("refused", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Index(None, "kind", "id"),
)
"""The newest answer of an edge to a document."""
