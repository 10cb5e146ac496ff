"""A sweep as a ZIP: every finished picture as it is in the store, and what it was made of."""

import csv
import io
import zipfile

import pytest

from bgen_core.errors import UserInputError
from bgen_core.runs.export import runs_csv
from bgen_core.runs.links import download_name
from bgen_core.runs.store import Store
from bgen_core.runs.sweep_archive import sweep_archive
from tests.runs.made_up import commit, made_up_run, made_up_sweep, run_id


def opened(store: Store, sweep_id: str = "sweep-1") -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(sweep_archive(store, sweep_id))))
    assert archive.testzip() is None
    return archive


def test_it_holds_each_picture_once_and_the_table(store: Store):
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    ids = [runs[2].id, runs[0].id, runs[2].id, runs[1].id]  # a grid may show the same run twice
    store.add_sweep(made_up_sweep(cells=ids, state="done"), ids)
    archive = opened(store)
    ordered = [runs[2], runs[0], runs[1]]
    assert archive.namelist() == [*(download_name(run) for run in ordered), "runs.csv"]
    for run in ordered:
        entry = archive.getinfo(download_name(run))
        assert entry.compress_type == zipfile.ZIP_STORED
        year, month, day, hour, minute, second = run.created.timetuple()[:6]
        assert entry.date_time == (year, month, day, hour, minute, second // 2 * 2)  # a ZIP counts in two seconds
        assert archive.read(entry) == store.blobs.get(run.image)
    table = archive.read("runs.csv").decode()
    assert table == runs_csv(ordered)
    assert [row["id"] for row in csv.DictReader(io.StringIO(table))] == [run.id for run in ordered]


def test_what_is_left_out_is_listed_with_its_reason(store: Store):
    kept, gone = (commit(store, made_up_run(number)) for number in range(2))
    ids = [kept.id, gone.id, run_id(7), run_id(8)]
    store.add_sweep(made_up_sweep(cells=ids, state="failed"), ids)
    store.set_cell_error("sweep-1", 3, "The disk is full.")
    store.blobs.delete(gone.image)
    archive = opened(store)
    assert archive.namelist() == [download_name(kept), "runs.csv", "not-included.txt"]
    lines = archive.read("not-included.txt").decode().splitlines()
    assert lines[:2] == ["Cell 3: Not made.", "Cell 4: The disk is full."]
    assert lines[2].startswith(f"{download_name(gone)}: The picture {gone.image[:12]}")
    assert [row["id"] for row in csv.DictReader(io.StringIO(archive.read("runs.csv").decode()))] == [kept.id]


def test_a_sweep_without_a_picture_is_a_zip_too(store: Store):
    store.add_sweep(made_up_sweep(cells=[run_id(1)]), [run_id(1)])
    assert opened(store).namelist() == ["runs.csv", "not-included.txt"]


def test_it_comes_picture_by_picture(store: Store):
    runs = [commit(store, made_up_run(number)) for number in range(5)]
    store.add_sweep(made_up_sweep(cells=[run.id for run in runs], state="done"), [run.id for run in runs])
    pieces = list(sweep_archive(store, "sweep-1"))
    assert len(pieces) == 6
    largest = max(store.blobs.size(run.image) for run in runs)
    assert all(len(piece) < largest + 1000 for piece in pieces[:-1])


def test_an_unknown_sweep_is_refused_before_anything_is_sent(store: Store):
    with pytest.raises(UserInputError, match="No sweep is called 'nobody'"):
        sweep_archive(store, "nobody")
