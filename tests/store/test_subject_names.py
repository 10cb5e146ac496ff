"""Names, twins and dependents of saved subjects."""

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep

pytestmark = pytest.mark.both_databases


def test_rename(store: Store) -> None:
    subject_id = store.subjects.save(made_up_subject(name="Ada"), {"threshold": 0.4})
    store.subjects.rename(subject_id, "  Grace ")
    assert store.subjects.get(subject_id).name == "Grace"
    assert store.subjects.load(subject_id).id == subject_id
    assert store.subjects.load_edit(subject_id) == {"threshold": 0.4}
    with pytest.raises(UserInputError, match="needs a name"):
        store.subjects.rename(subject_id, " ")
    with pytest.raises(UserInputError, match="No saved subject"):
        store.subjects.rename("f" * 64, "x")


def test_twins(store: Store) -> None:
    subject = made_up_subject()
    assert store.subjects.find(subject.id) is None
    store.subjects.save(subject, {})
    found = store.subjects.find(subject.id)
    assert found is not None
    assert found.id == subject.id
    other = Subject(name="Other mask", image=subject.image, alpha=np.ones_like(subject.alpha))
    store.subjects.save(other, {})
    store.subjects.save(Subject(name="Other photo", image=255 - subject.image, alpha=subject.alpha), {})
    assert [entry.name for entry in store.subjects.same_photo(found)] == ["Other mask"]


def test_what_depends_on_it(store: Store) -> None:
    subject_id = store.subjects.save(made_up_subject(), {})
    assert store.subjects.use(subject_id).sentence == "Nothing was made with it yet."
    commit(store, made_up_run(subject_id=subject_id))
    store.sweeps.add(made_up_sweep(state="done", subject_id=subject_id), [])
    use = store.subjects.use(subject_id)
    assert (use.runs, use.sweeps, use.unfinished) == (1, 1, 0)
    assert use.sentence.startswith("1 run and 1 sweep were made with it")
    with pytest.raises(UserInputError, match="No saved subject"):
        store.subjects.use("f" * 64)
