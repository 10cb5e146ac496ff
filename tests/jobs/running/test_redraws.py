"""Cells that are drawn again until the subject does not grow: which attempt is kept, and that none is made twice."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import StoreError
from bgen_core.ids import SweepId
from bgen_core.jobs.execute_sweep import execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.redraws import Redraws
from bgen_core.jobs.running.share import Share
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.metrics import MetricValue, find_metric
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepCellRow
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Committed, PaintCell, Redrawn, Started
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import EXPANSION, SEED_STEP, Redraw
from bgen_core.sweep.tuning import BatchTuning
from tests.jobs.quick_sweeps import Noise, forecast
from tests.serving import PROJECT
from tests.tiny_models import tiny_pipeline

THREE = Redraw(max_expansion=3, attempts=3)


class Painter(Noise):
    """Says which seeds it was asked for."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Any]:
        def noted() -> Generator[PaintCell | None]:
            for cell in cells:
                if cell is not None:
                    self.seeds.append(cell.params.seed)
                yield cell

        yield from super().paint(noted())


@pytest.fixture(autouse=True)
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    painter = Painter()
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (painter, 8))
    return painter


def measured(monkeypatch: pytest.MonkeyPatch, grows: Callable[[int], float | None]) -> None:
    """Let a picture's expansion follow from its seed."""

    def measure(redraws: Redraws, run: RunRecord) -> float | None:
        value = grows(run.params.seed)
        version = find_metric(EXPANSION).version
        redraws._store.metrics.save(run.id, [MetricValue(name=EXPANSION, value=value, reason="", version=version)])
        return value

    monkeypatch.setattr(Redraws, "measure", measure)


def planned(
    store: Store, settings: Settings, redraw: Redraw | None = THREE, seeds: str = "1-3", **axes: tuple[str, str]
) -> SweepPlan:
    return replace(forecast(store, settings, seeds=seeds, **axes).plan, redraw=redraw)


def submitted(store: Store, settings: Settings, plan: SweepPlan) -> SweepId:
    photos = {subject: store.subjects.get(subject).extent for subject in plan.subject_ids}
    asked = forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name="float32")
    return submit_sweep(store, asked, queued=False)


def tried(cell: SweepCellRow) -> list[float | None]:
    return [each.expansion for each in cell.attempts]


def test_a_cell_keeps_the_first_seed_that_holds_and_else_the_best(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    grows = {1: 2.0, 2: 9.0, 2 + SEED_STEP: 3.0, 3: 7.0, 3 + SEED_STEP: 5.0, 3 + 2 * SEED_STEP: 6.0}
    measured(monkeypatch, grows.__getitem__)
    sweep_id = submitted(store, settings, planned(store, settings))
    assert store.sweeps.missing(sweep_id) == 3
    events = list(Runner(store, settings).run(sweep_id))
    cells = store.sweeps.cells(sweep_id)
    assert [tried(cell) for cell in cells] == [[2], [9, 3], [7, 5, 6]]
    assert [store.runs.get(cell.run_id).params.seed for cell in cells] == [1, 2 + SEED_STEP, 3 + SEED_STEP]
    assert all(cell.is_over and cell.done for cell in cells) and store.sweeps.missing(sweep_id) == 0
    assert sorted(painter.seeds) == sorted(grows)
    assert sorted(event.index for event in events if isinstance(event, Redrawn)) == [1, 2, 2]
    assert sorted(event.index for event in events if isinstance(event, Committed)) == [0, 1, 2]
    for cell in cells:  # each attempt is an ordinary run that is kept
        assert [store.runs.get(each.run_id).id for each in cell.attempts]


def test_an_attempt_that_was_ever_made_is_not_painted_again(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    measured(monkeypatch, lambda seed: 1.0 if seed > 2 * SEED_STEP else 8.0)
    plan = planned(store, settings, seeds="1-2")
    list(Runner(store, settings).run(submitted(store, settings, plan)))
    assert len(painter.seeds) == 6
    again = submitted(store, settings, plan)
    events = list(Runner(store, settings).run(again))
    assert len(painter.seeds) == 6
    assert [event.reused for event in events if isinstance(event, Committed | Redrawn)] == [True] * 6
    assert [tried(cell) for cell in store.sweeps.cells(again)] == [[8, 8, 1]] * 2
    # Another limit decides anew from what is there.
    other = submitted(store, settings, replace(plan, redraw=Redraw(max_expansion=8, attempts=2)))
    list(Runner(store, settings).run(other))
    assert len(painter.seeds) == 6
    assert [tried(cell) for cell in store.sweeps.cells(other)] == [[8], [8]]


def test_cells_that_share_a_picture_are_drawn_again_together(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    measured(monkeypatch, lambda seed: 1.0 if seed > SEED_STEP else 8.0)
    sweep_id = submitted(store, settings, planned(store, settings, seeds="1-2", axes=("shadow", "0,0.5,1")))
    list(Runner(store, settings).run(sweep_id))
    assert sorted(painter.seeds) == [1, 2, 1 + SEED_STEP, 2 + SEED_STEP]
    assert [tried(cell) for cell in store.sweeps.cells(sweep_id)] == [[8, 1]] * 6


def test_what_cannot_be_measured_is_kept(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    measured(monkeypatch, lambda seed: None)
    sweep_id = submitted(store, settings, planned(store, settings))
    list(Runner(store, settings).run(sweep_id))
    assert painter.seeds == [1, 2, 3]
    assert [tried(cell) for cell in store.sweeps.cells(sweep_id)] == [[None]] * 3


def test_without_the_option_nothing_is_measured_and_a_stored_plan_says_nothing_of_it(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Redraws, "measure", lambda *_: pytest.fail("measured"))
    plan = planned(store, settings, None)
    sweep_id = submitted(store, settings, plan)
    list(Runner(store, settings).run(sweep_id))
    assert "redraw" not in store.sweeps.get(sweep_id).plan
    assert all(cell.is_settled and not cell.attempts for cell in store.sweeps.cells(sweep_id))
    assert SweepPlan.from_json(replace(plan, redraw=THREE).to_json()).redraw == THREE


def test_two_processes_decide_a_cell_once(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    measured(monkeypatch, lambda seed: 8.0)
    sweep_id = submitted(store, settings, planned(store, settings, seeds="1-2"))
    first, _ = store.sweeps.cells(sweep_id)
    later = store.sweeps.cells(sweep_id)[1].run_id
    decide = store.attempts.decide
    assert decide(sweep_id, 0, run_id=first.run_id, expansion=8.0, following=later)
    assert not decide(sweep_id, 0, run_id=first.run_id, expansion=8.0, following=None)
    assert not decide(sweep_id, 9, run_id=first.run_id, expansion=8.0, following=None)
    (cell, _) = store.sweeps.cells(sweep_id)
    assert (tried(cell), cell.attempt, cell.run_id) == ([8, None], 1, first.run_id)


def test_a_store_that_is_away_at_a_decision_loses_no_attempt(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    measured(monkeypatch, lambda seed: 8.0)
    sweep_id = submitted(store, settings, planned(store, settings))
    decide, calls = store.attempts.decide, list[int]()

    def away(*given: Any, **named: Any) -> bool:
        calls.append(1)
        if len(calls) == 5:
            raise StoreError("away")
        return decide(*given, **named)

    monkeypatch.setattr(store.attempts, "decide", away)
    runner = Runner(store, settings)
    with pytest.raises(StoreError):
        list(runner.run(sweep_id))
    list(runner.run(sweep_id))
    assert [tried(cell) for cell in store.sweeps.cells(sweep_id)] == [[8, 8, 8]] * 3
    assert len(painter.seeds) == len(set(painter.seeds)) == 9


# Dies by SIGKILL at the fourth decision, before or after it is written.
KILLED = """
import os, signal, sys
from pathlib import Path
from bgen_core.jobs import kept_models
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.redraws import Redraws
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.jobs.quick_sweeps import Noise

home, sweep_id, when = sys.argv[1:]
kept_models.load_inpainter = lambda *_, **__: (Noise(), 8)
Redraws.measure = lambda redraws, run: 8.0
with open_store(load_settings(home=Path(home), device="cpu")) as store:
    decide, calls = store.attempts.decide, []

    def killed(*given, **named):
        calls.append(1)
        if len(calls) == 4 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        decided = decide(*given, **named)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return decided

    store.attempts.decide = killed
    list(Runner(store, load_settings(home=Path(home), device="cpu")).run(sweep_id))
"""


@pytest.mark.usefixtures("forked_processes")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_process_leaves_what_it_decided_and_the_next_goes_on(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch, when: str
):
    sweep_id = submitted(store, settings, planned(store, settings))
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), sweep_id, when],
        cwd=PROJECT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    made = {run.params.seed for run in store.runs.select()}
    assert 4 <= len(made) < 9
    measured(monkeypatch, lambda seed: 8.0)
    list(Runner(store, settings).run(sweep_id))
    assert [tried(cell) for cell in store.sweeps.cells(sweep_id)] == [[8, 8, 8]] * 3
    assert not made & set(painter.seeds) and len(made) + len(painter.seeds) == 9


def test_a_painter_of_several_makes_the_attempts_of_its_part(
    store: Store, settings: Settings, painter: Painter, monkeypatch: pytest.MonkeyPatch
):
    measured(monkeypatch, lambda seed: 8.0)
    sweep_id = submitted(store, settings, planned(store, settings, seeds="1-5"))
    member = Member(store, "painter")
    runner = Runner(store, settings, member, share=Share(store, member))
    with holding(member, sweep_id, patience=0, shared=True):
        list(execute_sweep(store, member, runner, sweep_id))
    assert store.sweeps.get(sweep_id).state == "done"
    assert [tried(cell) for cell in store.sweeps.cells(sweep_id)] == [[8, 8, 8]] * 5
    assert len(painter.seeds) == len(set(painter.seeds)) == 15


@pytest.mark.parametrize("shares", [False, True])
def test_attempts_join_the_batches_of_the_engine_and_give_the_pictures_of_plain_cells(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, shares: bool
):
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    tuning = BatchTuning(batch_size=2, quantum=2, seconds_per_row=0.1)
    monkeypatch.setattr(inpainter.tunings, "get", lambda *_: tuning)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (inpainter, 8))
    decided: list[int] = []
    has_further_begun = threading.Event()

    def grows(seed: int) -> float:
        if seed > SEED_STEP:
            return 1.0
        decided.append(seed)
        if len(decided) == 6:  # the last first attempt: others are drawn again meanwhile
            has_further_begun.wait(60)
        return 8.0

    measured(monkeypatch, grows)
    plan = replace(planned(store, settings, seeds="1-6"), redraw=THREE)
    plan = replace(plan, base=plan.base.changed({"side": 64}))
    sweep_id = submitted(store, settings, plan)
    member = Member(store, "painter")
    runner = Runner(store, settings, member, share=Share(store, member) if shares else None)
    events: list[Any] = []
    for event in runner.run(sweep_id):
        events.append(event)
        if _is_further(event):
            has_further_begun.set()
    cells = store.sweeps.cells(sweep_id)
    assert [tried(cell) for cell in cells] == [[8, 1]] * 6
    again = [place for place, event in enumerate(events) if _is_further(event)]
    told = [place for place, event in enumerate(events) if isinstance(event, Redrawn)]
    assert again[0] < told[-1]  # while first attempts were still under way
    alone = replace(plan.base, seed=6 + SEED_STEP)
    name = submitted(store, settings, replace(plan, base=alone, axes=(), redraw=None))
    (cell,) = store.sweeps.cells(name)
    assert cell.done and cell.run_id == cells[-1].run_id
    drawn_again = pixels(store, cell)
    store.deletion.delete([cell.run_id])
    list(Runner(store, settings).run(name))
    np.testing.assert_array_equal(pixels(store, cell), drawn_again)


def pixels(store: Store, cell: SweepCellRow) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(store.blobs.get(store.runs.get(cell.run_id).raw))))


def _is_further(event: Any) -> bool:
    return isinstance(event, Started) and event.cell.params.seed > SEED_STEP
