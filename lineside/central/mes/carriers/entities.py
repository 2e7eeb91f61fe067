"""Tables of carriers: their types, and every putting-in and taking-out."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Column, Index, Numeric, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base, metadata


class CarrierTypeRow(Base):
    """What may travel in the carriers whose number has a form; every edge has all types."""

    __tablename__ = "carrier_type"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    name_zh: Mapped[str] = mapped_column(default="")
    pattern: Mapped[str] = mapped_column(default="")
    capacity: Mapped[Decimal | None]
    item_mix: Mapped[bool] = mapped_column(default=False)
    order_mix: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=1)


carrier_move = Table(
    "carrier_move",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("carrier_item", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("content_kind", Text, nullable=False),
    Column("content_item", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("content_issuer", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("voided", Boolean, nullable=False, server_default="false"),
    Index(None, "carrier", "occurred_at"),
)
"""Something was put into a carrier (`in`) or taken out of it (`out`); rebuildable."""
