"""Runs get the strength of their detail pass."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("runs", sa.Column("detail_strength", sa.Double, nullable=False, server_default="0"))
