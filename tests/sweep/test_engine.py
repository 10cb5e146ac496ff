"""The engine against the pipelines' own __call__, and a cell against itself in other company.

Tolerance before decoding: the two computations differ in batch size and in the order of two float32 additions, some
1e-6 of the latents' scale per evaluation; over at most 13 evaluations of random, hence steep, networks 1e-3 of the
largest latent is far above that and far below any wrong timestep, noise or guidance, which change whole units.
After decoding: one step of 255, where a value falls on the other side of a rounding boundary.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.schedulers import SCHEDULERS, get_scheduler
from bgen_core.sweep.engine import BatchedInpainter, batch_size
from bgen_core.sweep.engine.batch_size import QUANTA, find_quantum
from bgen_core.sweep.engine.denoiser import Denoiser
from bgen_core.sweep.engine.picture_batches import MOST_TOGETHER
from bgen_core.sweep.engine.timetable import Lane, choose_lanes, form_lanes
from bgen_core.sweep.engine.unet import UNetDenoiser
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.kept_tunings import TuningsInMemory
from tests.tiny_models import FAMILIES, tiny_pipeline

SIDE = 16
EXTENT = Extent(width=SIDE, height=SIDE)
LATENT_TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    generator = np.random.default_rng(0)
    small = Image.fromarray(generator.integers(0, 255, (4, 4, 3), dtype=np.uint8))
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    return Canvas(init_image=np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)), mask_image=mask)


def lanes_of(cells: list[PaintCell], batch_size: int) -> list[Lane]:
    return form_lanes(
        cells, batch_size, rows=lambda params: 1 + params.uses_guidance, ticks=lambda params: params.effective_steps
    )


def make_inpainter(family: str, *, previews: bool = False) -> BatchedInpainter:
    """With a given tuning: measuring takes longer than painting such small pictures."""
    inpainter = BatchedInpainter(tiny_pipeline(family), previews=previews)
    inpainter.tunings.get(EXTENT, lambda kept: BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0))
    return inpainter


def paint(family: str, cells: list[PaintCell]) -> dict[int, np.ndarray]:
    inpainter = make_inpainter(family)
    return {event.cell.index: event.image for event in inpainter.paint(cells) if isinstance(event, Finished)}


@lru_cache(maxsize=1)
def plain_scheduler(family: str, name: str) -> Any:
    """As diffusers makes it. Made once: some look at each of 1000 noise levels for that."""
    entry, own = get_scheduler(name), tiny_pipeline(family).scheduler
    kind = getattr(diffusers, entry.class_name or type(own).__name__)
    return kind.from_config(own.config, **entry.options)


def call_pipeline(family: str, params: InpaintParams, canvas: Canvas, pipeline: Any = None) -> torch.Tensor:
    """Latents of one picture by the pipeline's own __call__, given the same encodings; it draws the noise itself."""
    pipeline = pipeline or tiny_pipeline(family)
    own_scheduler = pipeline.scheduler
    with torch.inference_mode():
        denoiser = UNetDenoiser(pipeline)
        encoded, photo = denoiser.encode_canvas(canvas), denoiser.encode_photo(canvas)
        try:
            pipeline.scheduler = copy.deepcopy(plain_scheduler(family, params.scheduler))
            return pipeline(
                prompt=params.prompt,
                negative_prompt=params.negative_prompt or None,
                image=photo.clone(),
                mask_image=Image.fromarray(canvas.mask_image),
                masked_image_latents=encoded.masked_image_latents.clone(),
                height=SIDE,
                width=SIDE,
                num_inference_steps=params.num_inference_steps,
                guidance_scale=params.guidance_scale,
                strength=params.strength,
                generator=torch.Generator("cpu").manual_seed(params.seed),
                clip_skip=params.clip_skip or None,
                output_type="latent",
                **guidance_that_ends(pipeline, params),
            ).images[0]
        finally:
            pipeline.scheduler = own_scheduler


def guidance_that_ends(pipeline: Any, params: InpaintParams) -> dict[str, Any]:
    """As diffusers' documentation switches guidance off in a call: by what is called after each step."""
    if params.guidance_end == 1 or params.guidance_scale <= 1:
        return {}
    halved = set(pipeline._callback_tensor_inputs) - {"latents", "negative_prompt_embeds"}

    def end(own: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step + 1 != int(params.guidance_end * own.num_timesteps):
            return tensors
        own._guidance_scale = 0.0
        return {name: tensor.chunk(2)[-1] for name, tensor in tensors.items()}

    return {"callback_on_step_end": end, "callback_on_step_end_tensor_inputs": sorted(halved)}


def decode_as_pipeline(family: str, latents: torch.Tensor) -> np.ndarray:
    """The end of __call__: decode, postprocess to PIL."""
    pipeline = tiny_pipeline(family)
    with torch.inference_mode():
        decoded = pipeline.vae.decode(latents[None] / pipeline.vae.config.scaling_factor, return_dict=False)[0]
        return np.asarray(pipeline.image_processor.postprocess(decoded, output_type="pil")[0]).astype(int)


# Strength and guidance; whether a scheduler sees latents of two texts or of one is the same to it.
ALL_CASES = [(1.0, 1.0), (1.0, 4.0), (0.6, 1.0), (0.6, 4.0)]
CASES = [(1.0, 4.0), (0.6, 1.0)]

# A scheduler sees latents alone: whether they are blended with the photo (4 channels) or the network sees the mask (9)
# matters to it, the text does not. So every scheduler on one family of each, and on the two others those that differ
# most in what the loop does for them. In a run without slow tests less still.
DIFFERENT = ["default", "euler_a", "heun", "dpmpp_2m_sde"]
EVERY = [entry.name for entry in SCHEDULERS]
ASKED = {"sd-9": EVERY, "sd-4": DIFFERENT, "sdxl-9": DIFFERENT, "sdxl-4": EVERY}
SEEN = {"sd-9": [name for name in EVERY if "dpm2" not in name], "sdxl-4": DIFFERENT}
CASES_OF_ALL = [
    pytest.param(family, name, marks=[] if name in SEEN.get(family, ()) else pytest.mark.slow)
    for family in FAMILIES
    for name in ASKED[family]
]


@pytest.mark.parametrize(("family", "scheduler"), CASES_OF_ALL)
def test_equals_the_pipeline(family: str, scheduler: str, canvas: Canvas, monkeypatch: pytest.MonkeyPatch):
    base = InpaintParams(prompt="a beach at sunset", scheduler=scheduler, num_inference_steps=7)
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, strength=strength, guidance_scale=guidance, seed=i))
        for i, (strength, guidance) in enumerate(ALL_CASES if scheduler in DIFFERENT else CASES)
    ]
    latents: list[torch.Tensor] = []
    original = UNetDenoiser.decode
    monkeypatch.setattr(UNetDenoiser, "decode", lambda own, z, extent: (latents.append(z), original(own, z, extent))[1])
    finished = [event for event in make_inpainter(family).paint(cells) if isinstance(event, Finished)]
    for event, ours in zip(finished, latents, strict=True):
        theirs = call_pipeline(family, event.cell.params, canvas)
        scale = theirs.abs().max().item()
        assert (ours - theirs).abs().max().item() <= LATENT_TOLERANCE * scale, event.cell.params
        picture = decode_as_pipeline(family, theirs)
        assert np.abs(picture - event.image).max() <= 1, event.cell.params
    assert len(finished) == len(cells)


def with_text_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """What diffusers 0.42.1 asks CLIP's text encoder for, and transformers 5 has no more."""
    from transformers import CLIPTextModel

    monkeypatch.setattr(CLIPTextModel, "text_model", property(lambda own: own), raising=False)


READINGS: list[dict[str, Any]] = [
    {"clip_skip": 1},
    {"clip_skip": 1, "negative_prompt": "rain", "guidance_scale": 4.0},
    {"guidance_scale": 4.0, "guidance_end": 0.5, "negative_prompt": "rain"},
    {"guidance_scale": 4.0, "guidance_end": 0.3, "strength": 0.8, "scheduler": "heun"},
    {"guidance_scale": 4.0, "guidance_end": 0.99, "scheduler": "euler_a", "seed": 3},
]


@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_skipped_layers_and_guidance_that_ends_equal_the_pipeline(
    family: str, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_text_model(monkeypatch)
    base = InpaintParams(prompt="a beach at sunset", scheduler="euler", num_inference_steps=5, guidance_scale=1.0)
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, **changes)) for i, changes in enumerate([{}, *READINGS])
    ]
    together = paint(family, cells)
    for cell in cells:
        picture = decode_as_pipeline(family, call_pipeline(family, cell.params, canvas))
        assert np.abs(picture - together[cell.index]).max() <= 1, cell.params
    assert len({image.tobytes() for image in together.values()}) == len(cells)


@pytest.mark.parametrize(("family", "kind"), [("sd-9", torch.float16), ("sdxl-4", torch.bfloat16)])
def test_skipped_layers_and_guidance_that_ends_equal_the_pipeline_in_half_precision(
    family: str, kind: torch.dtype, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_text_model(monkeypatch)
    pipeline = tiny_pipeline.__wrapped__(family).to(kind)
    inpainter = BatchedInpainter(pipeline, previews=False)
    inpainter.tunings.get(EXTENT, lambda kept: BatchTuning(batch_size=2, quantum=1, seconds_per_row=1.0))
    params = InpaintParams(
        prompt="a beach", scheduler="euler", num_inference_steps=3, guidance_scale=4.0, guidance_end=0.7, clip_skip=1
    )
    *_, last = inpainter.paint([PaintCell(index=0, canvas=canvas, params=params)])
    assert isinstance(last, Finished)
    theirs = call_pipeline(family, params, canvas, pipeline)
    with torch.inference_mode():
        decoded = pipeline.vae.decode(theirs[None] / pipeline.vae.config.scaling_factor, return_dict=False)[0]
    picture = np.asarray(pipeline.image_processor.postprocess(decoded.float(), output_type="pil")[0]).astype(int)
    assert np.abs(picture - last.image).max() <= (1 if kind == torch.float16 else 9)


def test_guidance_that_ends_at_once_is_none(canvas: Canvas) -> None:
    base = InpaintParams(prompt="a", num_inference_steps=3, guidance_scale=5.0, negative_prompt="rain")
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, **changes))
        for i, changes in enumerate(({"guidance_end": 0.0}, {"guidance_scale": 1.0}))
    ]
    painted = paint("sd-9", cells)
    assert np.array_equal(painted[0], painted[1])


def test_guidance_that_ends_costs_no_rows_afterwards(canvas: Canvas) -> None:
    params = InpaintParams(prompt="a", num_inference_steps=4, guidance_scale=5.0, guidance_end=0.5)
    inpainter = make_inpainter("sd-9")
    assert isinstance([*inpainter.paint([PaintCell(index=0, canvas=canvas, params=params)])][-1], Finished)
    assert inpainter.rows_computed == 2 + 2 + 1 + 1


@pytest.fixture(scope="module")
def many_cells(canvas: Canvas) -> list[PaintCell]:
    """27 cells that share batches: steps, guidance (with and without), seeds, schedulers, strengths and prompts."""
    base = InpaintParams(prompt="a beach")
    grid = itertools.product((2, 3, 5), (1.0, 3.0, 7.0), (1, 2, 3))
    cells = []
    for index, (steps, guidance, seed) in enumerate(grid):
        cells.append(
            PaintCell(
                index=index,
                canvas=canvas,
                params=replace(
                    base,
                    num_inference_steps=steps,
                    guidance_scale=guidance,
                    seed=seed,
                    prompt=("a beach", "a forest")[index % 2],
                    scheduler=("ddim", "euler_a", "dpmpp_2m")[index % 3],
                    strength=(1.0, 0.7)[steps == 5 and seed == 2],
                ),
            )
        )
    return cells


@pytest.mark.parametrize("family", ["sd-9", pytest.param("sdxl-4", marks=pytest.mark.slow)])
def test_a_cell_is_the_same_in_any_company(family: str, many_cells: list[PaintCell]):
    together = paint(family, many_cells)
    assert sorted(together) == list(range(27))
    for other in (many_cells[::-1], many_cells[::2] + many_cells[1::2]):
        for index, image in paint(family, other).items():
            assert np.abs(image.astype(int) - together[index]).max() <= 1
    for index in (0, 7, 13, 26):
        alone = paint(family, [many_cells[index]])[index]
        assert np.abs(alone.astype(int) - together[index]).max() <= 1


def test_two_runs_give_the_same_bytes(many_cells: list[PaintCell]):
    cell = many_cells[4]
    assert np.array_equal(paint("sd-9", [cell])[4], paint("sd-9", [cell])[4])


def test_seeds_give_different_pictures(many_cells: list[PaintCell]):
    images = paint("sd-9", many_cells[:3])
    assert not np.array_equal(images[0], images[1])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_at_any_thread_count(threads: int, many_cells: list[PaintCell]):
    expected = paint("sd-9", many_cells[3:6])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = paint("sd-9", many_cells[3:6])
    finally:
        torch.set_num_threads(before)
    for index, image in found.items():
        assert np.abs(image.astype(int) - expected[index]).max() <= 1


def test_guidance_values_share_their_first_evaluation(canvas: Canvas):
    base = InpaintParams(prompt="a beach", num_inference_steps=4, seed=3)
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, guidance_scale=scale))
        for i, scale in enumerate((1.0, 2.0, 5.0))
    ]
    inpainter = make_inpainter("sd-9")
    assert sum(isinstance(event, Finished) for event in inpainter.paint(cells)) == 3
    # First evaluation: one row with the prompt, one without. Then 1 + 2 + 2 rows for each of the three that follow.
    assert inpainter.rows_computed == 2 + 3 * 5


def test_many_masks_never_share_a_prediction(monkeypatch: pytest.MonkeyPatch):
    """More masks than are held at once: a freed one's successor must not be taken for it."""
    from bgen_core.sweep.engine import unet

    monkeypatch.setattr(unet, "KEPT_PROMPTS", 3)
    cells = []
    for index in range(16):
        mask = np.full((SIDE, SIDE), 255, np.uint8)
        mask[index // 2 + 2 :, 4 : 11 + index % 2] = 0
        canvas = Canvas(init_image=np.full((SIDE, SIDE, 3), 90, np.uint8), mask_image=mask)
        params = InpaintParams(prompt="a", num_inference_steps=2, guidance_scale=1)
        cells.append(PaintCell(index=index, canvas=canvas, params=params))
    together = paint("sd-9", cells)
    for cell in cells:
        assert np.abs(paint("sd-9", [cell])[cell.index].astype(int) - together[cell.index]).max() <= 1


def test_a_scheduler_that_refuses_fails_its_cells_alone(canvas: Canvas):
    base = InpaintParams(prompt="a", scheduler="lcm", num_inference_steps=60)
    cells = [
        PaintCell(index=0, canvas=canvas, params=base),
        PaintCell(index=1, canvas=canvas, params=replace(base, num_inference_steps=2)),
        PaintCell(index=2, canvas=canvas, params=replace(base, num_inference_steps=2, scheduler="ddim")),
    ]
    events = list(make_inpainter("sd-9").paint(cells))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.index == 0
    assert "60" in failed.reason
    assert sorted(event.cell.index for event in events if isinstance(event, Finished)) == [1, 2]
    assert not [event for event in make_inpainter("sd-9").paint(cells[:1]) if not isinstance(event, Failed)]


def test_no_preview_is_drawn_while_nobody_looks(canvas: Canvas, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bgen_core.sweep.engine.batched.PREVIEW_SECONDS", 0)
    looks = iter([False, True, False])
    engine = BatchedInpainter(tiny_pipeline("sd-9"), is_watched=lambda: next(looks, False))
    cell = PaintCell(index=0, params=InpaintParams(prompt="a", num_inference_steps=5), canvas=canvas)
    steps = [event.preview is not None for event in engine.paint([cell]) if isinstance(event, Stepped)]
    assert steps == [False, True, False, False, False]


def test_events_come_in_order_with_previews(canvas: Canvas):
    cells = [
        PaintCell(index=i, canvas=canvas, params=InpaintParams(prompt="a", num_inference_steps=3, seed=i))
        for i in range(2)
    ]
    events = list(make_inpainter("sd-9", previews=True).paint(cells))
    for index in range(2):
        own = [event for event in events if event.cell.index == index]
        assert isinstance(own[0], Started)
        steps = [event for event in own if isinstance(event, Stepped)]
        assert [(event.step, event.of) for event in steps] == [(1, 3), (2, 3), (3, 3)]
        assert steps[0].preview is not None
        assert steps[0].preview.shape == (8, 8, 3)
        assert steps[0].preview.dtype == np.uint8
        assert isinstance(own[-1], Finished)
        assert set(own[-1].seconds) == {"denoise", "decode"}


def test_closing_stops_within_one_evaluation(canvas: Canvas, monkeypatch: pytest.MonkeyPatch):
    pipeline = tiny_pipeline("sd-9")
    inpainter = make_inpainter("sd-9")
    cell = PaintCell(index=0, canvas=canvas, params=InpaintParams(prompt="a", num_inference_steps=50))
    calls = []
    hook = pipeline.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        events = inpainter.paint([cell])
        for event in events:
            if isinstance(event, Stepped) and event.step == 2:
                break
        events.close()
    finally:
        hook.remove()
    assert len(calls) == 2


def test_out_of_memory_halves_the_batch_and_goes_on(many_cells: list[PaintCell], monkeypatch: pytest.MonkeyPatch):
    from bgen_core.sweep.engine.rows import RowEvaluator

    expected = paint("sd-9", many_cells[:6])
    original = RowEvaluator._predict

    def small_device(self: RowEvaluator, rows: list[Any]) -> torch.Tensor:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("made up")
        return original(self, rows)

    monkeypatch.setattr(RowEvaluator, "_predict", small_device)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    for index, image in paint("sd-9", many_cells[:6]).items():
        assert np.abs(image.astype(int) - expected[index]).max() <= 1


def test_a_thousand_cells_hold_only_what_is_under_way(canvas: Canvas):
    params = InpaintParams(prompt="a", guidance_scale=3)
    cells = [PaintCell(index=i, canvas=canvas, params=replace(params, seed=i)) for i in range(1000)]
    lanes = lanes_of(cells, 16)
    assert sum(len(lane.cells) for lane in lanes) == 1000
    chosen = choose_lanes(lanes, 16)
    assert sum(lane.rows for lane in chosen) == 16
    assert chosen == lanes[:8]


def test_the_last_ticks_are_not_left_to_one_long_cell(canvas: Canvas):
    """Steps 8, 16, 24 x 15 rows in batches of 32: 720 rows need 23 full batches, the longest cell needs 24 ticks."""
    base = InpaintParams(prompt="a")
    grid = itertools.product((8, 16, 24), (1.0, 3.0, 7.0), (1, 2, 3))
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(base, num_inference_steps=s, guidance_scale=g, seed=d))
        for i, (s, g, d) in enumerate(grid)
    ]
    left = {lane: lane.remaining for lane in lanes_of(cells, 32)}
    ticks = 0
    while left:
        stubs = [_Countdown(lane, remaining) for lane, remaining in left.items()]
        for stub in choose_lanes(stubs, 32):  # pyright: ignore[reportArgumentType]
            left[stub.lane] -= 1
        left = {lane: remaining for lane, remaining in left.items() if remaining}
        ticks += 1
    assert ticks <= 25


@pytest.mark.parametrize(
    ("size", "mask_size", "values", "words"),
    [
        ((31, 32), (31, 32), (0, 255), "32 × 31 pixels cannot be painted: both sides must divide by 2"),
        ((32, 32), (32, 30), (0, 255), "all must have one size"),
        ((32, 32), (32, 32), (0, 0), "nothing to repaint"),
        ((32, 32), (32, 32), (255, 255), "nothing to keep"),
    ],
)
def test_a_canvas_that_cannot_be_painted_is_refused(
    size: tuple[int, int], mask_size: tuple[int, int], values: tuple[int, int], words: str
):
    mask = np.full(mask_size, values[0], np.uint8)
    mask[:16] = values[1]
    canvas = Canvas(init_image=np.zeros((*size, 3), np.uint8), mask_image=mask)
    with pytest.raises(UserInputError, match=words):
        next(make_inpainter("sd-9").paint([PaintCell(index=0, canvas=canvas, params=InpaintParams(prompt="a"))]))


class _Countdown:
    """A lane without a model."""

    def __init__(self, lane: Lane, remaining: int) -> None:
        self.lane, self.remaining = lane, remaining
        self.rows, self.cohort = lane.rows, remaining < lane.remaining or None


@pytest.mark.parametrize("where", ["encode_prompt", "start", "decode"])
def test_what_fails_for_one_cell_costs_its_company_nothing(
    where: str, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = InpaintParams(prompt="a", num_inference_steps=2, guidance_scale=1)
    params = [base, replace(base, prompt="bad"), replace(base, seed=1), replace(base, num_inference_steps=3)]
    cells = [PaintCell(index=index, canvas=canvas, params=each) for index, each in enumerate(params)]
    expected = paint("sd-9", cells)
    inpainter, bad_latents = make_inpainter("sd-9"), list[torch.Tensor]()
    own = {name: getattr(inpainter.denoiser, name) for name in ("encode_prompt", "start", "decode")}

    def encode_prompt(text: str, *rest: Any, **named: Any) -> Any:
        return fail() if text == "bad" else own["encode_prompt"](text, *rest, **named)

    def start(cell: PaintCell, *rest: Any) -> Any:
        return fail() if cell.params.prompt == "bad" else own["start"](cell, *rest)

    def decode(latents: torch.Tensor, extent: Any) -> torch.Tensor:
        bad_latents.append(latents)
        return fail() if len(bad_latents) == 2 else own["decode"](latents, extent)

    def fail() -> Any:
        raise RuntimeError("no such kernel")

    fakes = {"encode_prompt": encode_prompt, "start": start, "decode": decode}
    monkeypatch.setattr(inpainter.denoiser, where, fakes[where])
    events = list(inpainter.paint(cells))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert "no such kernel" in failed.reason
    finished = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
    assert sorted([failed.index, *finished]) == [0, 1, 2, 3]
    assert failed.index == 1 or where == "decode"
    for index, image in finished.items():
        assert np.array_equal(image, expected[index])


def test_what_an_older_version_did_not_measure_is_measured_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = TuningsInMemory()
    kept = BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0)  # no number decoded together, nothing of halves
    place.write(EXTENT, kept)
    offered: list[int] = []

    def choose(_: Denoiser, latents: Sequence[torch.Tensor], extent: Extent) -> int:
        offered.append(len(latents))
        return 4

    monkeypatch.setattr(batch_size, "choose_together", choose)
    for is_whole in (False, True):  # also in the next process
        inpainter = BatchedInpainter(tiny_pipeline("sd-9"), tuning_place=place)
        assert inpainter.is_tuned(EXTENT) == is_whole
        inpainter.tune(EXTENT)
        assert inpainter.is_tuned(EXTENT)
    assert place.read(EXTENT) == replace(kept, decoded_together=4, in_halves=False)
    assert offered == [MOST_TOGETHER]


def test_what_was_measured_beside_other_work_is_measured_again_without_another_pixel(canvas: Canvas) -> None:
    place = TuningsInMemory()
    BatchedInpainter(tiny_pipeline("sd-9"), tuning_place=place).tune(EXTENT)
    found = place.read(EXTENT)
    assert found and found.quantum
    busy = replace(found, batch_size=found.quantum, seconds_per_row=100.0, decoded_together=2)
    place.write(EXTENT, busy)
    cells = [PaintCell(index=seed, params=InpaintParams(prompt="a", seed=seed), canvas=canvas) for seed in range(3)]

    def painted(inpainter: BatchedInpainter) -> list[np.ndarray]:
        return [event.image for event in inpainter.paint(cells) if isinstance(event, Finished)]

    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), tuning_place=place, previews=False)
    assert inpainter.is_tuned(EXTENT)
    first = painted(inpainter)
    assert place.read(EXTENT) == replace(busy, doubtful=True)
    for later in (inpainter, BatchedInpainter(tiny_pipeline("sd-9"), tuning_place=place, previews=False)):
        was_tuned = later.is_tuned(EXTENT)
        assert all(np.array_equal(*both) for both in zip(first, painted(later), strict=True))
        known = place.read(EXTENT)
        assert known and known.is_whole and known.quantum == found.quantum and known.seconds_per_row < 1.0
        assert was_tuned == (later is not inpainter)


def test_a_few_rows_say_nothing_of_a_measured_speed(canvas: Canvas) -> None:
    place = TuningsInMemory()
    kept = BatchTuning(batch_size=2, quantum=2, seconds_per_row=100.0, decoded_together=2, in_halves=False)
    place.write(EXTENT, kept)
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), tuning_place=place, previews=False)
    params = InpaintParams(prompt="a", num_inference_steps=3)
    *_, last = inpainter.paint([PaintCell(index=0, params=params, canvas=canvas)])
    assert isinstance(last, Finished)
    assert place.read(EXTENT) == kept


def test_cells_of_different_schedules_that_end_together_are_decoded_in_one_call(
    canvas: Canvas, monkeypatch: pytest.MonkeyPatch
):
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    tuning = BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0, decoded_together=8)
    inpainter.tunings.get(EXTENT, lambda kept: tuning)
    cells = [
        PaintCell(
            index=index,
            params=InpaintParams(prompt="a", num_inference_steps=3, seed=index, scheduler=name),
            canvas=canvas,
        )
        for index, name in enumerate(("ddim", "euler", "ddim", "euler"))
    ]
    calls: list[int] = []
    decode = inpainter.denoiser.decode
    monkeypatch.setattr(
        inpainter.denoiser, "decode", lambda latents, extent: (calls.append(len(latents)), decode(latents, extent))[1]
    )
    images = {event.cell.index: event.image for event in inpainter.paint(cells) if isinstance(event, Finished)}
    assert calls == [4]
    alone = paint("sd-9", cells)
    assert max(int(np.abs(images[index].astype(int) - alone[index]).max()) for index in alone) <= 1


class _Rounds:
    """Evaluates in batches, and otherwise where a batch is no multiple of a number, as kernels of a processor do."""

    def __init__(self, multiple: int, batch_size: int) -> None:
        self._multiple, self._batch_size = multiple, batch_size

    def evaluate(self, rows: Sequence[float]) -> list[torch.Tensor]:
        sizes = [len(rows[i : i + self._batch_size]) for i in range(0, len(rows), self._batch_size)]
        others = [0.0 if size % self._multiple == 0 else 1e-7 * size for size in sizes for _ in range(size)]
        return [torch.tensor(row + other, dtype=torch.float64) for row, other in zip(rows, others, strict=True)]


@pytest.mark.parametrize(
    ("multiple", "quanta", "found"), [(1, QUANTA, 1), (4, QUANTA, 4), (16, QUANTA, None), (16, (*QUANTA, 16), 16)]
)
def test_the_quantum_is_the_smallest_number_between_whose_multiples_no_bit_changes(
    multiple: int, quanta: Sequence[int], found: int | None
):
    rows: Any = [float(place) for place in range(64)]
    assert find_quantum(lambda size: _Rounds(multiple, size), rows, quanta) == found
