"""The loop: continuous batching of cells through one UNet."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.batch_size import measure_batch
from bgen_core.sweep.engine.cohort import Cohort, start_cohort
from bgen_core.sweep.engine.conditioning import Conditioning, latent_extent
from bgen_core.sweep.engine.decoding import LatentPreview, decode_latents
from bgen_core.sweep.engine.rows import Row, RowEvaluator
from bgen_core.sweep.engine.schedule import Schedule, ScheduleKey
from bgen_core.sweep.events import Event, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.tuning import BatchTuning, BatchTunings


class BatchedInpainter:
    """Inpainter for the UNet families: SD 1.x/2.x and SDXL, with nine or four input channels.

    Parameters
    ----------
    pipeline
        A loaded StableDiffusionInpaintPipeline or StableDiffusionXLInpaintPipeline.
    tuning_folder
        Where batch sizes are kept, one file for each picture size; None measures once and keeps it in memory.
    previews
        Whether `Stepped` carries a small picture.
    """

    def __init__(self, pipeline: Any, *, tuning_folder: Path | None = None, previews: bool = True) -> None:
        self._pipeline = pipeline
        self.tunings = BatchTunings(tuning_folder)
        self._wants_previews = previews
        self._preview: LatentPreview | None = None
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def tune(self, extent: Extent) -> None:
        """Measure batch size and quantum for that size; see `Inpainter.tune`."""
        self._tuning(extent)

    def _tuning(self, extent: Extent) -> BatchTuning:
        return self.tunings.get(extent, lambda: measure_batch(self._pipeline, extent))

    @torch.inference_mode()
    def paint(self, cells: Sequence[PaintCell]) -> Generator[Event]:
        """Paint the cells; see `Inpainter.paint`."""
        if not cells:
            return
        extent = cells[0].canvas.extent
        unet = self._pipeline.unet
        conditioning = Conditioning(self._pipeline)
        tuning = self._tuning(extent)
        evaluator = RowEvaluator(
            unet, conditioning, extent=extent, batch_size=tuning.batch_size, quantum=tuning.quantum
        )
        latent = latent_extent(self._pipeline, extent)
        shape = (self._pipeline.vae.config.latent_channels, latent.height, latent.width)
        waiting = deque(cells)
        under_way: list[Cohort] = []
        seconds = dict.fromkeys((cell.index for cell in cells), 0.0)
        while waiting or under_way:
            began = time.perf_counter()
            for cohort_cells in admit(waiting, under_way, evaluator.batch_size):
                schedule = Schedule(
                    ScheduleKey.of(cohort_cells[0].params), self._pipeline.scheduler.config, str(unet.device)
                )
                under_way.append(
                    start_cohort(
                        cohort_cells, schedule, conditioning, shape=shape,
                        device=unet.device, dtype=unet.dtype, blends=unet.config.in_channels != 9,
                    )
                )  # fmt: skip
                for cell in cohort_cells:
                    yield Started(cell=cell)

            rows: list[list[Row]] = [cohort.rows() for cohort in under_way]
            predictions = iter(evaluator.evaluate([row for own in rows for row in own]))
            for cohort, own in zip(under_way, rows, strict=True):
                cohort.advance([next(predictions) for _ in own])

            active = [cell.index for cohort in under_way for cell in cohort.cells]
            for index in active:
                seconds[index] += (time.perf_counter() - began) / len(active)
            for cohort in under_way:
                yield from self._report(cohort, seconds)
            under_way = [cohort for cohort in under_way if not cohort.is_done]
        self.rows_computed = evaluator.rows_computed

    def _report(self, cohort: Cohort, seconds: dict[int, float]) -> Iterator[Event]:
        for place, cell in enumerate(cohort.cells):
            preview = None if cohort.is_done else self._draw_preview(cohort.latents[place])
            yield Stepped(cell=cell, step=cohort.index, of=len(cohort.schedule), preview=preview)
            if cohort.is_done:
                began = time.perf_counter()
                image = decode_latents(self._pipeline, cohort.latents[place])
                decoding = time.perf_counter() - began
                yield Finished(cell=cell, image=image, seconds={"denoise": seconds.pop(cell.index), "decode": decoding})

    def _draw_preview(self, latents: torch.Tensor) -> Any:
        if not self._wants_previews:
            return None
        if self._preview is None:
            self._preview = LatentPreview(self._pipeline.vae, self._pipeline.vae_scale_factor)
        return self._preview(latents)


def admit(waiting: deque[PaintCell], under_way: list[Cohort], batch_size: int) -> Iterator[list[PaintCell]]:
    """Take cells off the queue while their rows still fit one batch, grouped by schedule.

    At least one cell is always under way, even where its two rows are more than a batch.
    """
    rows = sum(rows_needed(cell) for cohort in under_way for cell in cohort.cells)
    group: list[PaintCell] = []
    while waiting:
        cell = waiting[0]
        if rows and rows + rows_needed(cell) > batch_size:
            break
        if group and ScheduleKey.of(group[0].params) != ScheduleKey.of(cell.params):
            yield group
            group = []
        group.append(waiting.popleft())
        rows += rows_needed(cell)
    if group:
        yield group


def rows_needed(cell: PaintCell) -> int:
    """Evaluations per step: two with classifier-free guidance, else one."""
    return 2 if cell.params.uses_guidance else 1
