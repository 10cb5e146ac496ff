from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bgen_core.errors import UserInputError
from bgen_core.store.opinions import Opinion, Vote
from bgen_core.store.schema import VoteRow
from bgen_core.store.store import Store
from bgen_core.store.views import SavedView
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id

pytestmark = pytest.mark.both_databases


def test_what_people_write_stays_beside_the_run(store: Store) -> None:
    one, two, none = (commit(store, made_up_run(number)).id for number in range(3))
    store.opinions.rate(one, 5)
    store.opinions.note(one, "  sky too dark \n")
    store.opinions.tag(two, ["web", " print ", "web", ""])
    assert store.opinions.of([one, two, none, run_id(99)]) == {
        one: Opinion(rating=5, notes="sky too dark", mean_rating=5.0, raters=1),
        two: Opinion(tags=("print", "web")),
    }
    assert store.opinions.all_tags() == ["print", "web"]


def test_everything_can_be_taken_back(store: Store) -> None:
    run = commit(store, made_up_run()).id
    store.opinions.rate(run, 3)
    store.opinions.note(run, "note")
    store.opinions.tag(run, ["tag"])
    store.opinions.rate(run, None)
    store.opinions.note(run, " ")
    store.opinions.tag(run, [])
    assert store.opinions.of([run]) == {}
    assert store.opinions.all_tags() == []


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda store, run: store.opinions.rate(run, 6), "A rating of 6 is not allowed: give 1 to 5 stars"),
        (lambda store, run: store.opinions.rate(run, 0), "A rating of 0"),
        (lambda store, run: store.opinions.tag(run, ["a,b"]), "The tag 'a,b' is not allowed"),
        (lambda store, run: store.opinions.tag(run, ["good", "x" * 41]), "up to 40 letters"),
        (lambda store, run: store.opinions.rate(run_id(99), 1), "No run has the id"),
        (lambda store, run: store.opinions.note(run_id(99), "a"), "No run has the id"),
        (lambda store, run: store.opinions.tag(run_id(99), ["a"]), "No run has the id"),
        (lambda store, run: store.views.save(SavedView(name=" ", owner="", query={})), "1 to 80 letters, not 0"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_changes_nothing(store: Store, write, sentence: str) -> None:
    run = commit(store, made_up_run()).id
    store.opinions.tag(run, ["before"])
    with pytest.raises(UserInputError, match=sentence):
        write(store, run)
    assert store.opinions.of([run]) == {run: Opinion(tags=("before",))}


def test_a_later_vote_on_the_same_two_runs_replaces_the_earlier(store: Store) -> None:
    store.sweeps.add(made_up_sweep(total=3), ["a", "b", "c"])
    votes = [
        Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="b", winner="a", created=LONG_AGO),
        Vote(sweep_id="sweep-1", voter="bo", run_a="a", run_b="b", winner="tie", created=LONG_AGO),
        Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="c", winner="b", created=LONG_AGO),
    ]
    for vote in votes:
        store.opinions.add_vote(vote)
    assert store.opinions.votes_of("sweep-1") == votes
    again = Vote(
        sweep_id="sweep-1", voter="ada", run_a="b", run_b="a", winner="a", created=LONG_AGO + timedelta(hours=1)
    )
    store.opinions.add_vote(again)
    assert store.opinions.votes_of("sweep-1") == [*votes[1:], again]
    assert store.opinions.votes_of("sweep-2") == []


def test_a_repeat_stands_beside_the_vote_and_replaces_a_repeat(store: Store) -> None:
    store.sweeps.add(made_up_sweep(total=2), ["a", "b"])
    first = Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="b", winner="a", drawn="telling", created=LONG_AGO)
    repeat = replace(first, run_a="b", run_b="a", winner="tie", drawn="repeat")
    for vote in (first, replace(repeat, winner="b"), repeat):
        store.opinions.add_vote(vote)
    assert store.opinions.votes_of("sweep-1") == [first, repeat]
    changed = replace(first, winner="b", drawn="random")
    store.opinions.add_vote(changed)
    assert store.opinions.votes_of("sweep-1") == [repeat, changed]


def test_why_two_runs_were_drawn_is_not_known_where_a_later_version_says_something_else(store: Store) -> None:
    store.sweeps.add(made_up_sweep(total=2), ["a", "b"])
    vote = Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="b", winner="a", drawn="random", created=LONG_AGO)
    store.opinions.add_vote(vote)
    with store.database.writing() as session:
        session.execute(sa.update(VoteRow).values(drawn="by the moon"))
    assert store.opinions.votes_of("sweep-1") == [replace(vote, drawn="")]


def test_views_are_kept_by_their_name(store: Store) -> None:
    store.views.save(SavedView(name="web ", owner="ada", query={"text": "beach", "page": 2}))
    store.views.save(SavedView(name="best", owner="bo", query={"ids": ["a", "b"]}))
    store.views.save(SavedView(name="web", owner="ada", query={"text": "forest"}))
    assert store.views.all() == [
        SavedView(name="best", owner="bo", query={"ids": ["a", "b"]}),
        SavedView(name="web", owner="ada", query={"text": "forest"}),
    ]
    web = next(view for view in store.views.all() if view.name == "web")
    store.views.delete(web)
    store.views.delete(web)
    assert [view.name for view in store.views.all()] == ["best"]
