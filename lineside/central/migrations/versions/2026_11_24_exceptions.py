"""exceptions, and the server that minted an incarnation.

Revision ID: 20261124_11_exceptions
Revises: 20261124_10_edge_configuration
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124_11_exceptions"
down_revision = "20261124_10_edge_configuration"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "central_identity", sa.Column("server", sa.Text(), server_default="", nullable=False)
    )
    op.create_table(
        "exception_use",
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("routing", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_no", "edge", "routing", name=op.f("pk_exception_use")),
    )
    op.create_table(
        "exception_finish",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("clash", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("edge", "epoch", "seq", name=op.f("pk_exception_finish")),
    )
    op.create_index(
        "ix_exception_finish_piece",
        "exception_finish",
        ["unit", "item", "operation", "attempt"],
        unique=False,
    )
    op.create_index(
        "ix_exception_finish_clash",
        "exception_finish",
        ["occurred_at"],
        unique=False,
        postgresql_where="clash",
    )
    op.create_table(
        "exception_closed",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity", "edge", name=op.f("pk_exception_closed")),
    )


def downgrade() -> None:
    op.drop_table("exception_closed")
    op.drop_index("ix_exception_finish_clash", table_name="exception_finish")
    op.drop_index("ix_exception_finish_piece", table_name="exception_finish")
    op.drop_table("exception_finish")
    op.drop_table("exception_use")
    op.drop_column("central_identity", "server")
