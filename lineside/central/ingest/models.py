"""The tables of ingest. Rows of `raw_event` are never changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from lineside.central.db import metadata

central_identity = Table(
    "central_identity",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("chance", Text, nullable=False),
    Column("minted_at", BigInteger, nullable=False),
    Column("server", Text, nullable=False, server_default=""),
    CheckConstraint("id = 1", name="one_row"),
)
"""Which life of this database it is; the counter grows with each restore from a backup, and when
another server has taken over: `server` names the one that minted it and its timeline."""

ingest_sequencer = Table(
    "ingest_sequencer",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""Last given position. Its row is locked from giving to commit: commit order is position order."""

edge = Table(
    "edge",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("enrolled_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("fingerprint", Text, nullable=False, server_default=""),
    Column("boot", Text, nullable=False, server_default=""),
    Column("epoch", Text, nullable=False, server_default=""),
    Column("software", Text, nullable=False, server_default=""),
    Column("cursor", BigInteger, nullable=False, server_default="0"),
    Column("desired_hash", Text, nullable=False, server_default=""),
    Column("heard_at", BigInteger),
    Column("clock_offset", BigInteger),
)
"""Edges that may send. `clock_offset` is central's time less the edge's at its last hello."""

edge_boot = Table(
    "edge_boot",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("boot", Text, primary_key=True),
    Column("first_sent_at", BigInteger, nullable=False),
    Column("last_sent_at", BigInteger, nullable=False),
    Column("fenced", Boolean, nullable=False, server_default="false"),
)
"""Runs of an edge's agent; one that comes back after another shows that two are running."""

lane_watermark = Table(
    "lane_watermark",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("durable_through", BigInteger, nullable=False),
    Column("head_hash", LargeBinary),
    Column("backed_up_through", BigInteger, nullable=False, server_default="0"),
    Column("reported_head", BigInteger, nullable=False, server_default="0"),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
)
"""How far each lane is stored. `head_hash` is null where the group before is not known."""

raw_event = Table(
    "raw_event",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("edge", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("schema", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("group_hash", LargeBinary),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("edge", "lane", "epoch", "seq", name="uq_raw_event_identity"),
    Index("ix_raw_event_gap_found", "edge", postgresql_where="type = 'gap_found'"),
)
"""Every fact as the edge stored it. `group_hash` stands at the last event of each commit group."""

event_gap = Table(
    "event_gap",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("declared_at", BigInteger, nullable=False),
)
"""Holes that nobody can fill, to be shown to people."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("edge", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("ix_quarantine_open", "position", postgresql_where="settled_at IS NULL"),
)
"""Stored and acknowledged events that this program could not read."""

ingest_refusal = Table(
    "ingest_refusal",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)
"""What was refused at the door, counted by sender and reason."""

edge_lease = Table(
    "edge_lease",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Which ingest process answers an edge, so that a second one does no work twice."""

edge_live = Table(
    "edge_live",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("sent_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("stations", JSONB, nullable=False),
)
"""Newest state of each edge's stations, ahead of its facts: shown as provisional, never counted."""

backup_run = Table(
    "backup_run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("problem", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('own', 'outside')", name="kind"),
)
"""Backups that were tried, each restored and verified before edges hear of it; or why not."""
