"""The store's database: how it is opened, brought to the newest schema, and what its faults mean to a person."""

import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from bgen_core.errors import StoreError
from bgen_core.runs.schema import SCHEMA_VERSION

_BUSY_SECONDS = 20
_POOL_SIZE = 8
_POOL_OVERFLOW = 56

# What SQLite says -> what happened, and what to do.
_FAULTS = (
    ("readonly", "it is read-only", "give write access to it and its folder"),
    ("read-only", "it is read-only", "give write access to it and its folder"),
    ("locked", "another program holds it", "close that program, or try again"),
    ("full", "the disk is full", "make room and try again"),
    ("i/o error", "the disk does not answer", "check the disk and try again"),
    ("not a database", "it is not a database of this program", "move it away, or restore a backup"),
    ("malformed", "it is damaged", "restore a backup, or move it away to start a new one"),
    ("unable to open", "it cannot be opened", "give write access to its folder"),
)


class Database:
    """An engine with its faults explained. Safe for many threads; several processes may open the same file.

    Parameters
    ----------
    url
        SQLAlchemy's address, such as "sqlite:////home/me/bgen.sqlite3".
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.engine = _create_engine(url)
        # SQLite lets a reader become a writer only while nobody else has written: writers say so at their beginning.
        self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")

    @property
    def place(self) -> str:
        """The database as a person knows it: its file, or its address without the password."""
        return self.engine.url.database or self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Generator[Session]:
        """A session that sees one state of the database from its first query to its end."""
        with self.explained(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Generator[Session]:
        """A session whose changes are committed together at its end, or not at all; one writer at a time."""
        with self.explained(), Session(self._writing) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the schema to `SCHEMA_VERSION`; when several processes open a new store, one does it and all wait.

        Raises
        ------
        StoreError
            The database cannot be written, or a newer version of the program made it.
        """
        with self.explained():
            if self.engine.dialect.name == "sqlite":
                self._use_write_ahead_log()
            with self.engine.connect() as connection:
                if _schema_version(connection) == SCHEMA_VERSION:
                    return
            with self._writing.begin() as connection:
                self._upgrade(connection)

    def close(self) -> None:
        self.engine.dispose()

    def _upgrade(self, connection: Connection) -> None:
        # Imported here because only a new or an old store needs it.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        if _schema_version(connection) == SCHEMA_VERSION:
            return  # another process was first
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        try:
            command.upgrade(config, SCHEMA_VERSION)
        except CommandError as error:
            raise StoreError(
                f"The database {self.place} was made by a newer version of bgen: update bgen, "
                "or choose another folder with BGEN_HOME."
            ) from error

    def _use_write_ahead_log(self) -> None:
        # SQLite 3.40 does not wait its busy timeout for this switch when another process makes it at the same time.
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                with closing(self.engine.raw_connection()) as connection:
                    connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except (DatabaseError, self.engine.dialect.loaded_dbapi.OperationalError) as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    @contextmanager
    def explained(self) -> Generator[None]:
        """Turn the database's own faults into a StoreError that says what to do; bugs stay what they are."""
        try:
            yield
        except IntegrityError:
            raise
        except (DatabaseError, self.engine.dialect.loaded_dbapi.DatabaseError) as error:
            said = str(getattr(error, "orig", None) or error)
            for sign, what_happened, what_to_do in _FAULTS:
                if sign in said.lower():
                    raise StoreError(
                        f"The database {self.place} cannot be used, because {what_happened} ({said}): {what_to_do}."
                    ) from error
            raise


def _create_engine(url: str | sa.URL) -> Engine:
    engine = sa.create_engine(url, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Python 3.11's sqlite3 would open transactions by itself, at the first write and outside schema changes.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")
    # FULL: a committed run survives a power cut too; one more fsync is nothing beside the seconds that a run takes.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _schema_version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
