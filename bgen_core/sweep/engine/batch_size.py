"""How many rows one UNet call should hold, and in which multiples: measured once per model and device."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bgen_core.errors import OutOfMemoryError
from bgen_core.extent import Extent
from bgen_core.sweep.engine.conditioning import Conditioning, latent_extent
from bgen_core.sweep.engine.rows import RowEvaluator, UNetRow
from bgen_core.sweep.events import Canvas
from bgen_core.sweep.tuning import BatchTuning

CANDIDATES = (1, 2, 4, 8, 16, 32, 64)
WORTHWHILE_GAIN = 1.05  # a larger batch that gains less than 5 % in speed is not worth its memory
HOPELESS_LOSS = 1.5  # where a larger batch is this much slower, still larger ones are not tried
QUANTA = (1, 2, 4, 8)
QUANTUM_ROWS = 16  # a multiple of all quanta and of their doubles


def measure_batch(pipeline: Any, extent: Extent) -> BatchTuning:
    """Time the UNet at growing batch sizes, and find the quantum between whose multiples no bit changes.

    Parameters
    ----------
    extent
        Size of the pictures.
    """
    conditioning = Conditioning(pipeline)
    rows = probe_rows(pipeline, conditioning, extent, max(CANDIDATES))

    def evaluator(batch_size: int) -> RowEvaluator:
        return RowEvaluator(pipeline.unet, conditioning, extent=extent, batch_size=batch_size, quantum=1)

    speeds: dict[int, float] = {}
    for size in CANDIDATES:
        try:
            speeds[size] = _seconds_per_row(evaluator(size), rows[:size])
        except OutOfMemoryError:
            break
        if speeds[size] > HOPELESS_LOSS * min(speeds.values()):
            break
    best = min(size for size, seconds in speeds.items() if seconds <= WORTHWHILE_GAIN * min(speeds.values()))
    quantum = _find_quantum(evaluator, rows)
    return BatchTuning(batch_size=max(best, quantum, 2), quantum=quantum, seconds_per_row=speeds[best])


def probe_rows(pipeline: Any, conditioning: Conditioning, extent: Extent, number: int) -> list[UNetRow]:
    """Rows of noise over all timesteps, with a plain prompt on a grey canvas: as costly as any other."""
    unet, latent = pipeline.unet, latent_extent(pipeline, extent)
    channels = pipeline.vae.config.latent_channels
    generator = torch.Generator("cpu").manual_seed(0)
    latents = torch.randn((number, channels, latent.height, latent.width), generator=generator)
    times = torch.linspace(999, 0, number).round()
    prompt = conditioning.encode_prompt("a photo", negative=False)
    grey = np.full((extent.height, extent.width, 3), 127, np.uint8)
    canvas = conditioning.encode_canvas(Canvas(init_image=grey, mask_image=grey[..., 0]))
    return [
        UNetRow(latents=row, timestep=time_, prompt=prompt, canvas=canvas, share=None)
        for row, time_ in zip(latents.to(unet.device, unet.dtype), times.to(unet.device), strict=True)
    ]


def _seconds_per_row(evaluator: RowEvaluator, rows: list[UNetRow]) -> float:
    """Best of two, after a warm-up."""
    evaluator.evaluate(rows)
    best = float("inf")
    for _ in range(2):
        began = time.perf_counter()
        evaluator.evaluate(rows)[-1].cpu()
        best = min(best, (time.perf_counter() - began) / len(rows))
    return best


def _find_quantum(evaluator: Callable[[int], RowEvaluator], rows: list[UNetRow]) -> int:
    """Smallest number between whose multiples no bit of a row's result changes; 1 where there is none.

    Looks at a fixed number of rows, whatever batch was fastest: two measurements must find the same quantum, since a
    cell's bits follow from it.
    """
    rows = rows[:QUANTUM_ROWS]
    try:
        whole = evaluator(len(rows)).evaluate(rows)
    except OutOfMemoryError:
        return 1

    def equals_whole(batch_size: int) -> bool:
        parts = evaluator(batch_size).evaluate(rows)
        return all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))

    for quantum in QUANTA:
        multiples = [quantum * factor for factor in (1, 2, 3) if quantum * factor <= len(rows)]
        if len(rows) % quantum == 0 and all(equals_whole(size) for size in multiples):
            return quantum
    return 1
