"""A race travels with its sweep: what was decided is read in the other store, and nobody goes on with it there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.race import Race, RaceStep
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.archive.changed_zip import changed
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_subject, made_up_sweep

SUBJECT = made_up_subject(1)
PLAN = SweepPlan(
    subject_id=SUBJECT.id,
    model="demo",
    base=InpaintParams(prompt="a beach at sunset", negative_prompt="text"),
    axes=(Axis(name="seed", values=(1, 2)), Axis(name="steps", values=(10, 20))),
)
ID = SweepId("sweep-1")
STEPS = (
    RaceStep(kind="start", text="Steps are raced by seam.", created=LONG_AGO),
    RaceStep(kind="lost", value=1, text="Out: steps 20.", created=LONG_AGO),
)
RACE = Race(sweep_id=ID, started_from=None, axis="steps", by="seam", budget=60, begun_with=2, state="open", steps=STEPS)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    """The ZIP of a sweep that is raced."""
    with open_store(load_settings(home=tmp_path / "other", database="")) as other:
        other.subjects.save(SUBJECT, {})
        made = [
            commit(other, replace(made_up_run(cell.index, subject_id=SUBJECT.id), params=cell.params))
            for cell in PLAN.cells()
        ]
        cells = [run.id for run in made]
        other.sweeps.add(
            made_up_sweep(ID, cells=cells, plan=PLAN.to_json(), subject_id=SUBJECT.id, state="done"), cells
        )
        other.races.begin(RACE)
        path = tmp_path / "runs.zip"
        path.write_bytes(b"".join(run_archive(other, cells)))
    yield path


def test_a_race_is_read_in_the_other_store_and_stopped_there(store: Store, archive: Path):
    import_runs(store, archive)
    assert store.races.of(ID) == replace(RACE, state="stopped")
    assert store.races.waiting() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"axis": "guidance"},
        {"axis": "seed"},
        {"by": "beauty"},
        {"state": "open"},
        {"steps": [{"kind": "lost", "text": "", "value": 2, "created": LONG_AGO.isoformat()}]},
        {"steps": [{"kind": "cheered", "text": "", "created": LONG_AGO.isoformat()}]},
    ],
)
def test_a_race_that_does_not_fit_its_sweep_is_refused(store: Store, archive: Path, changes: dict[str, Any]):
    with pytest.raises(UserInputError):
        import_runs(store, changed(archive, lambda manifest: manifest["sweeps"][0]["race"].update(**changes)))
    assert store.sweeps.select() == []
