"""find what edges declared lost.

Revision ID: 20261124_9_gap_found
Revises: 20261124_8_edge_values
"""

from __future__ import annotations

from alembic import op

revision = "20261124_9_gap_found"
down_revision = "20261124_8_edge_values"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_raw_event_gap_found",
        "raw_event",
        ["edge"],
        unique=False,
        postgresql_where="type = 'gap_found'",
    )


def downgrade() -> None:
    op.drop_index(
        "ix_raw_event_gap_found", table_name="raw_event", postgresql_where="type = 'gap_found'"
    )
