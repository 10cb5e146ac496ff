import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bgen_core.settings import Settings
from bgen_core.store import migrations
from bgen_core.store.database import Database
from bgen_core.store.schema import SCHEMA_VERSION, Table
from bgen_core.store.store import open_store
from bgen_core.sweep.params import InpaintParams
from tests.made_up import commit, made_up_run


def test_the_newest_migration_is_the_schema_version() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_the_migrations_make_the_tables_that_the_program_reads(settings: Settings) -> None:
    open_store(settings).close()
    database = Database(settings.database_url)
    try:
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    finally:
        database.close()


def test_a_store_is_opened_again_without_a_change(settings: Settings) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run())
    for _ in range(2):
        with open_store(settings) as store:
            assert store.runs.select() == [run]


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 20_000)]
)
def test_every_connection_is_set_up(settings: Settings, pragma: str, value: object) -> None:
    open_store(settings).close()
    database = Database(settings.database_url)
    try:
        for _ in range(2):
            with database.engine.connect() as connection:
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    finally:
        database.close()


def test_opening_writes_nothing_outside_the_home(settings: Settings) -> None:
    open_store(settings).close()
    assert {path.name for path in settings.home.parent.iterdir()} == {settings.home.name}
    assert {path.name for path in settings.home.iterdir()} <= {
        "bgen.sqlite3",
        "bgen.sqlite3-wal",
        "bgen.sqlite3-shm",
        "blobs",
    }


def _store_of_version_0001(settings: Settings) -> None:
    """A store as the first version left it, with one sweep, its cell, its run and two sweeps that wait."""
    settings.home.mkdir(parents=True)
    with closing(sqlite3.connect(settings.home / "bgen.sqlite3")) as connection:
        connection.executescript((Path(__file__).parent / "store_0001.sql").read_text())
        connection.commit()


def test_a_store_of_the_first_version_is_upgraded_and_loses_nothing(settings: Settings) -> None:
    _store_of_version_0001(settings)
    with open_store(settings) as store:
        (run,) = store.runs.select()
        assert run.raw_id == run.id
        assert run.params == InpaintParams(prompt="a beach", negative_prompt="text", seed=7, guidance_scale=3.5)
        assert [sweep.id for sweep in store.sweeps.select()] == ["made", "first", "second"]
        assert [cell.done for cell in store.sweeps.cells("made")] == [True]
        assert store.opinions.of([run.id])[run.id].rating == 4
        claimed = store.sweeps.claim_next()
        assert claimed is not None
        assert claimed.id == "first"
        assert store.metrics.of([run.id]) == {}
    with open_store(settings) as store:
        assert store.runs.select() == [run]
