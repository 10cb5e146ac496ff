"""The engine on a CUDA device. In float16 the last bits are 1e-3 of a value, so a few steps of 255 may differ."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from tests.tiny_models import tiny_pipeline

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1), (torch.float16, 6), (torch.bfloat16, 24)])
@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_a_cell_is_the_same_in_any_company(family: str, dtype: torch.dtype, bound: int):
    pipeline = copy.deepcopy(tiny_pipeline(family)).to("cuda")
    for part in ("unet", "text_encoder", "text_encoder_2"):
        if getattr(pipeline, part, None) is not None:
            getattr(pipeline, part).to(dtype)
    mask = np.full((32, 32), 255, np.uint8)
    mask[12:, 10:20] = 0
    canvas = Canvas(init_image=np.full((32, 32, 3), 90, np.uint8), mask_image=mask)
    base = InpaintParams(prompt="a beach", num_inference_steps=4)
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, seed=i, guidance_scale=1.0 + i % 3)) for i in range(9)
    ]
    inpainter = BatchedInpainter(pipeline)
    inpainter.tune(Extent(width=32, height=32))

    def paint(some: list[PaintCell]) -> dict[int, np.ndarray]:
        return {event.cell.index: event.image for event in inpainter.paint(some) if isinstance(event, Finished)}

    together = paint(cells)
    assert sorted(together) == list(range(9))
    for cell in cells[::4]:
        assert np.abs(paint([cell])[cell.index].astype(int) - together[cell.index]).max() <= bound


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_compiled_calls_and_their_graphs_paint_the_same(dtype: torch.dtype):
    pipeline = copy.deepcopy(tiny_pipeline("sd-9")).to("cuda")
    pipeline.unet.to(dtype)
    pipeline.text_encoder.to(dtype)
    mask = np.full((32, 32), 255, np.uint8)
    mask[12:, 10:20] = 0
    canvas = Canvas(init_image=np.full((32, 32, 3), 90, np.uint8), mask_image=mask)
    base = InpaintParams(prompt="a beach", num_inference_steps=8)
    cells = [PaintCell(index=i, canvas=canvas, params=replace(base, seed=i)) for i in range(8)]
    inpainter = BatchedInpainter(pipeline)
    inpainter.tune(Extent(width=32, height=32))
    faults: list[str] = []

    def paint() -> dict[int, Finished]:
        return {event.cell.index: event for event in inpainter.paint(cells) if isinstance(event, Finished)}

    plain = paint()
    inpainter.denoiser.network.compile(insists=True, on_fault=faults.append)
    paint()
    inpainter.denoiser.network.wait_for_compiler(600)
    again = paint()
    assert faults == [] and {event.engine for event in again.values()} <= {"compiled", "eager, compiled"}
    bound = 6 if dtype == torch.float16 else 24
    assert all(np.abs(again[i].image.astype(int) - plain[i].image).max() <= bound for i in plain)
