"""Who computes what stands in the database: workers, what they hold, how far they are, what they measured."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    content = op.create_table(
        "content_revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("mark", sa.String(32), nullable=False),
    )
    op.bulk_insert(content, [{"id": 1, "mark": secrets.token_hex(8)}])
    op.create_table(
        "workers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_start", sa.Double, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("device_kind", sa.String(32), nullable=False),
        sa.Column("device_name", sa.Text, nullable=False),
        sa.Column("dtype_name", sa.String(32), nullable=False),
        sa.Column("sweep_id", sa.String(64), nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("signs", sa.BigInteger, nullable=False),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("began", sa.Double, nullable=False),
        sa.Column("beat", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("worker_id", sa.String(32), sa.ForeignKey("workers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_leases_worker_id", "leases", ["worker_id"])
    op.create_table(
        "sweep_progress",
        sa.Column("sweep_id", sa.String(64), primary_key=True),
        sa.Column("worker_id", sa.String(32), sa.ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("written", sa.Double, nullable=False),
    )
    op.create_index("ix_sweep_progress_worker_id", "sweep_progress", ["worker_id"])
    op.create_table(
        "looks",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_table(
        "tunings",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("width", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("height", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("measured_by", sa.String(16), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("measured", sa.Double, nullable=False),
    )
