"""Cancel, pause and the end of a painter: how many evaluations of the real engine begin after them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from bgen_core.cluster.painter import Painter
from bgen_core.cluster.painter_actor import Control
from bgen_core.ids import SweepId
from bgen_core.jobs import execute_sweep
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
CELLS = 60  # more than are made before somebody stops it
TUNING = BatchTuning(batch_size=4, quantum=4, seconds_per_row=0.1, decoded_together=1, in_halves=False)


@dataclass(kw_only=True, eq=False)
class Evaluations:
    """Counts evaluations, and is the clock of whoever looks at the sweep: each lasts so many seconds, nothing else any.

    In the middle of the one with the number `at` something is done.
    """

    seconds: float
    at: int
    act: Callable[[], object] = lambda: None
    begun: int = 0

    def clock(self) -> float:
        return self.begun * self.seconds

    def instead_of(self, evaluate: Callable[..., Any]) -> Callable[..., Any]:
        def counted(evaluator: RowEvaluator, rows: Any) -> Any:
            self.begun += 1
            if self.begun == self.at:
                self.act()
            return evaluate(evaluator, rows)

        return counted


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


@pytest.fixture(scope="module")
def inpainter() -> BatchedInpainter:
    return BatchedInpainter(tiny_pipeline("sd-9", factor=8), previews=False)


# Seconds that one takes, and at which of them it comes: where between two looks must not matter.
TIMES = [(0.1, 5), (0.1, 6), (0.1, 7), (0.3, 5), (0.3, 6), (0.6, 5), (10.0, 5)]


@pytest.fixture
def evaluations(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, inpainter: BatchedInpainter
) -> Evaluations:
    monkeypatch.setattr(inpainter.tunings, "get", lambda *_: TUNING)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (inpainter, 8))
    counted = Evaluations(seconds=request.param[0], at=request.param[1])
    monkeypatch.setattr(RowEvaluator, "evaluate", counted.instead_of(RowEvaluator.evaluate))
    monkeypatch.setattr(execute_sweep, "time", SimpleNamespace(monotonic=counted.clock, sleep=time.sleep))
    return counted


def submitted(store: Store, settings: Settings) -> SweepId:
    return SweepId(quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}", axes=("side", "64")))


@pytest.mark.parametrize(
    ("evaluations", "change"),
    [*((each, CANCEL) for each in TIMES), *((each, PAUSE) for each in TIMES[1::3])],
    indirect=["evaluations"],
)
def test_a_sweep_that_somebody_stops_is_left_within_one_evaluation_and_half_a_second(
    store: Store, settings: Settings, control: Control, evaluations: Evaluations, change: Any
) -> None:
    sweep_id = submitted(store, settings)
    evaluations.act = lambda: store.sweeps.change_state(sweep_id, change)
    with painting(store, settings, control):
        until(lambda: evaluations.begun >= evaluations.at and has_left(store, control), "it has left the sweep")
        assert evaluations.begun - evaluations.at <= PROMISED_SECONDS / evaluations.seconds
        made = sum(cell.done for cell in store.sweeps.cells(sweep_id))
        assert 0 < made < CELLS
        assert not store.leases.count([control.worker_id], "raw"), "others may paint the rest at once"
        if change is PAUSE:
            begun = evaluations.begun
            assert store.sweeps.change_state(sweep_id, CONTINUE)
            until(lambda: evaluations.begun > begun, "it goes on")


@pytest.mark.parametrize("evaluations", TIMES, indirect=True)
def test_a_painter_that_is_to_end_stops_within_one_evaluation(
    store: Store, settings: Settings, control: Control, evaluations: Evaluations
) -> None:
    sweep_id = submitted(store, settings)
    evaluations.act = control.stopping.set
    with painting(store, settings, control) as thread:
        thread.join(60)
        assert evaluations.begun == evaluations.at
    assert store.sweeps.get(sweep_id).state == "running", "for others"
