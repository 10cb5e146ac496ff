"""Stopping cells early on the Sweep page: the choice before a run, and painting what was stopped after all."""

from dataclasses import replace

import pytest

from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep_states import CLAIM, FINISH
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep
from tests.pages.test_race_panel import plan, press, store
from tests.pages.test_sweep_page import open_sweep, said

__all__ = ["plan", "store"]  # fixtures

REASON = "Stopped early after step 6 of 20: its preview's seam is *0.9*."


@pytest.fixture
def stopped(store: Store, plan: SweepPlan) -> str:
    """Four cells: two made, two stopped early."""
    runs = [replace(made_up_run(cell.index, subject_id=plan.subject_id), params=cell.params) for cell in plan.cells()]
    cells = [commit(store, run).id for run in runs[:2]] + [run.id for run in runs[2:]]
    record = made_up_sweep(cells=cells, plan=plan.to_json(), subject_id=plan.subject_id)
    wish = EarlyWish(by="seam", stops=True)
    store.sweeps.add(replace(record, early=wish, early_note="324 kept runs: 2.0 % are *lost*."), cells)
    store.sweeps.change_state(record.id, CLAIM)
    for index in (2, 3):
        store.sweeps.stop_cell(record.id, index, REASON)
    store.sweeps.change_state(record.id, FINISH)
    return record.id


def test_what_was_stopped_is_said_with_its_reason_and_is_no_failure(store: Store, stopped: str, worker: None) -> None:
    at = open_sweep(id=stopped)
    assert not at.exception
    assert "2 of 4 made, 2 stopped early" in " ".join(each.value for each in at.info)
    assert "failed" not in said(at)
    assert "Continue" not in [button.label for button in at.button]
    assert any(REASON in each.value for each in at.text)


def test_one_stopped_cell_is_painted_by_one_click(store: Store, stopped: str, worker: None) -> None:
    press(open_sweep(id=stopped), "Paint")
    assert [cell.early for cell in store.sweeps.cells(stopped)] == ["", "", "wanted", "stopped"]
    assert store.sweeps.get(stopped).state == "queued"


def test_all_stopped_cells_are_painted_by_one_click(store: Store, stopped: str, worker: None) -> None:
    press(open_sweep(id=stopped), "Paint all 2")
    assert [cell.early for cell in store.sweeps.cells(stopped)] == ["", "", "wanted", "wanted"]


def test_a_choice_says_what_kept_runs_there_are_before_the_run(store: Store, stopped: str, worker: None) -> None:
    at = open_sweep()
    assert "kept run" not in said(at)
    next(box for box in at.selectbox if box.label == "Stop cells early").select("stop:seam")
    at.run()
    assert not at.exception
    assert "0 kept runs of the 192 that are needed" in said(at)
    press(at, "Run")
    newest = max(store.sweeps.select(), key=lambda each: each.created)
    assert newest.early == EarlyWish(by="seam", stops=True)
