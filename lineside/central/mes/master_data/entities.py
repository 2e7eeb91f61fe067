"""Tables of master data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base
from lineside.central.ingest.models import edge


class Item(Base):
    """What something is: product, component, material."""

    __tablename__ = "item"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_zh: Mapped[str] = mapped_column(default="")
    unit: Mapped[str] = mapped_column(default="pcs")
    gtin: Mapped[str] = mapped_column(default="")
    serial_pattern: Mapped[str] = mapped_column(default="")
    tracking: Mapped[str] = mapped_column(default="none")
    revision: Mapped[int] = mapped_column(default=1)


class Routing(Base):
    """Operations of an item in order; `operations` holds `OperationIn` documents."""

    __tablename__ = "routing"

    id: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    name: Mapped[str] = mapped_column(default="")
    operations: Mapped[list[Any]]
    revision: Mapped[int] = mapped_column(default=1)


class BillOfMaterial(Base):
    """What an item is made of; `lines` holds `BomLineIn` documents."""

    __tablename__ = "bom"

    id: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("item.id"), unique=True)
    lines: Mapped[list[Any]]
    revision: Mapped[int] = mapped_column(default=1)


class Edge(Base):
    """An edge agent of the plant, by the id of its certificate; ingest keeps the row."""

    __table__ = edge

    id: Mapped[str]
    name: Mapped[str]
    enrolled_at: Mapped[int]
    revoked_at: Mapped[int | None]
    heard_at: Mapped[int | None]
    software: Mapped[str]
    epoch: Mapped[str]
    cursor: Mapped[int]


class Station(Base):
    """Where work is done: a machine, a bench. For ISO 22400 it is the work unit.

    Attributes:
        counts_from: `unit`, `counter`, `declaration` (or `booking`, the same); empty: whatever it
            reports.
        pacing: Its OEE is the line's.
    """

    __tablename__ = "station"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    name_zh: Mapped[str] = mapped_column(default="")
    edge: Mapped[str] = mapped_column(ForeignKey("edge.id"), index=True)
    line: Mapped[str] = mapped_column(default="")
    counts_from: Mapped[str] = mapped_column(default="")
    parallel: Mapped[bool] = mapped_column(default=False)
    pacing: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=1)


class SiteCalendar(Base):
    """Shifts and planned stops; `shifts` and `planned_stops` hold the documents of the API."""

    __tablename__ = "calendar"

    id: Mapped[str] = mapped_column(primary_key=True)
    time_zone: Mapped[str]
    shifts: Mapped[list[Any]]
    planned_stops: Mapped[list[Any]]
    micro_stop_threshold_s: Mapped[Decimal]
    micro_stop_policy: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)


class Reason(Base):
    """A stop reason or defect code."""

    __tablename__ = "reason"
    __table_args__ = (CheckConstraint("kind IN ('stop', 'defect')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    zh: Mapped[str]
    en: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=1)
