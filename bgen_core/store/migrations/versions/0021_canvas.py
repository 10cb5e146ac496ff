"""Runs get the canvas on which their subject stands, where, and how large."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("runs", sa.Column("canvas", sa.Text, nullable=False, server_default="photo"))
    op.add_column("runs", sa.Column("anchor", sa.String(16), nullable=False, server_default="bottom"))
    op.add_column("runs", sa.Column("subject_scale", sa.Double, nullable=False, server_default="1"))
