"""Cells that were stopped early, in a ZIP: said in another store as in the first one, refused where they do not fit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.archive.sweep_archive import sweep_archive
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.early_stop import EarlyWish
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.archive.changed_zip import changed
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep

SUBJECT = made_up_subject(1)
PLAN = SweepPlan(
    subject_id=SUBJECT.id,
    model="demo",
    base=InpaintParams(prompt="a beach at sunset", negative_prompt="text"),
    axes=(Axis(name="seed", values=(1, 2, 3)),),
)
ID = SweepId("sweep-1")
WISH, NOTE, WHY = EarlyWish(by="seam", stops=True), "400 kept runs.", "Its preview lags by 0.12."


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    """The ZIP of a sweep whose second cell was stopped early, and whose third one failed."""
    with open_store(load_settings(home=tmp_path / "other", database="")) as other:
        other.subjects.save(SUBJECT, {})
        runs = [
            replace(made_up_run(cell.index, subject_id=SUBJECT.id), params=cell.params) for cell in PLAN.cells()
        ]  # fmt: skip
        sweep = made_up_sweep(ID, cells=runs, plan=PLAN.to_json(), subject_id=SUBJECT.id, state="done")
        other.sweeps.add(replace(sweep, early=WISH, early_note=NOTE), [run.id for run in runs])
        commit(other, runs[0])
        other.sweeps.stop_cell(ID, 1, WHY)
        other.sweeps.set_cell_error(ID, 2, "It did not fit.")
        path = tmp_path / "runs.zip"
        path.write_bytes(b"".join(sweep_archive(other, ID)))
        path.with_name("all.zip").write_bytes(b"".join(run_archive(other, [runs[0].id])))
    yield path


@pytest.mark.parametrize("name", ["runs.zip", "all.zip"])
def test_what_was_stopped_is_said_in_the_other_store(store: Store, archive: Path, name: str) -> None:
    import_runs(store, archive.with_name(name))
    sweep = store.sweeps.get(ID)
    assert (sweep.early, sweep.early_note) == (WISH, NOTE)
    made, stopped, failed = store.sweeps.cells(ID)
    assert made.done and not made.is_stopped
    assert (stopped.is_stopped, stopped.error) == (True, WHY)
    assert not failed.is_stopped


@pytest.mark.parametrize(
    "changes",
    [
        {"by": "expansion"},
        {"by": "beauty"},
        {"stops": False},
        {"stopped": {"3": WHY}},
        {"stopped": {"-1": WHY}},
        {"stopped": {"one": WHY}},
    ],
)
def test_stops_that_do_not_fit_the_sweep_are_refused(store: Store, archive: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserInputError):
        import_runs(store, changed(archive, lambda manifest: manifest["sweeps"][0]["early"].update(changes)))
    assert store.sweeps.select() == []
