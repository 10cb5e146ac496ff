"""Reference pictures stay as long as a run or a sweep names them."""

from datetime import timedelta

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash
from bgen_core.store.references import LONGEST_SIDE, encode_reference, load_references, references_of
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, picture

pytestmark = pytest.mark.both_databases


def kept(store: Store, number: int) -> BlobHash:
    return store.blobs.put(encode_reference(picture(number)))


def add_sweep(store: Store, name: str, plan: SweepPlan) -> None:
    store.sweeps.add(made_up_sweep(name, cells=["a"], plan=plan.to_json()), ["a"])


def test_a_large_picture_is_kept_smaller_and_reads_the_same_again(store: Store) -> None:
    wide = np.full((LONGEST_SIDE // 2, 2 * LONGEST_SIDE, 3), 99, np.uint8)
    name = store.blobs.put(encode_reference(wide))
    (image,) = load_references(store.blobs, [name, "", name]).values()
    assert Extent.of(image) == Extent(width=LONGEST_SIDE, height=LONGEST_SIDE // 4)
    assert encode_reference(image) == store.blobs.get(name)


def test_what_a_run_or_a_sweep_names_is_no_garbage(store: Store) -> None:
    of_run, of_plan, of_axis, unused = (kept(store, number) for number in range(10, 14))
    store.subjects.save(subject := made_up_subject(), {})
    run = commit(store, made_up_run(1, subject_id=subject.id, params={"reference": of_run, "ip_adapter": "style"}))
    base = InpaintParams(prompt="a beach", reference=of_plan)
    axes = (Axis(name="reference", values=("", of_axis)),)
    add_sweep(store, "plain", SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach")))
    add_sweep(store, "based", SweepPlan(subject_id=subject.id, model="demo", base=base))
    swept = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    add_sweep(store, "swept", swept)
    assert references_of(swept.to_json()) == {of_axis}
    collect_garbage(store, older_than=timedelta(0))
    assert [store.blobs.exists(name) for name in (of_run, of_plan, of_axis, unused)] == [True, True, True, False]
    assert store.deletion.count([run.id]).pictures == 3
    store.deletion.delete([run.id])
    assert not store.blobs.exists(of_run)
    store.blobs.delete(of_plan)
    (missing,) = [each for each in check_store(store) if isinstance(each, Finding)]
    assert "missing: it is a reference or background picture of the sweep based" in missing.text


def test_a_picture_that_is_gone_is_a_sentence(store: Store) -> None:
    with pytest.raises(UserInputError, match=r"reference picture 'aaaaaaaaaaaa' is not in the store.*give its file"):
        load_references(store.blobs, ["a" * 64])
