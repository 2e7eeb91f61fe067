"""Tables of the figures' projections; they own them wholly."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from lineside.central.db import metadata


def _event_columns() -> tuple[Column[object], ...]:
    return (
        Column("edge", Text, primary_key=True),
        Column("epoch", Text, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
    )


kpi_event = Table(
    "kpi_event",
    metadata,
    *_event_columns(),
    Column("station", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Index("ix_kpi_event_station_time", "station", "occurred_at"),
    Index("ix_kpi_event_kind", "station", "kind", "subject", "occurred_at"),
)
"""Facts of one event as `contracts.kpi` reads them, by station, kind and time."""

booking = Table(
    "booking",
    metadata,
    *_event_columns(),
    Column("booking", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("by", ARRAY(Text), nullable=False),
    Column("activity", Text, nullable=False),
    Column("rework", Boolean, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("completed", Numeric, nullable=False),
    Column("rejected", Numeric, nullable=False),
    Column("mrb", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("order_quantity", Numeric),
    Column("complete", Boolean, nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    Column("end_epoch", Text),
    Column("end_seq", BigInteger),
    Column("voided", Boolean, nullable=False),
    Index(None, "edge", "booking"),
    Index(None, "station", "started_at"),
    Index(None, "order_no"),
    Index(None, "started_at"),
)
"""One booking; its identity is that of the event that began it."""

station_signal = Table(
    "station_signal",
    metadata,
    *_event_columns(),
    Column("station", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("initial", Boolean, nullable=False),
    Index("ix_station_signal_role", "station", "role", "occurred_at"),
    Index("ix_station_signal_time", "station", "occurred_at"),
)
"""A discrete signal changed. Role `state` holds the machine's own word for its state."""

station_alarm = Table(
    "station_alarm",
    metadata,
    *_event_columns(),
    Column("station", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("alarm", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "station", "occurred_at"),
)
"""A machine raised an alarm."""
