"""The queue when things go wrong or people change their minds: faults of the store, pausing, hastening, waiting."""

import shutil
from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import SweepId, VisitorId
from bgen_core.jobs import execute_sweep as loop
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.leases.holding import requeue_orphans
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.queue_forecast import foreseen, waiting_sweeps
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.worker import run_sweep
from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep_states import CONTINUE, PAUSE, RETRY, StateChange, SweepState
from bgen_core.records.turn_rule import InQueue, Left, QueueLeft
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.jobs.quick_sweeps import Noise, claim, submit
from tests.made_up import commit, made_up_run, made_up_sweep, run_id
from tests.tiny_models import tiny_pipeline


@pytest.fixture(autouse=True)
def one_picture_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.jobs.running.commits.MOST_BYTES", 0)


@pytest.mark.parametrize("reason", ["the disk is full", "it is read-only"])
def test_a_store_that_takes_no_picture_stops_one_sweep_and_loses_nothing(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch, reason: str
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    first, second = submit(store, settings), submit(store, settings, seeds="11-13", owner="max")
    runner = Runner(store, settings, member)
    commit, calls = store.runs.commit, []

    def failing(record: Any, **pictures: Any) -> Any:
        calls.append(record.id)
        if len(calls) == 2:
            public = f"The database cannot be used, because {reason}."
            raise StoreError(f"The database /srv/bgen.sqlite3 cannot be used, because {reason}.", public=public)
        return commit(record, **pictures)

    monkeypatch.setattr(store.runs, "commit", failing)
    for _ in range(2):
        run_sweep(store, member, runner, claim(store))
    assert (store.sweeps.get(first).state, reason in store.sweeps.get(first).message) == ("failed", True)
    assert "/srv" not in store.sweeps.get(first).message  # visitors read it
    assert [cell.done for cell in store.sweeps.cells(first)] == [True, False, False]
    assert store.sweeps.get(second).state == "done"

    store.sweeps.change_state(first, RETRY)
    run_sweep(store, member, runner, claim(store))
    assert [cell.done for cell in store.sweeps.cells(first)] == [True] * 3
    assert len(calls) == len(set(calls)) + 1  # the refused one alone came twice


def test_a_failure_is_written_down_as_soon_as_the_store_takes_it(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    class Faulty(Noise):
        def paint(self, cells: Iterable[PaintCell]) -> Generator[Any]:
            raise UserInputError("It failed.")
            yield

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Faulty(), 8))
    monkeypatch.setattr("bgen_core.store.patience.PAUSE_SECONDS", 0)
    sweep_id, tried = submit(store, settings), []
    change_state = store.sweeps.change_state

    def stubborn(name: str, change: StateChange, message: str = "") -> bool:
        tried.append(change)
        if len(tried) < 3:
            raise StoreError("The database cannot be used, because the disk is full.")
        return change_state(name, change, message)

    sweep = claim(store)
    monkeypatch.setattr(store.sweeps, "change_state", stubborn)
    run_sweep(store, member, Runner(store, settings, member), sweep)
    assert (store.sweeps.get(sweep_id).state, store.sweeps.get(sweep_id).message) == ("failed", "It failed.")


@pytest.mark.slow
def test_a_model_folder_that_is_removed_is_named_and_the_queue_goes_on(
    store: Store, settings: Settings, member: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    model = tmp_path / "model"
    tiny_pipeline("sd-9").save_pretrained(model)
    gone, following = submit(store, settings, model=str(model)), submit(store, settings, seeds="21", owner="max")
    shutil.rmtree(model)
    runner = Runner(store, settings, member)
    for _ in range(2):
        run_sweep(store, member, runner, claim(store))
    assert store.sweeps.get(gone).state == "failed"
    assert str(model) in store.sweeps.get(gone).message
    assert store.sweeps.get(following).state == "done"


@pytest.mark.slow
def test_a_paused_sweep_is_left_where_it_is(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0)
    sweep_id = submit(store, settings, seeds="1-5")
    sweep, commit = claim(store), store.runs.commit

    def pause_after_the_first(record: Any, **pictures: Any) -> Any:
        store.sweeps.change_state(sweep_id, PAUSE)
        return commit(record, **pictures)

    monkeypatch.setattr(store.runs, "commit", pause_after_the_first)
    run_sweep(store, member, Runner(store, settings, member), sweep)
    assert sum(cell.done for cell in store.sweeps.cells(sweep_id)) == 1
    assert store.sweeps.get(sweep_id).state == "paused"
    assert store.sweeps.claim_next() is None
    monkeypatch.setattr(store.runs, "commit", commit)
    store.sweeps.change_state(sweep_id, CONTINUE)
    run_sweep(store, member, Runner(store, settings, member), claim(store))
    assert store.sweeps.get(sweep_id).state == "done"


def test_the_order_that_is_shown_is_the_order_of_service(store: Store, settings: Settings):
    names = {
        submit(store, settings, seeds=f"{10 * number}-{10 * number + 1}", owner=owner, seconds=10.0 + number): owner
        for number, owner in enumerate(["ada", "ada", "ada", "max", "max", "eve"], 1)
    }
    shown = [waiting.sweep.id for waiting in waiting_sweeps(store)]
    served = [claim(store).id for _ in names]
    assert shown == served
    assert [names[sweep_id] for sweep_id in served] == ["ada", "max", "eve", "ada", "max", "ada"]


def test_the_expected_start_is_what_those_ahead_take(store: Store, settings: Settings):
    in_hand = submit(store, settings, seeds="1-4", seconds=40.0)
    claim(store)
    others = [submit(store, settings, seeds=f"{n}", owner=f"{n}", seconds=10.0 * n) for n in (5, 6)]
    began = datetime.now(UTC) - timedelta(seconds=10)
    progress = SweepProgress(cells={}, made=2, began=began.timestamp())  # 0.2 cells/s, four are missing
    found = {waiting.sweep.id: waiting for waiting in waiting_sweeps(store, {in_hand: progress})}
    assert [found[sweep_id].ahead for sweep_id in others] == [1, 2]
    assert found[others[0]].seconds == pytest.approx(5, rel=0.05)  # the one in hand gives way after a cell
    assert found[others[1]].seconds == pytest.approx(55, rel=0.05)


def test_a_single_cell_is_foreseen_after_one_of_those_that_are_many(store: Store, settings: Settings):
    """Whoever waits begins after one cell of each, whatever they have left; and goes on after one of each again."""
    long = submit(store, settings, seeds="1-40", seconds=80.0)
    second, own = (
        submit(store, settings, seeds="101-104", owner="max", seconds=12.0),
        submit(store, settings, seeds="201", owner="max", seconds=1.0),
    )
    claim(store)
    found = {waiting.sweep.id: waiting for waiting in waiting_sweeps(store)}
    assert list(found) == [second, own]
    assert (found[second].ahead, found[second].seconds) == (1, pytest.approx(2))
    # Of the same owner: after four turns of 3 s, each with one of 2 s before it.
    assert (found[own].ahead, found[own].seconds) == (2, pytest.approx(4 * (2 + 3) + 2))
    assert long not in found


def test_thousands_of_cells_are_foreseen():
    turns = [InQueue(id=f"{n}", owner=f"{n % 4}", created=datetime.now(UTC), place=float(n)) for n in range(1, 13)]
    waiting = [Left(turn=turn, cells=10_000, cell_seconds=1.0, model="demo") for turn in turns]
    begins = foreseen(QueueLeft(in_hand=[], waiting=waiting, served={}), now=datetime.now(UTC))
    assert [ahead for ahead, _ in begins.values()][:4] == [0, 1, 2, 3]
    assert len(begins) == 12


@pytest.mark.parametrize("seconds", [1e300, 1e12, 1e-320, 0.0])
def test_what_an_imported_sweep_says_of_its_seconds_breaks_no_queue(seconds: float):
    turns = [InQueue(id=name, owner=name, created=datetime.now(UTC), place=1.0) for name in ("imported", "own")]
    waiting = [
        Left(turn=turn, cells=3, cell_seconds=each, model=turn.id)
        for turn, each in zip(turns, (seconds, 1.0), strict=True)
    ]
    begins = foreseen(QueueLeft(in_hand=[], waiting=waiting, served={}), now=datetime.now(UTC))
    assert [ahead for ahead, _ in begins.values()] == [0, 1]


def test_an_admin_alone_puts_a_sweep_first(store: Store, settings: Settings):
    first, last = submit(store, settings, seeds="1"), submit(store, settings, seeds="2", owner="max")
    with pytest.raises(UserInputError, match="Only an admin"):
        store.seen_by(Visitor(id=VisitorId("max"))).sweeps.put_first(last)
    store.seen_by(Visitor(id=VisitorId("eve"), role="admin")).sweeps.put_first(last)
    store.sweeps.hasten(first)  # its owner's alone
    assert [claim(store).id for _ in range(2)] == [last, first]


def test_one_hastens_only_among_ones_own(store: Store, settings: Settings):
    first, second, foreign = (
        submit(store, settings, seeds="1"),
        submit(store, settings, seeds="2"),
        submit(store, settings, seeds="3", owner="max"),
    )
    store.sweeps.hasten(second)
    store.sweeps.hasten(second)  # already the first of its owner
    store.sweeps.hasten(foreign)
    assert [claim(store).id for _ in range(3)] == [second, foreign, first]


@pytest.mark.parametrize(
    ("fault", "lasts"), [("CUDA error: an illegal memory access was encountered", True), ("a bug", False)]
)
def test_a_worker_that_lost_its_gpu_makes_room_for_a_new_one(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch, fault: str, lasts: bool
):
    class Faulty(Noise):
        def paint(self, cells: Iterable[PaintCell]) -> Generator[Any]:
            yield from super().paint([next(iter(cells))])
            raise RuntimeError(fault)

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Faulty(), 8))
    sweep_id = submit(store, settings)
    if lasts:
        with pytest.raises(SystemExit):
            run_sweep(store, member, Runner(store, settings, member), claim(store))
        requeue_orphans(store, member)
        assert store.sweeps.get(sweep_id).state == "queued"
    else:
        run_sweep(store, member, Runner(store, settings, member), claim(store))
        assert store.sweeps.get(sweep_id).state == "failed"
    assert sum(cell.done for cell in store.sweeps.cells(sweep_id)) == 1


def test_a_sweep_that_is_whole_is_not_queued_anew(store: Store, settings: Settings) -> None:
    run = commit(store, made_up_run(1))
    plan = SweepPlan(subject_id=run.subject_id, model="demo", base=InpaintParams(prompt="a beach"))
    store.sweeps.add(made_up_sweep("s", total=1, state="done", plan=plan.to_json()), [run.id])
    executor = LocalExecutor(store, settings)
    assert (executor.retry(SweepId("s")), store.sweeps.get(SweepId("s")).state) == (False, "done")
    store.deletion.delete([run.id])
    assert (executor.retry(SweepId("s")), store.sweeps.get(SweepId("s")).state) == (True, "queued")


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_what_is_not_tried_again_keeps_why_its_cells_failed(
    store: Store, settings: Settings, state: SweepState
) -> None:
    plan = SweepPlan(subject_id=made_up_run(1).subject_id, model="demo", base=InpaintParams(prompt="a beach"))
    store.sweeps.add(made_up_sweep("s", total=1, state=state, plan=plan.to_json()), [run_id(1)])
    store.sweeps.set_cell_error(SweepId("s"), 0, "It is too large.")
    assert not LocalExecutor(store, settings).retry(SweepId("s"), 0)
    assert store.sweeps.cells(SweepId("s"))[0].error == "It is too large."
