"""A sweep as a ZIP: every finished picture as it is in the store, and everything that another store needs."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from bgen_core.archive.run_import import import_runs
from bgen_core.archive.sweep_archive import sweep_archive
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep, run_id


def add_sweep(store: Store, ids: list[str]) -> None:
    """A sweep over the seeds 0, 1, 2 … that are the numbers of its runs."""
    run = made_up_run(0)
    axes = (Axis(name="seed", values=tuple(range(len(ids)))),)
    plan = SweepPlan(subject_id=run.subject_id, model="demo", base=run.params, axes=axes)
    store.sweeps.add(made_up_sweep(cells=ids, state="done", plan=plan.to_json()), ids)


def opened(store: Store, sweep_id: str = "sweep-1") -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(sweep_archive(store, sweep_id))))
    assert archive.testzip() is None
    return archive


def not_included(archive: zipfile.ZipFile) -> list[str]:
    return archive.read("not-included.txt").decode().splitlines()


def test_it_holds_each_picture_and_the_table(store: Store) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    add_sweep(store, [run.id for run in runs])
    archive = opened(store)
    pictures = [entry for entry in archive.infolist() if entry.filename.startswith("pictures/")]
    assert [archive.read(entry) for entry in pictures] == [store.blobs.get(run.image) for run in runs]
    for entry, run in zip(pictures, runs, strict=True):
        assert entry.compress_type == zipfile.ZIP_STORED
        year, month, day, hour, minute, second = run.created.timetuple()[:6]
        assert entry.date_time == (year, month, day, hour, minute, second // 2 * 2)  # a ZIP counts in two seconds
    table = csv.DictReader(io.StringIO(archive.read("runs.csv").decode("utf-8-sig")))
    assert [row["id"] for row in table] == [run.id for run in runs]


def test_another_store_takes_it(store: Store, tmp_path: Path) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(2)]
    add_sweep(store, [*(run.id for run in runs), run_id(7)])
    (tmp_path / "sweep.zip").write_bytes(b"".join(sweep_archive(store, "sweep-1")))
    with open_store(load_settings(home=tmp_path / "other")) as other:
        assert import_runs(other, tmp_path / "sweep.zip").sweeps_added == ("sweep-1",)
        assert [cell.done for cell in other.sweeps.cells("sweep-1")] == [True, True, False]


def test_what_is_left_out_is_listed_with_its_reason(store: Store) -> None:
    kept, gone, rawless = (commit(store, made_up_run(number)) for number in range(3))
    add_sweep(store, [kept.id, gone.id, rawless.id, run_id(7), run_id(8)])
    store.sweeps.set_cell_error("sweep-1", 4, "The disk is full.")
    store.blobs.delete(gone.image)
    store.blobs.delete(rawless.raw)
    archive = opened(store)
    lines = not_included(archive)
    assert lines[:2] == ["Cell 4: Not made.", "Cell 5: The disk is full."]
    assert lines[2].startswith(f"Run {gone.id}: The picture {gone.image[:12]}")
    assert lines[3].startswith(f"Run {rawless.id}: The picture {rawless.raw[:12]}")
    table = csv.DictReader(io.StringIO(archive.read("runs.csv").decode("utf-8-sig")))
    assert [row["id"] for row in table] == [kept.id, rawless.id]  # a picture that people can still look at


def test_a_sweep_without_a_picture_is_a_zip_too(store: Store, tmp_path: Path) -> None:
    add_sweep(store, [run_id(1)])
    assert opened(store).namelist() == ["runs.csv", "bgen-runs.json", "not-included.txt"]
    (tmp_path / "sweep.zip").write_bytes(b"".join(sweep_archive(store, "sweep-1")))
    with open_store(load_settings(home=tmp_path / "other")) as other:
        done = import_runs(other, tmp_path / "sweep.zip")
    assert done.sentence == "0 runs imported, with 1 sweep."


def test_it_comes_picture_by_picture(store: Store) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(5)]
    add_sweep(store, [run.id for run in runs])
    pieces = list(sweep_archive(store, "sweep-1"))
    largest = max(store.blobs.size(run.image) + store.blobs.size(run.raw) for run in runs)
    assert len(pieces) >= 6
    assert all(len(piece) < largest + 1000 for piece in pieces[:-1])


def test_an_unknown_sweep_is_refused_before_anything_is_sent(store: Store) -> None:
    with pytest.raises(UserInputError, match="No sweep is called 'nobody'"):
        sweep_archive(store, "nobody")
