"""The worker as the app starts it: a real process, the demo model, and the plug pulled in the middle."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import describe_forecast, forecast_sweep, submit_sweep
from bgen_core.jobs.supervisor import WorkerSupervisor
from bgen_core.records.sweep_states import CANCEL
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.batch_sizes import BatchSizes
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_processes")]

ON_CPU = {"device_kind": "cpu", "dtype_name": "float32"}


@pytest.fixture(autouse=True)
def known_batch_sizes(settings: Settings, batch_sizes: BatchSizes) -> Iterator[None]:
    with batch_sizes.known_in(settings.home):
        yield


@pytest.fixture
def subject(store: Store) -> Subject:
    """Square, as the size is for which every worker measures its speed anyway."""
    generator = np.random.default_rng(1)
    alpha = np.zeros((112, 112), np.float32)
    alpha[30:, 30:80] = 1
    subject = Subject(name="box", image=generator.integers(0, 255, (112, 112, 3), dtype=np.uint8), alpha=alpha)
    store.subjects.save(subject, {})
    return subject


def submit(store: Store, settings: Settings, subject: Subject, **axes: str) -> str:
    plan = SweepPlan(
        subject_id=subject.id,
        model="demo",
        base=InpaintParams(prompt="a beach"),
        axes=tuple(parse_axis(name, text) for name, text in axes.items()),
    )
    forecast = forecast_sweep(store, settings, plan, photos={subject.id: subject.extent}, **ON_CPU)
    return submit_sweep(store, forecast, owner="test")


def living(store: Store) -> set[int]:
    return {each.process.pid for each in store.workers.serving()}


def test_a_killed_worker_loses_nothing_and_repeats_nothing(
    settings: Settings, store: Store, subject: Subject, batch_sizes: BatchSizes
):
    sweep_id = submit(store, settings, subject, steps="4,8", seed="1-4")
    supervisor = WorkerSupervisor(lambda: store, settings)
    supervisor.start()
    try:
        made: dict[str, object] = {}
        killed: set[int] = set()
        for kills in range(2):
            wait_until(lambda: sum(c.done for c in store.sweeps.cells(sweep_id)) > 2 * kills, "the first pictures")  # noqa: B023
            made |= {c.run_id: store.runs.get(c.run_id).created for c in store.sweeps.cells(sweep_id) if c.done}
            wait_until(lambda: living(store) - killed, "a living worker")  # a killed one is there for a moment more
            (worker,) = living(store) - killed
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
        wait_until(lambda: store.sweeps.get(sweep_id).state == "done", "the end of the sweep")
    finally:
        supervisor.stop()
    cells = store.sweeps.cells(sweep_id)
    assert [cell.done for cell in cells] == [True] * 8
    assert all(store.runs.get(run_id).created == created for run_id, created in made.items())
    assert not list(settings.home.rglob("*.tmp*"))
    assert store.progress.read(sweep_id) is None

    # The same sweep, undisturbed, in another store: the same pixels.
    other_settings = load_settings(home=settings.home.parent / "other", device="cpu")
    with batch_sizes.known_in(other_settings.home), open_store(other_settings) as other:
        other.subjects.save(subject, {})
        other_id = submit(other, other_settings, subject, steps="4,8", seed="1-4")
        list(Runner(other, other_settings).run(other_id))
        for mine, theirs in zip(cells, other.sweeps.cells(other_id), strict=True):
            one, two = store.runs.get(mine.run_id), other.runs.get(theirs.run_id)
            pictures = [_pixels(s, r.image) for s, r in ((store, one), (other, two))]
            assert np.abs(pictures[0] - pictures[1]).max() <= 1


def _pixels(store: Store, blob: str) -> np.ndarray:
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(store.blobs.get(blob)))).astype(int)


def test_a_cancelled_sweep_stops_and_the_queue_goes_on(settings: Settings, store: Store, subject: Subject):
    long = submit(store, settings, subject, steps="200", seed="1-20")
    short = submit(store, settings, subject, steps="2")
    supervisor = WorkerSupervisor(lambda: store, settings)
    supervisor.start()
    try:
        wait_until(lambda: store.progress.read(long), "progress")
        store.sweeps.change_state(long, CANCEL)
        wait_until(lambda: store.sweeps.get(short).state == "done", "the next sweep")
    finally:
        supervisor.stop()
    assert store.sweeps.get(long).state == "cancelled"
    assert not all(cell.done for cell in store.sweeps.cells(long))


def test_only_what_is_new_is_computed(settings: Settings, store: Store, subject: Subject):
    runner = Runner(store, settings)
    first = submit(store, settings, subject, steps="2,3")
    list(runner.run(first))
    plan = SweepPlan(
        subject_id=subject.id,
        model="demo",
        base=InpaintParams(prompt="a beach"),
        axes=(parse_axis("steps", "2,3,4"),),
    )
    forecast = forecast_sweep(store, settings, plan, photos={subject.id: subject.extent}, **ON_CPU)
    assert (forecast.known, forecast.to_make) == (2, 1)
    assert describe_forecast(forecast).startswith("3 cells: 2 known, 1 to make, about")
    events = list(runner.run(submit_sweep(store, forecast, owner="test")))
    assert sum(getattr(event, "reused", False) for event in events) == 2


def test_the_core_is_the_photo_bit_for_bit(settings: Settings, store: Store, subject: Subject):
    sweep_id = submit(store, settings, subject, steps="2", strength="0.7")
    list(Runner(store, settings).run(sweep_id))
    (cell,) = store.sweeps.cells(sweep_id)
    picture = _pixels(store, store.runs.get(cell.run_id).image)
    core = subject.alpha == 1
    assert np.array_equal(picture[core], subject.image[core])
    assert not np.array_equal(picture[~core], subject.image[~core])


def test_a_model_that_changed_since_the_plan_is_refused(settings: Settings, store: Store, subject: Subject):
    sweep_id = submit(store, settings, subject, steps="2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bgen_core.sweep.plan.pixel_versions", lambda: {"torch": "other"})
        with pytest.raises(Exception, match="has changed since this sweep was planned"):
            list(Runner(store, settings).run(sweep_id))


@pytest.mark.parametrize(("keep", "words"), [(0.0, "nothing to keep"), (1.0, "nothing to repaint")])
def test_a_mask_without_two_sides_is_refused_before_it_queues(
    settings: Settings, store: Store, subject: Subject, keep: float, words: str
):
    other = Subject(name="flat", image=subject.image, alpha=np.full_like(subject.alpha, keep))
    store.subjects.save(other, {})
    with pytest.raises(Exception, match=words):
        submit(store, settings, other, steps="2")
    assert not store.sweeps.select()


def test_samples_can_be_read():
    assert all(sample.path.is_file() for sample in SAMPLES)
