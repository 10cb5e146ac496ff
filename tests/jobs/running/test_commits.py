"""Commits beside the painting: their order, what fails alone, what is kept, and how much is in hand."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from bgen_core.errors import StoreAwayError, StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running import commits, painting
from bgen_core.models.revision import find_model
from bgen_core.records.sweep_states import CANCEL
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.events import Committed, Failed, PaintCell, Waiting
from tests.jobs.quick_sweeps import Noise, submit
from tests.waiting import wait_until

CELLS = 5
PHOTO = Extent(width=80, height=64)
RAW = choose_model_extent(PHOTO, side=find_model("demo").entry.side)
BYTES = 3 * RAW.area + 3 * 3 * PHOTO.area  # what a cell counts: the raw picture, and three times the photo's size
FULL = StoreError("The folder /srv/blobs cannot be written.", public="The pictures cannot be written.")


class Painter(Noise):
    """Says which seeds it was asked for."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def paint(self, cells: Iterable[PaintCell]) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        for cell in cells:
            self.seeds.append(cell.params.seed)
            yield from super().paint([cell])


@pytest.fixture(autouse=True)
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    painter = Painter()
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (painter, 8))
    return painter


def let_commit(monkeypatch: pytest.MonkeyPatch, store: Store, before: Callable[[int], object]) -> list[int]:
    """Let something happen in the threads before a seed is committed; returns the seeds that came so far."""
    commit: Callable[..., Any] = store.runs.commit
    came: list[int] = []

    def meanwhile(run: Any, **pictures: Any) -> Any:
        came.append(run.params.seed)
        before(run.params.seed)
        return commit(run, **pictures)

    monkeypatch.setattr(store.runs, "commit", meanwhile)
    return came


def indices(events: Iterable[Any]) -> list[int]:
    return [event.index for event in events if isinstance(event, Committed)]


def test_events_come_in_the_order_of_painting_whoever_is_slow(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    second = threading.Event()

    def first_waits_for_the_second(seed: int) -> None:
        if seed == 1:
            assert second.wait(20)
        elif seed == 2:
            second.set()

    let_commit(monkeypatch, store, first_waits_for_the_second)
    seen: list[int] = []
    for event in Runner(store, settings).run(sweep_id):
        if isinstance(event, Committed):
            assert store.runs.known([event.run_id])  # committed before it is shown
            seen.append(event.index)
    assert seen == list(range(CELLS))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (UserInputError("It does not fit."), "It does not fit."),
        (RuntimeError("a bug at /srv/secret"), "An internal error stopped this cell after it was painted."),
        (MemoryError(), "The machine's memory is too small"),
    ],
    ids=["input", "bug", "memory"],
)
def test_a_commit_that_fails_costs_its_own_cell(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, fault: Exception, reason: str
):
    def refuse_the_second(seed: int) -> None:
        if seed == 2:
            raise fault

    let_commit(monkeypatch, store, refuse_the_second)
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    events = list(Runner(store, settings).run(sweep_id))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.index == 1 and failed.reason.startswith(reason)
    assert indices(events) == [0, 2, 3, 4]
    assert [row.error for row in store.sweeps.cells(sweep_id)] == ["", failed.reason, "", "", ""]


@pytest.mark.parametrize("fault", [FULL, StoreAwayError("The server does not answer.")], ids=["full", "away"])
def test_what_the_store_did_not_take_is_not_painted_again(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, painter: Painter, fault: StoreError
):
    sweep_id, runner = submit(store, settings, seeds=f"1-{CELLS}"), Runner(store, settings)

    def refuse(seed: int) -> None:
        if seed > 2:
            raise fault

    events: list[Any] = []
    with monkeypatch.context() as context:
        let_commit(context, store, refuse)
        with pytest.raises(type(fault)):
            events.extend(runner.run(sweep_id))
    assert not [row.error for row in store.sweeps.cells(sweep_id) if row.error]
    painted = len(painter.seeds)
    events = list(runner.run(sweep_id))
    assert sorted(indices(events)) == list(range(CELLS))
    assert len(painter.seeds) == len(set(painter.seeds)) and painted >= 3


@pytest.mark.parametrize("photos", [0, 1, 3])
def test_no_more_is_in_hand_than_may_be(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, painter: Painter, photos: int
):
    """Painting waits for the store: bytes are counted, since a photo may have 12 megapixels or 0.1."""
    monkeypatch.setattr(commits, "MOST_BYTES", photos * BYTES)
    most: list[int] = []

    def count(seed: int) -> None:
        time.sleep(0.005)
        most.append(len(painter.seeds) - len(store.runs.select()))

    let_commit(monkeypatch, store, count)
    sweep_id = submit(store, settings, seeds="1-8")
    assert indices(Runner(store, settings).run(sweep_id)) == list(range(8))
    assert max(most) <= photos + 1


@pytest.mark.parametrize("how", ["closed", "stopped"])
def test_what_is_painted_is_committed_when_the_run_is_left(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, painter: Painter, how: str
):
    monkeypatch.setattr(commits, "MOST_BYTES", 3 * BYTES)
    sweep_id, runner = submit(store, settings, seeds="1-40"), Runner(store, settings)
    let_commit(monkeypatch, store, lambda _: time.sleep(0.01))
    events = runner.run(sweep_id)
    assert isinstance(next(events), Committed)
    if how == "stopped":
        runner.stop()
        told = indices(events)
    else:
        events.close()
        told = []
    done = [row.index for row in store.sweeps.cells(sweep_id) if row.done]
    assert len(done) == len(painter.seeds) < 40
    assert how == "closed" or told == done[1:]
    assert indices(runner.run(sweep_id))[-1] == 39
    assert len(painter.seeds) == 40


def test_who_stops_before_the_first_event_gets_nothing_painted(
    store: Store, settings: Settings, painter: Painter, member: Member
):
    sweep_id, runner = submit(store, settings), Runner(store, settings)
    store.sweeps.change_state(sweep_id, CANCEL)
    (ended,) = execute_sweep(store, member, runner, sweep_id)
    assert isinstance(ended, Ended) and ended.state == "cancelled"
    assert painter.seeds == []


def test_a_store_that_takes_long_is_waited_for_within_a_limit(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    go_on = threading.Event()
    monkeypatch.setattr(commits, "CLOSING_SECONDS", 0.05)
    let_commit(monkeypatch, store, lambda seed: seed == 1 or go_on.wait(20))
    events = Runner(store, settings).run(submit(store, settings, seeds="1-3"))
    next(events)
    events.close()  # hangs where there is no limit
    go_on.set()


def test_a_picture_is_claimed_until_it_is_committed(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Another process would paint it again: it is not in the store yet, and nobody's."""
    let_go: list[bool] = []
    made = PaintingClaims.made

    def look(claims: PaintingClaims, raw_ids: Iterable[Any]) -> None:
        wanted = list(raw_ids)
        let_go.extend(raw_id in store.runs.known_raws(wanted) for raw_id in wanted)
        made(claims, wanted)

    monkeypatch.setattr(PaintingClaims, "made", look)
    list(Runner(store, settings).run(submit(store, settings, seeds="1-3")))
    assert let_go == [True] * 3


def test_cells_of_one_raw_picture_store_it_once(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    put: Callable[..., Any] = store.blobs.put_all
    stored: list[bytes] = []
    monkeypatch.setattr(store.blobs, "put_all", lambda pngs, *rest: (stored.extend(pngs), put(pngs, *rest))[1])
    sweep_id = submit(store, settings, seeds="1-2", axes=("edge-softness", "0,1,2"))
    stored.clear()
    assert indices(Runner(store, settings).run(sweep_id)) == list(range(6))
    assert len(stored) == len(set(stored)) == 6 + 2
    raws = {store.runs.get(row.run_id).raw for row in store.sweeps.cells(sweep_id)}
    assert len(raws) == 2
    assert np.all([store.blobs.exists(raw) for raw in raws])


def test_what_another_process_makes_meanwhile_is_reused_and_not_committed_again(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, painter: Painter
) -> None:
    monkeypatch.setattr(painting, "CLAIM_SECONDS", 0.0)
    has_looked = threading.Event()
    committed = let_commit(monkeypatch, store, lambda seed: has_looked.wait(30))
    first, second = (submit(store, settings, seeds=f"1-{CELLS}") for _ in range(2))
    made: list[Any] = []
    maker = threading.Thread(target=lambda: made.extend(Runner(store, settings, Member(store, "worker")).run(first)))
    maker.start()
    wait_until(lambda: len(painter.seeds) == CELLS, "the first sweep to paint")
    waiting = Runner(store, settings, Member(store, "worker")).run(second)
    assert isinstance(next(event for event in waiting if isinstance(event, Waiting | Committed)), Waiting)
    has_looked.set()
    maker.join(30)
    assert [event.reused for event in made if isinstance(event, Committed)] == [False] * CELLS
    assert [event.reused for event in waiting if isinstance(event, Committed)] == [True] * CELLS
    assert sorted(committed) == sorted(painter.seeds) == list(range(1, CELLS + 1))
