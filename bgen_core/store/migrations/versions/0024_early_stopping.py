"""Sweeps may stop cells early, cells say that they were, and runs keep what their previews said."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("early_by", sa.String(64), nullable=False, server_default=""))
    op.add_column("sweeps", sa.Column("early_stops", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("sweeps", sa.Column("early_note", sa.Text, nullable=False, server_default=""))
    op.add_column("sweep_cells", sa.Column("early", sa.String(8), nullable=False, server_default=""))
    op.create_table(
        "early_values",
        sa.Column(
            "run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        sa.Column("name", sa.String(64), primary_key=True, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("sweep_id", sa.String(64), nullable=False),
        sa.Column("foreseen", sa.Double, nullable=False),
        sa.Column("final", sa.Double, nullable=False),
    )
    op.create_index("ix_early_values_sweep_id", "early_values", ["sweep_id"])
