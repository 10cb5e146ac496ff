"""Runs say which machine painted them, and in which batches; of older ones nothing is known."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("runs", sa.Column("made_on", sa.JSON, nullable=False, server_default="{}"))
