"""The store's database: how it is opened, brought to the newest schema, and who may write when.

SQLite and PostgreSQL keep the same promises. A reader sees one state of the database from its first query to its end.
There is one writer at a time, who sees everything that was committed before: what a writer has read stays true until
its own commit, so "look, then write" needs no lock on rows.
"""

import secrets
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from bgen_core.errors import StoreError
from bgen_core.private_files import close_to_others, make_private_folder
from bgen_core.store.databases.connections import allow_long_statements, client_limits, limit_session, limit_writer
from bgen_core.store.databases.database_faults import explained
from bgen_core.store.schema import SCHEMA_VERSION

MOST_IDS = 500  # SQLite took at most 999 variables in a query until 3.32
_BUSY_SECONDS = 20
# Threads of one process at once; a PostgreSQL server takes 100 connections from all processes, unless told otherwise.
_POOLS = {"sqlite": (8, 56), "postgresql": (4, 16)}
_WRITER_LOCK = 0x6267656E  # "bgen": PostgreSQL's advisory locks have numbers, each database its own
_READ_MARK = sa.text("SELECT mark FROM content_revision WHERE id = 1")
_WRITE_MARK = sa.text("UPDATE content_revision SET mark = :mark WHERE id = 1")
_WRITE_MARK_IF_CHANGED = sa.text(f"{_WRITE_MARK} AND pg_current_xact_id_if_assigned() IS NOT NULL")
_Id = TypeVar("_Id", bound=str)


def id_chunks(ids: Collection[_Id], size: int = MOST_IDS) -> Iterator[Sequence[_Id]]:
    """A long list of ids in pieces that one query takes: in their order, at most `size` at a time."""
    ordered = list(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


class Database:
    """An engine with its faults explained. Safe for many threads; several processes may open the same database.

    Parameters
    ----------
    url
        SQLAlchemy's address, such as "sqlite:////home/me/bgen.sqlite3" or "postgresql+psycopg://me@server/bgen".
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.engine = _create_engine(url)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        # SQLite lets a reader become a writer only while nobody else has written: writers say so at their beginning.
        self._writing = self.engine.execution_options(writes=True)
        # PostgreSQL's default shows each query of a transaction another state; SQLite's readers never see that.
        snapshot = {} if self._is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = self.engine.execution_options(**snapshot)
        # Of the loss of a beat nobody dies, and a beat shall not wait for a disk.
        hasty = self.engine if not self._is_sqlite else _create_engine(url, synchronous="NORMAL")
        newest = {} if self._is_sqlite else {"isolation_level": "READ COMMITTED"}
        self._coordinating = hasty.execution_options(coordinates=True, **newest)
        self._leasing = self.engine.execution_options(coordinates=True, lasts=True, **newest)
        self._opened = secrets.token_hex(8)

    @property
    def place(self) -> str:
        """The database as a person knows it: its file, or its address without the password."""
        url = self.engine.url
        return (self._is_sqlite and url.database) or url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Generator[Session]:
        """A session that sees one state of the database from its first query to its end."""
        with self.explained(), Session(self._reading) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Generator[Session]:
        """A session whose changes are committed together at its end, or not at all; one writer at a time.

        Whatever changes what the store keeps comes through here: caches live until the next such change.
        """
        with self.explained(), Session(self._writing) as session, session.begin():
            connection = session.connection()  # the turn begins here, and not with the first query
            before = _changes(connection)
            yield session
            session.flush()
            _mark_change(connection, before)

    @contextmanager
    def coordinating(self, *, lasts: bool = False) -> Generator[Session]:
        """A session for what is no content: who computes what, and how far it is. The store's revision stays.

        On PostgreSQL others write meanwhile, so that what is to be true for one alone is one conditional statement.

        Parameters
        ----------
        lasts
            Whether it survives the end of the database, as content does; else that may take the last changes along.
        """
        with self.explained(), Session(self._leasing if lasts else self._coordinating) as session, session.begin():
            session.connection()
            yield session

    def revision(self) -> str:
        """A mark of the database's content: two equal marks of this object mean equal content.

        What is written by `coordinating` is no content.
        """
        with self.explained(), self.engine.connect() as connection:
            return f"{self._opened} {connection.scalar(_READ_MARK)}"

    def prepare_folder(self) -> None:
        """Create the folder of a database that is a file.

        Raises
        ------
        StoreError
            It cannot be created.
        """
        if not self._is_sqlite or not self.engine.url.database:
            return
        folder = Path(self.engine.url.database).parent
        try:
            make_private_folder(folder)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} of the database cannot be made ({error.strerror}): "
                "give write access there, or choose another folder with BGEN_HOME."
            ) from error

    def close_to_others(self) -> None:
        """Take a database that is a file away from other users; what SQLite makes beside it is as the file is."""
        if self._is_sqlite and self.engine.url.database:
            for end in ("", "-wal", "-shm"):
                close_to_others(Path(self.engine.url.database + end))

    def is_empty(self) -> bool:
        """Whether it has no table of this program yet, or its file is not there."""
        if self._is_sqlite and not Path(self.engine.url.database or "").exists():
            return True  # connecting would make it
        with self.explained(), self.engine.connect() as connection:
            return _schema_version(connection) is None

    def migrate(self) -> None:
        """Bring the schema to `SCHEMA_VERSION`; when several processes open a new store, one does it and all wait.

        Raises
        ------
        StoreError
            The database cannot be written, or a newer version of the program made it.
        """
        with self.explained():
            if self._is_sqlite:
                self._use_write_ahead_log()
            with self.engine.connect() as connection:
                if _schema_version(connection) == SCHEMA_VERSION:
                    return
            with self._writing.begin() as connection:
                self._upgrade(connection)
                connection.execute(_WRITE_MARK, {"mark": _new_mark()})

    def close(self) -> None:
        self._coordinating.dispose()
        self.engine.dispose()

    def explained(self) -> AbstractContextManager[None]:
        """Turn the database's own faults into a StoreError that says what to do; bugs stay what they are."""
        return explained(self.engine, self.place)

    def _upgrade(self, connection: Connection) -> None:
        # Imported here because only a new or an old store needs it.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        if _schema_version(connection) == SCHEMA_VERSION:
            return  # another process was first
        allow_long_statements(connection)
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        try:
            command.upgrade(config, SCHEMA_VERSION)
        except CommandError as error:
            raise StoreError(
                f"The database {self.place} was made by a newer version of bgen: update bgen, "
                f"or choose another {'folder with BGEN_HOME' if self._is_sqlite else 'one with BGEN_DATABASE'}."
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


def _create_engine(url: str | sa.URL, *, synchronous: str = "FULL") -> Engine:
    url = sa.make_url(url)
    is_sqlite = url.get_backend_name() == "sqlite"
    pool_size, overflow = _POOLS["sqlite" if is_sqlite else "postgresql"]
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow,
        # A server that was restarted in the night costs one question, not the next visitor's page.
        pool_pre_ping=not is_sqlite,
        connect_args={} if is_sqlite else client_limits(url),
    )
    if is_sqlite:
        event.listen(engine, "connect", partial(_configure_sqlite, synchronous))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", limit_session)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _configure_sqlite(synchronous: str, connection: Any, _record: object) -> None:
    # Python 3.11's sqlite3 would open transactions by itself, at the first write and outside schema changes.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={int(_BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA foreign_keys=ON")
    # FULL: a committed run survives a power cut too; one more fsync is nothing beside the seconds that a run takes.
    connection.execute(f"PRAGMA synchronous={synchronous}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") or options.get("coordinates") else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("coordinates"):
        forgetful = "" if options.get("lasts") else "SET LOCAL synchronous_commit = off"
        connection.exec_driver_sql(f"{limit_writer(_BUSY_SECONDS)}{forgetful}")
    elif options.get("writes"):
        connection.exec_driver_sql(f"{limit_writer(_BUSY_SECONDS)}SELECT pg_advisory_xact_lock({_WRITER_LOCK})")


def _changes(connection: Connection) -> int:
    """How many rows SQLite's connection has changed in its life; PostgreSQL knows by itself what a transaction did."""
    return getattr(connection.connection.dbapi_connection, "total_changes", 0)


def _mark_change(connection: Connection, before: int) -> None:
    """Note a change of the content in the transaction that made it; one that changed nothing stays without a trace."""
    if connection.dialect.name != "sqlite":
        connection.execute(_WRITE_MARK_IF_CHANGED, {"mark": _new_mark()})
    elif _changes(connection) != before:
        connection.execute(_WRITE_MARK, {"mark": _new_mark()})


def _new_mark() -> str:
    """Random, and no number that rises: after a restored backup an old mark means the old content again."""
    return secrets.token_hex(8)


def _schema_version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
