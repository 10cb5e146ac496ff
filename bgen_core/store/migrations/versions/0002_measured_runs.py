"""Runs get measures, tags and the address of their raw picture; sweeps a place in the queue; votes and saved views."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Plain columns with a default, never batch mode: it copies the table and drops the old one, and SQLite then
    # deletes every cell that refers to a sweep.
    op.add_column("sweeps", sa.Column("place", sa.Double, nullable=False, server_default="0"))
    op.add_column("sweeps", sa.Column("expected_seconds", sa.Double, nullable=True))
    op.add_column("sweeps", sa.Column("explored", sa.String(64), nullable=True))
    _number_the_queue()
    for name in ("edge_softness", "harmonisation", "shadow"):
        op.add_column("runs", sa.Column(name, sa.Double, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("raw_id", sa.String(64), nullable=False, server_default=""))
    # Until now a run's address was that of its raw picture: nothing but plain pasting followed.
    op.execute(sa.text("UPDATE runs SET raw_id = id"))
    op.create_index("ix_runs_raw_id", "runs", ["raw_id"])
    _create_tables()


def _number_the_queue() -> None:
    connection = op.get_bind()
    sweeps = sa.table("sweeps", sa.column("id", sa.String), sa.column("created"), sa.column("place", sa.Double))
    ids = connection.scalars(sa.select(sweeps.c.id).order_by(sweeps.c.created, sweeps.c.id)).all()
    for place, sweep_id in enumerate(ids, 1):
        connection.execute(sa.update(sweeps).where(sweeps.c.id == sweep_id).values(place=float(place)))


def _create_tables() -> None:
    op.create_table(
        "run_tags",
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(64), primary_key=True),
    )
    op.create_index("ix_run_tags_tag", "run_tags", ["tag"])
    op.create_table(
        "run_metrics",
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_run_metrics_name", "run_metrics", ["name"])
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("sweep_id", sa.String(64), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
        sa.Column("voter", sa.String(64), nullable=False),
        sa.Column("run_a", sa.String(64), nullable=False),
        sa.Column("run_b", sa.String(64), nullable=False),
        sa.Column("winner", sa.String(8), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_votes_sweep_id", "votes", ["sweep_id"])
    op.create_table(
        "views",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query", sa.JSON, nullable=False),
    )
