"""Several painters at one sweep, each in a thread: every cell once, by speed, and whoever is last finishes it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa

from bgen_core.cluster.deaths import Deaths
from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import RawId, SweepId, WorkerId
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.kept_models import LoadedModel
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running import commits, work
from bgen_core.jobs.running.pace import Pace
from bgen_core.jobs.running.share import Share, SharedCells, neighbours
from bgen_core.jobs.running.shared_turns import SharedTurns
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import place
from bgen_core.models.steering.light_model import LightModel
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records import lease_rule
from bgen_core.records.sweep_states import CANCEL
from bgen_core.records.worker import WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.schema import SweepRow
from bgen_core.store.store import Store
from bgen_core.sweep import canvas
from bgen_core.sweep.events import Relit
from bgen_core.sweep.plan import SweepPlan
from tests.jobs import quick_sweeps
from tests.sleeping import STEPS, TOGETHER, Sleeping

CELLS = 60
ELSEWHERE = ProcessIdentity(host="another machine", pid=1, start=1.0)


class Hand:
    """A painter's part of a sweep, in a thread."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        seconds: float = 0.01,
        *,
        deaths: Callable[[], Any] = dict,
        load: Callable[[ModelSource], LoadedModel] | None = None,
        first: Callable[[], object] = lambda: None,
    ) -> None:
        self.painted: list[int] = []
        self._first = first
        self.ended: Ended | None = None
        self.member = Member(store, "painter")
        self.runner = Runner(store, settings, self.member, share=Share(store, self.member, deaths=deaths))
        self._store = store
        self._inpainter = Sleeping(seconds, self.painted.append, self._begin)
        self.runner._models._load = load or self._load
        self._thread = threading.Thread(target=self._paint)
        self._sweep_id = SweepId("")

    def start(self, sweep_id: SweepId) -> None:
        self._sweep_id = sweep_id
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _begin(self, seed: int) -> None:
        del seed
        first, self._first = self._first, lambda: None
        first()

    def _load(self, source: ModelSource) -> LoadedModel:
        placement = place(source, self.runner.device, "none")
        return LoadedModel(source=source, inpainter=self._inpainter, factor=8, placement=placement)

    def _paint(self) -> None:
        with self.member:
            while self.ended is None or (self.ended.state == "running" and self.ended.fault is None):
                with holding(self.member, self._sweep_id, shared=True) as mine:
                    assert mine
                    self.member.say(sweep_id=self._sweep_id)
                    *_, self.ended = execute_sweep(self._store, self.member, self.runner, self._sweep_id)
                time.sleep(0.05)


def paint_together(store: Store, sweep_id: SweepId, *hands: Hand) -> None:
    store.sweeps.claim_next()
    for hand in hands:
        hand.start(sweep_id)
    for hand in hands:
        hand.join()


def test_painters_make_each_cell_once_and_the_last_one_finishes_the_sweep(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}")
    all_have_some = threading.Barrier(3, timeout=50)  # before any has a pace, by which it would take all of them
    hands = [Hand(store, settings, 0.05, first=all_have_some.wait) for _ in range(3)]
    paint_together(store, sweep_id, *hands)
    assert store.sweeps.get(sweep_id).state == "done", [hand.ended for hand in hands]
    assert Counter(seed for hand in hands for seed in hand.painted) == Counter(range(1, CELLS + 1))
    assert not any(store.leases.of(hand.member.id) for hand in hands)


def test_known_pictures_are_lit_by_a_model_where_each_of_its_steps_is_heard(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the engine asks for cells nobody hears anything: a sweep could not be stopped there."""
    model = LightModel(folder=Path(), channels=12, variant=None, offsets=None, content="0" * 40)
    for module in ("submission", "running.work_planner"):
        monkeypatch.setattr(
            f"bgen_core.jobs.{module}.light_model_for", lambda lights, *_, **__: model if any(lights) else None
        )
    told: list[str] = []

    class Counting:
        def relight(self, image: np.ndarray, *_: np.ndarray) -> Generator[int, None, np.ndarray]:
            yield 0
            told.append("a step")
            return image

    monkeypatch.setattr("bgen_core.jobs.running.relighting.ic_light", lambda _: Counting())
    monkeypatch.setattr(
        ProgressWriter, "note", lambda self, event: told.append("heard") if isinstance(event, Relit) else None
    )
    paint_together(store, quick_sweeps.submit(store, settings, seeds="31-60"), Hand(store, settings))
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-60", axes=("light", "0.5"))
    hand = Hand(store, settings)
    paint_together(store, sweep_id, hand)
    assert [cell.error for cell in store.sweeps.cells(sweep_id) if not cell.done] == []
    assert sorted(hand.painted) == list(range(1, 31))
    assert told == ["heard", "a step"] * 60


def test_a_slow_painter_takes_less(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-160")
    both_have_one = threading.Barrier(2, timeout=50)  # before either has a second
    fast, slow = (Hand(store, settings, seconds, first=both_have_one.wait) for seconds in (0.05, 0.4))
    paint_together(store, sweep_id, fast, slow)
    assert len(fast.painted) > 2 * len(slow.painted) > 0


def test_what_cells_share_they_share_over_all_that_a_painter_takes(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine encodes a canvas once, and knows first evaluations by it."""
    made: list[object] = []

    def counted(*given: Any) -> canvas.Canvas:
        made.append(make_canvas(*given))
        return made[-1]

    make_canvas = canvas.make_canvas
    monkeypatch.setattr(canvas, "make_canvas", counted)
    sweep_id = quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}")
    paint_together(store, sweep_id, Hand(store, settings))
    assert len(made) == 1


def test_pictures_that_differ_in_guidance_alone_are_taken_together(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3", axes=("guidance", "1,3,6"))
    cells = list(SweepPlan.from_json(store.sweeps.get(sweep_id).plan).cells())
    ordered = neighbours({RawId(str(cell.index)): [cell] for cell in reversed(cells)})
    assert [cells[int(raw_id)].params.seed for raw_id in ordered] == [3, 3, 3, 2, 2, 2, 1, 1, 1]


def test_a_painter_whose_commits_are_held_up_holds_one_lease_and_waits(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in hand is what its death costs."""
    is_held_up, commit = threading.Event(), work.commit_run

    def when_it_may(*given: Any) -> Any:
        is_held_up.wait(30)
        return commit(*given)

    monkeypatch.setattr(commits, "commit_run", when_it_may)
    monkeypatch.setattr(lease_rule, "LEASE_SECONDS", 0.5)
    sweep_id = quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}")
    hand = Hand(store, settings, 0.05)
    store.sweeps.claim_next()
    hand.start(sweep_id)
    before = -1
    while before != len(hand.painted) or not before:
        before = len(hand.painted)
        time.sleep(0.5)
    is_held_up.set()
    assert before <= 0.5 * TOGETHER / 0.05 / STEPS < CELLS
    hand.join()
    assert sorted(hand.painted) == list(range(1, CELLS + 1))


def test_what_a_lost_painter_held_is_painted_by_the_others(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 120)  # by the others' own clock it would be lost from the start
    sweep_id = quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}")
    lost = WorkerId("lost")
    store.workers.beat(lost, "painter", ELSEWHERE, WorkerStatus(sweep_id=sweep_id))
    plan = store.sweeps.cells(sweep_id)
    store.leases.take(lost, "raw", [cell.run_id for cell in plan[:20]])  # plain pasting: a run and its raw share an id
    hand = Hand(store, settings)
    store.sweeps.claim_next()
    hand.start(sweep_id)
    deadline = time.monotonic() + 30
    while len(hand.painted) < CELLS - 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sorted(hand.painted) == list(range(21, CELLS + 1)), "what it holds is left alone"
    store.workers.lose([lost])
    hand.join()
    assert store.sweeps.get(sweep_id).state == "done"
    assert sorted(hand.painted) == list(range(1, CELLS + 1))


def test_all_stop_where_somebody_cancels(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-400")
    hands = [Hand(store, settings, 0.05) for _ in range(2)]
    store.sweeps.claim_next()
    for hand in hands:
        hand.start(sweep_id)
    while not all(hand.painted for hand in hands):
        time.sleep(0.05)
    store.sweeps.change_state(sweep_id, CANCEL)
    for hand in hands:
        hand.join()
    made = sum(cell.done for cell in store.sweeps.cells(sweep_id))
    assert 0 < made < 400
    assert made == sum(len(hand.painted) for hand in hands), "what was painted is kept"


def test_cells_that_saw_a_death_are_painted_alone_at_the_end(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-20")
    ids = [cell.run_id for cell in store.sweeps.cells(sweep_id)]  # plain pasting: a run and its raw share an id
    hand = Hand(store, settings, deaths=lambda: {ids[4]: 1, ids[9]: 2, ids[12]: 3})
    paint_together(store, sweep_id, hand)
    assert set(hand.painted[-2:]) == {5, 10}
    assert store.sweeps.get(sweep_id).state == "done"
    failed = [cell for cell in store.sweeps.cells(sweep_id) if cell.error]
    assert [cell.index for cell in failed] == [12]
    assert "when a painter died, 3 times" in failed[0].error


def test_only_what_died_alone_is_blamed(store: Store) -> None:
    deaths = Deaths(store)
    for number, held in enumerate([["guilty", "beside"], ["guilty", "beside"], ["guilty", "beside"], ["guilty"]]):
        dead = WorkerId(f"dead {number}")
        store.workers.beat(dead, "painter", ELSEWHERE, WorkerStatus())
        store.leases.take(dead, "raw", held)
        deaths.note(dead)
    assert deaths.told == {"guilty": 3, "beside": 2}


def test_what_one_machine_lacks_another_one_makes(settings: Settings, store: Store) -> None:
    def lacks(source: ModelSource) -> LoadedModel:
        raise UserInputError("its folder is not on this machine.")

    sweep_id = quick_sweeps.submit(store, settings, seeds="1-20")
    broken = Hand(store, settings, load=lacks)

    def let_it_fail() -> None:
        broken.start(sweep_id)
        broken.join()

    well = Hand(store, settings, 0.1, first=let_it_fail)
    paint_together(store, sweep_id, well)
    assert store.sweeps.get(sweep_id).state == "done"
    assert (len(broken.painted), len(well.painted)) == (0, 20)
    assert broken.ended is not None and broken.ended.state == "running"


def test_what_nobody_can_make_has_failed(settings: Settings, store: Store) -> None:
    def lacks(source: ModelSource) -> LoadedModel:
        raise UserInputError("its folder is not on this machine.")

    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3")
    paint_together(store, sweep_id, Hand(store, settings, load=lacks))
    assert store.sweeps.get(sweep_id).state == "failed"
    assert "its folder is not" in store.sweeps.get(sweep_id).message


def test_a_painter_joins_the_owner_who_has_fewest_and_leaves_one_who_has_more(settings: Settings, store: Store) -> None:
    of_ada, of_bob = (quick_sweeps.submit(store, settings, seeds=seeds, owner=owner) for seeds, owner in
                      (("1-9", "ada"), ("11-19", "bob")))  # fmt: skip
    while store.sweeps.claim_next():
        pass
    member = Member(store, "painter")
    for number, sweep_id in enumerate([of_ada, of_ada, of_bob]):
        store.workers.beat(WorkerId(f"other {number}"), "painter", ELSEWHERE, WorkerStatus(sweep_id=sweep_id))
    turns = SharedTurns(store, member, may_paint=lambda sweep: "")
    with turns.take() as sweep:
        assert sweep is not None and sweep.id == of_bob
    following = turns.next_after(of_ada)
    assert following is not None and following.id == of_bob, "with this one ada has three and bob one"
    refusing = SharedTurns(store, member, may_paint=lambda sweep: "another kind of device")
    with refusing.take() as sweep:
        assert sweep is None


def test_a_sweep_whose_last_painter_died_before_it_said_so_is_finished(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3")
    paint_together(store, sweep_id, Hand(store, settings))
    with store.database.writing() as session:
        session.execute(sa.update(SweepRow).values(state="running"))
    hand = Hand(store, settings)
    with hand.member, SharedTurns(store, hand.member, may_paint=lambda sweep: "").take() as sweep:
        assert sweep is not None
        *_, ended = execute_sweep(store, hand.member, hand.runner, sweep.id)
    assert isinstance(ended, Ended) and ended.state == "done"
    assert not hand.painted


def test_a_sweep_that_a_command_line_runs_is_its_own(settings: Settings, store: Store) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3")
    store.sweeps.claim_next()
    with Member(store, "command line") as other, Member(store, "painter") as member, holding(other, sweep_id) as held:
        assert held
        turns = SharedTurns(store, member, may_paint=lambda sweep: "")
        with turns.take() as sweep:
            assert sweep is None


def test_what_was_claimed_is_given_back_where_the_store_fails_before_it_is_told(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = quick_sweeps.submit(store, settings)
    cell: Any = SimpleNamespace(index=0, subject_id="", params=SimpleNamespace(but_guidance=0))
    with Member(store, "painter") as member:
        claims, one_work = PaintingClaims(member), cast(Any, SimpleNamespace(sweep_id=sweep_id))
        part = SharedCells(Share(store, member), store, claims, one_work, {RawId("raw"): [cell]}, {RawId("raw"): 1.0})

        def fail(*_: object) -> None:
            assert store.leases.of(member.id) == {("raw", "raw")}
            raise StoreError("away")

        monkeypatch.setattr(part, "_give_back_settled", fail)
        with pytest.raises(StoreError):
            part.take(0.0)
        assert store.leases.of(member.id) == set()


def test_pace_counts_time_in_which_it_painted() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.rows_per_second == 0
    pace.begin()
    for _ in range(40):
        now += 0.5
        pace.note(10)
    assert pace.rows_per_second == pytest.approx(20)
    now += 3600
    pace.begin()
    now += 0.5
    pace.note(40)
    assert pace.rows_per_second == pytest.approx(23), "the last ten seconds of work"
