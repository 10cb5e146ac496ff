"""A checkpoint with a safety checker, in the engine and by its own call: flagged cells fail, and none is black."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessor

from bgen_core.models.devices import Device
from bgen_core.models.revision import find_model
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Event, Failed, Finished, PaintCell
from bgen_core.sweep.inpainters import load_inpainter
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.safety import SafetyChecked
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

ALL, NONE = -2.0, 2.0  # a picture is flagged above this cosine to a concept


def checker(threshold: float) -> Any:
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32,
        "patch_size": 16, "projection_dim": 16,
    }  # fmt: skip
    made = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16)).eval()
    torch.nn.init.constant_(made.concept_embeds_weights, threshold)
    torch.nn.init.constant_(made.special_care_embeds_weights, NONE)
    return made


def saved(folder: Path, name: str, threshold: float) -> str:
    plain = tiny_pipeline("sd-4") if name == "sd-4" else tiny_family(name)
    parts = dict(plain.components) | {
        "safety_checker": checker(threshold), "feature_extractor": CLIPImageProcessor(crop_size=32, size=32)
    }  # fmt: skip
    type(plain)(**parts).save_pretrained(folder)
    return str(folder)


def painted(model: str, *, checks_safety: bool) -> list[Event]:
    device = Device(kind="cpu", name="cpu", dtype_name="float32")
    inpainter, _ = load_inpainter(find_model(model), device, tunings=None, checks_safety=checks_safety)
    mask = np.full((16, 16), 255, np.uint8)
    mask[8:, :8] = 0
    canvas = Canvas(init_image=np.full((16, 16, 3), 90, np.uint8), mask_image=mask)
    inner = getattr(inpainter, "_inpainter", inpainter)
    if isinstance(inner, BatchedInpainter):
        inner.tunings.get(canvas.extent, lambda kept: BatchTuning(batch_size=2, quantum=1, seconds_per_row=1.0))
    params = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=2, guidance_scale=2.0)
    return [*inpainter.paint([PaintCell(index=0, params=params, canvas=canvas)])]


@pytest.mark.parametrize("name", ["sd-4", "sd-pag"])
def test_a_flagged_picture_is_a_failed_cell(name: str, tmp_path: Path) -> None:
    *_, last = painted(saved(tmp_path, name, ALL), checks_safety=True)
    assert isinstance(last, Failed)
    assert "safety checker" in last.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [(RuntimeError("no such kernel"), "safety checker failed"), (torch.OutOfMemoryError("CUDA"), "does not fit")],
)
def test_a_checker_that_fails_costs_its_own_cell_alone(fault: Exception, words: str) -> None:
    canvas = Canvas(init_image=np.zeros((8, 8, 3), np.uint8), mask_image=np.full((8, 8), 255, np.uint8))
    cells = [PaintCell(index=index, params=InpaintParams(prompt="a beach"), canvas=canvas) for index in range(3)]

    class Inner:
        def paint(self, cells: Iterable[PaintCell | None]) -> Iterator[Event]:
            yield from (Finished(cell=cell, image=canvas.init_image, seconds={}) for cell in cells if cell)

    looked: list[int] = []

    def look(**_: Any) -> tuple[Any, list[bool]]:
        looked.append(0)
        if len(looked) == 2:
            raise fault
        return None, [False]

    look.device, look.dtype = "cpu", torch.float32  # pyright: ignore[reportFunctionMemberAccess]
    checked = SafetyChecked(Inner(), look, CLIPImageProcessor(crop_size=32, size=32))  # pyright: ignore
    first, second, third = checked.paint(cells)
    assert isinstance(first, Finished) and isinstance(third, Finished)
    assert isinstance(second, Failed) and second.index == 1 and words in second.reason


@pytest.mark.parametrize("name", ["sd-4", "sd-pag"])
@pytest.mark.parametrize(("threshold", "checks_safety"), [(NONE, True), (ALL, False)])
def test_any_other_picture_is_kept(name: str, threshold: float, checks_safety: bool, tmp_path: Path) -> None:
    *_, last = painted(saved(tmp_path, name, threshold), checks_safety=checks_safety)
    assert isinstance(last, Finished)
    assert last.image.std() > 1
