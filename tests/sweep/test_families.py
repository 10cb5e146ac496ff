"""Families beyond Stable Diffusion, as small random checkpoints: each row against what its pipeline does."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.models.devices import Device
from bgen_core.models.family_table import family_of
from bgen_core.models.loading import load_pipeline
from bgen_core.models.model_source import ModelSource
from bgen_core.models.revision import find_model
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Event, Failed, Finished, PaintCell, Stepped
from bgen_core.sweep.family_rules import NEUTRAL, effective_steps, refusal_of, settled
from bgen_core.sweep.inpainters import load_inpainter
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import BUILDERS, tiny_family

PARAMS = InpaintParams(prompt="a (beach:1.5)", scheduler="default", num_inference_steps=2, guidance_scale=3.0)
# A value beside that of PARAMS for each parameter that a family may ignore.
OTHER: dict[str, Any] = {
    "guidance_scale": 6.0, "negative_prompt": "red", "strength": 0.5, "scheduler": "euler", "guidance_end": 0.5,
    "clip_skip": 1, "prompt_syntax": "a1111", "flow_shift": 4.0,
    "control": "edges", "control_scale": 0.5, "repaint": "whole",
}  # fmt: skip
ALWAYS: dict[str, Any] = {"prompt": "a city", "seed": 1, "num_inference_steps": 3}
SEEN = ("flux-schnell", "kandinsky")  # in a run without slow tests too
IN_ENGINE = ("sd3", "flux-dev", "flux-schnell", "flux-fill", "flux-kontext", "klein", "qwen-image", "z-image")
FAMILIES = [pytest.param(name, marks=[] if name in SEEN else pytest.mark.slow) for name in BUILDERS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    place = tmp_path_factory.mktemp("families")

    @cache
    def saved(name: str) -> Path:
        tiny_family(name).save_pretrained(place / name)
        return place / name

    yield saved


def cpu(number_format: str = "float32") -> Device:
    return Device(kind="cpu", name="cpu", dtype_name=number_format)


def canvas(factor: int) -> Canvas:
    """A wide one, of sides that the family can paint and no larger."""
    width, height = max(factor * 2, 32), max(factor, 16)
    mask = np.full((height, width), 255, np.uint8)
    mask[height // 2 :, : width // 2] = 0
    colours = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Canvas(init_image=colours, mask_image=mask)


def paint(inpainter: Any, params: InpaintParams, given: Canvas) -> np.ndarray:
    *_, last = inpainter.paint([PaintCell(index=0, params=params, canvas=given)])
    assert isinstance(last, Finished), last
    return last.image


def loaded(source: ModelSource, device: Device) -> tuple[Any, Canvas]:
    inpainter, factor = load_inpainter(source, device, tunings=None)
    given = canvas(factor)
    if isinstance(inpainter, BatchedInpainter):  # measuring takes longer than painting
        tuning = BatchTuning(batch_size=2, quantum=1, seconds_per_row=1.0)
        inpainter.tunings.get(given.extent, lambda kept: tuning)
    return inpainter, given


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_of_the_row_acts_and_every_other_is_refused(name: str, folders: Any) -> None:
    source = find_model(str(folders(name)))
    inpainter, given = loaded(source, cpu())
    first = paint(inpainter, PARAMS, given)
    assert Extent.of(first) == given.extent
    assert np.array_equal(first, paint(inpainter, PARAMS, given))
    other = OTHER | ({"scheduler": "lcm"} if source.family.schedulers else {})
    for field, value in (ALWAYS | other).items():
        changed = replace(PARAMS, **{field: value})
        if field not in source.family.ignored:
            assert not np.array_equal(first, paint(inpainter, changed, given)), field
        elif field == "guidance_scale":
            assert np.array_equal(first, paint(inpainter, changed, given))
            assert settled(source.family, changed) == settled(source.family, PARAMS)
        else:
            assert source.family.title in refusal_of(source.family, changed)
            (failed,) = inpainter.paint([PaintCell(index=0, params=changed, canvas=given)])
            assert isinstance(failed, Failed)


# `test_flow_engine.py` holds the others against their own call in both formats.
@pytest.mark.parametrize("number_format", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [each for each in FAMILIES if each.values[0] not in IN_ENGINE])
def test_a_family_paints_in_half_precision(name: str, number_format: str, folders: Any) -> None:
    inpainter, given = loaded(find_model(str(folders(name))), cpu(number_format))
    assert paint(inpainter, PARAMS, given).std() > 1


@pytest.mark.parametrize("name", FAMILIES)
def test_folder_and_loaded_pipeline_are_told_alike(name: str, folders: Any) -> None:
    source = find_model(str(folders(name)))
    assert family_of(load_pipeline(source, cpu())) == source.family


@pytest.mark.parametrize("name", ["flux-schnell", pytest.param("z-image", marks=pytest.mark.slow), "kandinsky"])
def test_closing_stops_before_the_next_evaluation(name: str, folders: Any) -> None:
    pipeline = load_pipeline(find_model(str(folders(name))), cpu())
    evaluated: list[int] = []
    denoiser = getattr(pipeline, "unet", None) or pipeline.transformer
    denoiser.register_forward_hook(lambda *_: evaluated.append(1))
    cell = PaintCell(index=0, params=replace(PARAMS, num_inference_steps=500), canvas=canvas(16))
    events = PipelineInpainter(pipeline).paint([cell])
    next(event for event in events if isinstance(event, Stepped))
    events.close()
    assert len(evaluated) < 250
    assert isinstance([*PipelineInpainter(pipeline).paint([replace(cell, params=PARAMS)])][-1], Finished)


def test_what_raises_in_kandinskys_prior_is_said_without_paths(folders: Any) -> None:
    pipeline = load_pipeline(find_model(str(folders("kandinsky"))), cpu())

    def fail(*_: Any) -> None:
        raise RuntimeError("no place in /home/somebody/models/prior.safetensors: 3 × 4")

    pipeline.prior_prior.register_forward_hook(fail)
    events = [*PipelineInpainter(pipeline).paint([PaintCell(index=0, params=PARAMS, canvas=canvas(16))])]
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert "RuntimeError: no place in …: 3 × 4" in failed.reason


class FluxKontextInpaintPipeline:
    """As the family's own pipeline, in what the inpainter sees of it; it paints at a size that it chooses itself."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.config: dict[str, Any] = {}
        self.components: dict[str, Any] = {}

    def __call__(self, *, prompt: str, image: Any, mask_image: Any, generator: Any, output_type: str) -> Any:
        assert output_type == "np"
        return SimpleNamespace(images=self._answer(prompt))


def painted_by(answer: Any, *prompts: str) -> list[Event]:
    cells = [
        PaintCell(index=i, params=replace(PARAMS, prompt=text), canvas=canvas(16)) for i, text in enumerate(prompts)
    ]
    return [*PipelineInpainter(FluxKontextInpaintPipeline(answer)).paint(cells)]


def test_a_picture_of_the_familys_own_size_is_brought_to_the_canvas() -> None:
    last = painted_by(lambda prompt: np.full((1, 48, 24, 3), 0.5, np.float32), "a")[-1]
    assert isinstance(last, Finished)
    assert Extent.of(last.image) == canvas(16).extent
    assert (last.image == 128).all()


def test_a_cell_that_raises_fails_alone_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    def answer(prompt: str) -> np.ndarray:
        if prompt == "bad":
            raise ValueError("mat1 and mat2 shapes cannot be multiplied\nwith a second line")
        return np.zeros((1, 16, 32, 3), np.float32)

    events = painted_by(answer, "a", "bad", "b")
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.index == 1
    assert "ValueError: mat1 and mat2 shapes cannot be multiplied" in failed.reason
    assert "\n" not in failed.reason
    assert [event.cell.index for event in events if isinstance(event, Finished)] == [0, 2]
    assert "Traceback" in caplog.text  # for who mends it


def test_a_device_that_is_lost_is_no_cells_fault() -> None:
    def answer(prompt: str) -> np.ndarray:
        raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="CUDA error"):
        painted_by(answer, "a")


def test_a_cell_that_does_not_fit_leaves_the_others() -> None:
    def answer(prompt: str) -> np.ndarray:
        if prompt == "bad":
            raise torch.OutOfMemoryError("4 GiB")
        return np.zeros((1, 16, 32, 3), np.float32)

    kinds = [type(event) for event in painted_by(answer, "bad", "a") if isinstance(event, Failed | Finished)]
    assert kinds == [Failed, Finished]


def test_values_that_are_no_numbers_are_no_black_picture() -> None:
    (failed,) = [
        event
        for event in painted_by(lambda prompt: np.full((1, 16, 32, 3), np.nan, np.float32), "a")
        if isinstance(event, Failed | Finished)
    ]
    assert isinstance(failed, Failed)
    assert "BGEN_PRECISION=full" in failed.reason


@pytest.mark.parametrize(
    ("name", "steps", "strength", "computed"),
    [("sd-pag", 10, 0.55, 5), ("flux-schnell", 10, 0.55, 6), ("flux-schnell", 4, 1.0, 4), ("kandinsky", 10, 0.5, 10)],
)
def test_steps_are_counted_as_the_family_rounds_them(name: str, steps: int, strength: float, computed: int) -> None:
    family = family_of(tiny_family(name))
    assert family is not None
    params = replace(PARAMS, num_inference_steps=steps, strength=strength)
    assert effective_steps(family, params) == computed


def test_what_is_neutral_is_a_value_that_every_cell_can_have() -> None:
    assert replace(PARAMS, **NEUTRAL)
