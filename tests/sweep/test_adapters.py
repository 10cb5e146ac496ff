"""LoRAs in one pipeline: weight 0 is none, each cell is what it is alone, and what does not fit fails alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgen_core.extent import Extent
from bgen_core.models.steering.loras import LoraFile, find_loras
from bgen_core.sweep import adapters
from bgen_core.sweep.applied_loras import applied_loras
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import tiny_family
from tests.tiny_loras import lora_of, save_lora
from tests.tiny_models import tiny_pipeline

SIDE = 16
BASE = InpaintParams(prompt="a beach", num_inference_steps=2, scheduler="default")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoraFile]:
    """Two that fit, one of them with the text encoder, one of another shape, one of layers that are not there."""
    folder, pipeline = tmp_path_factory.mktemp("loras"), tiny_pipeline.__wrapped__("sd-9")
    of_text = lora_of(pipeline.text_encoder, "text_encoder", layers=("q_proj", "v_proj"), seed=1)
    save_lora(lora_of(pipeline.unet, "unet", layers=("to_q", "to_v")) | of_text, folder / "ink.safetensors")
    save_lora(lora_of(pipeline.unet, "unet", layers=("to_k",), seed=2), folder / "mist.safetensors")
    save_lora(lora_of(tiny_pipeline("sdxl-9").unet, "unet"), folder / "large.safetensors")
    save_lora(lora_of(tiny_family("flux-schnell").transformer, "transformer"), folder / "flux.safetensors")
    return find_loras(["ink, mist, large, flux"], folder)


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    colours = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    return Canvas(init_image=colours, mask_image=mask)


def engine(pipeline: Any) -> BatchedInpainter:
    inpainter = BatchedInpainter(pipeline, previews=False)
    tuning = BatchTuning(batch_size=8, quantum=1, seconds_per_row=1.0)
    inpainter.tunings.get(Extent(width=SIDE, height=SIDE), lambda kept: tuning)
    return inpainter


def cells(canvas: Canvas, files: dict[str, LoraFile], *texts: str) -> list[PaintCell]:
    asked = [replace(BASE, loras=text) for text in texts]
    return [
        PaintCell(index=i, params=params, canvas=canvas, loras=applied_loras(params, files))
        for i, params in enumerate(asked)
    ]


def painted(inpainter: Any, asked: list[PaintCell]) -> list[np.ndarray]:
    found = {event.cell.index: event.image for event in inpainter.paint(asked) if isinstance(event, Finished)}
    return [found[cell.index].astype(int) for cell in asked]


WAYS = {"engine": engine, "own call": PipelineInpainter}


@pytest.fixture(params=WAYS)
def inpainter(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield WAYS[request.param](tiny_pipeline.__wrapped__("sd-9"))  # of its own: LoRAs stay in it


def test_weight_0_is_none_bit_for_bit(inpainter: Any, canvas: Canvas, files: dict[str, LoraFile]) -> None:
    before = painted(inpainter, cells(canvas, files, ""))[0]
    none, full, zero, again = painted(inpainter, cells(canvas, files, "", "ink", "ink:0", ""))
    assert np.array_equal(none, before)
    assert np.array_equal(none, zero)
    assert np.array_equal(none, again)
    assert np.abs(full - none).max() > 1


def test_each_cell_of_a_sweep_is_what_it_is_alone(inpainter: Any, canvas: Canvas, files: dict[str, LoraFile]) -> None:
    texts = ("ink:0.5", "ink", "mist:-1", "ink:0.3, mist:0.6", "")
    together = painted(inpainter, cells(canvas, files, *texts))
    assert len({image.tobytes() for image in together}) == len(texts)
    for text, image in reversed([*zip(texts, together, strict=True)]):
        (alone,) = painted(inpainter, cells(canvas, files, text))
        assert np.array_equal(alone, image), text
    swapped, twice = painted(inpainter, cells(canvas, files, "mist:0.6, ink:0.3", "ink:0.25, ink:0.25"))
    assert np.array_equal(swapped, together[3])
    assert np.array_equal(twice, together[0])


def test_rows_of_other_weights_never_share_a_call(canvas: Canvas, files: dict[str, LoraFile]) -> None:
    pipeline, asked = tiny_pipeline.__wrapped__("sd-9"), cells(canvas, files, "ink:0.8", "mist")
    rows: list[int] = []
    hook = pipeline.unet.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    try:
        painted(engine(pipeline), [*asked, *(replace(cell, index=cell.index + 2) for cell in asked)])
    finally:
        hook.remove()
    assert max(rows) == 4  # two cells with guidance, of the four that would fill a batch of 8


@pytest.mark.parametrize("name", ["large", "flux"])
def test_one_of_another_model_fails_its_cells_alone(
    name: str, inpainter: Any, canvas: Canvas, files: dict[str, LoraFile]
) -> None:
    before = painted(inpainter, cells(canvas, files, "", "ink"))
    events = list(inpainter.paint(cells(canvas, files, "", name, f"ink:0.5, {name}", "ink")))
    failed = [event for event in events if isinstance(event, Failed)]
    assert [event.index for event in failed] == [1, 2]
    assert all(event.reason.startswith(f"LoRA '{name}' does not fit Stable Diffusion: it was made") for event in failed)
    after = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
    assert np.array_equal(after[0], before[0])
    assert np.array_equal(after[3], before[1])


def test_few_are_held_at_once(canvas: Canvas, files: dict[str, LoraFile], monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = tiny_pipeline.__wrapped__("sd-9")
    inpainter = engine(pipeline)
    first = painted(inpainter, cells(canvas, files, "ink", "mist"))
    monkeypatch.setattr(adapters, "MOST_LOADED", 1)
    again = painted(inpainter, cells(canvas, files, "ink", "mist"))
    assert all(map(np.array_equal, first, again))
    assert pipeline.get_list_adapters() == {"unet": [adapters._adapter(files["mist"].content)]}


FLOWS = ("flux-dev", "sd3", "qwen-image", "z-image", "klein")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "flux-dev" else pytest.mark.slow) for name in FLOWS]
)
def test_transformers_take_them_too(name: str, tmp_path: Path, canvas: Canvas) -> None:
    from bgen_core.models.devices import Device
    from bgen_core.models.revision import find_model
    from bgen_core.sweep.inpainters import load_inpainter

    tiny_family(name).save_pretrained(tmp_path / "model")
    device = Device(kind="cpu", name="cpu", dtype_name="bfloat16")
    inpainter, _ = load_inpainter(find_model(str(tmp_path / "model")), device, tunings=None)
    if isinstance(inpainter, BatchedInpainter):
        inpainter.tunings.get(canvas.extent, lambda kept: BatchTuning(batch_size=2, quantum=1, seconds_per_row=1.0))
    save_lora(lora_of(tiny_family(name).transformer, "transformer", seed=3), tmp_path / "ink.safetensors")
    found = find_loras(["ink"], tmp_path)
    asked = [
        replace(cell, params=replace(cell.params, scheduler="default", guidance_scale=3.5))
        for cell in cells(canvas, found, "", "ink", "ink:0")
    ]
    none, full, zero = painted(inpainter, asked)
    assert np.array_equal(none, zero)
    assert not np.array_equal(full, none)
