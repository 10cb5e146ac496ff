"""What goes by itself: never what a person judged, nor what stands beside it."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bgen_core.ids import RunId, SweepId, VisitorId
from bgen_core.records.link import Link
from bgen_core.records.visitor import Visitor
from bgen_core.store.opinions import Vote
from bgen_core.store.schema import LinkRow
from bgen_core.store.store import Store
from bgen_core.store.upkeep.retention import old_runs, remove_old_runs, size_of
from bgen_core.store.views import SavedView
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, painted, picture, run_id

NOW = LONG_AGO + timedelta(days=100)


def write_long_ago(store: Store, at: datetime = LONG_AGO) -> None:
    """As if all pictures had been written then."""
    for name in store.blobs.listing().pictures:
        os.utime(store.blobs.path(name), (at.timestamp(), at.timestamp()))


@pytest.fixture
def sweep(store: Store) -> Store:
    """Runs 0 and 1 in one old sweep, run 2 in another, run 3 in none."""
    for number in range(4):
        commit(store, made_up_run(3 * number))  # a run's raw picture is the next one's finished one
    store.sweeps.add(
        made_up_sweep("one", total=3, state="done", finished=LONG_AGO),
        [RunId(run_id(number)) for number in (0, 3, 99)],
    )
    store.sweeps.add(made_up_sweep("two", total=1, state="done", finished=LONG_AGO), [RunId(run_id(6))])
    write_long_ago(store)
    return store


def going(store: Store, days: float = 30) -> list[int]:
    """Which of the runs would go, by their seed's third."""
    numbers = {run_id(3 * number): number for number in range(4)}
    return [numbers[run.id] for run in old_runs(store, days=days, now=NOW)]


def test_what_nobody_touched_goes_the_oldest_first(sweep: Store):
    assert going(sweep) == [0, 1, 2, 3]
    assert going(sweep, days=100.01) == []


def vote(store: Store) -> None:
    store.opinions.add_vote(
        Vote(sweep_id=SweepId("one"), run_a=RunId(run_id(0)), run_b=RunId(run_id(99)), winner="tie")
    )


def link(store: Store, *, sweep_id: SweepId | None = None, run_ids: Sequence[RunId] = ()) -> Link:
    until = datetime.now(UTC) + timedelta(days=1)
    return store.seen_by(Visitor(id=VisitorId("visitor"))).links.add(
        sweep_id=sweep_id, run_ids=run_ids, title="", until=until
    )


def end(store: Store, link: Link) -> None:
    with store.database.writing() as session:
        session.get_one(LinkRow, link.id).until = datetime.now(UTC) - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("touch", "left"),
    [
        pytest.param(lambda store: store.opinions.rate(run_id(0), 1), [2, 3], id="a rating keeps its sweep"),
        pytest.param(lambda store: store.opinions.note(run_id(9), "hm"), [0, 1, 2], id="a note"),
        pytest.param(lambda store: store.opinions.tag(run_id(6), ["odd"]), [0, 1, 3], id="a tag"),
        pytest.param(vote, [2, 3], id="a vote, also for a run that is gone"),
        pytest.param(
            lambda store: store.views.save(SavedView(name="v", query={"ids": f"{run_id(3)[:12]},ffffff"})), [2, 3],
            id="a view of one run keeps its sweep",
        ),
        pytest.param(
            lambda store: store.views.save(SavedView(name="v", query={"sweep": ["two"]})), [0, 1, 3], id="of a sweep"
        ),
        pytest.param(
            lambda store: store.views.save(SavedView(name="v", query={"text": "beach", "at": 3, "x": None})),
            [0, 1, 2, 3], id="of a filter",
        ),
        pytest.param(
            lambda store: store.sweeps.add(made_up_sweep("new", total=1, state="paused"), [run_id(9)]), [0, 1, 2],
            id="a sweep that is not finished",
        ),
        pytest.param(
            lambda store: store.sweeps.add(
                made_up_sweep("new", total=1, state="done", created=NOW - timedelta(days=1)), [run_id(0)]
            ), [1, 2, 3], id="a sweep of yesterday that found it made",
        ),
        pytest.param(
            lambda store: store.sweeps.add(
                made_up_sweep("new", total=1, state="failed", finished=NOW - timedelta(days=1)), [run_id(0)]
            ), [1, 2, 3], id="one that ended yesterday",
        ),
        pytest.param(lambda store: store.decisions.ask(SweepId("two"), "which?"), [0, 1, 3], id="a question"),
        pytest.param(lambda store: store.decisions.decide(SweepId("one"), "the first"), [2, 3], id="a decision"),
        pytest.param(lambda store: store.decisions.ask(SweepId("two"), ""), [0, 1, 2, 3], id="one taken back"),
        pytest.param(lambda store: link(store, sweep_id=SweepId("one")), [2, 3], id="a link to a sweep"),
        pytest.param(lambda store: link(store, run_ids=[run_id(9)]), [0, 1, 2], id="to chosen pictures"),
        pytest.param(
            lambda store: store.links.revoke(link(store, sweep_id=SweepId("one"), run_ids=[run_id(0)]).id),
            [0, 1, 2, 3], id="one that was taken back",
        ),
        pytest.param(
            lambda store: end(store, link(store, sweep_id=SweepId("one"), run_ids=[run_id(0)])), [0, 1, 2, 3],
            id="one that has ended",
        ),
        pytest.param(lambda store: write_long_ago(store, NOW), [], id="an import of today"),
        pytest.param(lambda store: store.opinions.rate(run_id(0), None), [0, 1, 2, 3], id="a rating taken back"),
    ],
)  # fmt: skip
def test_what_somebody_touched_stays(sweep: Store, touch: Callable[[Store], None], left: list[int]):
    touch(sweep)
    assert going(sweep) == left


def test_what_goes_is_what_was_announced(sweep: Store):
    sweep.opinions.rate(run_id(0), 5)
    announced = size_of(sweep, old_runs(sweep, days=30, now=NOW))
    before = sum(file.size for file in sweep.blobs.listing().pictures.values())
    removed = list(remove_old_runs(sweep, days=30, now=NOW))
    assert removed == [(2, announced)]
    assert announced.files == 4
    assert before - sum(file.size for file in sweep.blobs.listing().pictures.values()) == announced.size
    assert sorted(run.id for run in sweep.runs.select()) == sorted([run_id(0), run_id(3)])
    assert [each.done for each in sweep.sweeps.cells(SweepId("two"))] == [False]
    assert list(remove_old_runs(sweep, days=30, now=NOW)) == []


def test_a_picture_that_another_run_shows_stays(store: Store):
    old = commit(store, made_up_run(0))
    store.runs.commit_pasted(painted(made_up_run(1, raw_id=old.raw_id)), image=picture(7), raw=old.raw)
    write_long_ago(store)
    store.opinions.rate(run_id(1), 3)
    assert [run.id for run in old_runs(store, days=30, now=NOW)] == [run_id(0)]
    assert size_of(store, old_runs(store, days=30, now=NOW)).files == 1
    assert [removed.files for _, removed in remove_old_runs(store, days=30, now=NOW)] == [1]
    assert store.blobs.exists(old.raw)


def test_what_somebody_rates_meanwhile_stays(sweep: Store, monkeypatch: pytest.MonkeyPatch):
    listing = sweep.blobs.listing

    def rated_meanwhile() -> object:
        monkeypatch.undo()
        sweep.opinions.rate(run_id(9), 4)
        return listing()

    monkeypatch.setattr(sweep.blobs, "listing", rated_meanwhile)
    assert sum(runs for runs, _ in remove_old_runs(sweep, days=30, now=NOW)) == 3
    assert [run.id for run in sweep.runs.select()] == [run_id(9)]
