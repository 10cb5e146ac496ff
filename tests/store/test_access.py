"""The store as its visitors see it: what is whose, who sees it, and who may change it."""

from collections.abc import Callable

import numpy as np
import pytest

from bgen_core.errors import NotAllowedError, UserInputError
from bgen_core.ids import NOBODY, RunId, SubjectId, SweepId, VisitorId
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep_states import CANCEL, RETRY
from bgen_core.records.visitor import Sharing, Visitor
from bgen_core.runs.wide_table import run_table
from bgen_core.store.opinions import Opinion, Vote
from bgen_core.store.store import SeenStore, Store
from bgen_core.store.views import SavedView
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, picture, run_id

ADA = Visitor(id=VisitorId("ada"), name="Ada")
BO = Visitor(id=VisitorId("bo"), name="Bo")
VERA = Visitor(id=VisitorId("vera"), name="Vera", role="viewer")
EVE = Visitor(id=VisitorId("eve"), name="Eve", role="admin")
NEW = RunId(run_id(90))


class Made:
    """What Ada made: a subject, a sweep with two runs of which one is there, a reference picture and a view."""

    def __init__(self, store: Store, sharing: Sharing) -> None:
        self.store = store
        ada = store.seen_by(ADA)
        store.visitors.note(ADA)
        self.subject: SubjectId = ada.subjects.save(made_up_subject(), {"strokes": []})
        ada.subjects.share(self.subject, "private" if sharing == "link" else sharing)
        self.reference = ada.pictures.give_reference(b"\x89PNG of a reference")
        self.sweep = SweepId("sweep-1")
        plan = {"subject_id": self.subject, "base": {"reference": self.reference}, "axes": []}
        record = made_up_sweep("sweep-1", total=2, plan=plan, subject_id=self.subject, sharing=sharing)
        ada.sweeps.add(record, [RunId(run_id(0)), NEW])
        made = made_up_run(0, owner="ada", subject_id=self.subject, params={"reference": self.reference})
        self.run: RunRecord = commit(store, made)
        ada.opinions.rate(self.run.id, 5)
        ada.opinions.note(self.run.id, "mine")
        ada.opinions.tag(self.run.id, ["team"])
        ada.views.save(SavedView(name="best", query={}, sharing="shared" if sharing == "shared" else "private"))

    def seen_by(self, visitor: Visitor) -> dict[str, bool]:
        """What of it a visitor finds by its address, and in lists."""
        store = self.store.seen_by(visitor)
        entry = self.store.subjects.get(self.subject)
        return {
            "sweep": _found(lambda: store.sweeps.get(self.sweep)),
            "cells": _found(lambda: store.sweeps.cells(self.sweep)),
            "votes": _found(lambda: store.opinions.add_vote(_vote(self.sweep, self.run.id))),
            "sweeps of the run": bool(store.sweeps.of_run(self.run.id)),
            "list of sweeps": bool(store.sweeps.select()) and bool(store.sweeps.with_runs()),
            "run": _found(lambda: store.runs.get_all([self.run.id])),
            "run by the beginning of its id": _found(lambda: store.runs.get(self.run.id[:12])),
            "list of runs": bool(store.runs.select()) and bool(store.runs.visible([self.run.id])),
            "table": len(run_table(store)) == 1,
            "tags": store.opinions.all_tags() == ["team"],
            "subject": _found(lambda: store.subjects.load(self.subject)) and _found(
                lambda: store.subjects.load_edit(self.subject)
            ),
            "library": bool(store.subjects.all()) and store.subjects.find(self.subject) is not None,
            "pictures": all(store.pictures.sees(name) for name in (self.run.image, self.run.raw)),
            "photo": all(store.pictures.sees(name) for name in (entry.photo, entry.alpha)),
            "reference": store.pictures.sees(self.reference),
            "view": bool(store.views.all()),
        }  # fmt: skip


def _found(look: Callable[[], object]) -> bool:
    try:
        look()
    except UserInputError as error:
        assert "Ada" not in str(error), "nothing is said of what is not seen"
        return False
    return True


def _vote(sweep_id: SweepId, run: RunId) -> Vote:
    return Vote(sweep_id=sweep_id, run_a=run, run_b=NEW, winner="a")


ALL = {
    "sweep", "cells", "votes", "sweeps of the run", "list of sweeps", "run", "run by the beginning of its id",
    "list of runs", "table", "tags", "subject", "library", "pictures", "photo", "reference", "view",
}  # fmt: skip


@pytest.mark.both_databases
@pytest.mark.parametrize("visitor", [BO, VERA], ids=["member", "viewer"])
def test_what_is_private_is_not_there_for_others(store: Store, visitor: Visitor) -> None:
    made = Made(store, "private")
    assert made.seen_by(visitor) == dict.fromkeys(ALL, False)
    assert made.seen_by(ADA) == made.seen_by(EVE) == dict.fromkeys(ALL, True)


@pytest.mark.both_databases
@pytest.mark.parametrize("visitor", [ADA, BO, VERA, EVE], ids=lambda each: each.name)
def test_what_is_shared_is_there_for_all(store: Store, visitor: Visitor) -> None:
    assert Made(store, "shared").seen_by(visitor) == dict.fromkeys(ALL, True)


@pytest.mark.both_databases
def test_a_link_opens_a_sweep_and_what_it_shows_until_it_is_taken_back(store: Store) -> None:
    made = Made(store, "link")
    by_its_link = dict.fromkeys(ALL, False)
    bo = store.seen_by(BO)
    assert not bo.pictures.sees(made.run.image)
    assert not bo.sweeps.select()
    assert _found(lambda: bo.sweeps.get(made.sweep))
    opened = dict.fromkeys(ALL, True) | {"library": False, "view": False}
    assert made.seen_by(BO) == opened
    store.seen_by(ADA).sweeps.share(made.sweep, "private")
    assert made.seen_by(BO) == by_its_link
    store.seen_by(ADA).sweeps.share(made.sweep, "link")
    assert not bo.pictures.sees(made.run.image), "the link must be opened again"


CHANGES: dict[str, Callable[[SeenStore, Made], object]] = {
    "cancel": lambda store, made: store.sweeps.change_state(made.sweep, CANCEL),
    "retry": lambda store, made: store.sweeps.change_state(made.sweep, RETRY),
    "try a cell again": lambda store, made: store.sweeps.clear_cell_errors(made.sweep, 0),
    "hasten": lambda store, made: store.sweeps.hasten(made.sweep),
    "share a sweep": lambda store, made: store.sweeps.share(made.sweep, "private"),
    "let viewers vote": lambda store, made: store.sweeps.let_viewers_vote(made.sweep, vote=False),
    "ask a question": lambda store, made: store.decisions.ask(made.sweep, "which?"),
    "decide": lambda store, made: store.decisions.decide(made.sweep, "the first"),
    "share a subject": lambda store, made: store.subjects.share(made.subject, "private"),
    "rename": lambda store, made: store.subjects.rename(made.subject, "stolen"),
    "delete a subject": lambda store, made: store.subjects.delete(made.subject),
    "delete a run": lambda store, made: store.deletion.delete([made.run.id]),
    "ask what goes": lambda store, made: store.deletion.count([made.run.id]),
    "delete a view": lambda store, made: store.views.delete(SavedView(name="best", owner=ADA.id, query={})),
}


@pytest.mark.parametrize("visitor", [BO, VERA], ids=["member", "viewer"])
@pytest.mark.parametrize("sharing", ["shared", "private"])
def test_others_change_nothing(store: Store, visitor: Visitor, sharing: Sharing) -> None:
    made = Made(store, sharing)
    before = store.revision()
    for name, change in CHANGES.items():
        with pytest.raises(UserInputError) as refusal:
            change(store.seen_by(visitor), made)
        if sharing == "private" and name != "delete a view":
            assert "Ada" not in str(refusal.value), name
        assert store.revision() == before, name


@pytest.mark.parametrize("visitor", [ADA, EVE], ids=["owner", "admin"])
@pytest.mark.parametrize("change", [each for each in CHANGES if each != "delete a subject"])
def test_owners_and_admins_change_it(store: Store, change: str, visitor: Visitor) -> None:
    CHANGES[change](store.seen_by(visitor), Made(store, "private"))


def test_whose_it_is_stands_in_the_refusal(store: Store) -> None:
    made = Made(store, "shared")
    with pytest.raises(NotAllowedError, match=r"^This sweep belongs to Ada: they or an admin may change it\.$"):
        store.seen_by(BO).sweeps.change_state(made.sweep, CANCEL)


WRITES: dict[str, Callable[[SeenStore, Made], object]] = {
    "sweep": lambda store, made: store.sweeps.add(made_up_sweep("sweep-2"), []),
    "subject": lambda store, made: store.subjects.save(made_up_subject(), {}),
    "rating": lambda store, made: store.opinions.rate(made.run.id, 1),
    "note": lambda store, made: store.opinions.note(made.run.id, "bad"),
    "tag": lambda store, made: store.opinions.tag(made.run.id, ["bad"]),
    "view": lambda store, made: store.views.save(SavedView(name="v", query={})),
    "reference": lambda store, made: store.pictures.give_reference(b"png"),
}


@pytest.mark.parametrize("write", WRITES)
def test_viewers_add_nothing(store: Store, write: str) -> None:
    made = Made(store, "shared")
    before = store.revision()
    with pytest.raises(NotAllowedError, match="You may look and vote here"):
        WRITES[write](store.seen_by(VERA), made)
    assert store.revision() == before


@pytest.mark.parametrize("named", ["", BO.id])
def test_what_a_visitor_adds_is_theirs_whatever_name_stands_in_it(store: Store, named: VisitorId) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(2)]
    seen = store.seen_by(ADA)
    seen.sweeps.add(made_up_sweep(cells=runs, owner=named), runs)
    seen.opinions.add_vote(Vote(sweep_id="sweep-1", voter=named, run_a=runs[0], run_b=runs[1], winner="a"))
    seen.views.save(SavedView(name="best", owner=named, query={"q": "beach"}))
    assert [sweep.id for sweep in store.sweeps.select(owner=ADA.id)] == ["sweep-1"]
    assert [vote.voter for vote in store.opinions.votes_of("sweep-1")] == [ADA.id]
    assert [view.owner for view in store.views.all()] == [ADA.id]


def test_each_visitor_votes_once_on_a_pair(store: Store) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(2)]
    store.sweeps.add(made_up_sweep(cells=runs), runs)
    for visitor, winner in ((ADA, "a"), (VERA, "b"), (ADA, "tie")):
        vote = Vote(sweep_id="sweep-1", run_a=runs[0], run_b=runs[1], winner=winner)
        store.seen_by(visitor).opinions.add_vote(vote)
    assert {vote.voter: vote.winner for vote in store.opinions.votes_of("sweep-1")} == {ADA.id: "tie", VERA.id: "b"}


@pytest.mark.both_databases
def test_viewers_vote_where_the_owner_asks_them(store: Store) -> None:
    made = Made(store, "shared")
    vote = _vote(made.sweep, made.run.id)
    store.seen_by(VERA).opinions.add_vote(vote)
    store.seen_by(ADA).sweeps.let_viewers_vote(made.sweep, vote=False)
    with pytest.raises(NotAllowedError, match="does not ask viewers"):
        store.seen_by(VERA).opinions.add_vote(vote)
    store.seen_by(BO).opinions.add_vote(vote)
    assert {each.voter for each in store.opinions.votes_of(made.sweep)} == {VERA.id, BO.id}, "what was given stays"


def test_a_vote_is_on_two_pictures_of_its_sweep(store: Store) -> None:
    made = Made(store, "shared")
    for pair in ((made.run.id, made.run.id), (made.run.id, RunId(run_id(50)))):
        with pytest.raises(UserInputError, match="two different pictures of this sweep"):
            store.seen_by(BO).opinions.add_vote(
                Vote(sweep_id=made.sweep, run_a=pair[0], run_b=pair[1], winner="a")
            )  # fmt: skip


def test_opinions_are_each_persons_and_the_mean_is_shown(store: Store) -> None:
    run = Made(store, "shared").run.id
    bo = store.seen_by(BO).opinions
    bo.rate(run, 2)
    bo.tag(run, ["team", "web"])
    assert bo.of([run])[run] == Opinion(rating=2, tags=("team", "web"), mean_rating=3.5, raters=2)
    assert [(note.owner, note.text) for note in bo.notes_of_others(run)] == [("ada", "mine")]
    bo.tag(run, [])
    ada = store.seen_by(ADA).opinions.of([run])[run]
    assert ada == Opinion(rating=5, notes="mine", tags=("team",), mean_rating=3.5, raters=2), "Ada's tag is hers"
    table = run_table(store.seen_by(BO)).iloc[0]
    assert (table["rating"], table["mean_rating"], table["raters"], table["notes"]) == (2, 3.5, 2, "")
    assert table["owner"] == "Ada"
    assert run_table(store.seen_by(ADA)).iloc[0]["rating"] == 5


@pytest.mark.both_databases
def test_what_is_everyones_is_changed_by_whoever_says_otherwise(store: Store) -> None:
    run = commit(store, made_up_run(0, owner=NOBODY)).id
    store.opinions.rate(run, 4)
    store.opinions.note(run, "of old")
    store.views.save(SavedView(name="old", query={"text": "a"}))
    bo = store.seen_by(BO)
    assert bo.opinions.of([run])[run] == Opinion(rating=4, notes="of old", mean_rating=4.0, raters=1)
    bo.opinions.rate(run, 1)
    assert bo.opinions.of([run])[run] == Opinion(rating=1, notes="of old", mean_rating=1.0, raters=1)
    assert store.seen_by(ADA).opinions.of([run])[run] == Opinion(notes="of old", mean_rating=1.0, raters=1)
    bo.views.save(SavedView(name="old", query={"text": "b"}))
    assert [(view.owner, view.query) for view in bo.views.all()] == [(BO.id, {"text": "b"})]
    bo.deletion.delete([run])
    assert store.runs.select() == []


def test_browsers_of_ones_own_machine_are_one_person(store: Store) -> None:
    run = commit(store, made_up_run(0)).id
    first, second = (
        store.seen_by(Visitor(id=VisitorId(name), role="admin", is_local=True)) for name in ("firefox", "chromium")
    )
    first.opinions.rate(run, 4)
    second.opinions.rate(run, 3)
    assert first.opinions.of([run])[run] == Opinion(rating=3, mean_rating=3.0, raters=1)


@pytest.mark.both_databases
def test_a_run_that_two_made_goes_with_the_second(store: Store) -> None:
    made = Made(store, "private")
    bo = store.seen_by(BO)
    bo.subjects.save(made_up_subject(), {})
    bo.sweeps.add(made_up_sweep("sweep-2", total=1, sharing="shared", plan={}), [made.run.id])
    assert [cell.done for cell in bo.sweeps.cells("sweep-2")] == [True], "who names all that makes it may have it"
    going = store.seen_by(ADA).deletion.delete([made.run.id])
    assert (going.runs, going.kept, going.pictures, going.rated) == (1, 1, 0, 0)
    assert going.sentence.startswith("1 run and 0 pictures (0.0 MB) go. 1 run that others made too stays theirs.")
    assert [cell.done for cell in store.seen_by(ADA).sweeps.cells(made.sweep)] == [False, False]
    assert [cell.done for cell in bo.sweeps.cells("sweep-2")] == [True]
    assert bo.deletion.delete([made.run.id]).kept == 0
    assert store.runs.select() == []


@pytest.mark.both_databases
def test_going_on_with_a_sweep_gives_back_what_its_owner_deleted_and_others_kept(store: Store) -> None:
    made = Made(store, "private")
    store.seen_by(BO).sweeps.add(made_up_sweep("sweep-2", total=1, plan={}), [made.run.id])
    ada = store.seen_by(ADA)
    ada.deletion.delete([made.run.id])
    ada.sweeps.change_state(made.sweep, CANCEL)
    ada.sweeps.change_state(made.sweep, RETRY)
    assert [cell.done for cell in ada.sweeps.cells(made.sweep)] == [True, False]


def test_a_run_belongs_to_all_whose_sweeps_hold_it_when_it_is_made(store: Store) -> None:
    for visitor, sweep_id in ((ADA, "sweep-1"), (BO, "sweep-2")):
        record = made_up_sweep(sweep_id, total=1, sharing="private", plan={})
        store.seen_by(visitor).sweeps.add(record, [RunId(run_id(0))])
    commit(store, made_up_run(0, owner="ada"))
    assert store.runs.owners(RunId(run_id(0))) == ["ada", "bo"]
    assert not store.seen_by(VERA).runs.visible([RunId(run_id(0))])


@pytest.mark.both_databases
def test_a_subject_that_two_saved_has_two_names_and_goes_with_the_second(store: Store) -> None:
    ada, bo = store.seen_by(ADA), store.seen_by(BO)
    subject = made_up_subject()
    name = ada.subjects.save(subject, {"by": "ada"})
    ada.subjects.rename(name, "Project X")
    ada.subjects.share(name, "private")
    bo.subjects.save(subject, {"by": "bo"})
    assert [(entry.name, entry.owner) for entry in bo.subjects.all()] == [(subject.name, BO.id)]
    assert bo.subjects.load_edit(name) == {"by": "bo"}
    assert store.subjects.get(name, owner=ADA.id).name == "Project X"
    ada.subjects.delete(name)
    assert ada.subjects.find(name) is not None, "Bo's is shared"
    assert bo.subjects.load(name).id == name
    bo.subjects.delete(name)
    assert store.subjects.all() == []
    assert store.blobs.listing().pictures == {}


@pytest.mark.parametrize("what", ["subject", "reference"])
def test_a_plan_names_nothing_that_its_owner_may_not_see(store: Store, what: str) -> None:
    made = Made(store, "private")
    stolen = {"subject": {"subject_id": made.subject}, "reference": {"base": {"reference": made.reference}}}[what]
    with pytest.raises(UserInputError, match=r"No saved subject|is not in the store"):
        store.seen_by(BO).sweeps.add(made_up_sweep("sweep-2", total=1, plan=stolen), [NEW])
    assert made.seen_by(BO) == dict.fromkeys(ALL, False)


def test_places_in_the_queue_say_nothing_of_what_is_private(store: Store) -> None:
    Made(store, "private")
    store.seen_by(BO).sweeps.add(made_up_sweep("sweep-2", total=0, title="Bo's", plan={}), [])
    assert {sweep.id: (sweep.title, sweep.plan) for sweep in store.seen_by(BO).sweeps.queue()} == {
        "sweep-1": ("", {}),
        "sweep-2": ("Bo's", {}),
    }
    assert store.seen_by(VERA).sweeps.count("queued") == 2
    assert all(sweep.title for sweep in store.seen_by(EVE).sweeps.queue())


def test_all_visitors_share_one_table_of_what_all_may_see(store: Store) -> None:
    commit(store, made_up_run(0))
    first, second = (run_table(store.seen_by(visitor))["seed"].to_numpy() for visitor in (ADA, BO))
    assert np.shares_memory(first, second)  # ten thousand runs are in memory once, and not for each visitor


def test_a_table_follows_what_is_shared_and_what_is_not(store: Store) -> None:
    made = Made(store, "private")
    bo = store.seen_by(BO)
    assert run_table(bo).empty
    store.seen_by(ADA).sweeps.share(made.sweep, "shared")
    assert run_table(bo)["id"].tolist() == [made.run.id]
    store.seen_by(ADA).sweeps.share(made.sweep, "private")
    assert run_table(bo).empty


def test_nobody_who_sees_a_store_can_close_it(store: Store) -> None:
    assert not hasattr(store.seen_by(ADA), "close")


def test_pictures_that_nobody_knows_are_seen_by_nobody(store: Store) -> None:
    name = store.blobs.put(picture(3).tobytes())
    assert not store.seen_by(ADA).pictures.sees(name)
