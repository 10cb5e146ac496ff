"""Runs get how far their subject takes the new background's light, and its shadow on the ground."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("runs", sa.Column("light", sa.Double, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("ground_shadow", sa.Double, nullable=False, server_default="0"))
