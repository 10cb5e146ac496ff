"""The engine on a CUDA device. In float16 the last bits are 1e-3 of a value, so a few steps of 255 may differ."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.placement import Placement
from bgen_core.models.revision import find_model
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.engine.batch_size import probe_rows
from bgen_core.sweep.engine.decoding import to_pixels
from bgen_core.sweep.engine.picture_batches import CANDIDATES, MOST_DIFFERENCE, choose_together
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
@torch.inference_mode()
def test_pictures_decoded_together_are_those_decoded_alone(family: str, dtype: torch.dtype):
    pipeline = copy.deepcopy(tiny_pipeline(family)).to("cuda")
    pipeline.vae.to(dtype)
    denoiser, extent = BatchedInpainter(pipeline).denoiser, Extent(width=32, height=32)
    latents = [row.latents for row in probe_rows(denoiser, extent, max(CANDIDATES))]
    size = choose_together(denoiser, latents, extent)
    together = denoiser.decode(torch.stack(latents[:size]), extent)
    for picture, one in zip(together, latents[:size], strict=True):
        alone = denoiser.decode(one[None], extent)[0]
        assert (to_pixels(picture).int() - to_pixels(alone).int()).abs().max() <= MOST_DIFFERENCE


def test_weights_read_straight_onto_the_card_are_the_files(tmp_path: Path):
    tiny_pipeline("sd-9").save_pretrained(tmp_path / "sd-9")
    device = Device(kind="cuda", name="a GPU", dtype_name="float32")
    placement = Placement(offload="none", whole=0, largest=0, working=0, free=0)
    loaded = load_pipeline(find_model(str(tmp_path / "sd-9")), device, placement=placement)
    for name in ("unet", "vae", "text_encoder"):
        expected = getattr(tiny_pipeline("sd-9"), name).state_dict()
        for key, weight in getattr(loaded, name).state_dict().items():
            assert weight.device.type == "cuda" and torch.equal(weight.cpu(), expected[key])
