"""Runs get the LoRAs that they were painted with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("runs", sa.Column("loras", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("lora_weight", sa.Double, nullable=False, server_default="1"))
