"""A sweep over the detail pass: what is stored, known, said before, and left as it is."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.models.catalogue import describe_model
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import address_cell
from bgen_core.sweep.tuning import BatchTuning
from tests.made_up import picture
from tests.tiny_models import tiny_pipeline

EXTENT = Extent(width=121, height=90)
MODEL = Extent(width=72, height=56)
ALPHA = np.zeros((90, 121), np.float32)
ALPHA[30:, 40:80] = 1
SUBJECT = Subject(name="Ada", image=picture(1, EXTENT), alpha=ALPHA)


def forecast(store: Store, settings: Settings, strengths: str, **given: str) -> SweepForecast:
    texts = {"prompt": "a beach", "steps": "5", "side": "64", "guidance": "1", "detail-strength": strengths, **given}
    plan = build_plan([describe_model("demo")], {SUBJECT.id: "Ada"}, texts)
    return forecast_sweep(store, settings, plan, photos={SUBJECT.id: EXTENT}, device_kind="cpu", dtype_name="float32")


def test_a_sweep_over_the_detail_pass(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    inpainter.tunings.get(MODEL, lambda kept: BatchTuning(batch_size=4, quantum=4, seconds_per_row=0.1))
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (inpainter, 8))
    store.subjects.save(SUBJECT, {})
    asked = forecast(store, settings, "0,0.4")
    # 3 × 2 tiles, two of the five steps each
    assert (
        "The detail pass paints up to 6 tiles: 12 evaluations of the model, beside 10 for the pictures before it."
        in (asked.notes)
    )
    name = submit_sweep(store, asked, queued=False)
    list(Runner(store, settings).run(name))
    cells = store.sweeps.cells(name)
    assert [cell.error for cell in cells] == ["", ""]
    plain, refined = store.runs.get_all([cell.run_id for cell in cells])
    assert (plain.params.detail_strength, refined.params.detail_strength) == (0, 0.4)
    assert plain.model_extent == MODEL and refined.model_extent == EXTENT
    assert Extent.of(np.asarray(Image.open(BytesIO(store.blobs.get(refined.raw))))) == EXTENT
    assert "detail" in refined.seconds and "detail" not in plain.seconds
    one, other = (np.asarray(Image.open(BytesIO(store.blobs.get(run.image)))) for run in (plain, refined))
    np.testing.assert_array_equal(other[ALPHA == 1], SUBJECT.image[ALPHA == 1])
    assert (one != other)[ALPHA == 0].any()
    again = forecast(store, settings, "0,0.4")
    assert (again.known, again.to_paint) == (2, 0)
    # Another shadow is pasted before the refined picture, which nobody paints again.
    assert forecast(store, settings, "0.4", shadow="0.5").to_paint == 0


def test_without_a_pass_an_address_says_nothing_of_it() -> None:
    def address(**given: float) -> str:
        return address_cell(
            InpaintParams(prompt="a beach", **given),  # pyright: ignore[reportArgumentType]
            subject_id=SUBJECT.id, model_revision="m", device_kind="cpu", dtype_name="float32",
        ).raw_id  # fmt: skip

    assert address(detail_strength=0) == address() != address(detail_strength=0.3) != address(detail_strength=0.4)


def test_a_photo_of_the_models_size_costs_nothing_more_and_that_is_said(store: Store, settings: Settings) -> None:
    store.subjects.save(SUBJECT, {})
    (note,) = (note for note in forecast(store, settings, "0,0.4", side="128").notes if "detail" in note)
    assert note.startswith("The detail pass changes nothing where a picture is at most 1.5 times as large as what the ")
    assert note.endswith("here 1 picture.")
