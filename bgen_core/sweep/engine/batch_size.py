"""How many rows one call of the network should hold, in which multiples, which layout and by which attention: measured
once per model and device.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from bgen_core.errors import OutOfMemoryError
from bgen_core.extent import Extent
from bgen_core.sweep.engine.denoiser import Denoiser, Row
from bgen_core.sweep.engine.network.attention import Attention, attentions_on, choose_attention
from bgen_core.sweep.engine.network.layout import Layout, choose_layout
from bgen_core.sweep.engine.picture_batches import MOST_TOGETHER, choose_together
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.events import Canvas, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning

CANDIDATES = (1, 2, 4, 8, 16, 32, 64)
WORTHWHILE_GAIN = 1.05  # a larger batch that gains less than 5 % in speed is not worth its memory
MEASURING_SECONDS = 10  # after so many no larger batch is tried: rows that slow fill the device by themselves
USELESS_SIZES = 2  # after so many larger batches in a row that gained nothing, still larger ones are not tried
LONG_SECONDS = 0.5  # a call of this length is timed once: no pause of the machine is large beside it
SHORT_SECONDS, MOST_CALLS = 0.25, 6  # shorter ones are timed until they took so long together, or that often
FULL_ROWS = 16  # a batch that fills a GPU
QUANTA = (1, 2, 4, 8)
QUANTUM_ROWS = 16  # a multiple of all quanta and of their doubles
# With one thread some processors have none of these: their 1 x 1 convolutions are computed otherwise below 16 rows. On
# a GPU so large a quantum would make a single picture several times dearer, and the promise there is 1/255 anyway.
LARGEST_ON_CPU = 16


def whole_tuning(denoiser: Denoiser, extent: Extent, kept: BatchTuning | None) -> BatchTuning:
    """What was measured before, with what is missing in it measured now."""
    if kept is None:
        return measure_batch(denoiser, extent)
    if kept.doubtful:
        kept = _measure_again(denoiser, extent, kept)
    if kept.is_whole:
        return kept
    rows, painted = probe_rows(denoiser, extent, max(CANDIDATES)), measured_extent(denoiser, extent)
    if kept.decoded_together is None:
        kept = replace(
            kept, decoded_together=choose_together(denoiser, [row.latents for row in rows[:MOST_TOGETHER]], painted)
        )
    return kept if kept.in_halves is not None else with_halves(denoiser, painted, rows, kept)


def measured_extent(denoiser: Denoiser, extent: Extent) -> Extent:
    """At which size a model is measured for pictures of `extent`: where a cell sets nothing else, it paints at that."""
    return denoiser.painted_extent(_probe_cell(extent))


def measure_batch(denoiser: Denoiser, extent: Extent) -> BatchTuning:
    """Time the network at growing batch sizes, and find the quantum between whose multiples no bit changes.

    Parameters
    ----------
    extent
        Size of the pictures.
    """
    rows = probe_rows(denoiser, extent, max(CANDIDATES))
    painted = measured_extent(denoiser, extent)
    evaluator = _evaluators(denoiser, painted)
    network = denoiser.network
    if len(network.layouts) > 1:

        def seconds_in(layout: Layout) -> float:
            network.lay_out(layout)
            return _seconds_per_row(evaluator(FULL_ROWS), rows[:FULL_ROWS])

        network.lay_out(choose_layout(seconds_in))

    def seconds_with(attention: Attention) -> float:
        network.attend(attention)
        return _seconds_per_row(evaluator(FULL_ROWS), rows[:FULL_ROWS])

    network.attend(choose_attention(attentions_on(denoiser.device), seconds_with))
    best, seconds_per_row = _fastest_size(evaluator, rows)
    quanta = (*QUANTA, LARGEST_ON_CPU) if denoiser.device.type == "cpu" else QUANTA
    quantum = find_quantum(evaluator, rows, quanta) if denoiser.has_quantum else None
    tuning = BatchTuning(
        batch_size=max(best, quantum or 1, 2),
        quantum=quantum,
        seconds_per_row=seconds_per_row,
        layout=network.layout or "channels_last",
        attention=network.attention,
        decoded_together=choose_together(denoiser, [row.latents for row in rows], painted),
    )
    return with_halves(denoiser, painted, rows, tuning)


def _measure_again(denoiser: Denoiser, extent: Extent, kept: BatchTuning) -> BatchTuning:
    """What depends on the device's speed, and no picture's last bits: not how weights lie, nor the quantum."""
    denoiser.network.lay_out(kept.layout)
    denoiser.network.attend(kept.attention)
    rows = probe_rows(denoiser, extent, max(CANDIDATES))
    best, seconds_per_row = _fastest_size(_evaluators(denoiser, measured_extent(denoiser, extent)), rows)
    return replace(
        kept,
        batch_size=max(best, kept.quantum or 1, 2),
        seconds_per_row=seconds_per_row,
        decoded_together=None,
        in_halves=None,
        doubtful=False,
    )


def with_halves(denoiser: Denoiser, painted: Extent, rows: Sequence[Row], tuning: BatchTuning) -> BatchTuning:
    """A tuning with its batches, or ones of twice the size, computed as two halves at once where that is faster.

    On a CPU with several threads alone, where no bit changes by it since halves are multiples of the quantum, and where
    calls are short: beside long ones the time for which cores wait for each other is nothing.
    """
    quantum, is_short = tuning.quantum, tuning.batch_size * tuning.seconds_per_row < LONG_SECONDS
    cores_wait = denoiser.device.type == "cpu" and torch.get_num_threads() > 1 and denoiser.network.is_reentrant
    sizes = [size for size in (tuning.batch_size, 2 * tuning.batch_size) if 2 * (quantum or 1) <= size <= len(rows)]
    if quantum is None or not cores_wait or not is_short or not sizes:
        return replace(tuning, in_halves=False)

    def seconds(size: int, in_halves: bool) -> float:
        evaluator = RowEvaluator(denoiser, extent=painted, batch_size=size, quantum=quantum, in_halves=in_halves)
        return _seconds_per_row(evaluator, rows[:size])

    whole = seconds(tuning.batch_size, in_halves=False)
    halved = {size: seconds(size, in_halves=True) for size in sizes}
    best = min(size for size in sizes if halved[size] <= WORTHWHILE_GAIN * min(halved.values()))
    if halved[best] >= whole:  # neither costs memory or a bit: a small gain is taken too
        return replace(tuning, in_halves=False)
    return replace(tuning, batch_size=best, seconds_per_row=halved[best], in_halves=True)


def _evaluators(denoiser: Denoiser, painted: Extent) -> Callable[[int], RowEvaluator]:
    return lambda batch_size: RowEvaluator(denoiser, extent=painted, batch_size=batch_size, quantum=1)


def _fastest_size(evaluator: Callable[[int], RowEvaluator], rows: list[Row]) -> tuple[int, float]:
    """The smallest batch that is about as fast as any, and how many seconds a row takes in it."""
    speeds: dict[int, float] = {}
    useless = 0
    began = time.perf_counter()
    for size in CANDIDATES:
        try:
            seconds = _seconds_per_row(evaluator(size), rows[:size])
        except OutOfMemoryError:
            if not speeds:
                raise
            break
        useless = useless + 1 if speeds and seconds * WORTHWHILE_GAIN > min(speeds.values()) else 0
        speeds[size] = seconds
        if useless == USELESS_SIZES or time.perf_counter() - began > MEASURING_SECONDS:
            break
    best = min(size for size, seconds in speeds.items() if seconds <= WORTHWHILE_GAIN * min(speeds.values()))
    return best, speeds[best]


def probe_rows(denoiser: Denoiser, extent: Extent, number: int) -> list[Row]:
    """Rows of noise over all timesteps, with a plain prompt on a grey canvas: as costly as any other."""
    generator = torch.Generator("cpu").manual_seed(0)
    cell = _probe_cell(extent)
    params = cell.params
    start = denoiser.start(cell, denoiser.schedule(params, denoiser.painted_extent(cell)), generator)
    latents = torch.randn((number, *start.latents.shape[1:]), generator=generator).to(start.latents)
    return [
        Row(
            latents=row,
            timestep=timestep,
            prompt=denoiser.encode_prompt(params.prompt, cell, negative=False),
            condition=start.condition,
            guidance=denoiser.guidance_input(params),
            share=None,
        )
        for row, timestep in zip(latents, torch.linspace(999, 0, number).round().to(denoiser.device), strict=True)
    ]


def _probe_cell(extent: Extent) -> PaintCell:
    grey = np.full((extent.height, extent.width, 3), 127, np.uint8)
    params = InpaintParams(prompt="a photo", scheduler="default")
    return PaintCell(index=0, params=params, canvas=Canvas(init_image=grey, mask_image=grey[..., 0]))


def _seconds_per_row(evaluator: RowEvaluator, rows: Sequence[Row]) -> float:
    """Best of two calls, of more that are short, or of one that is long, after a warm-up."""

    def call() -> float:
        began = time.perf_counter()
        evaluator.evaluate(rows)[-1].cpu()
        return time.perf_counter() - began

    call()
    timed = [call()]
    while timed[0] < LONG_SECONDS and (len(timed) < 2 or (sum(timed) < SHORT_SECONDS and len(timed) < MOST_CALLS)):
        timed.append(call())
    seconds = min(timed)
    return seconds / len(rows)


def find_quantum(evaluator: Callable[[int], RowEvaluator], rows: Sequence[Row], quanta: Sequence[int]) -> int | None:
    """Smallest of some numbers between whose multiples no bit of a row's result changes; None where there is none.

    Looks at a fixed number of rows, whatever batch was fastest: two measurements must find the same quantum, since a
    cell's bits follow from it.

    Parameters
    ----------
    evaluator
        Evaluates in batches of the given size.
    rows
        Twice the largest quantum at least, and `QUANTUM_ROWS`.
    quanta
        Powers of two, ascending.
    """
    wholes: dict[int, list[torch.Tensor]] = {}

    def equals_whole(batch_size: int, number: int) -> bool:
        """Call by call: the first one mostly tells already, and somebody waits for a first picture at this size."""
        if number not in wholes:
            wholes[number] = evaluator(number).evaluate(rows[:number])
        call = evaluator(batch_size)
        for begin in range(0, number, batch_size):
            part = slice(begin, min(begin + batch_size, number))
            if not all(
                torch.equal(*both) for both in zip(wholes[number][part], call.evaluate(rows[part]), strict=True)
            ):
                return False
        return True

    try:
        for quantum in quanta:
            number = max(QUANTUM_ROWS, 2 * quantum)
            multiples = [quantum * factor for factor in (1, 2, 3) if quantum * factor <= number]
            if all(equals_whole(size, number) for size in multiples):
                return quantum
    except OutOfMemoryError:
        return None
    return None
