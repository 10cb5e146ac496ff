"""What a person reads when the database cannot be used."""

import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.errors import StoreAwayError, StoreError
from bgen_core.reports.contact_sheet import contact_sheet
from bgen_core.reports.html_report import html_report
from bgen_core.settings import Settings
from bgen_core.store import database
from bgen_core.store.database import Database
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep


def database_file(settings: Settings) -> Path:
    return settings.home / "bgen.sqlite3"


def test_a_file_that_is_no_database(settings: Settings) -> None:
    settings.home.mkdir()
    database_file(settings).write_bytes(b"holiday photos " * 1000)
    with pytest.raises(StoreError, match=r"bgen.sqlite3 cannot be used, because it is not a database of this program"):
        open_store(settings)
    assert database_file(settings).read_bytes() == b"holiday photos " * 1000


def test_a_damaged_database(settings: Settings) -> None:
    with open_store(settings) as store:
        for number in range(3):
            commit(store, made_up_run(number))
    with database_file(settings).open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(database_file(settings).stat().st_size - 4096))
    with pytest.raises(StoreError, match="because it is damaged"), open_store(settings) as store:
        store.runs.select()


@pytest.mark.parametrize("lose", [lambda file: file.write_bytes(b""), Path.unlink], ids=["empty", "gone"])
def test_an_empty_database_beside_pictures_is_no_new_store(settings: Settings, lose: Callable[[Path], Any]) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run())
    lose(database_file(settings))
    for _ in range(2):  # nothing was begun that the second one would take for a store
        with pytest.raises(StoreError, match=r"bgen.sqlite3 is empty, but the folder .* holds 2 pictures: .*--repair"):
            open_store(settings)
    with open_store(settings, begin_anew=True) as store:
        assert store.runs.select() == []
        assert store.blobs.get(run.image)
    open_store(settings).close()


def test_a_folder_in_the_way_of_the_database(settings: Settings) -> None:
    database_file(settings).mkdir(parents=True)
    with pytest.raises(StoreError, match="because it cannot be opened"):
        open_store(settings)


def test_a_file_in_the_way_of_the_folder(settings: Settings) -> None:
    settings.home.write_text("a file")
    with pytest.raises(StoreError, match="choose another folder with BGEN_HOME"):
        open_store(settings)


def test_a_read_only_database_can_still_be_read(store: Store, settings: Settings) -> None:
    run = commit(store, made_up_run())
    read_only = Database(f"sqlite:///file:{database_file(settings)}?mode=ro&uri=true")
    opened = Store(read_only, store.blobs)
    try:
        assert opened.runs.select() == [run]
        with pytest.raises(StoreError, match="because it is read-only"):
            opened.sweeps.add(made_up_sweep(), [])
    finally:
        read_only.close()


def test_a_database_that_another_program_holds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    with open_store(settings) as store:
        holder = sqlite3.connect(database_file(settings), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreAwayError, match="because another program holds it"):
            commit(store, made_up_run())
        assert store.runs.select() == []
        holder.execute("ROLLBACK")
        holder.close()
        commit(store, made_up_run())


def test_a_full_disk_keeps_what_was_committed(settings: Settings) -> None:
    with open_store(settings) as store:
        kept = commit(store, made_up_run())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        try:
            with pytest.raises(StoreError, match="the disk"):
                store.sweeps.add(made_up_sweep(plan={"long": "x" * 1_000_000}), [])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert store.runs.select() == [kept]
        assert store.sweeps.select() == []
        store.sweeps.add(made_up_sweep(plan={"long": "x" * 1_000_000}), [])


def test_a_store_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    open_store(settings).close()
    with sqlite3.connect(database_file(settings)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="made by a newer version of bgen"):
        open_store(settings)


def test_a_bug_stays_a_bug(store: Store) -> None:
    store.sweeps.add(made_up_sweep(), [])
    with pytest.raises(Exception, match="UNIQUE") as caught:
        store.sweeps.add(made_up_sweep(), [])
    assert not isinstance(caught.value, StoreError)


@pytest.mark.parametrize(
    "whole",
    [
        lambda store, run_id: b"".join(contact_sheet(store, "sweep-1").png(store.blobs)),
        lambda store, run_id: b"".join(html_report(store, run_ids=[run_id])),
        lambda store, run_id: b"".join(run_archive(store, [run_id])),
    ],
    ids=["contact sheet", "report", "ZIP"],
)
def test_pictures_that_cannot_be_read_now_are_not_left_out_as_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch, whole: Any
) -> None:
    run = commit(store, made_up_run())
    plan = SweepPlan(subject_id=run.subject_id, model="demo", base=InpaintParams(prompt="a beach"))
    store.sweeps.add(made_up_sweep(cells=[run.id], plan=plan.to_json()), [run.id])

    def refuse(*_: str) -> bytes:
        raise StoreError("The pictures cannot be read.")

    with monkeypatch.context() as context:
        context.setattr(store.blobs, "get", refuse)
        with pytest.raises(StoreError, match="The pictures cannot be read"):
            whole(store, run.id)
    store.blobs.delete(run.image)
    assert whole(store, run.id)
