"""Runs get what stands behind the subject without diffusion: a picture, a colour, or the photo itself, blurred."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("runs", sa.Column("background", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("background_colour", sa.Text, nullable=False, server_default="#ffffff"))
    op.add_column("runs", sa.Column("background_blur", sa.Double, nullable=False, server_default="2"))
