"""Sweeps and votes in a ZIP of runs: grids, links and votes work in the other store, and nothing changes twice."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY
from bgen_core.models.catalogue import describe_model
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import RETRY
from bgen_core.settings import load_settings
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store, open_store
from bgen_core.store.views import SavedView
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.family_rules import settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.archive.changed_zip import changed
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_subject, run_id

pytestmark = pytest.mark.both_databases

SUBJECT = made_up_subject(1)
PLAN = SweepPlan(
    subject_id=SUBJECT.id,
    model="demo",
    base=InpaintParams(prompt="a beach at sunset", negative_prompt="text"),
    axes=(Axis(name="steps", values=(10, 20)), Axis(name="seed", values=(1, 2))),
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """The store that somebody exports from."""
    with open_store(load_settings(home=tmp_path / "other", database="")) as store:
        yield store


@pytest.fixture
def runs(other: Store) -> list[RunRecord]:
    """The four cells of a sweep, with three votes of two people on them; one cell stands in a second sweep too."""
    other.subjects.save(SUBJECT, {})
    made = [
        commit(other, replace(made_up_run(cell.index, subject_id=SUBJECT.id), params=cell.params))
        for cell in PLAN.cells()
    ]
    other.sweeps.add(sweep_of(PLAN, state="done"), [run.id for run in made])
    second = replace(PLAN, axes=(Axis(name="steps", values=(10, 30)),), base=made[0].params)
    other.sweeps.add(sweep_of(second, "sweep-2", state="paused"), [made[0].id, run_id(90)])
    for voter, first, last, winner in (("me", 0, 2, "b"), ("me", 1, 3, "tie"), ("you", 2, 0, "a")):
        other.opinions.add_vote(vote("sweep-1", voter, made[first], made[last], winner))
    other.opinions.add_vote(replace(vote("sweep-1", "me", made[2], made[0], "a"), drawn="repeat"))
    other.decisions.ask("sweep-1", "which for the team page?")
    other.decisions.decide("sweep-1", "the first", evidence="Steps 30 is preferred.")
    other.views.save(SavedView(name="mine", owner="me", query={"q": "beach"}))
    return made


def sweep_of(plan: SweepPlan, sweep_id: str = "sweep-1", **changes: Any) -> SweepRecord:
    record = SweepRecord(
        id=sweep_id,
        owner="visitor",
        created=LONG_AGO,
        state="done",
        title=plan.base.prompt,
        plan=plan.to_json(),
        subject_id=plan.subject_id,
        total=len(plan),
        expected_seconds=12.5,
        finished=LONG_AGO,
    )
    return replace(record, **changes)


def vote(sweep_id: str, voter: str, one: RunRecord, two: RunRecord, winner: Any) -> Vote:
    return Vote(sweep_id=sweep_id, voter=voter, run_a=one.id, run_b=two.id, winner=winner, created=LONG_AGO)


def exported(store: Store, runs: list[RunRecord], path: Path) -> Path:
    path.write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
    return path


def sweeps_in(store: Store) -> Any:
    """Every sweep with its cells, votes and decision."""
    found = sorted(store.sweeps.select(), key=lambda each: each.id)
    return [
        (replace(each, place=0.0), store.sweeps.cells(each.id), store.opinions.votes_of(each.id),
         store.decisions.of(each.id))
        for each in found
    ]  # fmt: skip


def test_a_sweep_is_in_the_other_store_with_its_grid_and_votes(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    done = import_runs(store, exported(other, runs, tmp_path / "runs.zip"))
    assert (sorted(done.sweeps_added), done.votes_added) == (["sweep-1", "sweep-2"], 4)
    assert done.sentence == "4 runs imported, with 1 subject, 2 sweeps and 4 blind votes."
    (sweep, *about), *_ = sweeps_in(other)
    assert sweeps_in(store)[0] == (replace(sweep, owner=NOBODY), *about)  # what the command line takes is everyone's
    assert SweepPlan.from_json(store.sweeps.get("sweep-1").plan) == PLAN
    assert store.views.all() == []
    assert [each.id for each in store.sweeps.of_run(runs[1].id)] == ["sweep-1"]


def test_a_sweep_by_several_models_travels_though_each_leaves_something_out(
    store: Store, other: Store, tmp_path: Path
) -> None:
    other.subjects.save(SUBJECT, {})
    base = replace(PLAN.base, side=256, guidance_scale=1.0, guidance_end=0.5, background_colour="navy to #fff")
    plan = replace(PLAN, base=base, axes=(Axis(name="model", values=("demo", "plain-colour", "cut-out")),))
    made = [
        commit(other, replace(made_up_run(cell.index, subject_id=SUBJECT.id), params=settled(family, cell.params)))
        for cell in plan.cells()
        if (family := replace(describe_model(cell.model).family, side=256))
    ]
    assert [run.params == base for run in made] == [False] * 3
    other.sweeps.add(sweep_of(plan), [run.id for run in made])
    done = import_runs(store, exported(other, made, tmp_path / "runs.zip"))
    assert done.sweeps_added == ("sweep-1",)
    assert [cell.done for cell in store.sweeps.cells("sweep-1")] == [True] * 3


def test_what_was_under_way_is_not_put_into_the_queue(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    other.sweeps.change_state("sweep-2", RETRY)
    import_runs(store, exported(other, runs, tmp_path / "runs.zip"))
    assert store.sweeps.get("sweep-2").state == "cancelled"
    assert store.sweeps.claim_next() is None
    assert [cell.done for cell in store.sweeps.cells("sweep-2")] == [True, False]


def test_an_import_a_second_time_changes_nothing(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    import_runs(store, archive)
    before = sweeps_in(store), store.runs.select()
    again = import_runs(store, archive)
    assert (again.added, again.sweeps_added, again.votes_added) == ((), (), 0)
    assert again.sentence == "0 runs imported, 4 there already and left as they are."
    assert (sweeps_in(store), store.runs.select()) == before


def test_a_part_of_a_sweep_brings_its_grid_and_the_next_part_fills_it(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    done = import_runs(store, exported(other, [runs[0], runs[1]], tmp_path / "half.zip"))
    assert done.votes_added == 0
    assert [cell.done for cell in store.sweeps.cells("sweep-1")] == [True, True, False, False]
    store.opinions.add_vote(vote("sweep-1", "me", runs[0], runs[2], "tie"))
    done = import_runs(store, exported(other, runs, tmp_path / "whole.zip"))
    assert (done.sweeps_added, done.votes_added) == ((), 3)
    assert all(cell.done for cell in store.sweeps.cells("sweep-1"))
    mine = [(each.winner, each.drawn) for each in store.opinions.votes_of("sweep-1") if each.voter == "me"]
    assert mine == [("tie", ""), ("tie", ""), ("a", "repeat")]  # what I voted here stands


def test_a_sweep_whose_name_another_one_has_stays_out(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    store.sweeps.add(sweep_of(replace(PLAN, axes=()), title="mine"), [run_id(50)])
    done = import_runs(store, exported(other, runs[1:], tmp_path / "runs.zip"))
    assert (len(done.added), done.sweeps_added, done.votes_added) == (3, (), 0)
    assert store.sweeps.get("sweep-1").title == "mine"
    assert store.opinions.votes_of("sweep-1") == []


def test_a_zip_of_the_first_version_is_still_taken(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    def as_it_was(manifest: dict[str, Any]) -> None:
        manifest["version"] = 1
        del manifest["sweeps"]

    done = import_runs(store, changed(exported(other, runs, tmp_path / "runs.zip"), as_it_was))
    assert (len(done.added), done.sweeps_added) == (4, ())
    assert store.sweeps.select() == []


def test_a_sweep_that_nobody_could_read_does_not_hold_back_its_runs(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    unread = replace(sweep_of(PLAN, "broken", title="odd"), plan={"axes": []})
    other.sweeps.add(unread, [run.id for run in runs])
    archive = exported(other, runs, tmp_path / "runs.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.read("not-included.txt").decode().startswith("Sweep 'odd' (broken): subject_id")
    assert len(import_runs(store, archive).sweeps_added) == 2


NUMBERS = [{"name": name, "values": list(range(1, 10_001))} for name in ("seed", "guidance", "mask-grow")]
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "an id that is a path": ({"id": "../x"}, "sweeps.0.id"),
    "put into the queue": ({"state": "queued"}, "sweeps.0.state"),
    "no plan": ({"plan": {}}, "subject_id: Field required"),
    "cells that are too few": ({"cells": []}, "0 cells are named, and its plan has 4"),
    "runs in other places": ({"cells": "reversed"}, "does not belong into its place 0"),
    "an axis that is none": ({"axes": [{"name": "x", "values": [1]}]}, "axis 'x' is not known"),
    "text for numbers": ({"axes": [{"name": "steps", "values": ["7"]}]}, "steps has values of another kind"),
    "a number beyond all": ({"axes": [{"name": "seed", "values": [10**400, 1, 2, 3]}]}, "seed 1000.* is not allowed"),
    "no number": ({"axes": [{"name": "guidance", "values": [float("nan")]}]}, "its plan cannot be read"),
    "a grid without end": ({"axes": NUMBERS, "only": [0]}, "its grid has over 1,000,000 places"),
    "a subject that is a path": ({"subject_id": "../x"}, "a subject's address is not allowed"),
    "a time that no clock shows": ({"created": "0001-01-01T00:00:00+14:00"}, "no such time is allowed"),
}


def test_a_sweep_that_is_not_what_it_says_is_refused_with_everything(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    """One store for all, as none of them changes anything."""

    def change(manifest: dict[str, Any], changes: dict[str, Any]) -> None:
        sweep = next(each for each in manifest["sweeps"] if each["id"] == "sweep-1")
        manifest["sweeps"] = [sweep]
        for field, value in changes.items():
            where = sweep if field in sweep else sweep["plan"]
            where[field] = sweep["cells"][::-1] if value == "reversed" else value

    whole = exported(other, runs, tmp_path / "runs.zip").read_bytes()
    for name, (changes, sentence) in HOSTILE.items():
        (tmp_path / "runs.zip").write_bytes(whole)
        with pytest.raises(UserInputError) as caught:
            import_runs(store, changed(tmp_path / "runs.zip", partial(change, changes=changes)))
        said = str(caught.value)
        assert re.search(sentence, said), name
        assert said.startswith("runs.zip: nothing is imported, because "), name
        assert len(said) < 500, name
        assert (store.runs.select(), store.sweeps.select(), store.blobs.listing().pictures) == ([], [], {}), name


def test_votes_on_runs_that_are_not_in_the_zip_stay_out(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        (sweep,) = (each for each in manifest["sweeps"] if each["id"] == "sweep-1")
        one = {"voter": "x", "winner": "a", "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat()}
        ids = [(runs[0].id, runs[0].id), (runs[0].id, run_id(77)), (runs[0].id, runs[1].id)]
        sweep["votes"] = [{**one, "run_a": a, "run_b": b} for a, b in [*ids, ids[-1]]]

    import_runs(store, changed(exported(other, runs, tmp_path / "runs.zip"), change))
    assert [(each.run_a, each.run_b) for each in store.opinions.votes_of("sweep-1")] == [(runs[0].id, runs[1].id)]
