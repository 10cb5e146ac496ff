"""Of a vote, why it was these two runs; of what was given so far, that is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("votes", sa.Column("drawn", sa.String(16), nullable=False, server_default=""))
