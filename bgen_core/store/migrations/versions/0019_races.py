"""Races: which sweep adds seeds until one value is left, and every decision of it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "races",
        sa.Column(
            "sweep_id", sa.String(64), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        sa.Column("started_from", sa.String(64), nullable=True),
        sa.Column("axis", sa.String(64), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("budget", sa.Integer, nullable=False),
        sa.Column("begun_with", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_index("ix_races_state", "races", ["state"])
    op.create_table(
        "race_steps",
        sa.Column(
            "sweep_id", sa.String(64), sa.ForeignKey("races.sweep_id", ondelete="CASCADE"), primary_key=True,
            nullable=False,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("value", sa.Integer, nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )  # fmt: skip
