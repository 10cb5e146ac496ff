"""What is PostgreSQL's own: making the tables, what a person reads when it fails, and that there is one writer."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bgen_core.errors import StoreAwayError, StoreError
from bgen_core.jobs.execute_sweep import StoreAway, execute_sweep
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.settings import Settings, load_settings
from bgen_core.store import database
from bgen_core.store.database import Database
from bgen_core.store.databases import connections
from bgen_core.store.schema import SCHEMA_VERSION, RunRow, Table
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.events import Committed
from tests.jobs.quick_sweeps import Noise, submit
from tests.made_up import commit, made_up_run, made_up_sweep
from tests.postgresql import Server

pytestmark = pytest.mark.postgresql


@pytest.fixture
def settings(empty_postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("pg") / "home", database=empty_postgresql)


def test_the_migrations_make_the_tables_that_the_program_reads(store: Store) -> None:
    with store.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == SCHEMA_VERSION


def test_processes_that_open_a_new_database_at_once_make_it_once(settings: Settings) -> None:
    databases = [Database(settings.database_url) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(Database.migrate, databases))  # raises where one of them meets a half-made schema
        with databases[0].engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1
    finally:
        for each in databases:
            each.close()


def test_nothing_but_the_database_moves(settings: Settings) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run())
    assert {path.name for path in settings.home.iterdir()} == {"blobs"}
    with open_store(settings) as store:
        assert store.runs.select() == [run]


def test_a_writer_waits_for_the_one_before_it(store: Store) -> None:
    run, order = commit(store, made_up_run()).id, []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        store.opinions.rate(run, 2)
        order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.database.writing():
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_reader_sees_one_state_from_its_first_query_to_its_end(store: Store) -> None:
    commit(store, made_up_run(0))
    count = sa.text("SELECT count(*) FROM runs")
    with store.database.reading() as session:
        assert session.scalar(count) == 1
        commit(store, made_up_run(1))
        assert session.scalar(count) == 1
    with store.database.reading() as session:
        assert session.scalar(count) == 2


def test_a_database_that_another_program_holds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    with store.database.writing():
        with pytest.raises(StoreAwayError, match="because another program holds it"):
            commit(store, made_up_run())
        assert store.runs.select() == []
    commit(store, made_up_run())


@pytest.mark.usefixtures("forked_processes")
def test_a_writer_that_falls_silent_in_its_turn_loses_it(store: Store, settings: Settings) -> None:
    """As if its host were cut off: it is frozen in its turn, and others commit again."""
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.store.hold_the_turn", str(settings.home), "0.5"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"BGEN_DATABASE": settings.database},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "inside\n"
        holder.send_signal(signal.SIGSTOP)
        commit(store, made_up_run())
        holder.send_signal(signal.SIGCONT)
        said, _ = holder.communicate("go on\n", timeout=60)
    finally:
        holder.kill()
        holder.wait()
    assert "because this program was silent for too long in its turn to write" in said
    assert store.views.all() == []
    assert len(store.runs.select()) == 1


def test_sessions_end_by_themselves_when_the_other_side_is_gone(store: Store) -> None:
    # Within the 15 s in which others are to commit again, and the 20 s for which a writer waits for its turn.
    assert connections.SILENT_WRITER_SECONDS < 15 < database._BUSY_SECONDS
    # A host that is cut off may have the turn twice: in its writer, and in another one that waits behind that.
    assert 2 * (connections.LOST_CLIENT_SECONDS + 1) < 15
    names = ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")
    with store.database.writing() as session:
        assert [session.scalar(sa.text(f"SHOW {name}")) for name in names] == ["20s", "10s", "5min"]
    with store.database.reading() as session:
        assert [session.scalar(sa.text(f"SHOW {name}")) for name in names] == ["0", "1min", "5min"]


def test_limits_of_the_address_hold(store: Store) -> None:
    own = Database(store.database.engine.url.update_query_dict({"options": "-c statement_timeout=7s"}))
    try:
        with own.reading() as session:
            assert session.scalar(sa.text("SHOW statement_timeout")) == "7s"
    finally:
        own.close()


def test_a_server_that_comes_back_is_used_again(store: Store, postgresql_server: Server) -> None:
    commit(store, made_up_run(0))
    postgresql_server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'empty_%'")
    assert len(store.runs.select()) == 1


def test_a_sweep_waits_for_a_server_that_is_away_and_goes_on(
    store: Store, settings: Settings, postgresql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    sweep_id = submit(store, settings, seeds="1-4")
    sweep = store.sweeps.claim_next()
    assert sweep is not None
    member = Member(store, "worker")
    waited: list[StoreAway] = []
    made: list[str] = []
    for event in execute_sweep(store, member, Runner(store, settings, member), sweep_id):
        if isinstance(event, Committed):
            made.append(event.run_id)
            if len(made) == 2:
                postgresql_server.stop()
        elif isinstance(event, StoreAway):
            waited.append(event)
            postgresql_server.start()
    assert len(waited) == 1
    assert store.sweeps.get(sweep_id).state == "done"
    assert len(set(made)) == len(store.runs.select()) == 4


def test_a_database_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    with open_store(settings) as store, store.database.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        StoreError, match="made by a newer version of bgen: update bgen, or choose another one with BGEN_DATABASE"
    ):
        open_store(settings)


def test_a_bug_stays_a_bug(store: Store) -> None:
    store.sweeps.add(made_up_sweep(), [])
    with pytest.raises(Exception, match="unique constraint") as caught:
        store.sweeps.add(made_up_sweep(), [])
    assert not isinstance(caught.value, StoreError)


def test_a_zero_byte_is_a_sentence(store: Store) -> None:
    run = commit(store, made_up_run()).id
    with pytest.raises(StoreError, match="keeps no text with a zero byte"), store.database.writing() as session:
        session.get_one(RunRow, run).prompt = "a\0b"


def test_a_read_only_server_can_still_be_read(store: Store) -> None:
    run = commit(store, made_up_run())
    read_only = Database(
        store.database.engine.url.update_query_dict({"options": "-c default_transaction_read_only=on"})
    )
    opened = Store(read_only, store.blobs)
    try:
        assert opened.runs.select() == [run]
        with pytest.raises(StoreError, match="because it is read-only"):
            opened.sweeps.add(made_up_sweep(), [])
    finally:
        read_only.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda url: url.set(database="nothing"), "because the server has no such database"),
        (lambda url: url.set(username="nobody_here"), "because the server refuses the login"),
        (lambda url: url.update_query_dict({"host": "/nowhere"}), "because its server does not answer"),
        (lambda url: url.set(host="127.0.0.1", port=1, query={}), "because its server does not answer"),
    ],
)
def test_a_server_that_cannot_be_reached_is_a_sentence(settings: Settings, change, sentence: str) -> None:
    address = change(settings.database_url.set(password="secret"))
    with pytest.raises(StoreError, match=sentence) as caught:
        open_store(load_settings(home=settings.home, database=address.render_as_string(hide_password=False)))
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert str(caught.value).count(":***@") == 1
    known = (address.username, address.host, address.database, address.query.get("host"), "127.0.0.1", "connection")
    assert not [word for word in known if word and word in caught.value.public]
    assert sentence in caught.value.public
