"""Several owners at one device: turns go round by cells, and a sweep that gives way loses nothing."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bgen_core.jobs.leases.holding import requeue_orphans
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.worker import serve_next
from bgen_core.records.sweep_states import CANCEL, CONTINUE, PAUSE
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Started
from bgen_core.sweep.tuning import BatchTuning
from tests.jobs import quick_sweeps
from tests.tiny_models import tiny_pipeline


class Begun(list[int]):
    """Seeds of the cells in the order in which the engine began them; `then` is told of each."""

    then: Callable[[int], None] = staticmethod(lambda seed: None)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    """Of a tiny network, which paints batches of eight rows: four cells at once."""
    monkeypatch.setattr("bgen_core.jobs.running.turn.LOOK_SECONDS", 0)
    monkeypatch.setattr("bgen_core.records.turn_rule.CHANGE_SECONDS", 0)
    monkeypatch.setattr("bgen_core.records.turn_rule.CHANGE_SHARE", 0)
    found = Begun()

    class Noting(BatchedInpainter):
        def _tuning(self, extent: Any) -> BatchTuning:
            return BatchTuning(batch_size=8, quantum=None, seconds_per_row=1.0)

        def paint(self, cells: Any) -> Iterator[Any]:  # type: ignore[override]
            for event in super().paint(cells):
                if isinstance(event, Started):
                    found.append(event.cell.params.seed)
                    found.then(event.cell.params.seed)
                yield event

    monkeypatch.setattr(
        "bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noting(tiny_pipeline("sd-9"), previews=False), 8)
    )
    return found


def submit(store: Store, settings: Settings, seeds: str, owner: str, side: int = 16, model: str = "demo") -> str:
    return quick_sweeps.submit(store, settings, seeds=seeds, owner=owner, model=model, axes=("side", str(side)))


def worker(store: Store, settings: Settings, member: Member) -> Callable[[], bool]:
    turns = Turns(store, member)
    runner = Runner(store, settings, member, next_sweep=turns.look_ahead, next_after=turns.next_after)
    return lambda: serve_next(store, member, runner, turns)


def state(store: Store, sweep_id: str) -> tuple[str, int]:
    return store.sweeps.get(sweep_id).state, sum(cell.done for cell in store.sweeps.cells(sweep_id))


def owners(begun: Begun) -> str:
    """A letter for each cell, by the thousands of its seed."""
    return "".join("abcd"[seed // 1000] for seed in begun)


def test_the_only_cell_of_a_newcomer_begins_within_three(
    store: Store, settings: Settings, member: Member, begun: Begun
) -> None:
    long = submit(store, settings, "1-30", "ada")
    short: list[str] = []

    def come(seed: int) -> None:
        if seed == 10:
            short.append(submit(store, settings, "1001", "max"))

    begun.then = come
    serve = worker(store, settings, member)
    assert serve()
    name, made = state(store, long)
    assert name == "queued" and 10 <= made < 20  # it gave way, with all that was under way
    assert serve() and state(store, short[0]) == ("done", 1)
    assert begun.index(1001) <= 10 + 3
    while serve():
        pass
    assert state(store, long) == ("done", 30)
    assert set(Counter(begun).values()) == {1}, "nothing is begun twice"


def test_a_sweep_near_its_end_gives_way_too(store: Store, settings: Settings, member: Member, begun: Begun) -> None:
    """The next sweep is taken before this one ends: that is no reason for it to wait for the last cells."""
    first, second = submit(store, settings, "1-8", "ada"), submit(store, settings, "1001", "max")
    serve = worker(store, settings, member)
    while serve():
        pass
    assert begun == [1, 2, 3, 4, 1001, 5, 6, 7, 8]
    assert [state(store, first), state(store, second)] == [("done", 8), ("done", 1)]


def test_owners_with_many_cells_alternate_by_what_the_engine_holds(
    store: Store, settings: Settings, member: Member, begun: Begun
) -> None:
    seeds = {"ada": "1-12", "max": "1001-1012", "eve": "2001-2012"}
    sweeps = [submit(store, settings, own, owner) for owner, own in seeds.items()]
    serve = worker(store, settings, member)
    while serve():
        pass
    assert [state(store, each) for each in sweeps] == [("done", 12)] * 3
    assert set(Counter(begun).values()) == {1}
    order = owners(begun)
    for owner in "abc":
        places = [number for number, each in enumerate(order) if each == owner]
        assert max(later - earlier for earlier, later in pairwise(places)) <= 1 + 2 * 8


def test_what_was_painted_ahead_is_kept_where_the_turn_ends_at_once(
    store: Store, settings: Settings, member: Member, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = store.runs.commit

    def slowly(*given: Any, **named: Any) -> Any:
        time.sleep(0.3)  # the next sweep's cells are done before these are
        return commit(*given, **named)

    monkeypatch.setattr(store.runs, "commit", slowly)
    sweeps = [submit(store, settings, seeds, owner) for owner, seeds in (("ada", "1-8"), ("max", "1001-1008"))]
    serve = worker(store, settings, member)
    while serve():
        pass
    assert [state(store, each) for each in sweeps] == [("done", 8)] * 2
    assert set(Counter(begun).values()) == {1}


@pytest.mark.parametrize("side", [16, 32])
def test_a_process_that_ends_after_giving_way_leaves_each_cell_to_be_made_once(
    store: Store, settings: Settings, member: Member, begun: Begun, side: int
) -> None:
    first, second = submit(store, settings, "1-20", "ada"), submit(store, settings, "1001-1008", "max", side=side)
    assert worker(store, settings, member)()
    assert state(store, first)[0] == "queued"
    gc.collect()  # what the process held is free
    requeue_orphans(store, member)  # as the next process does: the second one was in hand
    made = state(store, first)[1]
    del begun[:]
    serve = worker(store, settings, member)
    while serve():
        pass
    assert [state(store, first), state(store, second)] == [("done", 20), ("done", 8)]
    assert len(begun) == len(set(begun)) == 28 - made


@pytest.mark.parametrize("change", [CANCEL, PAUSE])
def test_a_sweep_that_gave_way_can_be_stopped_and_costs_the_others_nothing(
    store: Store, settings: Settings, member: Member, begun: Begun, change: Any
) -> None:
    first, second = submit(store, settings, "1-20", "ada"), submit(store, settings, "1001-1008", "max")
    serve = worker(store, settings, member)
    assert serve()
    assert store.sweeps.change_state(first, change)
    while serve():
        pass
    assert state(store, first)[0] == change.to
    assert state(store, second) == ("done", 8)
    if change is PAUSE:
        store.sweeps.change_state(first, CONTINUE)
        assert serve() and state(store, first) == ("done", 20)
    assert set(Counter(begun).values()) == {1}


def test_two_models_alternate_without_loss(
    store: Store, settings: Settings, member: Member, begun: Begun, tmp_path: Path
) -> None:
    """With one model kept, each turn loads its own."""
    other = tmp_path / "model"
    tiny_pipeline("sd-9").save_pretrained(other)
    first = submit(store, settings, "1-12", "ada")
    second = submit(store, settings, "1001-1012", "max", model=str(other))
    serve, turns = worker(store, settings, member), 0
    while serve():
        turns += 1
    assert turns > 3
    assert [state(store, first), state(store, second)] == [("done", 12), ("done", 12)]
    assert set(Counter(begun).values()) == {1}


def test_a_change_of_model_is_not_made_for_every_cell(
    store: Store, settings: Settings, member: Member, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgen_core.records.turn_rule.CHANGE_SECONDS", 1000.0)
    first, second = submit(store, settings, "1-12", "ada"), submit(store, settings, "1001-1012", "max", side=32)
    serve = worker(store, settings, member)
    assert serve() and state(store, first) == ("done", 12)
    assert serve() and state(store, second) == ("done", 12)
