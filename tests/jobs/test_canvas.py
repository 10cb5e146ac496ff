"""Larger canvases in a sweep: which cells are one, what size they have, what is kept of them, and what fails alone."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs.canvas_notes import cut_notes, ground_notes, subject_notes
from bgen_core.jobs.measuring import measure_run
from bgen_core.jobs.reproduce import Reproducer
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.models.catalogue import describe_model
from bgen_core.records.run import RunRecord
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.repair import repair_store
from bgen_core.subject.placing import Composition
from bgen_core.subject.regions import Side
from bgen_core.subject.subject import Subject
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, SweepPlan, address_cell
from tests.jobs.quick_sweeps import Noise
from tests.made_up import picture

EXTENT = Extent(width=121, height=90)
ALPHA = np.zeros((90, 121), np.float32)
ALPHA[30:, 40:80] = 1
ALPHA[29, 40:80] = np.float32(0.4)
SUBJECT = Subject(name="Ada", image=picture(1, EXTENT), alpha=ALPHA)


@pytest.fixture
def runner(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    store.subjects.save(SUBJECT, {})
    return Runner(store, settings)


def plan(model: str = "demo", **given: Any) -> SweepPlan:
    texts = {"prompt": "a beach", "steps": "2", **{name.replace("_", "-"): value for name, value in given.items()}}
    return build_plan([describe_model(model)], {SUBJECT.id: "Ada"}, texts)


def forecast(store: Store, settings: Settings, made: SweepPlan) -> SweepForecast:
    return forecast_sweep(
        store, settings, made, photos={SUBJECT.id: EXTENT}, device_kind="cpu", dtype_name="float32"
    )  # fmt: skip


def made_of(store: Store, settings: Settings, runner: Runner, made: SweepPlan) -> tuple[list[RunRecord], list[str]]:
    """The runs of a sweep, and why its other cells failed."""
    name = submit_sweep(store, forecast(store, settings, made), queued=False)
    list(runner.run(name))
    cells = store.sweeps.cells(name)
    return store.runs.get_all([cell.run_id for cell in cells if cell.done]), [
        cell.error for cell in cells if cell.error
    ]


def pixels(store: Store, run: RunRecord) -> np.ndarray:
    return np.array(Image.open(BytesIO(store.blobs.get(run.image))))


@pytest.mark.parametrize("model", ["demo", "plain-colour", "blurred-photo", "cut-out"])
def test_each_canvas_has_its_size_and_the_subjects_own_pixels(
    store: Store, settings: Settings, runner: Runner, model: str
) -> None:
    runs, errors = made_of(store, settings, runner, plan(model, canvas="photo,1:1,16:9,200x131", shadow="0.5"))
    assert not errors
    assert [(run.extent.width, run.extent.height) for run in runs] == [(121, 90), (121, 121), (160, 90), (200, 131)]
    for run in runs:
        left, top = (run.extent.width - 121) // 2, run.extent.height - 90
        part = pixels(store, run)[top : top + 90, left : left + 121, :3]
        assert np.array_equal(part[ALPHA == 1], SUBJECT.image[ALPHA == 1])
        assert run.subject_id == SUBJECT.id
    assert "canvas" not in runs[0].versions
    assert runs[3].versions["canvas"] == "photo at 39, 41 of 200 × 131"
    if model == "demo":
        sizes = [run.model_extent for run in runs]
        assert sizes[1].width == sizes[1].height
        assert sizes[2].width / sizes[2].height == pytest.approx(16 / 9, rel=0.08)


def test_what_does_not_fit_fails_alone_and_what_nothing_fits_is_refused(
    store: Store, settings: Settings, runner: Runner
) -> None:
    runs, errors = made_of(store, settings, runner, plan(canvas="64x64,photo,70x65"))
    assert len(runs) == 3 - len(errors) == 3  # 40 × 60 pixels of subject fit each
    runs, errors = made_of(store, settings, runner, plan(canvas="64x64,200x200", subject_scale="2"))
    assert len(runs) == 1
    assert ["does not fit a canvas of 64 × 64" in each for each in errors] == [True]
    with pytest.raises(UserInputError, match="'Ada' is 160 × 240 pixels and does not fit a canvas of 121 × 90"):
        made_of(store, settings, runner, plan(subject_scale="4"))


def test_a_canvas_beyond_the_photos_limit_is_refused_before_it_runs(store: Store, settings: Settings) -> None:
    with pytest.raises(UserInputError, match=r"'16000x16000' is 16000 × 16000 pixels .* allowed are at most"):
        forecast(store, settings, plan(canvas="photo,16000x16000"))


def test_measures_see_the_canvas(store: Store, settings: Settings, runner: Runner) -> None:
    (run,), _ = made_of(store, settings, runner, plan(canvas="1:1", anchor="top-left", edge_softness="1"))
    measure_run(store, settings, run)
    found = store.metrics.of([run.id])[run.id]
    assert found["core_changed"].value == 0
    assert not any("do not fit" in each.reason or "fault" in each.reason for each in found.values())


def test_a_run_is_made_again_and_its_lost_picture_too(
    store: Store, settings: Settings, runner: Runner, tmp_path: Path
) -> None:
    chosen = plan(
        "blurred-photo", canvas="4:5", anchor="center", subject_scale="0.8", shadow="0.5", harmonisation="0.4"
    )
    (run,), _ = made_of(store, settings, runner, chosen)
    png = store.blobs.get(run.image)
    recipe = read_recipe(png)
    assert recipe.params == run.params
    with Reproducer(settings) as reproducer:
        again = reproducer.reproduce(png, recipe, SUBJECT)
    assert again.changed == 0
    assert again.differences == ()
    store.blobs.delete(run.image)
    findings = [each for each in check_store(store) if isinstance(each, Finding)]
    assert [each.done for each in repair_store(store, findings)] == [True]
    assert store.blobs.get(store.runs.get(run.id).image) == png


def address(**changes: Any) -> CellAddress:
    params = InpaintParams(prompt="a", **changes)
    return address_cell(params, subject_id=SUBJECT.id, model_revision="m", device_kind="cpu", dtype_name="float32")


def test_an_address_knows_where_the_subject_stands() -> None:
    plain = address()
    assert address(canvas="photo", anchor="top-left") == plain  # an anchor of nothing changes no pixel
    assert address(canvas="1920 x 1080") == address(canvas="1920x1080")
    others = [address(canvas="1:1"), address(canvas="1:1", anchor="top"), address(subject_scale=0.5)]
    assert len({plain.raw_id, *(each.raw_id for each in others)}) == 4


def test_wrong_words_are_said() -> None:
    with pytest.raises(UserInputError, match="canvas 'huge' is not known: write photo, an aspect"):
        plan(canvas="huge")
    with pytest.raises(UserInputError, match="anchor 'north' is not known: choose bottom, center"):
        plan(anchor="north")
    with pytest.raises(UserInputError, match=r"subject scale 9.* is not allowed: choose 0.05 to 4"):
        plan(subject_scale="9")


def test_a_canvas_that_is_the_photos_own_size_is_not_painted_again(
    store: Store, settings: Settings, runner: Runner
) -> None:
    asked = plan(canvas="photo,121x90,121:90,1:1", anchor="top")
    assert forecast(store, settings, asked).to_paint == 2
    runs, errors = made_of(store, settings, runner, asked)
    assert not errors
    alone, sized, of_aspect, larger = runs
    assert alone.raw == sized.raw == of_aspect.raw != larger.raw
    assert np.array_equal(pixels(store, alone), pixels(store, sized))
    # Where runs lie that were made before stays: what is known of the photo changes the raw picture's address alone.
    for run in (alone, sized, of_aspect, larger):
        where = {"subject_id": SUBJECT.id, "model_revision": run.model_revision, "device_kind": "cpu"}
        before = address_cell(run.params, **where, dtype_name="float32")
        assert before.run_id == run.id
    assert forecast(store, settings, plan(canvas="121x90", anchor="top", light="0,0.5")).to_paint == 0
    # A smaller subject is another picture.
    assert forecast(store, settings, plan(canvas="121x90", subject_scale="0.5")).to_paint == 1


@pytest.mark.parametrize(
    ("canvas", "anchor", "scale", "inside"),
    [
        ("photo", "left", 1.0, ()),
        ("1:1", "bottom", 1.0, ("top",)),
        ("1:1", "center", 1.0, ("top", "bottom")),
        ("16:9", "bottom", 1.0, ("left", "right")),
        ("16:9", "left", 1.0, ("right",)),
        ("200x131", "top-right", 1.0, ("left", "bottom")),
        ("121x90", "bottom", 1.0, ()),
        ("photo", "bottom-left", 0.5, ("right", "top")),
        ("121x70", "bottom", 1.0, ()),
        ("photo", "bottom", 2.0, ()),
    ],
)
def test_which_sides_of_the_photo_a_canvas_shows(
    canvas: str, anchor: str, scale: float, inside: tuple[Side, ...]
) -> None:
    assert Composition(canvas=canvas, anchor=anchor, scale=scale).sides_inside(EXTENT) == inside


def test_a_body_that_the_photo_cuts_is_said_before_the_canvas_shows_it(
    store: Store, settings: Settings, runner: Runner
) -> None:
    alpha = np.zeros((90, 121), np.float32)
    alpha[30:, :60] = 1  # cut at the left and at the bottom
    cut = Subject(name="Bo", image=SUBJECT.image, alpha=alpha)
    wide, right, square = (
        InpaintParams(prompt="a", canvas=each, anchor=at)
        for each, at in (("16:9", "bottom"), ("16:9", "left"), ("1:1", "top"))
    )
    (said,) = subject_notes(cut, wide)
    assert said.startswith("The photo of 'Bo' cuts the body off on the left, and the canvas 16:9 shows that cut")
    assert "such as left" in said
    assert subject_notes(cut, right) == subject_notes(cut, InpaintParams(prompt="a")) == []
    assert "at the bottom" in subject_notes(cut, square)[0]
    (ground,) = subject_notes(cut, replace(right, ground_shadow=0.5))
    assert ground.startswith("The photo of 'Bo' cuts the body off at the bottom: there is no ground shadow")
    wide = wide.composition
    assert ground_notes(store, [cut.id]) == []
    photos = {cut.id: EXTENT, SUBJECT.id: EXTENT}
    assert cut_notes(store, [(cut.id, wide)], photos) == []  # not in the store: nothing is known of its edges
    store.subjects.save(cut, {})
    assert cut_notes(store, [(cut.id, wide), (cut.id, wide), (SUBJECT.id, wide)], photos) == [said]
    assert ground_notes(store, [cut.id, SUBJECT.id]) == [ground, ground.replace("'Bo'", "'Ada'")]
    many = [(cut.id, Composition(canvas=f"{side}x90")) for side in range(200, 206)]
    assert cut_notes(store, many, photos)[3:] == ["3 more canvases show where a photo ends in a body."]
    asked = plan(canvas="1:1", anchor="center")
    noted = forecast(store, settings, asked).notes
    assert any("cuts the body off at the bottom, and the canvas 1:1 shows that cut" in note for note in noted)
