"""INSERT, or UPDATE where the row is there: both databases have it, and SQLAlchemy a name in each one's dialect."""

from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bgen_core.store.schema import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def insert_into(session: Session, table: type[Table]) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows `on_conflict_do_update`."""
    return insert_of(session.get_bind().dialect.name, table)


def insert_of(dialect: str, table: type[Table]) -> "sqlite.Insert | postgresql.Insert":
    """The same for a dialect by its name: the other one is not imported, for which every command would wait."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
