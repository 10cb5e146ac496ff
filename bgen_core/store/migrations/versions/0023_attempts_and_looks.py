"""Cells that are drawn again or stopped early, and pictures that a painter elsewhere makes again."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    _draw_again()
    _stop_early()
    _repeat_elsewhere()


def _draw_again() -> None:
    """Every attempt of a cell, and whether one is kept."""
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


def _stop_early() -> None:
    """Sweeps may stop cells early, cells say that they were, and runs keep what their previews said."""
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


def _repeat_elsewhere() -> None:
    """Pictures that somebody wants made again by a painter with another machine's kind of GPU."""
    op.create_table(
        "repeats",
        sa.Column("id", sa.String(32), primary_key=True, nullable=False),
        sa.Column("gpu", sa.Text, nullable=False),
        sa.Column("png", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("taken_by", sa.String(32), nullable=False),
        sa.Column("wanted_until", sa.Double, nullable=False),
        sa.Column("answer", sa.JSON, nullable=True),
    )
