"""invitations and certificates of edges.

Revision ID: 20261124_6_enrolment
Revises: 20261124_5_numbers_and_carriers
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124_6_enrolment"
down_revision = "20261124_5_numbers_and_carriers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edge_invitation",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_edge_invitation")),
    )
    op.create_index(op.f("ix_edge_invitation_edge"), "edge_invitation", ["edge"])
    op.create_table(
        "edge_certificate",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_edge_certificate")),
    )
    op.create_index(op.f("ix_edge_certificate_edge"), "edge_certificate", ["edge"])


def downgrade() -> None:
    op.drop_table("edge_certificate")
    op.drop_table("edge_invitation")
