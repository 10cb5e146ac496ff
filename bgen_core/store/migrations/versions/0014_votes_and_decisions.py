"""Of a vote, why it was these two runs; of what was given so far, that is not known. Questions and decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("votes", sa.Column("drawn", sa.String(16), nullable=False, server_default=""))
    op.create_table(
        "sweep_decisions",
        sa.Column(
            "sweep_id", sa.String(64), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided", sa.DateTime(timezone=True), nullable=True),
    )
