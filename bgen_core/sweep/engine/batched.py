"""The loop: continuous batching of cells through one UNet."""

import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.batch_size import measure_batch
from bgen_core.sweep.engine.cohort import Cohort, start_cohort
from bgen_core.sweep.engine.conditioning import Conditioning, check_canvases, latent_extent
from bgen_core.sweep.engine.decoding import LatentPreview, decode_latents
from bgen_core.sweep.engine.outbox import Outbox
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.engine.schedule import Schedule, ScheduleKey
from bgen_core.sweep.engine.timetable import Lane, choose_lanes, form_lanes
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started, Stepped
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
        check_canvases(cells, self._pipeline.vae_scale_factor)
        extent = cells[0].canvas.extent
        unet = self._pipeline.unet
        conditioning = Conditioning(self._pipeline)
        tuning = self._tuning(extent)
        evaluator = RowEvaluator(
            unet, conditioning, extent=extent, batch_size=tuning.batch_size, quantum=tuning.quantum
        )
        outbox = Outbox()
        seconds = dict.fromkeys((cell.index for cell in cells), 0.0)
        lanes: list[Lane] = form_lanes(cells, evaluator.batch_size)
        while lanes:
            began = time.perf_counter()
            chosen = choose_lanes(lanes, evaluator.batch_size)
            refused: list[Lane] = []
            for lane in chosen:
                if lane.cohort is None:
                    try:
                        lane.cohort = self._start(lane.cells, conditioning)
                    except ValueError as error:  # a scheduler's own limits, such as LCM's on steps
                        refused.append(lane)
                        reason = f"The scheduler refuses: {str(error).split('. ')[0].rstrip('.')}."
                        yield from (Failed(index=cell.index, reason=reason) for cell in lane.cells)
                        continue
                    yield from (Started(cell=cell) for cell in lane.cells)
            lanes = [lane for lane in lanes if lane not in refused]
            under_way = [lane.cohort for lane in chosen if lane.cohort]

            rows = [cohort.rows() for cohort in under_way]
            predictions = iter(evaluator.evaluate([row for own in rows for row in own]))
            for cohort, own in zip(under_way, rows, strict=True):
                cohort.advance([next(predictions) for _ in own])

            active = [cell.index for cohort in under_way for cell in cohort.cells]
            for index in active:
                seconds[index] += (time.perf_counter() - began) / len(active)
            for cohort in under_way:
                self._post(cohort, seconds, outbox)
            lanes = [lane for lane in lanes if not (lane.cohort and lane.cohort.is_done)]
            self.rows_computed = evaluator.rows_computed
            yield from outbox.collect(everything=not lanes)

    def _start(self, cells: Sequence[PaintCell], conditioning: Conditioning) -> Cohort:
        unet, vae = self._pipeline.unet, self._pipeline.vae
        latent = latent_extent(self._pipeline, cells[0].canvas.extent)
        return start_cohort(
            cells,
            Schedule(ScheduleKey.of(cells[0].params), self._pipeline.scheduler, str(unet.device)),
            conditioning,
            shape=(vae.config.latent_channels, latent.height, latent.width),
            device=unet.device,
            dtype=unet.dtype,
            blends=unet.config.in_channels != 9,
        )

    def _post(self, cohort: Cohort, seconds: dict[int, float], outbox: Outbox) -> None:
        previews = None if cohort.is_done else self._draw_previews(cohort.latents)
        for place, cell in enumerate(cohort.cells):
            outbox.post(
                lambda preview, cell=cell, step=cohort.index: Stepped(
                    cell=cell, step=step, of=len(cohort.schedule), preview=preview
                ),
                previews[place] if previews is not None else None,
            )
            if cohort.is_done:
                began = time.perf_counter()
                image = decode_latents(self._pipeline, cohort.latents[place])
                stages = {"denoise": seconds.pop(cell.index), "decode": time.perf_counter() - began}
                outbox.post(lambda pixels, cell=cell, stages=stages: _finished(cell, pixels, stages), image)

    def _draw_previews(self, latents: torch.Tensor) -> torch.Tensor | None:
        if not self._wants_previews:
            return None
        if self._preview is None:
            self._preview = LatentPreview(self._pipeline.vae, self._pipeline.vae_scale_factor)
        return self._preview(latents)


def _finished(cell: PaintCell, pixels: np.ndarray | None, stages: dict[str, float]) -> Finished:
    if pixels is None:
        raise RuntimeError("a finished cell has no picture")
    return Finished(cell=cell, image=pixels, seconds=stages)
