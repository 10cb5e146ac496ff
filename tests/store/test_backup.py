"""Backups: of a store in use, as a folder and as a file, and what is there after restoring one."""

import json
import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.errors import StoreError, UserInputError
from bgen_core.records.sweep_states import FINISH
from bgen_core.settings import Settings, load_settings
from bgen_core.store.backup import saving
from bgen_core.store.backup.restoring import Restored, restore
from bgen_core.store.backup.saving import Saved, back_up, picture_path
from bgen_core.store.schema import SCHEMA_VERSION
from bgen_core.store.store import OpenStore, Store, open_store
from bgen_core.store.upkeep.check import Finding, check_store
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, run_id


def saved(store: Store, target: Path) -> Saved:
    *_, last = back_up(store, target)
    assert isinstance(last, Saved)
    return last


def restored(store: Store, source: Path) -> Restored:
    *_, last = restore(store, source)
    assert isinstance(last, Restored)
    return last


def findings(store: Store) -> list[str]:
    return [each.text for each in check_store(store) if isinstance(each, Finding)]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[OpenStore]:
    """A fresh store on another machine."""
    with open_store(load_settings(home=tmp_path / "elsewhere")) as store:
        yield store


@pytest.mark.parametrize("name", ["saved", "saved.tar"])
def test_all_comes_back_on_another_machine(store: Store, elsewhere: OpenStore, tmp_path: Path, name: str) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    subject = made_up_subject()
    store.subjects.save(subject, {})
    store.sweeps.add(made_up_sweep(cells=[run_id(0)]), [run_id(0)])
    assert saved(store, tmp_path / name) == Saved(pictures=8, new=8, lost=0)
    told = restored(elsewhere, tmp_path / name)
    assert (told.pictures, told.new, told.lost) == (8, 8, 0)
    assert elsewhere.runs.get_all([run.id for run in runs]) == store.runs.get_all([run.id for run in runs])
    assert [each.id for each in elsewhere.subjects.all()] == [subject.id]
    assert elsewhere.sweeps.select() == store.sweeps.select()
    assert elsewhere.blobs.get(runs[0].image) == store.blobs.get(runs[0].image)
    assert findings(elsewhere) == []


@pytest.mark.both_databases
def test_a_store_goes_back_to_its_backup_while_it_is_open(store: Store, settings: Settings, tmp_path: Path) -> None:
    first = commit(store, made_up_run(1))
    store.sweeps.add(made_up_sweep("s", state="running"), [])
    assert saved(store, tmp_path / "saved").pictures == 2
    with open_store(settings) as app:  # another process has it open, and reads on
        store.sweeps.change_state("s", FINISH)
        commit(store, made_up_run(2))
        store.deletion.delete([first.id])
        seen = app.revision()
        assert app.runs.known([run_id(1), run_id(2)]) == {run_id(2)}
        assert restored(store, tmp_path / "saved").new == 2
        assert app.revision() != seen
        assert app.runs.known([run_id(1), run_id(2)]) == {run_id(1)}
        assert app.sweeps.get("s").state == "running"
        commit(app, made_up_run(3))
    assert findings(store) == []  # what the backup does not know is younger than ten minutes


def test_a_folder_gets_only_what_is_new(store: Store, elsewhere: OpenStore, tmp_path: Path) -> None:
    commit(store, made_up_run(1))
    saved(store, tmp_path / "saved")
    commit(store, made_up_run(2))
    assert saved(store, tmp_path / "saved") == Saved(pictures=4, new=2, lost=0)
    assert restored(elsewhere, tmp_path / "saved").pictures == 4


def test_a_store_that_is_written_to_meanwhile_is_saved_whole(
    store: Store, elsewhere: OpenStore, settings: Settings, tmp_path: Path
) -> None:
    done = threading.Event()

    def work() -> None:
        with open_store(settings) as other:
            number = 0
            while not done.is_set() and number < 200:
                number += 1
                commit(other, made_up_run(number))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(3):
            saved(store, tmp_path / f"{number}.tar")
    finally:
        done.set()
        thread.join()
    for number in range(3):
        restored(elsewhere, tmp_path / f"{number}.tar")
        assert findings(elsewhere) == []


def test_what_is_deleted_meanwhile_is_in_no_backup(
    store: Store, elsewhere: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [commit(store, made_up_run(number)) for number in (1, 2)]
    copy_out, calls = saving.copy_out, []

    def and_delete(database: object, to: Path) -> None:
        copy_out(database, to)  # type: ignore[arg-type]
        calls.append(to)
        if len(calls) == 1:
            store.deletion.delete([runs[0].id])

    monkeypatch.setattr(saving, "copy_out", and_delete)
    saved(store, tmp_path / "saved")
    assert len(calls) == 2
    restored(elsewhere, tmp_path / "saved")
    assert elsewhere.runs.known([run.id for run in runs]) == {runs[1].id}
    assert findings(elsewhere) == []


def test_a_picture_that_the_store_lacks_is_told_and_the_rest_saved(
    store: Store, elsewhere: OpenStore, tmp_path: Path
) -> None:
    run = commit(store, made_up_run())
    store.blobs.path(run.raw).unlink()
    assert saved(store, tmp_path / "saved").lost == 1
    told = restored(elsewhere, tmp_path / "saved")
    assert (told.new, told.lost) == (1, 1)


def test_a_damaged_picture_is_restored(store: Store, tmp_path: Path) -> None:
    run = commit(store, made_up_run())
    whole = store.blobs.get(run.image)
    saved(store, tmp_path / "saved")
    store.blobs.path(run.image).write_bytes(whole[:100])
    store.blobs.path(run.raw).write_bytes(bytes(len(store.blobs.get(run.raw))))  # of the same length
    assert len(findings(store)) == 2
    assert restored(store, tmp_path / "saved").new == 2
    assert (store.blobs.get(run.image), findings(store)) == (whole, [])


def test_a_picture_that_was_cut_short_in_a_backup_is_saved_again(
    store: Store, elsewhere: OpenStore, tmp_path: Path
) -> None:
    run = commit(store, made_up_run())
    saved(store, tmp_path / "saved")
    kept = tmp_path / "saved" / picture_path(run.image)
    kept.write_bytes(kept.read_bytes()[:100])
    assert saved(store, tmp_path / "saved") == Saved(pictures=2, new=1, lost=0)
    assert restored(elsewhere, tmp_path / "saved").lost == 0
    # Where the store's own is the damaged one, the backup's stays.
    store.blobs.path(run.image).write_bytes(b"cut")
    assert saved(store, tmp_path / "saved") == Saved(pictures=2, new=0, lost=0)
    kept.write_bytes(b"short")
    assert saved(store, tmp_path / "saved") == Saved(pictures=1, new=0, lost=1)


@pytest.mark.parametrize("name", ["saved", "saved.tar"])
def test_nobody_else_reads_a_backup(store: Store, tmp_path: Path, name: str) -> None:
    commit(store, made_up_run())
    saved(store, tmp_path / name)
    paths = [tmp_path / name, *(tmp_path / name).rglob("*")]
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths)


def test_a_link_stays_one_and_the_backup_lies_where_it_leads(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other disk").mkdir()
    (tmp_path / "saved.tar").symlink_to(tmp_path / "other disk" / "store.tar")
    saved(store, tmp_path / "saved.tar")
    assert (tmp_path / "saved.tar").is_symlink()
    assert tarfile.is_tarfile(tmp_path / "other disk" / "store.tar")


def test_a_file_that_cannot_be_finished_leaves_the_one_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, made_up_run())
    saved(store, tmp_path / "saved.tar")
    before = (tmp_path / "saved.tar").read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(StoreError, match="cannot be written \\(No space left on device\\)"):
        saved(store, tmp_path / "saved.tar")
    assert (tmp_path / "saved.tar").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["saved.tar"]


def test_what_is_no_backup_is_neither_written_over_nor_read(store: Store, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.png").write_bytes(b"cat")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "other.tar").write_bytes(b"no tar")
    for target, told in ((photos, "holds other things"), (tmp_path / "notes.txt", "is a file")):
        with pytest.raises(UserInputError, match=told):
            saved(store, target)
    for source in (photos, tmp_path / "notes.txt", tmp_path / "other.tar", tmp_path / "nothing"):
        with pytest.raises(UserInputError, match="no backup"):
            restored(store, source)


def test_nothing_is_changed_by_a_backup_of_another_kind_or_of_a_newer_program(store: Store, tmp_path: Path) -> None:
    kept = commit(store, made_up_run())
    saved(store, tmp_path / "saved")
    manifest = tmp_path / "saved/backup.json"
    told = json.loads(manifest.read_text())
    assert told["schema"] == SCHEMA_VERSION
    manifest.write_text(json.dumps(told | {"database": "database.sql"}))
    with pytest.raises(UserInputError, match="is a backup of PostgreSQL, and this store's is SQLite"):
        restored(store, tmp_path / "saved")
    manifest.write_text(json.dumps(told | {"bgen_backup": 2}))
    with pytest.raises(UserInputError, match="no backup that this version of bgen reads"):
        restored(store, tmp_path / "saved")
    assert store.runs.known([kept.id])


def test_a_backup_that_was_cut_off_or_cannot_be_read_is_one_sentence(
    store: Store, elsewhere: OpenStore, tmp_path: Path
) -> None:
    commit(store, made_up_run())
    saved(store, tmp_path / "saved.tar")
    whole = (tmp_path / "saved.tar").read_bytes()
    (tmp_path / "saved.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserInputError, match=r"saved\.tar is damaged, or was cut off"):
        restored(elsewhere, tmp_path / "saved.tar")
    saved(store, tmp_path / "saved")
    (tmp_path / "saved/backup.json").write_text("[" * 100_000)
    with pytest.raises(UserInputError, match="no backup that this version of bgen reads"):
        restored(elsewhere, tmp_path / "saved")


def test_a_tar_puts_nothing_beside_the_store(elsewhere: OpenStore, store: Store, tmp_path: Path) -> None:
    """Nothing is unpacked by the names that a file gives."""
    commit(store, made_up_run())
    saved(store, tmp_path / "saved.tar")
    (tmp_path / "evil").write_text("evil")
    with tarfile.open(tmp_path / "saved.tar", "a") as tar:
        tar.add(tmp_path / "evil", "../evil-twin")
        tar.add(tmp_path / "evil", f"blobs/aa/{'a' * 64}.png")
    restored(elsewhere, tmp_path / "saved.tar")
    assert not list(tmp_path.rglob("evil-twin"))
    assert findings(elsewhere) == []
