import numpy as np
import pytest

from bgen_core.errors import StoreError, UserInputError
from bgen_core.settings import Settings
from bgen_core.store.store import Store, SweepState, open_store
from bgen_core.subject.subject import Subject
from tests.runs.made_up import EXTENT, commit, made_up_run, made_up_subject, made_up_sweep, picture

pytestmark = pytest.mark.both_databases

EDIT = {"threshold": 0.5, "strokes": [{"mode": "add", "points": [[1.5, 2], [3, 4]]}], "name": "ü"}


def test_a_subject_survives_a_restart(settings: Settings) -> None:
    subject = made_up_subject()
    with open_store(settings) as store:
        assert store.save_subject(subject, EDIT) == subject.id
    with open_store(settings) as store:
        loaded = store.load_subject(subject.id)
        assert store.load_subject_edit(subject.id) == EDIT
        (entry,) = store.list_subjects()
    assert (loaded.name, loaded.id) == (subject.name, subject.id)
    assert np.array_equal(loaded.image, subject.image)
    assert np.array_equal(loaded.alpha, subject.alpha)
    assert (entry.id, entry.name, entry.extent) == (subject.id, "Ada", EXTENT)


def test_the_same_content_under_another_name_is_the_same_subject(store: Store) -> None:
    store.save_subject(made_up_subject(name="Ada"), {"threshold": 0.5})
    before = store.list_subjects()
    subject_id = store.save_subject(made_up_subject(name=" Ada at sea "), {"threshold": 0.7})
    (after,) = store.list_subjects()
    assert (after.name, store.load_subject_edit(subject_id)) == ("Ada at sea", {"threshold": 0.7})
    assert (after.id, after.created, after.photo) == (before[0].id, before[0].created, before[0].photo)


def test_subjects_are_listed_newest_first(store: Store) -> None:
    saved = [store.save_subject(made_up_subject(number), {}) for number in range(3)]
    assert [entry.id for entry in store.list_subjects()] == saved[::-1]


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_subject_needs_a_name(store: Store, name: str) -> None:
    with pytest.raises(UserInputError, match="needs a name"):
        store.save_subject(made_up_subject(name=name), {})


def test_an_unknown_subject_is_a_sentence(store: Store) -> None:
    for ask in (store.load_subject, store.load_subject_edit, store.get_subject, store.delete_subject):
        with pytest.raises(UserInputError, match="No saved subject is called 'ffffffffffff'"):
            ask("f" * 64)


@pytest.mark.parametrize(
    ("state", "may_go"), [("queued", False), ("running", False), ("done", True), ("cancelled", True), ("failed", True)]
)
def test_a_subject_goes_only_when_no_sweep_needs_it(store: Store, state: SweepState, may_go: bool) -> None:
    subject_id = store.save_subject(made_up_subject(), {})
    entry = store.get_subject(subject_id)
    run = commit(store, made_up_run(subject_id=subject_id))
    store.add_sweep(made_up_sweep(state=state, subject_id=subject_id), [])
    if may_go:
        store.delete_subject(subject_id)
        assert store.list_subjects() == []
        assert not store.blobs.exists(entry.photo)
        assert not store.blobs.exists(entry.alpha)
    else:
        with pytest.raises(UserInputError, match="'Ada' cannot be deleted yet"):
            store.delete_subject(subject_id)
        assert store.load_subject(subject_id).id == subject_id
    assert store.blobs.exists(run.image)
    assert store.get_run(run.id) == run


def test_a_photo_stays_while_another_subject_shows_it(store: Store) -> None:
    first, second = (store.save_subject(made_up_subject(number), {}) for number in range(2))
    store.delete_subject(first)
    assert store.load_subject(second).id == second


def test_pictures_that_have_changed_are_noticed(store: Store) -> None:
    subject_id = store.save_subject(made_up_subject(), {})
    entry = store.get_subject(subject_id)
    other = Subject(name="x", image=picture(9), alpha=np.ones((EXTENT.height, EXTENT.width), np.float32))
    other_photo = store.get_subject(store.save_subject(other, {})).photo
    for changed in (store.blobs.get(other_photo), b"no picture"):
        store.blobs.path(entry.photo).write_bytes(changed)
        with pytest.raises(StoreError, match=r"'Ada' .* have changed since it was saved"):
            store.load_subject(subject_id)
