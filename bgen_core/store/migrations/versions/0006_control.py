"""Runs get the control picture that they were painted with, and how strongly it steered."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("runs", sa.Column("control", sa.String(64), nullable=False, server_default="mask"))
    op.add_column("runs", sa.Column("control_scale", sa.Double, nullable=False, server_default="1"))
