"""The loop: continuous batching of cells through one network."""

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bgen_core.errors import OutOfMemoryError, UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import is_lasting_device_fault
from bgen_core.models.family_table import STABLE_DIFFUSION, family_of
from bgen_core.subject.decoding.image_io import resize
from bgen_core.sweep.adapters import Adapters, by_loras
from bgen_core.sweep.cell_faults import NO_NUMBERS, TOO_LARGE, reason_of
from bgen_core.sweep.engine.batch_size import measure_batch
from bgen_core.sweep.engine.canvases import check_canvases
from bgen_core.sweep.engine.cohort import Cohort, start_cohort
from bgen_core.sweep.engine.decoding import LatentPreview, in_tiles, to_pixels
from bgen_core.sweep.engine.denoisers import make_denoiser
from bgen_core.sweep.engine.outbox import Outbox
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.engine.timetable import Lane, choose_lanes, form_lanes
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.family_rules import paints_in_tiles, refusal_of
from bgen_core.sweep.tuning import BatchTuning, BatchTunings

logger = logging.getLogger(__name__)


class BatchedInpainter:
    """Inpainter for the families that `make_denoiser` knows.

    Parameters
    ----------
    pipeline
        A loaded diffusers inpainting pipeline.
    tuning_folder
        Where batch sizes are kept, one file for each picture size; None measures once and keeps it in memory.
    previews
        Whether `Stepped` carries a small picture.

    Raises
    ------
    ValueError
        The engine does not know the pipeline.
    """

    def __init__(self, pipeline: Any, *, tuning_folder: Path | None = None, previews: bool = True) -> None:
        denoiser = make_denoiser(pipeline)
        if denoiser is None:
            raise ValueError(f"{type(pipeline).__name__} is no pipeline of the engine")
        self.denoiser = denoiser
        self.multiple = denoiser.multiple
        self.tunings = BatchTunings(tuning_folder)
        self.rows_computed = 0
        self._family = family_of(pipeline) or STABLE_DIFFUSION
        self._pipeline = pipeline
        self._adapters = Adapters(pipeline, self._family.title)
        self._preview: LatentPreview | None = None
        if previews:
            self._make_preview = partial(LatentPreview, denoiser, pipeline.vae_scale_factor)
        else:
            self._make_preview = None

    @torch.inference_mode()
    def tune(self, extent: Extent) -> None:
        """Measure batch size and quantum for that size; see `Inpainter.tune`."""
        self._tuning(extent)

    def _tuning(self, extent: Extent) -> BatchTuning:
        return self.tunings.get(extent, lambda: measure_batch(self.denoiser, extent))

    @torch.inference_mode()
    def paint(self, cells: Sequence[PaintCell]) -> Generator[Event]:
        """Paint the cells; see `Inpainter.paint`."""
        if not cells:
            return
        check_canvases(cells, self.multiple)
        refusals = {cell.index: refusal_of(self._family, cell.params) for cell in cells}
        yield from (Failed(index=index, reason=reason) for index, reason in refusals.items() if reason)
        cells = [cell for cell in cells if not refusals[cell.index]]
        if not cells:
            return
        extent = cells[0].canvas.extent
        self.rows_computed = 0
        try:
            with in_tiles(self._pipeline, any(paints_in_tiles(self._family, cell.params) for cell in cells)):
                tuning = self._tuning(extent)
        except OutOfMemoryError:
            raise
        except Exception as error:
            yield from _failed(cells, self._fault(error))
            return
        for loras, group in by_loras(cells):
            try:
                if self._adapters.use(loras):
                    self.denoiser.forget_prompts()
            except Exception as error:
                yield from _failed(group, self._fault(error))
                self.denoiser.forget_prompts()
                continue
            for tiled, alike in self._by_extent(group):
                with in_tiles(self._pipeline, tiled):
                    yield from self._paint_alike(alike, tuning)

    def _by_extent(self, cells: Sequence[PaintCell]) -> Iterator[tuple[bool, list[PaintCell]]]:
        """The cells that are painted at one size, which alone may share a call of the network; whether in tiles."""
        groups: dict[tuple[bool, Extent], list[PaintCell]] = {}
        for cell in cells:
            key = (paints_in_tiles(self._family, cell.params), self.denoiser.painted_extent(cell))
            groups.setdefault(key, []).append(cell)
        yield from ((tiled, group) for (tiled, _), group in groups.items())

    def _paint_alike(self, cells: Sequence[PaintCell], tuning: BatchTuning) -> Generator[Event]:
        """Cells of one size and with the same LoRAs. Those in whose company something failed are painted alone then:
        what cannot be done for one of them costs the others nothing.
        """
        extent, before = self.denoiser.painted_extent(cells[0]), self.rows_computed
        evaluator = RowEvaluator(self.denoiser, extent=extent, batch_size=tuning.batch_size, quantum=tuning.quantum)
        outbox = Outbox()
        seconds = dict.fromkeys((cell.index for cell in cells), 0.0)
        alone: list[PaintCell] = []
        lanes: list[Lane] = form_lanes(
            cells,
            evaluator.batch_size,
            rows=lambda params: len(self.denoiser.texts(params)),
            ticks=self.denoiser.evaluations,
        )
        while lanes:
            began = time.perf_counter()
            chosen = choose_lanes(lanes, evaluator.batch_size)
            for lane in [lane for lane in chosen if lane.cohort is None]:
                try:
                    lane.cohort = start_cohort(self.denoiser, lane.cells)
                except Exception as error:
                    lanes.remove(lane)
                    if len(cells) > 1:
                        self._check_device(error)
                        alone += lane.cells
                    else:
                        yield from _failed(cells, self._fault(error))
                else:
                    yield from (Started(cell=cell) for cell in lane.cells)
            under_way = [lane.cohort for lane in chosen if lane.cohort]
            try:
                self._advance(under_way, evaluator)
            except OutOfMemoryError:
                raise
            except Exception as error:  # the library's own code, on a checkpoint that nobody here has seen
                stopped = [lane for lane in chosen if lane.cohort]
                lanes = [lane for lane in lanes if lane not in stopped]
                if len(cells) > 1:
                    self._check_device(error)
                    alone += (cell for lane in stopped for cell in lane.cells)
                else:
                    yield from _failed(cells, self._fault(error))
                continue

            for lane in chosen:
                lane.rows = lane.cohort.row_count if lane.cohort else lane.rows
            active = [cell.index for cohort in under_way for cell in cohort.cells]
            for index in active:
                seconds[index] += (time.perf_counter() - began) / len(active)
            for cohort in under_way:
                self._post(cohort, seconds, outbox, extent)
            lanes = [lane for lane in lanes if not (lane.cohort and lane.cohort.is_done)]
            self.rows_computed = before + evaluator.rows_computed
            yield from outbox.collect(everything=not lanes)
        yield from outbox.collect(everything=True)
        for cell in alone:
            yield from self._paint_alike([cell], tuning)

    def _fault(self, error: Exception) -> str:
        """Why a cell could not be made."""
        self._check_device(error)
        if isinstance(error, UserInputError):
            return str(error)
        if isinstance(error, torch.OutOfMemoryError):
            return TOO_LARGE
        logger.error("%s could not make a cell", self._family.title, exc_info=error)
        return reason_of(error, self._family.title)

    def _check_device(self, error: Exception) -> None:
        if is_lasting_device_fault(error):
            raise error

    def _advance(self, cohorts: Sequence[Cohort], evaluator: RowEvaluator) -> None:
        rows = [cohort.rows() for cohort in cohorts]
        predictions = iter(evaluator.evaluate([row for own in rows for row in own]))
        for cohort, own in zip(cohorts, rows, strict=True):
            cohort.advance([next(predictions) for _ in own])

    def _post(self, cohort: Cohort, seconds: dict[int, float], outbox: Outbox, extent: Extent) -> None:
        previews = None if cohort.is_done else self._draw_previews(cohort.latents, extent)
        for place, cell in enumerate(cohort.cells):
            outbox.post(
                lambda preview, cell=cell, step=cohort.index: Stepped(
                    cell=cell, step=step, of=len(cohort.schedule), preview=preview
                ),
                previews[place] if previews is not None else None,
            )
            if cohort.is_done:
                began = time.perf_counter()
                try:
                    decoded = self.denoiser.decode(cohort.latents[place], extent)
                except Exception as error:
                    failed = Failed(index=cell.index, reason=self._fault(error))
                    outbox.post(lambda sent, failed=failed: failed)
                    continue
                finite = decoded.isfinite().all().to(torch.uint8)
                stages = {"denoise": seconds.pop(cell.index), "decode": time.perf_counter() - began}
                outbox.post(
                    lambda sent, cell=cell, stages=stages: _finished(cell, extent, sent, stages),
                    torch.cat([finite[None], to_pixels(decoded).flatten()]),
                )

    def _draw_previews(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor | None:
        if self._make_preview is None:
            return None
        if self._preview is None:
            self._preview = self._make_preview()
        return self._preview(self.denoiser.as_image(latents, extent))


def _failed(cells: Sequence[PaintCell], reason: str) -> Iterator[Event]:
    yield from (Failed(index=cell.index, reason=reason) for cell in cells)


def _finished(cell: PaintCell, extent: Extent, sent: np.ndarray | None, stages: dict[str, float]) -> Event:
    """From what came from the device: whether all values were numbers, and the pixels of a picture of that size."""
    if sent is None:
        raise RuntimeError("a finished cell has no picture")
    if not sent[0]:
        return Failed(index=cell.index, reason=NO_NUMBERS)
    image = resize(sent[1:].reshape(extent.height, extent.width, 3), cell.canvas.extent)
    return Finished(cell=cell, image=image, seconds=stages)
