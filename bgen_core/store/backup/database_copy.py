"""A copy of a database in use, and back again: by SQLite's online backup, or PostgreSQL's pg_dump and psql."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from bgen_core.errors import StoreError
from bgen_core.private_files import FILE
from bgen_core.store.database import Database

_WAIT_SECONDS = 20.0


def is_sqlite(database: Database) -> bool:
    return database.engine.dialect.name == "sqlite"


def copy_name(database: Database) -> str:
    """What the copy is called in a backup."""
    return "database.sqlite3" if is_sqlite(database) else "database.sql"


def copy_out(database: Database, to: Path) -> None:
    """Write one state of the database to a file of this user's alone.

    Raises
    ------
    StoreError
        It cannot be read, or the file not written; for PostgreSQL, its programs are not installed.
    """
    to.touch(FILE)
    if not is_sqlite(database):
        url = database.engine.url
        _call("pg_dump", url, ["--no-owner", "--no-privileges", "--file", str(to), "--dbname", _address(url)])
        return
    with database.explained(), closing(_connected(database)) as live, closing(sqlite3.connect(to)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, and no other beside it


def copy_in(database: Database, copy: Path) -> None:
    """Put such a copy in the place of all that the database holds, in one step; it may be in use.

    Raises
    ------
    StoreError
        It cannot be written, or others held it for too long.
    """
    if not is_sqlite(database):
        with database.explained():
            tables = sa.inspect(database.engine).get_table_names()
        quote = database.engine.dialect.identifier_preparer.quote
        # All of them: a table that is younger than the copy would be in the way when the schema is brought up again.
        emptied = "".join(f"DROP TABLE {quote(table)} CASCADE;" for table in tables)
        waits = f"SET lock_timeout = '{_WAIT_SECONDS:.0f}s';"
        words = ["--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1"]
        url = database.engine.url
        _call("psql", url, [*words, "--dbname", _address(url), "--command", waits + emptied, "--file", str(copy)])
        return
    with database.explained(), closing(sqlite3.connect(copy)) as saved, closing(_connected(database)) as live:
        saved.backup(live)  # all pages at once: a reader sees the state before, or the one after


def _connected(database: Database) -> sqlite3.Connection:
    return sqlite3.connect(str(database.engine.url.database), timeout=_WAIT_SECONDS)


def _address(url: sa.URL) -> str:
    """Without the password: other users of this machine see the words of a command."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _call(program: str, url: sa.URL, words: Sequence[str]) -> None:
    found = shutil.which(program)
    if found is None:
        raise StoreError(
            f"{program} is not installed: install PostgreSQL's client programs, or save the database by its own means."
        )
    password = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    ended = subprocess.run(
        [found, *words], env=os.environ | password, capture_output=True, text=True, errors="replace", check=False
    )
    if ended.returncode:
        lines = ended.stderr.splitlines() or [f"it ended with {ended.returncode}"]
        told = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise StoreError(f"{program} could not do its work ({told.strip()}).")
