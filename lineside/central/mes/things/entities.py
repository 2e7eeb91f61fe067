"""Tables of lots and holds."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base

LOT_STATES = ("released", "held", "blocked", "used_up")


class Lot(Base):
    """A lot, by item, number and issuer.

    Attributes:
        source: `central`, or the edge that created it.
    """

    __tablename__ = "lot"
    __table_args__ = (CheckConstraint(f"status IN {LOT_STATES}", name="status"),)

    item: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal | None]
    unit: Mapped[str]
    status: Mapped[str]
    source: Mapped[str]
    order_no: Mapped[str] = mapped_column(default="")
    created_at: Mapped[int]
    changed_at: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)


class HoldRecord(Base):
    """A hold of a thing."""

    __tablename__ = "hold"
    __table_args__ = (Index(None, "item", "thing_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    item: Mapped[str]
    thing_id: Mapped[str]
    issuer: Mapped[str]
    reason: Mapped[str]
    since: Mapped[int]
    held_by: Mapped[str]
    source: Mapped[str]
    released_at: Mapped[int | None]
    released_by: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=1)
