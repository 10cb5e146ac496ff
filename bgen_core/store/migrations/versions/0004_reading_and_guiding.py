"""Runs get how long they were guided, how their prompt was read, how far noise levels were shifted, and a side."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("guidance_end", sa.Double, nullable=False, server_default="1"))
    op.add_column("runs", sa.Column("clip_skip", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("prompt_syntax", sa.String(16), nullable=False, server_default="plain"))
    op.add_column("runs", sa.Column("flow_shift", sa.Double, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("side", sa.Integer, nullable=False, server_default="0"))
