"""Runs, subjects and views have several owners, opinions are each person's; what was there belongs to everyone."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _own_subjects()
    _share_sweeps()
    _own_runs()
    _own_views()
    _own_references()
    op.create_table("visitors", _id("id", primary_key=True), sa.Column("name", sa.Text, nullable=False))


def _id(name: str, *constraints: Any, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), *constraints, nullable=False, **options)


def _of(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.id", ondelete="CASCADE")


def _own_subjects() -> None:
    op.create_table(
        "subject_owners",
        _id("subject_id", _of("subjects"), primary_key=True),
        _id("owner", primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("edit", sa.JSON, nullable=False),
        sa.Column("sharing", sa.String(16), nullable=False),
    )
    op.create_index("ix_subject_owners_owner", "subject_owners", ["owner"])
    op.execute(
        sa.text(
            "INSERT INTO subject_owners (subject_id, owner, created, name, edit, sharing) "
            "SELECT id, '', created, name, edit, 'shared' FROM subjects"
        )
    )
    op.drop_column("subjects", "name")
    op.drop_column("subjects", "edit")


def _share_sweeps() -> None:
    op.add_column("sweeps", sa.Column("sharing", sa.String(16), nullable=False, server_default="shared"))
    op.add_column("sweeps", sa.Column("is_imported", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE sweeps SET owner = ''"))
    op.create_table(
        "sweep_subjects", _id("sweep_id", _of("sweeps"), primary_key=True), _id("subject_id", primary_key=True)
    )
    op.create_index("ix_sweep_subjects_subject_id", "sweep_subjects", ["subject_id"])
    op.create_table("opened_links", _id("sweep_id", _of("sweeps"), primary_key=True), _id("visitor", primary_key=True))
    connection = op.get_bind()
    plans = connection.execute(sa.text("SELECT id, subject_id, CAST(plan AS TEXT) FROM sweeps")).all()
    named = [
        {"sweep_id": sweep_id, "subject_id": subject_id}
        for sweep_id, first, plan in plans
        for subject_id in sorted({first} | _subjects_of(json.loads(plan)))
    ]
    if named:
        text = "INSERT INTO sweep_subjects (sweep_id, subject_id) VALUES (:sweep_id, :subject_id)"
        connection.execute(sa.text(text), named)


def _subjects_of(plan: dict[str, Any]) -> set[str]:
    swept = [axis["values"] for axis in plan.get("axes", ()) if axis["name"] == "subject"]
    return {plan.get("subject_id", ""), *(value for values in swept for value in values)} - {""}


def _own_runs() -> None:
    op.create_table(
        "run_owners",
        _id("run_id", _of("runs"), primary_key=True),
        _id("owner", primary_key=True),
        sa.Column("is_shared", sa.Boolean, nullable=False),
    )
    op.create_index("ix_run_owners_owner", "run_owners", ["owner"])
    op.execute(sa.text("INSERT INTO run_owners (run_id, owner, is_shared) SELECT id, '', TRUE FROM runs"))
    op.create_table(
        "opinions",
        _id("run_id", _of("runs"), primary_key=True),
        _id("owner", primary_key=True),
        sa.Column("rating", sa.Integer, nullable=True),
        sa.Column("notes", sa.Text, nullable=True),
    )
    op.execute(
        sa.text(
            "INSERT INTO opinions (run_id, owner, rating, notes) "
            "SELECT id, '', rating, notes FROM runs WHERE rating IS NOT NULL OR notes IS NOT NULL"
        )
    )
    op.drop_column("runs", "rating")
    op.drop_column("runs", "notes")
    op.create_table(
        "tags",
        _id("run_id", _of("runs"), primary_key=True),
        _id("tag", primary_key=True),
        _id("owner", primary_key=True),
    )
    op.create_index("ix_tags_tag", "tags", ["tag"])
    op.execute(sa.text("INSERT INTO tags (run_id, tag, owner) SELECT run_id, tag, '' FROM run_tags"))
    op.drop_table("run_tags")


def _own_references() -> None:
    op.create_table("reference_owners", _id("picture", primary_key=True), _id("owner", primary_key=True))
    connection = op.get_bind()
    named = set(connection.scalars(sa.text("SELECT DISTINCT reference FROM runs WHERE reference <> ''")))
    for plan in connection.scalars(sa.text("SELECT CAST(plan AS TEXT) FROM sweeps")).all():
        named |= _references_of(json.loads(plan))
    if named:
        text = "INSERT INTO reference_owners (picture, owner) VALUES (:picture, '')"
        connection.execute(sa.text(text), [{"picture": name} for name in sorted(named)])


def _references_of(plan: dict[str, Any]) -> set[str]:
    swept = [axis["values"] for axis in plan.get("axes", ()) if axis["name"] == "reference"]
    return {plan.get("base", {}).get("reference", ""), *(value for values in swept for value in values)} - {""}


def _own_views() -> None:
    op.create_table(
        "saved_views",
        _id("owner", primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query", sa.JSON, nullable=False),
        sa.Column("sharing", sa.String(16), nullable=False),
    )
    op.execute(
        sa.text(
            "INSERT INTO saved_views (owner, name, created, query, sharing) "
            "SELECT '', name, created, query, 'shared' FROM views"
        )
    )
    op.drop_table("views")
