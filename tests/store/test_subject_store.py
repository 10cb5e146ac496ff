import numpy as np
import pytest

from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import VisitorId
from bgen_core.records.sweep_states import SweepState
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.schema import SubjectRow
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.subject import Subject
from tests.made_up import EXTENT, commit, made_up_run, made_up_subject, made_up_sweep, picture

pytestmark = pytest.mark.both_databases

EDIT = {"threshold": 0.5, "strokes": [{"mode": "add", "points": [[1.5, 2], [3, 4]]}], "name": "ü"}


def test_a_subject_survives_a_restart(settings: Settings) -> None:
    subject = made_up_subject()
    with open_store(settings) as store:
        assert store.subjects.save(subject, EDIT) == subject.id
    with open_store(settings) as store:
        loaded = store.subjects.load(subject.id)
        assert store.subjects.load_edit(subject.id) == EDIT
        (entry,) = store.subjects.all()
    assert (loaded.name, loaded.id) == (subject.name, subject.id)
    assert np.array_equal(loaded.image, subject.image)
    assert np.array_equal(loaded.alpha, subject.alpha)
    assert (entry.id, entry.name, entry.extent) == (subject.id, "Ada", EXTENT)


def test_the_same_content_under_another_name_is_the_same_subject(store: Store) -> None:
    store.subjects.save(made_up_subject(name="Ada"), {"threshold": 0.5})
    before = store.subjects.all()
    subject_id = store.subjects.save(made_up_subject(name=" Ada at sea "), {"threshold": 0.7})
    (after,) = store.subjects.all()
    assert (after.name, store.subjects.load_edit(subject_id)) == ("Ada at sea", {"threshold": 0.7})
    assert (after.id, after.created, after.photo) == (before[0].id, before[0].created, before[0].photo)


def test_subjects_are_listed_newest_first(store: Store) -> None:
    saved = [store.subjects.save(made_up_subject(number), {}) for number in range(3)]
    assert [entry.id for entry in store.subjects.all()] == saved[::-1]


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_subject_needs_a_name(store: Store, name: str) -> None:
    with pytest.raises(UserInputError, match="needs a name"):
        store.subjects.save(made_up_subject(name=name), {})


def test_an_unknown_subject_is_a_sentence(store: Store) -> None:
    for ask in (store.subjects.load, store.subjects.load_edit, store.subjects.get, store.subjects.delete):
        with pytest.raises(UserInputError, match="No saved subject is called 'ffffffffffff'"):
            ask("f" * 64)


@pytest.mark.parametrize(
    ("state", "may_go"), [("queued", False), ("running", False), ("done", True), ("cancelled", True), ("failed", True)]
)
def test_a_subject_goes_only_when_no_sweep_needs_it(store: Store, state: SweepState, may_go: bool) -> None:
    subject_id = store.subjects.save(made_up_subject(), {})
    entry = store.subjects.get(subject_id)
    run = commit(store, made_up_run(subject_id=subject_id))
    store.sweeps.add(made_up_sweep(state=state, subject_id=subject_id), [])
    if may_go:
        store.subjects.delete(subject_id)
        assert store.subjects.all() == []
        assert not store.blobs.exists(entry.photo)
        assert not store.blobs.exists(entry.alpha)
    else:
        with pytest.raises(UserInputError, match="'Ada' cannot be deleted yet"):
            store.subjects.delete(subject_id)
        assert store.subjects.load(subject_id).id == subject_id
    assert store.blobs.exists(run.image)
    assert store.runs.get(run.id) == run


def test_a_sweep_that_nobody_else_sees_is_not_asked_to_be_cancelled(store: Store) -> None:
    ada, bo = (store.seen_by(Visitor(id=VisitorId(name))) for name in ("ada", "bo"))
    subject_id = ada.subjects.save(made_up_subject(), {})
    bo.subjects.save(made_up_subject(), {})
    bo.sweeps.add(made_up_sweep(state="paused", subject_id=subject_id, sharing="private"), [])
    bo.subjects.delete(subject_id)
    with pytest.raises(
        UserInputError, match=r"need it \(1, 1 of them private to others\): delete it when they are done"
    ):
        ada.subjects.delete(subject_id)


def test_a_photo_stays_while_another_subject_shows_it(store: Store) -> None:
    first, second = (store.subjects.save(made_up_subject(number), {}) for number in range(2))
    store.subjects.delete(first)
    assert store.subjects.load(second).id == second


def test_pictures_that_have_changed_are_noticed(store: Store) -> None:
    subject_id = store.subjects.save(made_up_subject(), {})
    entry = store.subjects.get(subject_id)
    other = Subject(name="x", image=picture(9), alpha=np.ones((EXTENT.height, EXTENT.width), np.float32))
    other_photo = store.subjects.get(store.subjects.save(other, {})).photo
    for changed in (store.blobs.get(other_photo), b"no picture"):
        store.blobs.path(entry.photo).write_bytes(changed)
        with pytest.raises(StoreError, match=r"'Ada' .* have changed since it was saved"):
            store.subjects.load(subject_id)


@pytest.mark.parametrize("lost", ["photo", "alpha"])
@pytest.mark.parametrize("how", ["missing", "cut"])
def test_a_subject_whose_picture_is_lost_is_whole_when_it_is_saved_again(store: Store, lost: str, how: str) -> None:
    subject = made_up_subject()
    subject_id = store.subjects.save(subject, EDIT)
    file = store.blobs.path(getattr(store.subjects.get(subject_id), lost))
    for save in (lambda: store.subjects.save(subject, EDIT), lambda: store.subjects.restore_pictures(subject)):
        if how == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:50])
        with pytest.raises(StoreError):
            store.subjects.load(subject_id)
        save()
        assert store.subjects.load(subject_id).id == subject_id
        assert store.subjects.load_edit(subject_id) == EDIT
    assert not store.subjects.restore_pictures(subject)
    assert not store.subjects.restore_pictures(made_up_subject(7))  # not here
    assert len(store.subjects.all()) == 1


def test_a_subject_that_an_older_version_packed_otherwise_is_whole_when_it_is_saved_again(store: Store) -> None:
    subject = made_up_subject()
    subject_id = store.subjects.save(subject, EDIT)
    photo = store.subjects.get(subject_id).photo
    older = store.blobs.put(encode_png(subject.image, compress_level=9))
    assert older != photo
    with store.database.writing() as session:
        session.get_one(SubjectRow, subject_id).photo = older
    assert store.subjects.load(subject_id).id == subject_id
    store.blobs.delete(older)
    store.blobs.delete(photo)
    store.subjects.save(subject, EDIT)
    assert store.subjects.load(subject_id).id == subject_id
