"""A sweep's owner says whether viewers vote on it; so far all could."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("viewers_vote", sa.Boolean, nullable=False, server_default=sa.true()))
