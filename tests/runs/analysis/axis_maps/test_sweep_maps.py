"""Maps of sweeps in a store: several subjects, runs that were deleted, pictures that are lost, a mask that is gone."""

import math

import numpy as np

from bgen_core.extent import Extent
from bgen_core.ids import RunId
from bgen_core.runs.analysis.axis_maps.sweep_maps import SubjectMaps, sweep_maps
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import made_up_run, painted

EXTENT = Extent(width=48, height=32)
GUIDANCES, SEEDS = (2.0, 8.0), (1, 2, 3, 4)
TOP_FOLLOWS = "The top follows guidance"


def subject(name: str, left: int) -> Subject:
    alpha = np.zeros((EXTENT.height, EXTENT.width), np.float32)
    alpha[8:, left : left + 8] = 1
    return Subject(name=name, image=np.full((EXTENT.height, EXTENT.width, 3), left, np.uint8), alpha=alpha)


def swept(
    store: Store, *subjects: Subject, base: InpaintParams | None = None, more: tuple[Axis, ...] = ()
) -> tuple[SweepPlan, dict[int, RunId]]:
    """Guidance by seeds for each subject; guidance makes the top lighter, and each seed the rest."""
    ids = tuple(store.subjects.save(each, {}) for each in subjects)
    axes = (
        Axis(name="subject", values=ids, names=tuple(each.name for each in subjects)),
        Axis(name="guidance", values=GUIDANCES),
        Axis(name="seed", values=SEEDS),
        *more,
    )
    base = base or InpaintParams(prompt="a beach")
    plan = SweepPlan(subject_id=ids[0], model="demo", base=base, axes=axes)
    run_ids: dict[int, RunId] = {}
    for cell in plan.cells():
        params, name = cell.params, subjects[ids.index(cell.subject_id)].name
        random = np.random.default_rng(cell.index)
        canvas = random.normal(100, 4, (EXTENT.height, EXTENT.width, 3))
        canvas[: EXTENT.height // 3] += 8 * params.guidance_scale
        canvas[EXTENT.height // 3 :] += 20 * params.seed
        run = made_up_run(cell.index, params=params.to_json(), subject_id=cell.subject_id, subject_name=name)
        picture = np.clip(canvas, 0, 255).astype(np.uint8)
        raw = np.zeros((run.model_extent.height, run.model_extent.width, 3), np.uint8)
        run_ids[cell.index] = store.runs.commit(painted(run), image=picture, raw_image=raw).id
    return plan, run_ids


def said(found: SubjectMaps) -> str:
    return " ".join(found.maps.sentences)


def test_each_subject_has_maps_with_its_own_mask(store: Store) -> None:
    plan, run_ids = swept(store, subject("Ada", 4), subject("Ben", 32))
    ada, ben = sweep_maps(store, plan, run_ids)
    assert (ada.name, ben.name) == ("Ada", "Ben")
    for found, column in ((ada, 8), (ben, 36)):
        assert found.maps.pictures == 8
        assert TOP_FOLLOWS in said(found)
        assert not found.maps.visible[16, column]
        assert found.maps.visible[16, 24]


def test_what_was_deleted_or_lost_counts_as_missing(store: Store) -> None:
    plan, run_ids = swept(store, subject("Ada", 4))
    store.deletion.delete([run_ids[0]])
    store.blobs.delete(store.runs.get(run_ids[1]).image)
    (found,) = sweep_maps(store, plan, run_ids)
    assert found.maps.pictures == 4
    assert "This is of 4 pictures of 8: others are missing, so 2 of 4 seeds are left out." in said(found)


def test_without_the_mask_the_whole_picture_is_looked_at_and_that_is_said(store: Store) -> None:
    plan, run_ids = swept(store, subject("Ada", 4))
    store.subjects.delete(plan.subject_id)
    (found,) = sweep_maps(store, plan, run_ids)
    assert found.maps.visible[16, 8]
    assert "The subject's mask is not in the library any more" in said(found)


def test_reading_ends_when_its_time_is_over(store: Store) -> None:
    plan, run_ids = swept(store, subject("Ada", 4))
    (found,) = sweep_maps(store, plan, run_ids, seconds=-math.inf)
    assert not found.is_whole
    assert found.maps.shares == {}
    assert said(found).endswith("Only 0 of 8 pictures could be read in time: look again.")


def test_of_a_sweep_without_any_picture_one_sentence_is_told(store: Store) -> None:
    plan, _ = swept(store, subject("Ada", 4))
    (found,) = sweep_maps(store, plan, {})
    assert said(found) == "There is nothing to compare: no picture of this sweep can be read."


def test_the_mask_stands_where_the_subject_stands_on_a_larger_canvas(store: Store) -> None:
    base = InpaintParams(prompt="a beach", canvas="96x64", anchor="top-left")  # twice the photo's sides
    plan, run_ids = swept(store, subject("Ada", 4), base=base)
    (found,) = sweep_maps(store, plan, run_ids)
    assert TOP_FOLLOWS in said(found)
    assert not found.maps.visible[10, 4]
    assert found.maps.visible[16, 8]
    assert found.maps.visible[24, 4]


def test_places_that_differ_have_no_common_map(store: Store) -> None:
    more = (Axis(name="canvas", values=("photo", "1:1")),)
    plan, run_ids = swept(store, subject("Ada", 4), more=more)
    (found,) = sweep_maps(store, plan, run_ids)
    assert found.maps.shares == {}
    assert "maps need the subject at one place" in said(found)
