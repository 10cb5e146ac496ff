"""The whole photo edited, without a mask: each picture against the family's own editing call, the subject put back."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.metrics.expansion import measure_expansion
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_model
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.events import Canvas, Committed, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.plan import SweepPlan
from tests.tiny_families import edit_small_photos, tiny_family, tiny_qwen_image_edit

EDIT = InpaintParams(
    prompt="on a beach", scheduler="default", num_inference_steps=2, guidance_scale=3.0, seed=4, repaint="whole"
)
EXTENT = Extent(width=80, height=64)
ARGUMENTS: dict[str, dict[str, Any]] = {  # of the family's own call
    "flux-kontext": {"guidance_scale": 3.0, "max_area": EXTENT.area, "_auto_resize": False},
    "klein": {"guidance_scale": 3.0},
    "klein-distilled": {},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    place = tmp_path_factory.mktemp("edits")

    @cache
    def saved(name: str) -> Path:
        tiny_family(name).save_pretrained(place / name)
        return place / name

    yield saved


def canvas() -> Canvas:
    mask = np.full((EXTENT.height, EXTENT.width), 255, np.uint8)
    mask[32:, 40:] = 0
    colours = np.random.default_rng(0).integers(0, 255, (EXTENT.height, EXTENT.width, 3), dtype=np.uint8)
    return Canvas(init_image=colours, mask_image=mask)


def painted(pipeline: Any, params: InpaintParams) -> np.ndarray:
    *_, last = PipelineInpainter(pipeline).paint([PaintCell(index=0, params=params, canvas=canvas())])
    assert isinstance(last, Finished), last
    return last.image


def by_its_own_call(editing: Any, **arguments: Any) -> np.ndarray:
    torch = import_module("torch")
    editing.set_progress_bar_config(disable=True)
    (picture,) = editing(
        image=Image.fromarray(canvas().init_image), prompt=EDIT.prompt, num_inference_steps=2,
        generator=torch.Generator("cpu").manual_seed(4), output_type="np", **arguments,
    ).images  # fmt: skip
    return np.rint(picture * 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flux-kontext", "float32"),
        ("flux-kontext", "float16"),
        ("flux-kontext", "bfloat16"),
        ("klein", "float16"),
        ("klein", "bfloat16"),
        ("klein-distilled", "float32"),
    ],
)
def test_an_edit_equals_the_familys_own_call_on_the_photo_alone(
    name: str, kind: Any, folders: Callable[[str], Path]
) -> None:
    device = Device(kind="cpu", name="cpu", dtype_name=kind)
    pipeline = load_pipeline(find_model(str(folders(name))), device)
    saved_class = getattr(import_module("diffusers"), find_model(str(folders(name))).pipeline_class)
    theirs = saved_class.from_pretrained(folders(name), dtype=device.dtype)
    size = {"height": EXTENT.height, "width": EXTENT.width}
    assert np.array_equal(painted(pipeline, EDIT), by_its_own_call(theirs, **size, **ARGUMENTS[name]))


@pytest.mark.slow
def test_qwen_edits_as_by_its_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    edit_small_photos(monkeypatch)
    loaded = tiny_qwen_image_edit()
    editing = import_module("diffusers").QwenImageEditPipeline(**loaded.components)
    theirs = by_its_own_call(editing, height=EXTENT.height, width=EXTENT.width, true_cfg_scale=3.0, negative_prompt=" ")
    assert Extent.of(theirs) == EXTENT
    assert np.array_equal(painted(loaded, EDIT), theirs)


@pytest.mark.slow
def test_the_subject_is_put_back_and_what_grew_beside_it_is_measured(
    folders: Callable[[str], Path], store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = np.zeros((EXTENT.height, EXTENT.width), np.float32)
    alpha[20:, 20:60] = 1
    photo = np.random.default_rng(1).integers(0, 255, (EXTENT.height, EXTENT.width, 3), dtype=np.uint8)
    subject = Subject(name="Ada", image=photo, alpha=alpha)
    subject_id = store.subjects.save(subject, {})
    plan = SweepPlan(
        subject_id=subject_id, model=str(folders("flux-kontext")), base=EDIT,
        axes=(parse_axis("repaint", "background,whole"),),
    )  # fmt: skip
    monkeypatch.setattr(
        "bgen_core.jobs.running.work_planner.choose_model_extent", lambda *_, **__: Extent(width=32, height=24)
    )
    said = forecast_sweep(store, settings, plan, photos={subject_id: EXTENT}, device_kind="cpu", dtype_name="float32")
    assert any("there is no mask" in note for note in said.notes)
    events = list(Runner(store, settings).run(submit_sweep(store, said, owner="tester")))
    assert not [event for event in events if isinstance(event, Failed)]
    runs = [store.runs.get(event.run_id) for event in events if isinstance(event, Committed)]
    assert sorted(run.params.repaint for run in runs) == ["background", "whole"]
    raws = []
    for run in runs:
        picture = decode_photo(store.blobs.get(run.image), name="made", limits=STORED_LIMITS).image
        assert np.array_equal(picture[alpha == 1], photo[alpha == 1])
        raws.append(decode_photo(store.blobs.get(run.raw), name="raw", limits=STORED_LIMITS).image)
        assert measure_expansion(raws[-1], alpha).subject_share >= 0
    assert not np.array_equal(*raws)
