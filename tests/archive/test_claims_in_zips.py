"""What a ZIP claims is no proof: nobody gets by importing one what others keep to themselves."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import ImportedRuns, import_runs
from bgen_core.archive.sweep_archive import sweep_archive
from bgen_core.ids import RunId, SweepId, VisitorId
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep_states import RETRY
from bgen_core.records.visitor import Visitor
from bgen_core.settings import load_settings
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store, open_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.subject.decoding.image_io import DecodeLimits, encode_png
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, painted, picture, run_id

ADA, BO = (Visitor(id=VisitorId(name), name=name.title()) for name in ("ada", "bo"))
LIMITS = DecodeLimits.of_pictures(load_settings())
SUBJECT = made_up_subject()
PLAN = SweepPlan(
    subject_id=SUBJECT.id, model="demo", base=InpaintParams(prompt="a beach"), axes=(Axis(name="seed", values=(0, 1)),)
)
IDS = [RunId(run_id(0)), RunId(run_id(1))]


def record(number: int, **changes: str) -> RunRecord:
    params = replace(PLAN.base, seed=number, **changes).to_json()
    return made_up_run(number, subject_id=SUBJECT.id, params=params)


@pytest.fixture
def mine(store: Store) -> RunRecord:
    """A run in a private sweep of Ada's."""
    ada = store.seen_by(ADA)
    subject = ada.subjects.save(SUBJECT, {})
    ada.subjects.share(subject, "private")
    sweep = made_up_sweep("adas", total=2, plan=PLAN.to_json(), subject_id=subject, sharing="private", state="done")
    ada.sweeps.add(sweep, IDS)
    return commit(store, replace(record(0), owner=ADA.id))


@pytest.fixture
def forged(tmp_path: Path) -> Iterator[Store]:
    """Where Bo makes up what they import."""
    with open_store(load_settings(home=tmp_path / "forged", database="")) as store:
        yield store


def imported(store: Store, pieces: Iterator[bytes], path: Path) -> ImportedRuns:
    path.write_bytes(b"".join(pieces))
    return import_runs(store.seen_by(BO), path, limits=LIMITS)


def test_a_run_of_the_same_address_with_other_pictures_opens_nothing(
    store: Store, mine: RunRecord, forged: Store, tmp_path: Path
) -> None:
    claim = forged.runs.commit(
        painted(record(0)), image=picture(50, mine.extent), raw_image=picture(51, mine.model_extent)
    )
    before = set(store.blobs.listing().pictures)
    done = imported(store, run_archive(forged, [claim.id], limits=LIMITS), tmp_path / "claim.zip")
    assert done.added == ()
    assert any("Another picture is here under its address" in sentence for sentence in done.not_imported)
    bo = store.seen_by(BO)
    assert not bo.runs.visible([mine.id])
    assert not bo.pictures.sees(mine.image)
    assert store.runs.owners(mine.id) == [ADA.id]
    assert set(store.blobs.listing().pictures) == before


def test_who_has_the_same_pictures_may_have_the_run(
    store: Store, mine: RunRecord, forged: Store, tmp_path: Path
) -> None:
    had = commit(forged, replace(record(0), owner=ADA.id))  # as it was sent: a PNG says whose sweep made it
    assert (had.image, had.raw) == (mine.image, mine.raw)
    assert imported(store, run_archive(forged, [had.id], limits=LIMITS), tmp_path / "had.zip").added == (mine.id,)
    assert store.runs.owners(mine.id) == [ADA.id, BO.id]


def test_a_sweep_that_names_anothers_runs_shows_none_of_them_however_it_is_gone_on_with(
    store: Store, mine: RunRecord, forged: Store, tmp_path: Path
) -> None:
    forged.sweeps.add(made_up_sweep("bos", total=2, plan=PLAN.to_json(), subject_id=SUBJECT.id, state="done"), IDS)
    commit(forged, record(1))  # the other cell is claimed alone
    done = imported(store, sweep_archive(forged, SweepId("bos"), limits=LIMITS), tmp_path / "sweep.zip")
    assert done.sweeps_added == ("bos",)
    bo = store.seen_by(BO)
    for _ in range(2):
        assert [cell.done for cell in bo.sweeps.cells(SweepId("bos"))] == [False, True]
        assert not bo.runs.visible([mine.id])
        assert not bo.pictures.sees(mine.image)
        assert bo.subjects.all() == []
        assert not bo.pictures.sees(store.subjects.get(SUBJECT.id).photo)
        bo.sweeps.change_state(SweepId("bos"), RETRY)
    commit(store, replace(record(0), owner=ADA.id))  # somebody makes it meanwhile
    assert store.runs.owners(mine.id) == [ADA.id]


def test_a_run_that_names_anothers_reference_picture_does_not_show_it(
    store: Store, forged: Store, tmp_path: Path
) -> None:
    reference = store.seen_by(ADA).pictures.give_reference(encode_png(picture(8)))
    claim = commit(forged, record(5, reference=reference))
    imported(store, run_archive(forged, [claim.id], limits=LIMITS), tmp_path / "claim.zip")
    bo = store.seen_by(BO)
    assert bo.runs.visible([claim.id])
    assert not bo.pictures.sees(reference)
    assert collect_garbage(store, dry_run=True).files == 0


def test_votes_in_a_zip_are_not_added_to_anothers_sweep(store: Store, forged: Store, tmp_path: Path) -> None:
    ada = store.seen_by(ADA)
    ada.sweeps.add(made_up_sweep("adas", total=2, plan=PLAN.to_json(), state="done"), IDS)
    for number in range(2):
        commit(store, replace(record(number), owner=ADA.id))
        commit(forged, record(number))
    forged.sweeps.add(made_up_sweep("adas", total=2, plan=PLAN.to_json(), state="done"), IDS)
    forged.opinions.add_vote(Vote(sweep_id="adas", voter="eve", run_a=IDS[0], run_b=IDS[1], winner="b"))
    done = imported(store, sweep_archive(forged, SweepId("adas"), limits=LIMITS), tmp_path / "votes.zip")
    assert (done.sweeps_added, done.votes_added) == ((), 0)
    assert store.opinions.votes_of("adas") == []
