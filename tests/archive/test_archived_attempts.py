"""Seeds that were tried for a cell, in a ZIP: read in another store, refused where they do not fit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.sweep import CellAttempt
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import Redraw
from tests.archive.changed_zip import changed
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep

SUBJECT = made_up_subject(1)
PLAN = SweepPlan(
    subject_id=SUBJECT.id,
    model="demo",
    base=InpaintParams(prompt="a beach at sunset", negative_prompt="text"),
    axes=(Axis(name="seed", values=(1, 2)),),
    redraw=Redraw(max_expansion=3, attempts=3),
)
ID = SweepId("sweep-1")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    """The ZIP of a sweep whose first cell holds at the second seed, and whose second one is being drawn again."""
    with open_store(load_settings(home=tmp_path / "other", database="")) as other:
        other.subjects.save(SUBJECT, {})
        first, second = PLAN.cells()
        made = [
            commit(other, replace(made_up_run(number, subject_id=SUBJECT.id), params=cell.params)).id
            for number, cell in enumerate((first, first.at_attempt(1), second))
        ]
        cells = [made[0], made[2]]
        other.sweeps.add(made_up_sweep(ID, cells=cells, plan=PLAN.to_json(), subject_id=SUBJECT.id), cells)
        other.attempts.decide(ID, 0, run_id=made[0], expansion=5.0, following=made[1])
        other.attempts.decide(ID, 0, run_id=made[1], expansion=2.0, following=None)
        other.attempts.decide(ID, 1, run_id=made[2], expansion=4.0, following=made[0])
        path = tmp_path / "runs.zip"
        path.write_bytes(b"".join(run_archive(other, made)))
    yield path


def test_attempts_are_read_in_the_other_store_and_nothing_is_tried_there(store: Store, archive: Path) -> None:
    import_runs(store, archive)
    first, second = store.sweeps.cells(ID)
    assert [each.expansion for each in first.attempts] == [5, 2]
    assert (first.attempt, first.run_id) == (1, first.attempts[1].run_id)
    assert store.runs.get(first.run_id).params.seed == PLAN.cells()[0].at_attempt(1).params.seed
    assert second.attempts == (CellAttempt(run_id=second.run_id, expansion=4.0),)
    assert first.is_final and second.is_final


@pytest.mark.parametrize(
    "attempts",
    [
        {},  # the run of the first cell has another seed than its plan says
        {"0": [{"run": "a" * 64, "expansion": 1.0}]},
        {"9": [{"run": "a" * 64, "expansion": 1.0}]},
        {"0": [{"run": "a" * 64, "expansion": -1.0}]},
        {"0": [{"run": "a" * 64}] * 17},
        {"zero": []},
    ],
)
def test_attempts_that_do_not_fit_the_cells_are_refused(store: Store, archive: Path, attempts: dict[str, Any]) -> None:
    with pytest.raises(UserInputError):
        import_runs(store, changed(archive, lambda manifest: manifest["sweeps"][0].update(attempts=attempts)))
    assert store.sweeps.select() == []


def test_attempts_that_no_plan_asks_for_are_refused(store: Store, archive: Path) -> None:
    plan = {name: value for name, value in PLAN.to_json().items() if name != "redraw"}
    with pytest.raises(UserInputError, match="does not ask for"):
        import_runs(store, changed(archive, lambda manifest: manifest["sweeps"][0].update(plan=plan)))
