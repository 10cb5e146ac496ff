"""The engine against what a diffusers user would write, in one run, alternating.

(a) loop: `pipe(...)` for one cell after another. (b) seeds batched: the same with the seeds of each (steps, guidance)
through `num_images_per_prompt`. (c) engine. (d) floor: as many UNet rows as the engine computed, at its best batch
size, back to back, with one encoding and the decodings. All sides have the same thread settings.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.engine.batch_size import probe_rows
from bgen_core.sweep.engine.decoding import to_pixels
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.engine.unet import UNetDenoiser
from bgen_core.sweep.events import Canvas, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning

STEPS, GUIDANCE, SEEDS = (8, 16, 24), (1.0, 3.0, 6.0), (1, 2, 3)
PROMPT = "a beach at sunset"


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """What was measured.

    Attributes
    ----------
    seconds
        Side -> seconds of each alternation.
    max_pixel_difference
        Largest difference of (a) and (c), of 255, given the same noise and the same masked image's latents.
    rows
        UNet rows that the engine computed.
    """

    seconds: dict[str, list[float]]
    max_pixel_difference: int
    rows: int
    cells: int

    @property
    def ratios(self) -> dict[str, float]:
        """Medians of the ratios within each alternation."""
        pairs = {
            "loop_over_engine": ("loop", "engine"),
            "seeds_batched_over_engine": ("seeds_batched", "engine"),
            "engine_over_floor": ("engine", "floor"),
        }
        return {
            name: median(one / other for one, other in zip(self.seconds[a], self.seconds[b], strict=True))
            for name, (a, b) in pairs.items()
        }


class EngineBenchmark:
    """The four sides on two copies of a model.

    Parameters
    ----------
    plain, tuned
        Two pipelines with the same weights: for (a) and (b), and as this program loads it for the engine and the floor.
        The first one's autoencoder gets the UNet's number format, which pipelines of Stable Diffusion expect; those of
        SDXL bring theirs to float32 themselves.
    extent
        Size of the pictures.
    """

    def __init__(self, plain: Any, tuned: Any, extent: Extent) -> None:
        self._plain, self._tuned = plain, tuned
        plain.vae.to(dtype=plain.unet.dtype)
        if tuned.vae.config.force_upcast:
            tuned.vae.to(dtype=torch.float32)
        self._inpainter = BatchedInpainter(tuned)
        self._canvas = _made_up_canvas(extent)
        base = InpaintParams(prompt=PROMPT, scheduler="default")  # the one that pipe(...) uses
        self.cells = [
            PaintCell(
                index=index,
                canvas=self._canvas,
                params=replace(base, num_inference_steps=steps, guidance_scale=guidance, seed=seed),
            )
            for index, (steps, guidance, seed) in enumerate(itertools.product(STEPS, GUIDANCE, SEEDS))
        ]

    def run(self, alternations: int, report: Callable[[str], None]) -> EngineResult:
        """Measure; each side runs once before, on few cells, so that nothing is measured cold."""
        sides: dict[str, Callable[[Sequence[PaintCell]], object]] = {
            "loop": self.paint_in_loop,
            "seeds_batched": self.paint_with_seeds_batched,
            "engine": self.paint_with_engine,
            "floor": self.run_floor,
        }
        self._inpainter.tune(self._canvas.extent)
        for paint in sides.values():
            paint([replace(cell, params=replace(cell.params, num_inference_steps=2)) for cell in self.cells[:3]])
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for turn in range(alternations):
            for name, paint in sides.items():
                seconds[name].append(_time(paint, self.cells))
            report(
                f"alternation {turn + 1}: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in seconds.items())
            )
        rows = self._inpainter.rows_computed
        return EngineResult(
            seconds=seconds,
            rows=rows,
            max_pixel_difference=self.compare_pixels(),
            cells=len(self.cells),
        )

    def paint_in_loop(self, cells: Sequence[PaintCell]) -> list[np.ndarray]:
        """(a) as a diffusers user would write it."""
        return [np.asarray(self._call(cell.params, [cell.params.seed])[0]) for cell in cells]

    def paint_with_seeds_batched(self, cells: Sequence[PaintCell]) -> list[np.ndarray]:
        """(b) the seeds of each (steps, guidance) in one call."""
        images: list[np.ndarray] = []
        for _, group in itertools.groupby(cells, lambda cell: replace(cell.params, seed=0)):
            alike = list(group)
            images += map(np.asarray, self._call(alike[0].params, [cell.params.seed for cell in alike]))
        return images

    def _call(self, params: InpaintParams, seeds: list[int], **same: Any) -> list[Any]:
        extent = self._canvas.extent
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        return self._plain(
            prompt=params.prompt,
            image=Image.fromarray(self._canvas.init_image),
            mask_image=Image.fromarray(self._canvas.mask_image),
            height=extent.height,
            width=extent.width,
            strength=params.strength,  # SDXL's own default is 0.9999: a step less, and another start
            num_inference_steps=params.num_inference_steps,
            guidance_scale=params.guidance_scale,
            num_images_per_prompt=len(seeds),
            generator=generators if len(seeds) > 1 else generators[0],
            **same,
        ).images

    def paint_with_engine(self, cells: Sequence[PaintCell]) -> list[np.ndarray]:
        """(c)"""
        events = self._inpainter.paint(cells)
        finished = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
        return [finished[cell.index] for cell in cells]

    @torch.inference_mode()
    def run_floor(self, cells: Sequence[PaintCell]) -> None:
        """(d) the engine's own number of rows in full batches, one encoding, the decodings."""
        tuning = self._inpainter.tunings.get(self._canvas.extent, _never)
        denoiser, extent = self._inpainter.denoiser, self._canvas.extent
        rows = probe_rows(denoiser, extent, tuning.batch_size)
        evaluator = RowEvaluator.tuned(denoiser, extent, tuning)
        left = self._inpainter.rows_computed
        while left > 0:
            evaluator.evaluate(rows[: min(left, len(rows))])
            left -= len(rows)
        for _ in cells:
            to_pixels(denoiser.decode(rows[0].latents[None], extent)[0]).cpu()

    def compare_pixels(self) -> int:
        """Largest difference between (a) and (c), of 255, given the same noise and masked image's latents.

        Looks at one seed of every combination of steps and guidance.
        """
        cells = self.cells[:: len(SEEDS)]
        with torch.inference_mode():
            encoded = UNetDenoiser(self._tuned).encode_canvas(self._canvas)
        same = {"masked_image_latents": encoded.masked_image_latents.to(self._plain.unet.dtype, copy=True)}
        largest = 0
        for cell, ours in zip(cells, self.paint_with_engine(cells), strict=True):
            theirs = np.asarray(self._call(cell.params, [cell.params.seed], **same)[0])
            largest = max(largest, int(np.abs(theirs.astype(int) - ours).max()))
        return largest


def _time(paint: Callable[[Sequence[PaintCell]], object], cells: Sequence[PaintCell]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    paint(cells)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _made_up_canvas(extent: Extent) -> Canvas:
    """A coloured field with a kept rectangle in its lower middle."""
    colours = np.random.default_rng(0).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize((extent.width, extent.height), Image.Resampling.BICUBIC)
    mask = np.full((extent.height, extent.width), 255, np.uint8)
    mask[extent.height // 3 :, extent.width // 3 : 2 * extent.width // 3] = 0
    return Canvas(init_image=np.asarray(image), mask_image=mask)


def _never(kept: BatchTuning | None) -> BatchTuning:
    raise RuntimeError("the batch size was not measured")
