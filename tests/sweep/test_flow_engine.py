"""Transformers in the engine: rows of any cells in one call, each picture as the pipeline's own call makes it.

Tolerance: the two computations differ in batch size, in the padding of texts and in the order of float32 additions,
some 1e-6 of the latents' scale per evaluation; over at most 5 evaluations of random, hence steep, networks that is far
below one step of 255, which remains where a value falls on the other side of a rounding boundary.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_model
from bgen_core.models.schedulers import get_scheduler
from bgen_core.sweep.engine import BatchedInpainter, can_batch, decoding
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell, Stepped
from bgen_core.sweep.family_rules import TILED_ABOVE, settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import edit_small_photos, tiny_family, tiny_qwen_image_edit

NAMES = (
    "sd3", "flux-dev", "flux-schnell", "flux-fill", "flux-kontext", "klein", "qwen-image", "qwen-image-edit", "z-image"
)  # fmt: skip
SEEN = ("flux-dev", "qwen-image")  # in a run without slow tests too: tokens, and texts of several lengths
FLOWS = [pytest.param(name, marks=[] if name in SEEN else pytest.mark.slow) for name in NAMES]
BASE = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=3, guidance_scale=4.0)
CHANGES: list[dict[str, Any]] = [
    {},
    {"seed": 7},
    {"prompt": "a long pier in the fog, and a boat"},
    {"guidance_scale": 1.5, "seed": 7},
    {"guidance_scale": 0.0},
    {"negative_prompt": "people, rain"},
    {"strength": 0.6, "num_inference_steps": 5},
    {"strength": 0.6, "num_inference_steps": 5, "seed": 2},
    {"flow_shift": 5.0},
    {"flow_shift": 0.5, "strength": 0.6, "num_inference_steps": 5},
    {"clip_skip": 1, "negative_prompt": "people, rain"},
    {"repaint": "whole"},
    {"repaint": "whole", "seed": 7, "negative_prompt": "people, rain"},
    {"repaint": "whole", "num_inference_steps": 5, "strength": 0.6},
]


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Each saved as text to picture, as checkpoints are, and loaded as the program loads it."""
    place = tmp_path_factory.mktemp("flows")

    @cache
    def loaded(name: str) -> Any:
        if name == "qwen-image-edit":
            return tiny_qwen_image_edit()
        tiny_family(name).save_pretrained(place / name)
        return load_pipeline(find_model(str(Path(place / name))), Device(kind="cpu", name="cpu", dtype_name="float32"))

    with pytest.MonkeyPatch.context() as patch:
        edit_small_photos(patch)
        yield loaded


@pytest.fixture
def canvases(request: pytest.FixtureRequest) -> list[Canvas]:
    """Two masks on one wide photo; Klein's own call refuses pictures whose sides are below 64 pixels."""
    name = request.node.callspec.params.get("name", "") if hasattr(request.node, "callspec") else ""
    height, width = (64, 80) if name.startswith("klein") else (16, 32)
    colours = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    masks = [np.full((height, width), 255, np.uint8) for _ in range(2)]
    masks[0][height // 2 :, : width // 2] = 0
    masks[1][3:, width - 12 :] = 0
    return [Canvas(init_image=colours, mask_image=mask) for mask in masks]


def engine(pipeline: Any, canvas: Canvas, batch_size: int = 8) -> BatchedInpainter:
    inpainter = BatchedInpainter(pipeline)
    tuning = BatchTuning(batch_size=batch_size, quantum=1, seconds_per_row=1.0, decoded_together=2)
    inpainter.tunings.get(canvas.extent, lambda kept: tuning)
    return inpainter


def painted(inpainter: Any, cells: list[PaintCell]) -> dict[int, np.ndarray]:
    events = list(inpainter.paint(cells))
    assert not [event for event in events if isinstance(event, Failed)]
    return {event.cell.index: event.image.astype(int) for event in events if isinstance(event, Finished)}


def cells_of(pipeline: Any, canvases: list[Canvas]) -> list[PaintCell]:
    """What the family takes of all that can be asked for, on both canvases in turn."""
    family = engine(pipeline, canvases[0])._family
    asked = [replace(BASE, **changes) for changes in CHANGES if not changes.keys() & (family.ignored.keys())]
    return [PaintCell(index=i, params=params, canvas=canvases[i % 2]) for i, params in enumerate(asked)]


@pytest.mark.parametrize("name", FLOWS)
def test_a_sweep_equals_the_pipelines_own_calls(name: str, pipelines: Any, canvases: list[Canvas]) -> None:
    pipeline = pipelines(name)
    assert can_batch(pipeline)
    cells = cells_of(pipeline, canvases)
    together = painted(engine(pipeline, canvases[0]), cells)
    for cell in cells:
        (alone,) = painted(PipelineInpainter(pipeline), [cell]).values()
        assert np.abs(alone - together[cell.index]).max() <= 1, cell.params
    distinct = {image.tobytes() for image in together.values()}
    assert len(distinct) == len(
        {(settled(engine(pipeline, canvases[0])._family, c.params), c.index % 2) for c in cells}
    )


@pytest.mark.parametrize("name", FLOWS)
def test_a_cell_is_the_same_in_any_company(name: str, pipelines: Any, canvases: list[Canvas]) -> None:
    pipeline = pipelines(name)
    cells = cells_of(pipeline, canvases)
    together = painted(engine(pipeline, canvases[0]), cells)
    others = painted(engine(pipeline, canvases[0], batch_size=3), cells[::-1])
    for cell in cells:
        assert np.abs(others[cell.index] - together[cell.index]).max() <= 1, cell.params


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "flux-dev" else pytest.mark.slow) for name in NAMES]
)
def test_a_chosen_scheduler_paints_as_by_the_own_call_with_it(
    name: str, pipelines: Any, canvases: list[Canvas], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pipelines(name)
    inpainter = engine(pipeline, canvases[0])
    changes: list[dict[str, Any]] = [{"seed": 7}, CHANGES[6], {"flow_shift": 5.0}, {"repaint": "whole"}]
    asked = [
        replace(BASE, scheduler=scheduler, **each)
        for scheduler in inpainter._family.schedulers[1:]
        for each in changes
        if not each.keys() & inpainter._family.ignored.keys()
    ]
    cells = [PaintCell(index=i, params=params, canvas=canvases[i % 2]) for i, params in enumerate(asked)]
    together, own = painted(inpainter, cells), pipeline.scheduler
    for cell in cells:
        class_name = get_scheduler(cell.params.scheduler).flow_class_name
        other = getattr(import_module("diffusers"), class_name).from_config(own.config)
        monkeypatch.setattr(pipeline, "scheduler", other)
        (alone,) = painted(
            PipelineInpainter(pipeline), [replace(cell, params=replace(cell.params, scheduler="default"))]
        ).values()
        assert np.abs(alone - together[cell.index]).max() <= 1, cell.params
    assert len({image.tobytes() for image in together.values()}) == len(cells) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_heun_evaluates_twice_a_step_as_by_sd3s_own_call(kind: Any, tmp_path: Path, canvases: list[Canvas]) -> None:
    """The one solver beside Euler that draws no noise and whose pipeline gives no noise levels of its own."""
    tiny_family("sd3").save_pretrained(tmp_path)
    pipeline = load_pipeline(find_model(str(tmp_path)), Device(kind="cpu", name="cpu", dtype_name=kind))
    pipeline.scheduler = import_module("diffusers").FlowMatchHeunDiscreteScheduler(shift=3.0)
    cells = [
        PaintCell(index=i, params=replace(BASE, **changes), canvas=canvases[i % 2])
        for i, changes in enumerate(
            ({}, {"seed": 7, "negative_prompt": "rain"}, CHANGES[6], {"num_inference_steps": 1})
        )
    ]
    inpainter = engine(pipeline, canvases[0])
    together = painted(inpainter, cells)
    assert inpainter.denoiser.evaluations(BASE) == 6
    for cell in cells:
        (alone,) = painted(PipelineInpainter(pipeline), [cell]).values()
        assert np.abs(alone - together[cell.index]).max() <= (9 if kind == "bfloat16" else 1), cell.params


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [("FlowMatchLCMScheduler", {}), ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True})],
)
def test_a_scheduler_that_draws_noise_is_left_to_the_own_call_and_draws_by_the_seed(
    kind: str, options: dict[str, Any], pipelines: Any, canvases: list[Canvas], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pipelines("flux-schnell")
    monkeypatch.setattr(pipeline, "scheduler", getattr(import_module("diffusers"), kind)(**options))
    assert not can_batch(pipeline)
    cells = [
        PaintCell(index=i, params=replace(BASE, seed=seed), canvas=canvases[0]) for i, seed in enumerate((1, 2, 1))
    ]
    pictures = painted(PipelineInpainter(pipeline), cells)
    assert np.array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


def test_a_transformer_that_sees_the_mask_is_left_to_its_own_call() -> None:
    from diffusers import StableDiffusion3InpaintPipeline

    pipeline = StableDiffusion3InpaintPipeline(**tiny_family("sd3").components)
    assert can_batch(pipeline)
    channels = pipeline.transformer.config.in_channels
    try:
        pipeline.transformer.register_to_config(in_channels=33)
        assert not can_batch(pipeline)
    finally:
        pipeline.transformer.register_to_config(in_channels=channels)


def test_rows_of_several_cells_share_a_call(pipelines: Any, canvases: list[Canvas]) -> None:
    pipeline = pipelines("qwen-image")
    batches: list[int] = []
    hook = pipeline.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: batches.append(len(kwargs["hidden_states"])), with_kwargs=True
    )
    try:
        painted(engine(pipeline, canvases[0]), cells_of(pipeline, canvases))
    finally:
        hook.remove()
    assert max(batches) == 8


def test_events_come_with_previews(pipelines: Any, canvases: list[Canvas]) -> None:
    sizes = {"flux-dev": (8, 16, 3), "qwen-image": (8, 16, 3), "qwen-image-edit": (16, 20, 3)}  # the last one's own
    for name, size in sizes.items():
        cells = [PaintCell(index=0, params=BASE, canvas=canvases[0])]
        events = list(engine(pipelines(name), canvases[0]).paint(cells))
        steps = [event for event in events if isinstance(event, Stepped)]
        assert [(event.step, event.of) for event in steps] == [(1, 3), (2, 3), (3, 3)]
        assert steps[0].preview is not None
        assert steps[0].preview.shape == size
        assert isinstance(events[-1], Finished)
        assert Extent.of(events[-1].image) == canvases[0].extent


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", FLOWS)
def test_half_precision_equals_the_pipelines_own_call(
    name: str, kind: str, tmp_path: Path, canvases: list[Canvas], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cell alone: the same numbers in the same order, so that no bit differs before rounding."""
    if name == "qwen-image-edit":
        edit_small_photos(monkeypatch)
        pipeline = tiny_qwen_image_edit(getattr(torch, kind))
    else:
        tiny_family(name).save_pretrained(tmp_path)
        pipeline = load_pipeline(find_model(str(tmp_path)), Device(kind="cpu", name="cpu", dtype_name=kind))
    cell = PaintCell(
        index=0, params=replace(BASE, strength=0.6, num_inference_steps=5, flow_shift=2), canvas=canvases[0]
    )
    (ours,) = painted(engine(pipeline, canvases[0], batch_size=1), [cell]).values()
    (theirs,) = painted(PipelineInpainter(pipeline), [cell]).values()
    assert np.abs(ours - theirs).max() <= (1 if kind == "float16" else 9)


@pytest.mark.parametrize("name", ["qwen-image", "z-image"])
def test_guidance_ends_where_it_shall(name: str, pipelines: Any, canvases: list[Canvas]) -> None:
    pipeline, base = pipelines(name), replace(BASE, num_inference_steps=4, negative_prompt="rain")
    changes: list[dict[str, Any]] = [{}, {"guidance_end": 0.5}, {"guidance_end": 0.0}, {"guidance_scale": 0.0}]
    cells = [PaintCell(index=i, params=replace(base, **each), canvas=canvases[0]) for i, each in enumerate(changes)]
    pictures = painted(engine(pipeline, canvases[0]), cells)
    assert np.abs(pictures[2] - pictures[3]).max() <= 1
    assert len({pictures[place].tobytes() for place in range(3)}) == 3
    if name == "z-image":  # it looks at its guidance anew in each step
        evaluated: list[int] = []

        def end(*_: Any) -> None:
            evaluated.append(1)
            if len(evaluated) == 2:
                pipeline._guidance_scale = 0.0

        hook = pipeline.transformer.register_forward_hook(end)
        try:
            (theirs,) = painted(PipelineInpainter(pipeline), [replace(cells[1], params=base)]).values()
        finally:
            hook.remove()
        assert np.abs(theirs - pictures[1]).max() <= 1


@pytest.mark.parametrize("name", ["flux-dev", "qwen-image"])
def test_a_large_picture_passes_through_the_autoencoder_in_tiles_and_no_other(
    name: str, pipelines: Any, canvases: list[Canvas], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "TILE", 8)
    pipeline = pipelines(name)
    cells = [
        PaintCell(index=i, params=replace(BASE, side=side), canvas=canvases[0])
        for i, side in enumerate((0, TILED_ABOVE, TILED_ABOVE + 1))
    ]
    pictures = painted(engine(pipeline, canvases[0]), cells)
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    (alone,) = painted(PipelineInpainter(pipeline), cells[2:]).values()
    assert np.abs(alone - pictures[2]).max() <= 1
    assert not pipeline.vae.use_tiling


def test_one_call_that_raises_leaves_the_other_cells(pipelines: Any, canvases: list[Canvas]) -> None:
    pipeline = pipelines("flux-dev")
    inpainter = engine(pipeline, canvases[0], batch_size=1)
    encode = pipeline.encode_prompt

    def fail(prompt: str, **options: Any) -> Any:
        if prompt == "bad":
            raise RuntimeError("no place in /home/somebody/x/y.safetensors")
        return encode(prompt=prompt, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "encode_prompt", fail)
        cells = [
            PaintCell(index=i, params=replace(BASE, prompt=text), canvas=canvases[0])
            for i, text in enumerate(("a", "bad", "b"))
        ]
        events = list(inpainter.paint(cells))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.index == 1
    assert "RuntimeError: no place in …" in failed.reason
    assert [event.cell.index for event in events if isinstance(event, Finished)] == [0, 2]


def test_a_picture_of_no_numbers_fails(pipelines: Any, canvases: list[Canvas]) -> None:
    inpainter = engine(pipelines("flux-dev"), canvases[0])
    decode = inpainter.denoiser.decode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inpainter.denoiser, "decode", lambda latents, extent: decode(latents, extent) * torch.nan)
        events = list(inpainter.paint([PaintCell(index=0, params=BASE, canvas=canvases[0])]))
    assert isinstance(events[-1], Failed)
    assert "BGEN_PRECISION=full" in events[-1].reason
