"""number series, carriers, quantities of removals.

Revision ID: 20261124_5_numbers_and_carriers
Revises: 20261124_4_figures_and_trace
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_5_numbers_and_carriers"
down_revision = "20261124_4_figures_and_trace"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_series",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=False),
        sa.Column("edges", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('serial', 'lot', 'sscc')", name=op.f("ck_number_series_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint(
            "kind", "item", "prefix", name=op.f("uq_number_series_kind_item_prefix")
        ),
    )
    op.add_column("number_block", sa.Column("after", sa.BigInteger()))
    op.add_column("number_block", sa.Column("epoch", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "number_block", sa.Column("low", sa.BigInteger(), server_default="0", nullable=False)
    )
    for name in ("used_through", "used_at", "withdrawn_at"):
        op.add_column("number_block", sa.Column(name, sa.BigInteger()))
    op.execute("""
        UPDATE number_block AS block SET after = chain.before FROM (
            SELECT id, lag(last) OVER (PARTITION BY kind, item, prefix ORDER BY first) AS before
            FROM number_block
        ) AS chain WHERE chain.id = block.id
    """)
    op.create_check_constraint(
        op.f("ck_number_block_order"),
        "number_block",
        "first <= last AND (after IS NULL OR after < first)",
    )
    space = ["kind", "item", "prefix"]
    op.create_unique_constraint("uq_number_block_last", "number_block", [*space, "last"])
    op.create_unique_constraint("uq_number_block_after", "number_block", [*space, "after"])
    op.create_index(
        "uq_number_block_beginning",
        "number_block",
        space,
        unique=True,
        postgresql_where=sa.text("after IS NULL"),
    )
    op.create_foreign_key(
        "fk_number_block_after",
        "number_block",
        "number_block",
        [*space, "after"],
        [*space, "last"],
    )
    op.create_table(
        "carrier_type",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Numeric()),
        sa.Column("item_mix", sa.Boolean(), nullable=False),
        sa.Column("order_mix", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_type")),
    )
    op.create_table(
        "carrier_move",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("carrier_item", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("content_kind", sa.Text(), nullable=False),
        sa.Column("content_item", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_issuer", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("edge", "epoch", "seq", name=op.f("pk_carrier_move")),
    )
    op.create_index(
        op.f("ix_carrier_move_carrier_carrier_move_occurred_at"),
        "carrier_move",
        ["carrier", "occurred_at"],
    )
    op.add_column(
        "genealogy_link",
        sa.Column("removed_quantity", sa.Numeric(), server_default="0", nullable=False),
    )
    op.add_column("component_removal", sa.Column("quantity", sa.Numeric()))
    op.add_column(
        "component_removal",
        sa.Column("source_issuer", sa.Text(), server_default="", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("component_removal", "source_issuer")
    op.drop_column("component_removal", "quantity")
    op.drop_column("genealogy_link", "removed_quantity")
    op.drop_table("carrier_move")
    op.drop_table("carrier_type")
    op.drop_constraint("fk_number_block_after", "number_block", type_="foreignkey")
    op.drop_index("uq_number_block_beginning", table_name="number_block")
    op.drop_constraint("uq_number_block_after", "number_block", type_="unique")
    op.drop_constraint("uq_number_block_last", "number_block", type_="unique")
    op.drop_constraint(op.f("ck_number_block_order"), "number_block", type_="check")
    for name in ("withdrawn_at", "used_at", "used_through", "low", "epoch", "after"):
        op.drop_column("number_block", name)
    op.drop_table("number_series")
