"""Sweeps that follow one another are one call of the engine: its batches stay full, and each sweep stays its own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import pytest

from bgen_core.errors import StoreAwayError
from bgen_core.extent import Extent
from bgen_core.ids import RawId
from bgen_core.jobs import execute_sweep as loop
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.engine_call import MOST_AHEAD, Asked, EngineCall
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.worker import serve_next
from bgen_core.records.sweep_states import CANCEL, CONTINUE, PAUSE
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import PaintCell, Started
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.jobs import quick_sweeps
from tests.tiny_models import tiny_pipeline


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Rows of each call of a tiny network, which paints batches of eight."""
    pipeline, found = tiny_pipeline("sd-9"), []
    engine = BatchedInpainter(pipeline, previews=False)
    tuning = BatchTuning(batch_size=8, quantum=None, seconds_per_row=1.0)
    monkeypatch.setattr(engine, "_tuning", lambda _: tuning)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (engine, 8))
    hook = pipeline.unet.register_forward_pre_hook(lambda module, inputs: found.append(len(inputs[0])), prepend=True)
    yield found
    hook.remove()


def submit(store: Store, settings: Settings, seeds: str, owner: str = "ada", side: int = 16) -> str:
    return quick_sweeps.submit(store, settings, seeds=seeds, owner=owner, axes=("side", str(side)))


@contextmanager
def worker(store: Store, settings: Settings, member: Member) -> Iterator[Any]:
    turns = Turns(store, member)
    runner = Runner(store, settings, member, next_sweep=turns.look_ahead)
    yield lambda: serve_next(store, member, runner, turns)


def states(store: Store, *sweep_ids: str) -> list[tuple[str, int]]:
    return [
        (store.sweeps.get(sweep_id).state, sum(cell.done for cell in store.sweeps.cells(sweep_id)))
        for sweep_id in sweep_ids
    ]


def test_the_next_sweep_begins_before_the_batches_of_this_one_drain(
    store: Store, settings: Settings, member: Member, calls: list[int]
) -> None:
    """Each of five cells, two rows and two steps: 40 rows are five full calls, where each alone would take three."""
    first, second = submit(store, settings, seeds="1-5"), submit(store, settings, seeds="11-15", owner="max")
    committed: list[str] = []
    commit = store.runs.commit

    def noting(run: Any, **pictures: Any) -> Any:
        committed.append(run.owner)
        return commit(run, **pictures)

    store.runs.commit = noting  # type: ignore[method-assign]
    with worker(store, settings, member) as serve:
        assert serve()
        assert states(store, first, second) == [("done", 5), ("running", 0)]
        assert serve()
        assert states(store, first, second) == [("done", 5), ("done", 5)]
        assert not serve()
    assert calls == [8] * 5
    assert committed == ["ada"] * 5 + ["max"] * 5


def test_no_more_of_the_next_sweep_is_painted_before_its_turn_than_fills_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the last cell of this one takes: what is painted ahead waits in memory."""
    monkeypatch.setattr("bgen_core.jobs.running.engine_call.AHEAD_SECONDS", 1000.0)  # one look
    canvas: Any = None
    asked: Any = Asked(
        raw_id=RawId("raw"), cell=PaintCell(index=0, params=InpaintParams(prompt="a"), canvas=canvas), photo=canvas
    )

    class Endless:
        def paint(self, cells: Iterable[PaintCell | None]) -> Iterator[Started]:
            for cell in cells:
                if cell is None:
                    return
                yield Started(cell=cell)

    inpainter: Any = Endless()
    call = EngineCall(inpainter, Extent(width=16, height=16), lambda *_: repeat(asked))
    call.add(iter([asked]))
    begun = 0
    while call.next() is not None:
        begun += 1
        assert begun <= 1 + MOST_AHEAD
    assert begun == 1 + MOST_AHEAD


def test_what_is_known_or_of_another_size_is_not_begun(
    store: Store, settings: Settings, member: Member, calls: list[int]
) -> None:
    first, known = submit(store, settings, seeds="1-3"), submit(store, settings, seeds="1-3", owner="max")
    larger = submit(store, settings, seeds="1", owner="eve", side=32)
    with worker(store, settings, member) as serve:
        while serve():
            pass
    assert states(store, first, known, larger) == [("done", 3), ("done", 3), ("done", 1)]
    assert sum(calls) == 3 * 2 * 2 + 2 * 2


def test_the_next_sweep_waits_for_all_sizes_of_this_one(
    store: Store, settings: Settings, member: Member, calls: list[int]
) -> None:
    first = quick_sweeps.submit(store, settings, seeds="1-2", axes=("side", "16,32"))
    second = submit(store, settings, seeds="11-12", owner="max")
    with worker(store, settings, member) as serve:
        assert serve()
        assert states(store, first, second) == [("done", 4), ("running", 0)]  # taken, and none of it begun
        assert serve()
    assert states(store, second) == [("done", 2)]
    assert sum(calls) == 6 * 2 * 2


@pytest.mark.parametrize("change", [CANCEL, PAUSE])
def test_a_sweep_that_is_stopped_when_both_are_under_way_costs_the_other_nothing(
    store: Store,
    settings: Settings,
    member: Member,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    change: Any,
) -> None:
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0)
    first, second = submit(store, settings, seeds="1-5"), submit(store, settings, seeds="11-15", owner="max")
    claim_next = store.sweeps.claim_next

    def and_then_stop(**leaving: Any) -> Any:
        sweep = claim_next(**leaving)
        if sweep is not None and sweep.id == second:
            store.sweeps.change_state(first, change)
        return sweep

    monkeypatch.setattr(store.sweeps, "claim_next", and_then_stop)
    with worker(store, settings, member) as serve:
        assert serve() and serve()
        assert states(store, second) == [("done", 5)]
        assert store.sweeps.get(first).state == change.to
        if change is PAUSE:
            store.sweeps.change_state(first, CONTINUE)
            assert serve()
            assert states(store, first) == [("done", 5)]


def test_a_next_sweep_that_is_cancelled_before_its_turn_is_left(
    store: Store, settings: Settings, member: Member, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submit(store, settings, seeds="1-5"), submit(store, settings, seeds="11-15", owner="max")
    third = submit(store, settings, seeds="21", owner="eve")
    claim_next = store.sweeps.claim_next

    def and_cancel(**leaving: Any) -> Any:
        sweep = claim_next(**leaving)
        if sweep is not None and sweep.id == second:
            store.sweeps.change_state(second, CANCEL)
        return sweep

    monkeypatch.setattr(store.sweeps, "claim_next", and_cancel)
    with worker(store, settings, member) as serve:
        while serve():
            pass
    assert states(store, first, second, third) == [("done", 5), ("cancelled", 0), ("done", 1)]


@pytest.mark.parametrize("fault", [StoreAwayError("away"), RuntimeError("a bug")])
def test_a_look_ahead_that_fails_costs_the_sweep_under_way_nothing(
    store: Store, settings: Settings, member: Member, calls: list[int], fault: Exception
) -> None:
    first = submit(store, settings, seeds="1-5")
    looks: list[int] = []

    def failing() -> Any:
        looks.append(1)
        raise fault

    store.sweeps.claim_next()
    *_, ended = execute_sweep(store, member, Runner(store, settings, member, next_sweep=failing), first)
    assert isinstance(ended, Ended) and ended.made == 5
    assert looks and states(store, first) == [("done", 5)]


def test_a_process_that_ends_between_two_sweeps_leaves_each_cell_to_be_made_once(
    store: Store, settings: Settings, member: Member, calls: list[int]
) -> None:
    first, second = submit(store, settings, seeds="1-5"), submit(store, settings, seeds="11-15", owner="max")
    with worker(store, settings, member) as serve:
        assert serve()  # the second one is in hand now, and this worker makes it no more
    assert states(store, first, second) == [("done", 5), ("running", 0)]
    again = Turns(store, member)
    list(execute_sweep(store, member, Runner(store, settings, member, next_sweep=again.look_ahead), second))
    assert states(store, first, second) == [("done", 5), ("done", 5)]
