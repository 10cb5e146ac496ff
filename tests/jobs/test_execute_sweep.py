"""One table of what others do with a sweep while it runs, for both who run sweeps: the worker and the command line."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from bgen_core.cli.running import here
from bgen_core.cli.running.here import resume_here, run_here
from bgen_core.errors import StoreAwayError, StoreError, UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs import execute_sweep as loop
from bgen_core.jobs import runner as runner_module
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.leases.holding import is_held
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.housekeeping import Housekeeping
from bgen_core.jobs.running.telling import Telling
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.worker import serve_next
from bgen_core.records.sweep_states import CANCEL, FINISH, PAUSE, StateChange, SweepState
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.events import PaintCell
from tests.jobs.quick_sweeps import Noise, forecast, submit

CELLS = 5
Press = Literal["pause", "go_on", "cancel", "retry"]
FULL = StoreError("The database cannot be used, because the disk is full.")
AWAY = StoreAwayError("The database at example.org cannot be used, because its server does not answer.")
REFUSED = UserInputError("It cannot be made.")
BUG = RuntimeError("a bug")


@dataclass(frozen=True, kw_only=True)
class Case:
    """What happens in the moment before the picture number `at` is in the store, and what comes of it.

    One picture is in hand at a time. A fault that is not the store's comes when the picture is painted: one of its
    commit would cost its own cell alone.

    Attributes
    ----------
    pressed
        What others press in the app, with whether each of it happens.
    fault
        What goes wrong after that, if anything.
    worker, terminal
        State and number of pictures in the end. The worker leaves a paused sweep; the command line waits with it.
    while_paused
        What others press while the command line waits.
    """

    at: int
    pressed: tuple[tuple[Press, bool], ...] = ()
    fault: Exception | None = None
    worker: tuple[SweepState, int]
    terminal: tuple[SweepState, int]
    while_paused: tuple[Press, ...] = ()


CASES = {
    "nothing": Case(at=2, worker=("done", 5), terminal=("done", 5)),
    "cancel": Case(at=2, pressed=(("cancel", True),), worker=("cancelled", 2), terminal=("cancelled", 2)),
    "cancel twice": Case(
        at=2, pressed=(("cancel", True), ("cancel", False)), worker=("cancelled", 2), terminal=("cancelled", 2)
    ),
    "cancel at the last picture": Case(
        at=5, pressed=(("cancel", True),), worker=("cancelled", 5), terminal=("cancelled", 5)
    ),
    "cancel, and go on before anybody saw it": Case(
        at=2, pressed=(("cancel", True), ("retry", True)), worker=("done", 5), terminal=("done", 5)
    ),
    "pause and continue": Case(
        at=2, pressed=(("pause", True),), worker=("paused", 2), terminal=("done", 5), while_paused=("go_on",)
    ),
    "pause and continue before anybody saw it": Case(
        at=2, pressed=(("pause", True), ("go_on", True)), worker=("done", 5), terminal=("done", 5)
    ),
    "pause and cancel": Case(
        at=2, pressed=(("pause", True),), worker=("paused", 2), terminal=("cancelled", 2), while_paused=("cancel",)
    ),
    "pause, cancel and continue at once": Case(
        at=2, pressed=(("pause", True), ("cancel", True), ("go_on", False)),
        worker=("cancelled", 2), terminal=("cancelled", 2),
    ),
    "pause at the last picture": Case(
        at=5, pressed=(("pause", True),), worker=("paused", 5), terminal=("done", 5), while_paused=("go_on",)
    ),
    "what cannot be made": Case(at=3, fault=REFUSED, worker=("failed", 2), terminal=("failed", 2)),
    "a store that takes no picture": Case(at=3, fault=FULL, worker=("failed", 2), terminal=("failed", 2)),
    "a store that is away for a moment": Case(at=3, fault=AWAY, worker=("done", 5), terminal=("done", 5)),
    "a store that is away, and a pause": Case(
        at=3, pressed=(("pause", True),), fault=AWAY,
        worker=("paused", 2), terminal=("done", 5), while_paused=("go_on",),
    ),
    "a store that is away, and a cancel": Case(
        at=3, pressed=(("cancel", True),), fault=AWAY, worker=("cancelled", 2), terminal=("cancelled", 2)
    ),
    "a bug": Case(at=3, fault=BUG, worker=("failed", 2), terminal=("failed", 2)),
    "a fault after a pause": Case(
        at=3, pressed=(("pause", True),), fault=REFUSED, worker=("paused", 2), terminal=("paused", 2)
    ),
    "a fault after a cancel": Case(
        at=3, pressed=(("cancel", True),), fault=BUG, worker=("cancelled", 2), terminal=("cancelled", 2)
    ),
    "go on with what runs": Case(
        at=2, pressed=(("go_on", False), ("retry", False)), worker=("done", 5), terminal=("done", 5)
    ),
}  # fmt: skip


@pytest.fixture
def others(settings: Settings) -> Iterator[Executor]:
    """What the pages of another process press."""
    with open_store(settings) as store:
        yield LocalExecutor(store, settings)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr("bgen_core.jobs.running.commits.MOST_BYTES", 0)
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0)
    monkeypatch.setattr("bgen_core.store.patience.PAUSE_SECONDS", 0)


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def press(executor: Executor, name: Press, sweep_id: str) -> bool:
    return {"pause": executor.pause, "go_on": executor.go_on, "cancel": executor.cancel, "retry": executor.retry}[name](
        sweep_id
    )


def let_it_happen(
    monkeypatch: pytest.MonkeyPatch, store: Store, case: Case, sweep_id: str, others: Executor
) -> list[str]:
    """Returns the ids of what is committed, in their order."""
    commit: Callable[..., Any] = store.runs.commit
    paint: Callable[..., Any] = Noise.paint
    committed: list[str] = []

    def let_happen() -> None:
        if len(committed) + 1 == case.at and not happened:
            happened.append(True)
            for name, happens in case.pressed:
                assert press(others, name, sweep_id) == happens
            if case.fault is not None:
                raise case.fault

    def meanwhile(record: Any, **pictures: Any) -> Any:
        if not in_painting:
            let_happen()
        committed.append(record.id)
        return commit(record, **pictures)

    def painted(inpainter: Noise, cells: Iterable[PaintCell]) -> Iterator[Any]:
        for event in paint(inpainter, cells):
            if in_painting:
                let_happen()
            yield event

    in_painting = case.fault is not None and not isinstance(case.fault, StoreError)
    happened: list[bool] = []
    monkeypatch.setattr(store.runs, "commit", meanwhile)
    monkeypatch.setattr(Noise, "paint", painted)
    return committed


def outcome(store: Store, sweep_id: str) -> tuple[SweepState, int]:
    return store.sweeps.get(sweep_id).state, sum(cell.done for cell in store.sweeps.cells(sweep_id))


def test_the_worker_obeys_and_serves_the_next(
    store: Store,
    settings: Settings,
    member: Member,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    others: Executor,
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    following = submit(store, settings, seeds="11", owner="max")
    committed = let_it_happen(monkeypatch, store, case, sweep_id, others)
    turns = Turns(store, member)
    runner = Runner(store, settings, member, next_sweep=turns.look_ahead)
    telling, told = Telling(store, settings), list[SweepId]()
    monkeypatch.setattr(telling, "tell", told.append)
    assert serve_next(store, member, runner, turns, telling)
    assert (outcome(store, sweep_id), told) == (case.worker, [sweep_id])
    assert store.progress.read(sweep_id) is None
    assert serve_next(store, member, runner, turns)
    assert outcome(store, following) == ("done", 1)

    if case.worker[0] != "done":  # somebody goes on with it
        assert others.go_on(sweep_id) or others.retry(sweep_id)
        assert serve_next(store, member, runner, turns)
    assert outcome(store, sweep_id) == ("done", CELLS)
    assert len(committed) == len(set(committed)) == CELLS + 1
    assert not serve_next(store, member, runner, turns)


def test_the_command_line_obeys_and_says_so(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, case: Case, others: Executor
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    committed = let_it_happen(monkeypatch, store, case, sweep_id, others)
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("paused from the app"):
            assert store.sweeps.claim_next() is None
            for name in case.while_paused:
                assert press(others, name, sweep_id)
            assert store.sweeps.claim_next() is None  # no worker gets what this process holds

    monkeypatch.setattr(here, "say", say)
    if case.fault not in (None, AWAY):
        with pytest.raises(type(case.fault), match=str(case.fault)):
            resume_here(store, settings, sweep_id)
    else:
        result = resume_here(store, settings, sweep_id)
        assert (result.state, result.made, result.failed) == (*case.terminal, 0)
        assert (result.reused, result.reused_ids) == (0, frozenset())
    assert outcome(store, sweep_id) == case.terminal
    waited = bool(case.while_paused)
    cancelled = case.terminal[0] == "cancelled" and case.fault in (None, AWAY)
    away = [f"{AWAY} Waiting for it (Ctrl-C stops and keeps what is made)", "the store answers again"]
    assert [sentence.split(";")[0].split(" sweep")[0] for sentence in said] == (
        away * (case.fault is AWAY)
        + ["paused from the app"] * waited
        + ["continued from the app"] * (case.while_paused == ("go_on",))
        + ["cancelled from the app"] * cancelled
    )
    assert not cancelled or f"sweep --resume {sweep_id}" in said[-1]
    assert not is_held(store, sweep_id)

    resume_here(store, settings, sweep_id)
    assert outcome(store, sweep_id) == ("done", CELLS)
    assert len(committed) == len(set(committed)) == CELLS


class NearlyFull:
    """A disk on which so much is free beside its reserve, from one commit on, and for so many looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store, *, at: int, looks: int, beside: int = -1) -> None:
        self.looks, self._left, self._commit, self._beside = looks, at, store.runs.commit, beside
        monkeypatch.setattr(store.runs, "commit", self._count)
        monkeypatch.setattr("shutil.disk_usage", self._look)

    def _count(self, record: Any, **pictures: Any) -> Any:
        self._left -= 1
        return self._commit(record, **pictures)

    def _look(self, folder: object) -> SimpleNamespace:
        is_full = self._left <= 0 < self.looks
        self.looks -= is_full
        return SimpleNamespace(total=10**12, used=0, free=10**9 + self._beside if is_full else 10**11)


def test_a_disk_that_keeps_its_reserve_is_waited_for_and_nothing_is_painted_twice(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    painted, said, paint = list[int](), list[str](), Noise.paint

    def count(inpainter: Noise, cells: Iterable[PaintCell]) -> Iterator[Any]:
        for event in paint(inpainter, cells):
            painted.append(event.cell.params.seed)
            yield event

    monkeypatch.setattr(Noise, "paint", count)
    monkeypatch.setattr(member, "say", lambda **changes: said.append(changes.get("trouble", "")))
    NearlyFull(monkeypatch, store, at=3, looks=2 * loop.STORE_TRIES + 5)
    assert serve_next(store, member, Runner(store, settings, member), Turns(store, member))
    assert outcome(store, sweep_id) == ("done", CELLS)
    assert sorted(painted) == [*range(1, CELLS + 1)]
    assert {each.partition("more are wanted")[0] for each in said if "wanted" in each} == {
        "The server's disk has 1,000 MB free, 1 MB "
    }
    assert said[-1] == ""


def test_a_sweep_that_waits_for_room_can_be_cancelled(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch, others: Executor
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    monkeypatch.setattr(member, "say", lambda trouble="", **_: trouble and others.cancel(sweep_id))
    NearlyFull(monkeypatch, store, at=3, looks=10**9)
    assert serve_next(store, member, Runner(store, settings, member), Turns(store, member))
    assert outcome(store, sweep_id) == ("cancelled", 2)


def test_what_makes_room_once_a_day_is_done_while_a_sweep_waits_for_it(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    disk = NearlyFull(monkeypatch, store, at=3, looks=10**9)
    housekeeping = Housekeeping(store, settings)
    monkeypatch.setattr(housekeeping, "do", lambda: setattr(disk, "looks", 0))
    serve_next(store, member, Runner(store, settings, member), Turns(store, member), housekeeping=housekeeping)
    assert outcome(store, sweep_id) == ("done", CELLS)


@pytest.mark.parametrize("beside", [-1, 1], ids=["not even the reserve", "a byte, and no picture"])
def test_a_command_line_says_that_it_waits_for_room(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, beside: int
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    said: list[str] = []
    monkeypatch.setattr(here, "say", said.append)
    NearlyFull(monkeypatch, store, at=3, looks=6, beside=beside)
    assert resume_here(store, settings, sweep_id).state == "done"
    assert "(BGEN_DISK_RESERVE_MB): make room there" in said[0]
    assert said[-1] == "the store answers again"
    assert said.count(said[-1]) == 1  # and not each time that it would take something smaller


@pytest.mark.parametrize("paused", [False, True])
def test_ctrl_c_marks_as_cancelled_and_says_how_to_go_on(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, others: Executor, paused: bool
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    commit, said = store.runs.commit, []

    def meanwhile(record: Any, **pictures: Any) -> Any:
        run = commit(record, **pictures)
        if not paused:
            raise KeyboardInterrupt
        others.pause(sweep_id)
        return run

    def say(sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("paused"):
            raise KeyboardInterrupt

    monkeypatch.setattr(store.runs, "commit", meanwhile)
    monkeypatch.setattr(here, "say", say)
    with pytest.raises(KeyboardInterrupt):
        resume_here(store, settings, sweep_id)
    assert outcome(store, sweep_id) == ("cancelled", 1)
    assert said[-1].startswith("stopped") and f"sweep --resume {sweep_id}" in said[-1]


@pytest.mark.parametrize("before", [PAUSE, CANCEL])
@pytest.mark.parametrize("fault", [UserInputError("There is no CUDA device here."), KeyboardInterrupt()], ids=type)
def test_a_command_line_that_cannot_begin_leaves_the_sweep_as_it_was(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, before: StateChange, fault: BaseException
):
    """Otherwise it would be "running" in nobody's hands, and the next worker would take it up unasked."""
    sweep_id = submit(store, settings)
    store.sweeps.change_state(sweep_id, before)
    store.sweeps.set_cell_error(sweep_id, 0, "It cannot be made.")

    def faulty(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(runner_module, "Runner", faulty)
    with pytest.raises(type(fault)):
        resume_here(store, settings, sweep_id)
    assert store.sweeps.get(sweep_id).state == before.to
    assert store.sweeps.cells(sweep_id)[0].error
    with pytest.raises(type(fault)):
        run_here(store, settings, forecast(store, settings))
    assert len(store.sweeps.select()) == 1


def test_a_store_that_does_not_say_how_the_sweep_stands_stops_nothing(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings, seeds=f"1-{CELLS}")
    commit, change_state = store.runs.commit, store.sweeps.change_state
    changed: list[StateChange] = []

    def away(*_: Any) -> Any:
        raise StoreError("The database cannot be used, because its server does not answer.")

    def away_after_this(record: Any, **pictures: Any) -> Any:
        monkeypatch.setattr(store.sweeps, "get", away)
        return commit(record, **pictures)

    def there_at_last(name: str, change: StateChange, message: str = "") -> bool:
        changed.append(change)
        return change_state(name, change, message) if len(changed) > 2 else away()

    monkeypatch.setattr(store.runs, "commit", away_after_this)
    monkeypatch.setattr(store.sweeps, "change_state", there_at_last)
    monkeypatch.setattr("bgen_core.store.patience.PAUSE_SECONDS", 0)
    assert serve_next(store, member, Runner(store, settings, member), Turns(store, member))
    monkeypatch.undo()
    assert changed == [FINISH] * 3
    assert outcome(store, sweep_id) == ("done", CELLS)


def test_a_store_that_answers_but_takes_no_picture_ends_the_sweep_and_not_the_queue(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings)
    tried: list[str] = []
    troubles: list[str] = []

    def away(record: Any, **_: Any) -> Any:
        tried.append(record.id)
        raise AWAY

    def say(*, trouble: str = "", **_: str) -> None:
        troubles.append(trouble)

    monkeypatch.setattr(store.runs, "commit", away)
    monkeypatch.setattr(member, "say", say)
    assert serve_next(store, member, Runner(store, settings, member), Turns(store, member))
    assert len(tried) == loop.STORE_TRIES + 1
    assert (troubles.count(AWAY.public), troubles[-1]) == (loop.STORE_TRIES, "")
    assert outcome(store, sweep_id) == ("failed", 0)
    assert "example.org" not in store.sweeps.get(sweep_id).message


def test_a_command_line_waits_no_longer_than_its_patience_and_leaves_a_sweep_that_can_go_on(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    sweep_id = submit(store, settings)
    get, said = store.sweeps.get, []

    def away(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(store.sweeps, "get", away)
        raise AWAY

    monkeypatch.setattr(store.runs, "commit", away)
    monkeypatch.setattr(here, "say", said.append)
    monkeypatch.setattr(here, "STORE_SECONDS", 0)
    with pytest.raises(StoreAwayError):
        resume_here(store, settings, sweep_id)
    assert [sentence.partition(" cannot")[0].split(";")[0] for sentence in said] == [
        "The database at example.org",
        "the store was not told that this sweep stops here, a worker may take it up",
    ]
    assert f"sweep --resume {sweep_id}" in said[-1]
    assert get(sweep_id).state == "running"
    monkeypatch.undo()
