"""Pictures are removed outside of the writer's turn: which ones is written down before."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "picture_removals",
        sa.Column("picture", sa.String(64), primary_key=True),
        sa.Column("removal", sa.String(16), nullable=False, index=True),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("is_done", sa.Boolean, nullable=False),
    )
