"""Read-only links to sweeps and pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.String(64), primary_key=True, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_revoked", sa.Boolean, nullable=False),
        sa.Column("sweep_id", sa.String(64), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=True),
        sa.Column("run_ids", sa.JSON, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("may_vote", sa.Boolean, nullable=False),
    )
    op.create_index("ix_links_owner", "links", ["owner"])
    op.create_index("ix_links_sweep_id", "links", ["sweep_id"])
