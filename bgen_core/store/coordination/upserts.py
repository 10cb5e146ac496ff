"""INSERT, or UPDATE where the row is there: both databases have it, and SQLAlchemy a name in each one's dialect."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bgen_core.store.schema import Table


def insert_into(session: Session, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows `on_conflict_do_update`."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)
