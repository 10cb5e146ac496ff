from datetime import timedelta

import pytest

from bgen_core.errors import UserInputError
from bgen_core.store.opinion_rows import Opinion, SavedView, Vote
from bgen_core.store.store import Store
from tests.runs.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id

pytestmark = pytest.mark.both_databases


def test_what_people_write_stays_beside_the_run(store: Store) -> None:
    one, two, none = (commit(store, made_up_run(number)).id for number in range(3))
    store.rate_run(one, 5)
    store.note_run(one, "  sky too dark \n")
    store.tag_run(two, ["web", " print ", "web", ""])
    assert store.opinions_of([one, two, none, run_id(99)]) == {
        one: Opinion(rating=5, notes="sky too dark"),
        two: Opinion(tags=("print", "web")),
    }
    assert store.all_tags() == ["print", "web"]


def test_everything_can_be_taken_back(store: Store) -> None:
    run = commit(store, made_up_run()).id
    store.rate_run(run, 3)
    store.note_run(run, "note")
    store.tag_run(run, ["tag"])
    store.rate_run(run, None)
    store.note_run(run, " ")
    store.tag_run(run, [])
    assert store.opinions_of([run]) == {}
    assert store.all_tags() == []


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda store, run: store.rate_run(run, 6), "A rating of 6 is not allowed: give 1 to 5 stars"),
        (lambda store, run: store.rate_run(run, 0), "A rating of 0"),
        (lambda store, run: store.tag_run(run, ["a,b"]), "The tag 'a,b' is not allowed"),
        (lambda store, run: store.tag_run(run, ["good", "x" * 41]), "up to 40 letters"),
        (lambda store, run: store.rate_run(run_id(99), 1), "No run has the id"),
        (lambda store, run: store.note_run(run_id(99), "a"), "No run has the id"),
        (lambda store, run: store.tag_run(run_id(99), ["a"]), "No run has the id"),
        (lambda store, run: store.save_view(SavedView(name=" ", owner="", query={})), "1 to 80 letters, not 0"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_changes_nothing(store: Store, write, sentence: str) -> None:
    run = commit(store, made_up_run()).id
    store.tag_run(run, ["before"])
    with pytest.raises(UserInputError, match=sentence):
        write(store, run)
    assert store.opinions_of([run]) == {run: Opinion(tags=("before",))}


def test_a_later_vote_on_the_same_two_runs_replaces_the_earlier(store: Store) -> None:
    store.add_sweep(made_up_sweep(), [])
    votes = [
        Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="b", winner="a", created=LONG_AGO),
        Vote(sweep_id="sweep-1", voter="bo", run_a="a", run_b="b", winner="tie", created=LONG_AGO),
        Vote(sweep_id="sweep-1", voter="ada", run_a="a", run_b="c", winner="b", created=LONG_AGO),
    ]
    for vote in votes:
        store.add_vote(vote)
    assert store.votes_of("sweep-1") == votes
    again = Vote(
        sweep_id="sweep-1", voter="ada", run_a="b", run_b="a", winner="a", created=LONG_AGO + timedelta(hours=1)
    )
    store.add_vote(again)
    assert store.votes_of("sweep-1") == [*votes[1:], again]
    assert store.votes_of("sweep-2") == []


def test_views_are_kept_by_their_name(store: Store) -> None:
    store.save_view(SavedView(name="web ", owner="ada", query={"text": "beach", "page": 2}))
    store.save_view(SavedView(name="best", owner="bo", query={"ids": ["a", "b"]}))
    store.save_view(SavedView(name="web", owner="bo", query={"text": "forest"}))
    assert store.list_views() == [
        SavedView(name="best", owner="bo", query={"ids": ["a", "b"]}),
        SavedView(name="web", owner="bo", query={"text": "forest"}),
    ]
    store.delete_view("web")
    store.delete_view("web")
    assert [view.name for view in store.list_views()] == ["best"]
