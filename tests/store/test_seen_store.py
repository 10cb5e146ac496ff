"""The store as one visitor sees it."""

import numpy as np
import pytest

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Visitor
from bgen_core.runs.wide_table import run_table
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store
from bgen_core.store.views import SavedView
from tests.made_up import VISITOR, commit, made_up_run, made_up_sweep, run_id

OTHER = Visitor(id=VisitorId("ba9876543210"))


@pytest.mark.parametrize("named", ["", OTHER.id])
def test_what_a_visitor_adds_is_theirs_whatever_name_stands_in_it(store: Store, named: VisitorId) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(2)]
    seen = store.seen_by(VISITOR)
    seen.sweeps.add(made_up_sweep(cells=runs, owner=named), runs)
    seen.opinions.add_vote(Vote(sweep_id="sweep-1", voter=named, run_a=runs[0], run_b=runs[1], winner="a"))
    seen.views.save(SavedView(name="best", owner=named, query={"q": "beach"}))
    assert [sweep.id for sweep in store.sweeps.select(owner=VISITOR.id)] == ["sweep-1"]
    assert [vote.voter for vote in store.opinions.votes_of("sweep-1")] == [VISITOR.id]
    assert [view.owner for view in store.views.all()] == [VISITOR.id]


def test_each_visitor_votes_once_on_a_pair(store: Store) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(2)]
    store.sweeps.add(made_up_sweep(cells=runs), runs)
    for visitor, winner in ((VISITOR, "a"), (OTHER, "b"), (VISITOR, "tie")):
        vote = Vote(sweep_id="sweep-1", run_a=runs[0], run_b=runs[1], winner=winner)
        store.seen_by(visitor).opinions.add_vote(vote)
    assert {vote.voter: vote.winner for vote in store.opinions.votes_of("sweep-1")} == {
        VISITOR.id: "tie",
        OTHER.id: "b",
    }


def test_all_visitors_see_one_store_and_share_one_table(store: Store) -> None:
    commit(store, made_up_run(0))
    first, second = (run_table(store.seen_by(visitor))["seed"].to_numpy() for visitor in (VISITOR, OTHER))
    assert store.seen_by(OTHER).runs.get(run_id(0)) == store.runs.get(run_id(0))
    assert np.shares_memory(first, second)  # ten thousand runs are in memory once, and not for each visitor


def test_nobody_who_sees_a_store_can_close_it(store: Store) -> None:
    assert not hasattr(store.seen_by(VISITOR), "close")
