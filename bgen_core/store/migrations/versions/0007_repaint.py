"""Runs get what was repainted: the background, or the whole photo."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("runs", sa.Column("repaint", sa.String(64), nullable=False, server_default="background"))
