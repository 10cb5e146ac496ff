"""Cancel, pause and the end of a painter: how many evaluations of the real engine begin after them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bgen_core.cluster.painter import Painter
from bgen_core.cluster.painter_actor import Control
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member, new_worker_id
from bgen_core.records.sweep_states import CANCEL, CONTINUE, PAUSE
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.tuning import BatchTuning
from tests.jobs import quick_sweeps
from tests.tiny_models import tiny_pipeline

PROMISED_SECONDS = 0.5  # beside one evaluation
CELLS = 200
TUNING = BatchTuning(batch_size=4, quantum=4, seconds_per_row=0.1, decoded_together=1)


@dataclass(kw_only=True, eq=False)
class Evaluations:
    """Counts evaluations, each of which lasts at least so many seconds: on a busy machine fewer fit into a time."""

    seconds: float
    begun: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    at: int = 0

    def wait_for(self, more: int) -> None:
        """Until so many more have begun, the last of which is under way."""
        self.reached.clear()
        self.at = self.begun + more
        assert self.reached.wait(60), f"evaluation {self.at} has not begun"

    def instead_of(self, evaluate: Callable[..., Any]) -> Callable[..., Any]:
        def slowly(evaluator: RowEvaluator, rows: Any) -> Any:
            self.begun += 1
            if self.begun == self.at:
                self.reached.set()
            time.sleep(self.seconds)
            return evaluate(evaluator, rows)

        return slowly


@contextmanager
def painting(store: Store, settings: Settings, control: Control) -> Iterator[threading.Thread]:
    with Member(store, "painter", worker_id=control.worker_id) as member:
        thread = threading.Thread(target=Painter(store, settings, member, control).serve)
        thread.start()
        try:
            yield thread
        finally:
            control.stopping.set()
            thread.join(60)
    assert not thread.is_alive()


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def has_left(store: Store, control: Control) -> bool:
    status = next(each.status for each in store.workers.serving() if each.id == control.worker_id)
    return not status.sweep_id and status.state == "ready"


@pytest.fixture
def control() -> Control:
    return Control(new_worker_id())


@pytest.fixture(params=[0.6, 0.1], ids=["slow evaluations", "quick ones"])
def evaluations(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Evaluations:
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    monkeypatch.setattr(inpainter.tunings, "get", lambda *_: TUNING)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (inpainter, 8))
    counted = Evaluations(seconds=request.param)
    monkeypatch.setattr(RowEvaluator, "evaluate", counted.instead_of(RowEvaluator.evaluate))
    return counted


def most_after(evaluations: Evaluations) -> int:
    """The one under way has begun already; more begin only in the seconds that are promised."""
    return int(PROMISED_SECONDS / evaluations.seconds)


@pytest.mark.parametrize("change", [CANCEL, PAUSE], ids=["cancelled", "paused"])
def test_a_sweep_that_somebody_stops_is_left_within_one_evaluation_and_half_a_second(
    store: Store, settings: Settings, control: Control, evaluations: Evaluations, change: Any
) -> None:
    sweep_id = SweepId(quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}", axes=("side", "64")))
    with painting(store, settings, control):
        evaluations.wait_for(5)
        assert store.sweeps.change_state(sweep_id, change)
        begun = evaluations.begun
        until(lambda: has_left(store, control), "the painter has left the sweep")
        assert evaluations.begun - begun <= most_after(evaluations)
        made = sum(cell.done for cell in store.sweeps.cells(sweep_id))
        assert 0 < made < CELLS
        assert not store.leases.count([control.worker_id], "raw"), "others may paint the rest at once"
        if change is PAUSE:
            assert store.sweeps.change_state(sweep_id, CONTINUE)
            evaluations.wait_for(1)


def test_a_painter_that_is_to_end_stops_within_one_evaluation(
    store: Store, settings: Settings, control: Control, evaluations: Evaluations
) -> None:
    sweep_id = SweepId(quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}", axes=("side", "64")))
    with painting(store, settings, control) as thread:
        evaluations.wait_for(5)
        control.stopping.set()
        begun = evaluations.begun
        thread.join(60)
        assert evaluations.begun == begun
    assert store.sweeps.get(sweep_id).state == "running", "for others"
