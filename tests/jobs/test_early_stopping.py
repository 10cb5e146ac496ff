"""A sweep that stops cells early: what is stopped, what is kept, and that a stopped cell can be painted after all."""

from collections.abc import Iterator

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.jobs.early import looks
from bgen_core.jobs.early.glance import Glance
from bgen_core.jobs.early.kept_runs import early_note, early_wish, looks_version
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import submit_sweep
from bgen_core.metrics import find_metric
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep_states import CLAIM, RETRY
from bgen_core.runs.analysis.racing.early import Calibration
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.tuning import BatchTuning
from tests.jobs import quick_sweeps
from tests.tiny_models import tiny_pipeline

STOP, KEEP = EarlyWish(by="seam", stops=True), EarlyWish(by="seam", stops=False)
BOUND = 0.3


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tiny network that paints one cell after another; kept runs that allow a difference of 0.3."""
    pipeline = tiny_pipeline("sd-9")
    engine = BatchedInpainter(pipeline, is_watched=lambda: False)
    tuning = BatchTuning(batch_size=2, quantum=None, seconds_per_row=1.0)
    monkeypatch.setattr(engine, "_tuning", lambda _: tuning)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (engine, 8))
    allowed = Calibration(kept=400, groups=50, bound=BOUND)
    monkeypatch.setattr(looks, "calibration_for", lambda *_, **__: allowed)
    yield


@pytest.fixture
def seams(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What previews and finished pictures say, in the order in which they are asked."""
    said: list[float] = []
    monkeypatch.setattr(Glance, "value", lambda *_: said.pop(0))
    return said


def submit(store: Store, settings: Settings, wish: EarlyWish | None, seeds: str = "1-3") -> str:
    forecast = quick_sweeps.forecast(store, settings, seeds=seeds, axes=("side", "16"))
    return submit_sweep(store, forecast, owner="ada", early=wish)


def run(store: Store, settings: Settings, sweep_id: str) -> Ended:
    assert store.sweeps.change_state(sweep_id, CLAIM)
    with Member(store, "worker") as member, holding(member, sweep_id):
        events = list(execute_sweep(store, member, Runner(store, settings, member), sweep_id))
    assert isinstance(events[-1], Ended)
    return events[-1]


def pixels(store: Store, run_id: str) -> bytes:
    blob = store.runs.get(run_id).raw
    return decode_photo(store.blobs.get(blob), name=blob, limits=STORED_LIMITS).image.tobytes()


def test_a_cell_that_lags_behind_is_stopped_with_its_reason(
    store: Store, settings: Settings, seams: list[float]
) -> None:
    """The first is finished; the second is no further behind than kept runs allow, the third is."""
    seams += [0.2, 0.1, 0.2 + BOUND, 0.4, 0.21 + BOUND]
    sweep_id = submit(store, settings, STOP)
    before = [cell.run_id for cell in store.sweeps.cells(sweep_id)]
    ended = run(store, settings, sweep_id)
    assert (ended.state, ended.made, ended.failed) == ("done", 2, 0)
    cells = store.sweeps.cells(sweep_id)
    assert [cell.run_id for cell in cells] == before
    assert [(cell.done, cell.is_stopped, cell.has_failed) for cell in cells] == [
        (True, False, False), (True, False, False), (False, True, False),
    ]  # fmt: skip
    assert cells[2].error.startswith("Stopped early after step 1 of 2: its preview's seam is 0.510")
    assert store.sweeps.get(sweep_id).message == ""
    assert not seams


def test_a_stopped_cell_is_painted_after_all_and_not_stopped_again(
    store: Store, settings: Settings, seams: list[float]
) -> None:
    seams += [0.2, 0.1, 0.9, 0.9]
    sweep_id = submit(store, settings, STOP)
    run(store, settings, sweep_id)
    store.sweeps.clear_cell_errors(sweep_id)
    assert [cell.is_stopped for cell in store.sweeps.cells(sweep_id)] == [False, True, True]
    store.sweeps.clear_cell_errors(sweep_id, 1)
    assert store.sweeps.change_state(sweep_id, RETRY)
    seams += [0.9, 0.3]
    run(store, settings, sweep_id)
    assert [cell.done for cell in store.sweeps.cells(sweep_id)] == [True, True, False]
    store.sweeps.clear_cell_errors(sweep_id, stopped=True)
    assert store.sweeps.change_state(sweep_id, RETRY)
    seams += [0.9, 0.3]
    run(store, settings, sweep_id)
    assert all(cell.done for cell in store.sweeps.cells(sweep_id))


def test_pictures_of_a_sweep_that_stops_are_those_of_one_that_does_not(
    store: Store, settings: Settings, seams: list[float]
) -> None:
    seams += [0.2, 0.1, 0.9, 0.3, 0.2]
    stopping = submit(store, settings, STOP)
    run(store, settings, stopping)
    pictures = {cell.run_id: pixels(store, cell.run_id) for cell in store.sweeps.cells(stopping) if cell.done}
    assert len(pictures) == 2
    for run_id in pictures:
        store.deletion.delete([run_id])
    plain = submit(store, settings, None)
    run(store, settings, plain)
    assert {run_id: pixels(store, run_id) for run_id in pictures} == pictures


def test_what_previews_say_is_kept_only_where_it_is_asked_for(
    store: Store, settings: Settings, seams: list[float]
) -> None:
    run(store, settings, submit(store, settings, None))
    seams += [0.5, 0.1, 0.9, 0.8]
    keeping = submit(store, settings, KEEP, seeds="4-5")
    ended = run(store, settings, keeping)
    assert (ended.made, ended.state) == (2, "done")
    version = looks_version(find_metric("seam"))
    kept = store.early_values.of_sweep(keeping, by="seam", version=version)
    assert sorted((value.foreseen, value.final, value.steps) for value in kept) == [(0.5, 0.1, 2), (0.9, 0.8, 2)]
    revision = store.runs.get(kept[0].run_id).model_revision
    assert len(store.early_values.alike(by="seam", version=version, model_revision=revision, steps=2)) == 2
    assert store.early_values.alike(by="seam", version=version, model_revision=revision, steps=3) == []
    assert store.early_values.alike(by="seam", version=version + 1, model_revision=revision, steps=2) == []
    store.deletion.delete([kept[0].run_id])
    assert len(store.early_values.of_sweep(keeping, by="seam", version=version)) == 1


def test_values_that_cannot_be_measured_stop_nothing(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Glance, "value", lambda *_: None)
    assert run(store, settings, submit(store, settings, STOP)).made == 3


def test_previews_are_measured_as_finished_pictures_are(store: Store, settings: Settings) -> None:
    """With nothing made up: all values are of the metric's range, and are kept."""
    sweep_id = submit(store, settings, KEEP)
    run(store, settings, sweep_id)
    kept = store.early_values.of_sweep(sweep_id, by="seam", version=looks_version(find_metric("seam")))
    assert len(kept) == 3
    assert all(0 <= value <= 1 for each in kept for value in (each.foreseen, each.final))
    assert len({each.foreseen for each in kept}) == 3
    assert np.isfinite([each.final for each in kept]).all()


def test_before_a_run_it_is_said_how_many_kept_runs_there_are(store: Store, settings: Settings) -> None:
    sweep_id = submit(store, settings, STOP)
    plan = SweepPlan.from_json(store.sweeps.get(sweep_id).plan)
    assert early_note(store, plan, STOP) == (
        "demo at 2 steps, by seam: 0 kept runs of the 192 that are needed, from sweeps of at least 8 cells: "
        "nothing is stopped."
    )
    assert "nothing is stopped" in early_note(store, plan, KEEP)


@pytest.mark.parametrize("name", ["expansion", "clip_score", "", "Seam", "detail"])
def test_measures_that_previews_do_not_show_are_refused(name: str) -> None:
    with pytest.raises(UserInputError, match="choose seam, light_agreement"):
        early_wish(name, stops=True)
