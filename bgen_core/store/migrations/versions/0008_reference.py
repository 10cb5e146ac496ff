"""Runs get the reference picture that they were painted with, what looked at it, and how strongly it acted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("runs", sa.Column("reference", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("ip_adapter", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("reference_scale", sa.Double, nullable=False, server_default="0.6"))
