"""versions of edge configurations, their sendings, what edges told of them.

Revision ID: 20261124_10_edge_configuration
Revises: 20261124_9_gap_found
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_10_edge_configuration"
down_revision = "20261124_9_gap_found"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edge_configuration",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edge", "version", name=op.f("pk_edge_configuration")),
    )
    op.create_table(
        "edge_configuration_sending",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("trial_s", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edge", "version", name=op.f("pk_edge_configuration_sending")),
    )
    op.create_index(
        op.f("ix_edge_configuration_sending_edge_revision"),
        "edge_configuration_sending",
        ["edge", "revision"],
    )
    op.create_table(
        "edge_configuration_told",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("content_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("back_to", sa.Text(), server_default="", nullable=False),
        sa.Column("stage", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("devices", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("stations", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "what IN ('taken', 'refused', 'applied', 'reverted')",
            name=op.f("ck_edge_configuration_told_what"),
        ),
        sa.PrimaryKeyConstraint("edge", "epoch", "seq", name=op.f("pk_edge_configuration_told")),
    )
    op.create_index(
        op.f("ix_edge_configuration_told_edge_position"),
        "edge_configuration_told",
        ["edge", "position"],
    )


def downgrade() -> None:
    op.drop_table("edge_configuration_told")
    op.drop_table("edge_configuration_sending")
    op.drop_table("edge_configuration")
