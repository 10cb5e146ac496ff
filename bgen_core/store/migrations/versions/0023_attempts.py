"""Cells that are drawn again with another seed: every attempt, and whether one is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("sweep_cells", sa.Column("is_settled", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_table(
        "cell_attempts",
        sa.Column(
            "sweep_id", sa.String(64), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        sa.Column("cell_index", sa.Integer, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("expansion", sa.Double, nullable=True),
    )
    op.create_index("ix_cell_attempts_run_id", "cell_attempts", ["run_id"])
