"""Names, twins and dependents of saved subjects."""

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from tests.runs.made_up import commit, made_up_run, made_up_subject, made_up_sweep

pytestmark = pytest.mark.both_databases


def test_rename(store: Store) -> None:
    subject_id = store.save_subject(made_up_subject(name="Ada"), {"threshold": 0.4})
    store.rename_subject(subject_id, "  Grace ")
    assert store.get_subject(subject_id).name == "Grace"
    assert store.load_subject(subject_id).id == subject_id
    assert store.load_subject_edit(subject_id) == {"threshold": 0.4}
    with pytest.raises(UserInputError, match="needs a name"):
        store.rename_subject(subject_id, " ")
    with pytest.raises(UserInputError, match="No saved subject"):
        store.rename_subject("f" * 64, "x")


def test_twins(store: Store) -> None:
    subject = made_up_subject()
    assert store.find_subject(subject.id) is None
    store.save_subject(subject, {})
    found = store.find_subject(subject.id)
    assert found is not None
    assert found.id == subject.id
    other = Subject(name="Other mask", image=subject.image, alpha=np.ones_like(subject.alpha))
    store.save_subject(other, {})
    store.save_subject(Subject(name="Other photo", image=255 - subject.image, alpha=subject.alpha), {})
    assert [entry.name for entry in store.same_photo(found)] == ["Other mask"]


def test_what_depends_on_it(store: Store) -> None:
    subject_id = store.save_subject(made_up_subject(), {})
    assert store.subject_use(subject_id).sentence == "Nothing was made with it yet."
    commit(store, made_up_run(subject_id=subject_id))
    store.add_sweep(made_up_sweep(state="done", subject_id=subject_id), [])
    use = store.subject_use(subject_id)
    assert (use.runs, use.sweeps, use.unfinished) == (1, 1, 0)
    assert use.sentence.startswith("1 run and 1 sweep were made with it")
    with pytest.raises(UserInputError, match="No saved subject"):
        store.subject_use("f" * 64)
