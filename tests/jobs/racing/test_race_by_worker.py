"""A race by the worker as the app starts it: it measures, decides and paints until the race is over."""

import numpy as np
import pytest

from bgen_core.jobs.racing.beginning import RaceWish, begin_race, first_round
from bgen_core.jobs.racing.deciding import forecaster
from bgen_core.jobs.submission import submit_sweep
from bgen_core.jobs.supervisor import WorkerSupervisor
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.batch_sizes import BatchSizes
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_processes")]


def test_a_worker_brings_a_race_to_its_end(settings: Settings, store: Store, batch_sizes: BatchSizes):
    alpha = np.zeros((112, 112), np.float32)
    alpha[30:, 30:80] = 1
    image = np.random.default_rng(1).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    subject = Subject(name="box", image=image, alpha=alpha)
    store.subjects.save(subject, {})
    plan = SweepPlan(
        subject_id=subject.id,
        model="demo",
        base=InpaintParams(prompt="a beach", num_inference_steps=1),
        axes=(parse_axis("guidance", "1,3,9"), parse_axis("seed", "1-2")),
    )
    wish = RaceWish(axis="guidance", by="seam", budget=20)
    first = first_round(plan, wish, settings)
    forecast = forecaster(store, settings, device_kind="cpu", dtype_name="float32")(first)
    sweep_id = submit_sweep(store, forecast, owner="test")
    begin_race(store, sweep_id, first, wish, made=0)

    def is_over() -> bool:
        race = store.races.of(sweep_id)
        return race is not None and not race.is_open

    with batch_sizes.known_in(settings.home):
        supervisor = WorkerSupervisor(lambda: store, settings)
        supervisor.start()
        try:
            wait_until(is_over, "the end of the race")
        finally:
            supervisor.stop()
    race = store.races.of(sweep_id)
    assert race is not None
    assert race.steps[0].kind == "start"
    assert race.steps[-1].kind == race.state
    cells = store.sweeps.cells(sweep_id)
    assert all(cell.done for cell in cells)
    assert len(cells) <= 20
    assert len(store.runs.select()) == len(cells)
    assert store.sweeps.get(sweep_id).state == "done"
