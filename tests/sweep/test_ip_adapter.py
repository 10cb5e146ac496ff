"""Reference pictures in one pipeline: as diffusers' own call, scale 0 is none, and each cell is what it is alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.models.family_table import STABLE_DIFFUSION
from bgen_core.models.steering.ip_adapters import IPAdapter, find_ip_adapters
from bgen_core.models.steering.loras import find_loras
from bgen_core.sweep.applied_loras import applied_loras
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.family_rules import settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.steering.applied_reference import applied_reference
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import tiny_family
from tests.tiny_ip_adapters import adapter_of, save_adapter, save_encoder
from tests.tiny_loras import lora_of, save_lora
from tests.tiny_models import tiny_pipeline

SIDE = 16
RED, BLUE = "a" * 64, "b" * 64
BASE = InpaintParams(
    prompt="a beach", num_inference_steps=2, scheduler="default", reference=RED, ip_adapter="style", reference_scale=0.5
)
NAMES = ("style", "full", "plus", "style-xl", "plus-xl", "style-middle")


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    return {name: draw.integers(0, 255, (20, 28, 3), dtype=np.uint8) for name in (RED, BLUE)}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, IPAdapter]:
    folder = tmp_path_factory.mktemp("ip-adapters")
    save_encoder(folder)
    for seed, name in enumerate(NAMES):
        unet = tiny_pipeline("sdxl-9" if name.endswith("xl") else "sd-9", middle=name.endswith("middle")).unet
        kind = name.partition("-")[0].replace("style", "base")
        save_adapter(adapter_of(unet, kind=kind, seed=seed), folder / f"{name}.safetensors")
    return find_ip_adapters(NAMES, folder)


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    colours = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    return Canvas(init_image=colours, mask_image=mask)


@pytest.fixture
def asked(canvas: Canvas, adapters: dict[str, IPAdapter], pictures: dict[str, np.ndarray]) -> Any:
    def cells(*params: InpaintParams) -> list[PaintCell]:
        return [
            PaintCell(
                index=i,
                params=each,
                canvas=canvas,
                reference=applied_reference(each, adapters),
                shown=pictures.get(each.reference),
            )
            for i, each in enumerate(params)
        ]

    return cells


def engine(pipeline: Any, quantum: int = 1) -> BatchedInpainter:
    inpainter = BatchedInpainter(pipeline, previews=False)
    tuning = BatchTuning(batch_size=8, quantum=quantum, seconds_per_row=1.0)
    inpainter.tunings.get(Extent(width=SIDE, height=SIDE), lambda kept: tuning)
    return inpainter


def painted(inpainter: Any, cells: Sequence[PaintCell]) -> list[np.ndarray]:
    events = list(inpainter.paint(cells))
    assert not [event.reason for event in events if isinstance(event, Failed)]
    found = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
    return [found[cell.index].astype(int) for cell in cells]


def called(pipeline: Any, folder: Path, name: str, cell: PaintCell, params: InpaintParams) -> np.ndarray:
    """The picture of diffusers' own call, given the same encodings of the photo, which it would draw noise for."""
    from bgen_core.sweep.engine.unet import UNetDenoiser

    with torch.inference_mode():
        denoiser = UNetDenoiser(pipeline)
        encoded, photo = denoiser.encode_canvas(cell.canvas), denoiser.encode_photo(cell.canvas)
        pipeline.load_ip_adapter(str(folder), subfolder="", weight_name=f"{name}.safetensors")
        pipeline.set_ip_adapter_scale(params.reference_scale)
        try:
            latents = pipeline(
                prompt=params.prompt,
                image=photo.clone(),
                mask_image=Image.fromarray(cell.canvas.mask_image),
                masked_image_latents=encoded.masked_image_latents.clone(),
                ip_adapter_image=Image.fromarray(cell.shown),
                height=SIDE,
                width=SIDE,
                num_inference_steps=params.num_inference_steps,
                guidance_scale=params.guidance_scale,
                strength=1.0,
                generator=torch.Generator("cpu").manual_seed(params.seed),
                output_type="latent",
            ).images
            decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0]
            return (pipeline.image_processor.postprocess(decoded, output_type="np")[0] * 255).round().astype(int)
        finally:
            pipeline.unload_ip_adapter()


@pytest.mark.parametrize(
    ("family", "name", "guidance"),
    [
        ("sd-9", "style", 3.0),
        ("sd-9", "style", 1.0),
        ("sd-9", "plus", 3.0),
        ("sd-9", "full", 3.0),
        ("sdxl-9", "style-xl", 3.0),
        ("sdxl-9", "plus-xl", 3.0),
    ],
)
def test_the_engine_paints_what_diffusers_own_call_does(
    family: str, name: str, guidance: float, asked: Any, adapters: dict[str, IPAdapter]
) -> None:
    pipeline = tiny_pipeline.__wrapped__(family)
    params = replace(BASE, ip_adapter=name, guidance_scale=guidance, seed=3)
    (cell,) = asked(params)
    expected = called(pipeline, adapters[name].path.parent, name, cell, params)  # type: ignore[union-attr]
    image, without = painted(engine(pipeline), [cell, *asked(params, replace(params, reference="", ip_adapter=""))[1:]])
    assert np.abs(image - expected).max() <= 1
    assert np.abs(image - without).max() > 3


def test_bfloat16_is_what_diffusers_own_call_paints_in_it(asked: Any, adapters: dict[str, IPAdapter]) -> None:
    """Within the 9 of 255 by which batch sizes alone change a picture in bfloat16."""
    pipeline = tiny_pipeline.__wrapped__("sd-9").to(dtype=torch.bfloat16)
    (cell,) = asked(BASE)
    expected = called(pipeline, adapters["style"].path.parent, "style", cell, BASE)  # type: ignore[union-attr]
    image, without = painted(engine(pipeline), [cell, *asked(BASE, replace(BASE, reference="", ip_adapter=""))[1:]])
    assert np.abs(image - expected).max() <= 9
    assert np.abs(image - without).max() > 9


def test_it_acts_beside_a_lora(asked: Any, tmp_path: Path) -> None:
    pipeline = tiny_pipeline.__wrapped__("sd-9")
    save_lora(lora_of(pipeline.unet, "unet"), tmp_path / "ink.safetensors")
    files = find_loras(["ink"], tmp_path)
    plain = replace(BASE, reference="", ip_adapter="")
    params = [BASE, plain, replace(BASE, loras="ink"), replace(plain, loras="ink")]
    cells = [replace(cell, loras=applied_loras(cell.params, files)) for cell in asked(*params)]
    inpainter = engine(pipeline)
    together = painted(inpainter, cells)
    assert len({image.tobytes() for image in together}) == 4
    for cell, image in reversed([*zip(cells, together, strict=True)]):
        assert np.array_equal(painted(inpainter, [cell])[0], image)


@pytest.mark.parametrize("name", ["style-xl", "style-middle"])
def test_one_of_another_model_fails_its_cells_alone(name: str, asked: Any) -> None:
    inpainter = engine(tiny_pipeline.__wrapped__("sd-9"))
    plain = replace(BASE, reference="", ip_adapter="")
    before = painted(inpainter, asked(plain, BASE))
    events = list(inpainter.paint(asked(plain, replace(BASE, ip_adapter=name), BASE)))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.index == 1
    assert failed.reason.startswith(f"IP-Adapter '{name}' does not fit Stable Diffusion: it was made for another model")
    after = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
    assert np.array_equal(after[0], before[0])
    assert np.array_equal(after[2], before[1])


def test_the_models_own_encoder_reads_where_the_adapter_has_none(
    asked: Any, adapters: dict[str, IPAdapter], pictures: dict[str, np.ndarray]
) -> None:
    from transformers import CLIPVisionModelWithProjection

    style = adapters["style"]
    (cell,) = asked(BASE)
    alone = replace(style, encoder=None, encoder_content="")
    bare = replace(cell, reference=replace(cell.reference, adapter=alone))
    pipeline = tiny_pipeline.__wrapped__("sd-9")
    (failed,) = [event for event in engine(pipeline).paint([bare]) if isinstance(event, Failed)]
    assert "has no image encoder that fits it: put its folder image_encoder" in failed.reason
    pipeline.register_modules(image_encoder=CLIPVisionModelWithProjection.from_pretrained(style.encoder))
    (image,) = painted(engine(pipeline), [bare])
    (expected,) = painted(engine(tiny_pipeline.__wrapped__("sd-9")), [cell])
    assert np.array_equal(image, expected)


def test_scale_0_is_none_bit_for_bit(asked: Any) -> None:
    inpainter = engine(tiny_pipeline.__wrapped__("sd-9"))
    plain = replace(BASE, reference="", ip_adapter="")
    zero = settled(STABLE_DIFFUSION, replace(BASE, reference_scale=0))
    (before,) = painted(inpainter, asked(plain))
    none, full, off, again = painted(inpainter, asked(plain, BASE, zero, plain))
    assert np.array_equal(none, before)
    assert np.array_equal(off, before)
    assert np.array_equal(again, before)
    assert np.abs(full - none).max() > 1


WAYS = {"engine": lambda: engine(tiny_pipeline.__wrapped__("sd-9")), "own call": lambda: PipelineInpainter(net())}


def net() -> Any:
    return tiny_family.__wrapped__("controlnet")


@pytest.mark.parametrize("way", WAYS)
def test_each_cell_of_a_sweep_is_what_it_is_alone(way: str, asked: Any) -> None:
    inpainter = WAYS[way]()
    base = replace(BASE, ip_adapter="style" if way == "engine" else "style-middle")
    params = [
        *(replace(base, reference_scale=scale, reference=picture) for scale in (0.4, 1.0) for picture in (RED, BLUE)),
        replace(base, reference="", ip_adapter=""),
        *([replace(base, ip_adapter="plus")] if way == "engine" else []),
    ]
    together = painted(inpainter, asked(*params))
    assert len({image.tobytes() for image in together}) == len(params)
    for each, image in reversed([*zip(params, together, strict=True)]):
        (alone,) = painted(inpainter, asked(each))
        assert np.array_equal(alone, image), each
