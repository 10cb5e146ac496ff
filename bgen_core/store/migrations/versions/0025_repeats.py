"""Pictures that somebody wants made again by a painter with another machine's kind of GPU."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "repeats",
        sa.Column("id", sa.String(32), primary_key=True, nullable=False),
        sa.Column("gpu", sa.Text, nullable=False),
        sa.Column("png", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("taken_by", sa.String(32), nullable=False),
        sa.Column("wanted_until", sa.Double, nullable=False),
        sa.Column("answer", sa.JSON, nullable=True),
    )
