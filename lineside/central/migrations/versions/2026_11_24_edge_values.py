"""values of an operation that only its edge uses: first pieces and weights.

They stand in documents, so no column changes: operations and steps from before get what they have
meant all along, and every reader finds the same fields in all of them. What the edges have been
sent says the same and is not sent again.

Revision ID: 20261124_8_edge_values
Revises: 20261124_7_lease_and_backups
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "20261124_8_edge_values"
down_revision = "20261124_7_lease_and_backups"
branch_labels = None
depends_on = None

VALUES = {
    "first_piece_after": ["setup"],
    "before_release": "suspect",
    "piece_weight": "0",
    "tare": "0",
    "weight_unit": "kg",
}
PLACES = (("routing", "operations"), ("work_order", "steps"))


def upgrade() -> None:
    for table, column in PLACES:
        op.execute(
            _each(table, column, "CAST(:values AS jsonb) || one").bindparams(
                values=json.dumps(VALUES)
            )
        )


def downgrade() -> None:
    for table, column in PLACES:
        op.execute(
            _each(table, column, "one - CAST(:names AS text[])").bindparams(names=list(VALUES))
        )


def _each(table: str, column: str, becomes: str) -> sa.TextClause:
    """Change every document of an array, in its order."""
    return sa.text(f"""
        UPDATE {table} SET {column} = (
            SELECT jsonb_agg({becomes} ORDER BY place)
            FROM jsonb_array_elements({column}) WITH ORDINALITY AS documents (one, place)
        ) WHERE jsonb_array_length({column}) > 0
    """)  # noqa: S608 - names of this file
