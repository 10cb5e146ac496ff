"""Races on the Sweep page: beginning one, what is shown of it, and stopping it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bgen_core.ids import SweepId
from bgen_core.records.race import Race, RaceStep
from bgen_core.records.sweep_states import CLAIM, FINISH
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import raced_plan
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep
from tests.pages.test_sweep_page import open_sweep, said

START = RaceStep(kind="start", text="Guidance is raced by seam: 3 and 5.", created=LONG_AGO)
LOST = RaceStep(kind="lost", value=1, text="Out: guidance 5. Its seam is *0.2* higher.", created=LONG_AGO)
WON = RaceStep(kind="won", text="Winner by seam: guidance 3.", created=LONG_AGO)


@pytest.fixture
def store(page_store: Store) -> Store:
    return page_store


@pytest.fixture
def plan(store: Store) -> SweepPlan:
    alpha = np.zeros((64, 80), np.float32)
    alpha[20:, 20:60] = 1
    subject = Subject(name="box", image=np.full((64, 80, 3), 90, np.uint8), alpha=alpha)
    store.subjects.save(subject, {})
    base = InpaintParams(prompt="a beach", num_inference_steps=2)
    return SweepPlan(
        subject_id=subject.id,
        model="demo",
        base=base,
        axes=(parse_axis("guidance", "3,5"), parse_axis("seed", "1-2")),
    )


def swept(store: Store, plan: SweepPlan, **changes: Any) -> SweepId:
    """The sweep, with every cell made."""
    cells = [
        commit(store, replace(made_up_run(cell.index, subject_id=plan.subject_id), params=cell.params)).id
        for cell in plan.cells()
    ]
    indices = [cell.index for cell in plan.cells()]
    record = made_up_sweep(cells=cells, plan=plan.to_json(), subject_id=plan.subject_id, **changes)
    store.sweeps.add(record, dict(zip(indices, cells, strict=True)))
    store.sweeps.change_state(record.id, CLAIM)
    store.sweeps.change_state(record.id, FINISH)
    return record.id


def raced(store: Store, plan: SweepPlan, *steps: RaceStep, **changes: Any) -> SweepId:
    sweep_id = swept(store, raced_plan(plan, "guidance", made=[], seeds=2))
    race = Race(
        sweep_id=sweep_id, started_from=None, axis="guidance", by="seam", budget=60, begun_with=0, state="open",
        steps=steps,
    )  # fmt: skip
    store.races.begin(replace(race, **changes))
    return sweep_id


def budget_field(at: AppTest) -> Any:
    return next(each for each in at.number_input if each.label == "Budget")


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception
    return at


def test_a_race_is_begun_from_a_finished_sweep_and_asks_for_its_first_round(
    store: Store, plan: SweepPlan, worker: None
):
    sweep_id = swept(store, plan)
    at = open_sweep(id=sweep_id)
    assert "First round: 8 cells" in said(at)
    press(at, "Start the race")
    (new,) = store.races.started_from(sweep_id)
    race = store.races.of(new)
    assert race is not None
    assert (race.axis, race.by, race.budget, race.begun_with) == ("guidance", "seam", 20, 4)
    assert store.sweeps.get(new).state == "queued"
    assert at.query_params["id"] in (new, [new])
    assert "Race on guidance by seam: goes on" in said(at)


def test_a_budget_below_the_first_round_is_said_beside_it(store: Store, plan: SweepPlan, worker: None):
    at = open_sweep(id=swept(store, plan))
    budget_field(at).set_value(3).run()
    assert "A budget of 3 cells is not allowed: the first round takes 4" in said(at)
    assert not [button for button in at.button if button.label == "Start the race"]


def test_the_budget_that_is_proposed_goes_with_the_axis(store: Store, plan: SweepPlan, worker: None):
    axes = (*plan.axes[:1], parse_axis("steps", "1-4"), plan.axes[1])
    at = open_sweep(id=swept(store, replace(plan, axes=axes)))
    assert budget_field(at).value == 20
    at.selectbox(key="race_axis").set_value("steps").run()
    assert budget_field(at).value == 40


def test_every_decision_stands_there_with_its_reason(store: Store, plan: SweepPlan):
    at = open_sweep(id=raced(store, plan, START, LOST))
    text = said(at)
    assert LOST.text in text
    assert "1 of 2 values left: guidance 3 · 4 of 60 cells added in 1 round" in text
    press(at, "Stop the race")
    race = store.races.of(SweepId("sweep-1"))
    assert race is not None
    assert race.state == "stopped"
    assert "no more seeds are added" in said(at)


def test_a_sweep_without_an_axis_to_race_offers_none(store: Store, plan: SweepPlan, worker: None):
    at = open_sweep(id=swept(store, replace(plan, axes=(parse_axis("seed", "1-2"),))))
    assert not [each for each in at.number_input if each.label == "Budget"]


def test_votes_are_asked_for_where_they_decide(store: Store, plan: SweepPlan):
    at = open_sweep(id=raced(store, plan, START, by="votes"))
    assert "Waits for 1 more vote on the pictures that are there" in said(at)


def test_new_values_between_the_best_are_raced_by_one_click(store: Store, plan: SweepPlan, worker: None):
    from bgen_core.metrics import MetricValue, find_metric

    sweep_id = raced(store, plan, START, LOST, WON, state="won")
    for cell in store.sweeps.cells(sweep_id):
        value = MetricValue(name="seam", value=0.1, reason="", version=find_metric("seam").version)
        store.metrics.save(cell.run_id, [value])
    at = press(open_sweep(id=sweep_id), "Race 3 and 4")
    (new,) = store.races.started_from(sweep_id)
    assert SweepPlan.from_json(store.sweeps.get(new).plan).values_of("guidance_scale") == (3.0, 4.0)
    before = store.races.of(sweep_id)
    assert before is not None
    assert before.steps[-1].kind == "followed"
    assert "Race 3 and 4" not in [button.label for button in open_sweep(id=sweep_id).button]
    assert not at.exception
