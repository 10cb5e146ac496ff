"""The loop: continuous batching of cells through one network."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from bgen_core.errors import OutOfMemoryError, UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import is_lasting_device_fault, is_out_of_memory
from bgen_core.models.family_table import STABLE_DIFFUSION, family_of
from bgen_core.subject.decoding.image_io import resize
from bgen_core.sweep.adapters import Adapters
from bgen_core.sweep.cell_faults import NO_NUMBERS, TOO_LARGE, reason_of
from bgen_core.sweep.detail.detail_pass import DetailPass
from bgen_core.sweep.engine.batch_size import measured_extent, whole_tuning
from bgen_core.sweep.engine.cohort import Cohort, start_cohort
from bgen_core.sweep.engine.decoding import LatentPreview, in_tiles, to_pixels
from bgen_core.sweep.engine.denoisers import make_denoiser
from bgen_core.sweep.engine.feed import WINDOW, Alike, Feed
from bgen_core.sweep.engine.network.lead import Lead
from bgen_core.sweep.engine.outbox import Outbox
from bgen_core.sweep.engine.picture_batches import PictureDecoder
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.engine.timetable import Lane, choose_lanes, form_lanes
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.family_rules import paints_in_tiles, refusal_of
from bgen_core.sweep.steering.ip_adapter import ReferenceAdapter
from bgen_core.sweep.tuning import BatchTuning, BatchTunings, TuningPlace

logger = logging.getLogger(__name__)

PREVIEW_SECONDS = 0.4  # between two previews of a cell; the pages look about once a second


class BatchedInpainter:
    """Inpainter for the families that `make_denoiser` knows.

    Parameters
    ----------
    pipeline
        A loaded diffusers inpainting pipeline.
    tuning_place
        Where batch sizes are kept, one file for each picture size; None measures once and keeps it in memory.
    previews
        Whether `Stepped` carries a small picture.
    is_watched
        Whether somebody looks: no preview is drawn while nobody does.

    Raises
    ------
    ValueError
        The engine does not know the pipeline.
    """

    def __init__(
        self,
        pipeline: Any,
        *,
        tuning_place: TuningPlace | None = None,
        previews: bool = True,
        is_watched: Callable[[], bool] = lambda: True,
    ) -> None:
        denoiser = make_denoiser(pipeline)
        if denoiser is None:
            raise ValueError(f"{type(pipeline).__name__} is no pipeline of the engine")
        self.denoiser = denoiser
        self.multiple = denoiser.multiple
        self.tunings = BatchTunings(tuning_place)
        self.rows_computed = 0
        self._rows_before = 0
        self._family = family_of(pipeline) or STABLE_DIFFUSION
        self._pipeline = pipeline
        self._adapters = Adapters(pipeline, self._family.title)
        self._references = ReferenceAdapter(pipeline, self._family.title)
        self._preview: LatentPreview | None = None
        self._is_watched = is_watched
        if previews:
            self._make_preview = partial(LatentPreview, denoiser, pipeline.vae_scale_factor)
        else:
            self._make_preview = None

    @property
    def rows_in_all(self) -> int:
        """Rows computed since the model was loaded; `rows_computed` is of the last call of `paint` alone."""
        return self._rows_before + self.rows_computed

    @torch.inference_mode()
    def tune(self, extent: Extent) -> None:
        """Measure batch size and quantum for that size; see `Inpainter.tune`."""
        self._tuning(extent)

    def is_tuned(self, extent: Extent) -> bool:
        """See `Inpainter.is_tuned`."""
        return self.tunings.are_known(extent)

    def _tuning(self, extent: Extent) -> BatchTuning:
        self._references.use(())  # what is measured has no reference picture
        with self.denoiser.network.as_it_is():
            tuning = self.tunings.get(extent, partial(whole_tuning, self.denoiser, extent))
        if len(self.denoiser.network.layouts) > 1:
            self.denoiser.network.settle_layout(tuning.layout)
        self.denoiser.network.attend(tuning.attention)
        return tuning

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """Paint the cells, which are asked for while others are under way; see `Inpainter.paint`."""
        detail = DetailPass(self._paint, ticks=self.denoiser.evaluations, grain=self.multiple)
        yield from detail.paint(cells)

    @torch.inference_mode()
    def _paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        feed = self._feed(cells)
        self._rows_before += self.rows_computed
        self.rows_computed = 0
        while (alike := feed.next_alike()) is not None:
            yield from feed.refused()
            try:
                with in_tiles(self._pipeline, alike.in_tiles):
                    tuning = self._tuning(feed.extent)
            except OutOfMemoryError:
                raise
            except Exception as error:
                yield from feed.take_all(self._fault(error))
                break
            try:
                if self._adapters.use(alike.loras):
                    self.denoiser.forget_prompts()
                self._references.use(feed.waiting(alike))
                self.denoiser.network.is_plain = not alike.loras and alike.reference is None
            except Exception as error:
                yield from _failed(feed.take(alike), self._fault(error))
                self.denoiser.forget_prompts()
                continue
            try:
                with in_tiles(self._pipeline, alike.in_tiles):
                    yield from self._paint_alike(feed, alike, tuning)
            finally:
                self._references.use(())
        yield from feed.refused()

    def _feed(self, cells: Iterable[PaintCell | None]) -> Feed:
        return Feed(
            cells,
            refusal_of=lambda cell: refusal_of(self._family, cell.params),
            alike_of=lambda cell: Alike(
                loras=cell.loras,
                reference=cell.reference and cell.reference.weight,
                in_tiles=paints_in_tiles(self._family, cell.params),
                extent=self.denoiser.painted_extent(cell),
            ),
            multiple=self.multiple,
        )

    def _paint_alike(self, feed: Feed, alike: Alike, tuning: BatchTuning) -> Generator[Event]:
        """Cells of one size and with the same adapters. Those in whose company something failed are painted alone then:
        what cannot be done for one of them costs the others nothing.
        """
        extent, before, began_all = alike.extent, self.rows_computed, time.perf_counter()
        evaluator = RowEvaluator.tuned(self.denoiser, extent, tuning)
        decoder = PictureDecoder(self.denoiser, extent, tuning.decoded_together or 1)
        outbox, lead = Outbox(), Lead(self.denoiser.device)
        seconds: dict[int, float] = {}
        alone: list[PaintCell] = []
        lanes: list[Lane] = []
        came = 0
        while True:
            lanes = self._wanted(lanes, evaluator.batch_size)
            if sum(len(lane.cells) for lane in lanes if lane.cohort is None) < WINDOW // 2:
                more = feed.take(alike)
                yield from feed.refused()
                came += len(more)
                try:
                    self._references.take_in(more)
                except Exception as error:
                    yield from _failed(more, self._fault(error))
                    continue
                seconds |= dict.fromkeys((cell.index for cell in more), 0.0)
                lanes += self._form_lanes(more, evaluator.batch_size)
            if not lanes:
                break
            began = time.perf_counter()
            chosen = choose_lanes(lanes, evaluator.batch_size)
            for lane in [lane for lane in chosen if lane.cohort is None]:
                try:
                    lane.cohort = start_cohort(self.denoiser, self._references, lane.cells)
                except Exception as error:
                    lanes.remove(lane)
                    if came > 1:
                        self._check_device(error)
                        alone += lane.cells
                    else:
                        yield from _failed(lane.cells, self._fault(error))
                else:
                    yield from (Started(cell=cell) for cell in lane.cells)
            under_way = [lane.cohort for lane in chosen if lane.cohort]
            try:
                self._advance(under_way, evaluator)
                lead.keep()
            except OutOfMemoryError:
                raise
            except Exception as error:  # the library's own code, on a checkpoint that nobody here has seen
                stopped = [lane for lane in chosen if lane.cohort]
                lanes = [lane for lane in lanes if lane not in stopped]
                cells = [cell for lane in stopped if lane.cohort for cell in lane.cohort.cells_left]
                if came > 1:
                    self._check_device(error)
                    alone += cells
                else:
                    yield from _failed(cells, self._fault(error))
                continue

            for lane in chosen:
                lane.rows = lane.cohort.row_count if lane.cohort else lane.rows
            active = [cell.index for cohort in under_way for cell in cohort.cells_left]
            for index in active:
                seconds[index] += (time.perf_counter() - began) / len(active)
            decoded = decoder.decode([cohort.latents[cohort.left] for cohort in under_way if cohort.is_done])
            for cohort in under_way:
                self._post(cohort, seconds, outbox, decoded, evaluator.batches, extent)
            lanes = [lane for lane in lanes if not (lane.cohort and lane.cohort.is_done)]
            self.rows_computed = before + evaluator.rows_computed
            yield from outbox.collect(everything=not lanes)
        yield from outbox.collect(everything=True)
        if not self.denoiser.network.is_compiled and extent == measured_extent(self.denoiser, feed.extent):
            self.tunings.compare(feed.extent, rows=evaluator.rows_computed, seconds=time.perf_counter() - began_all)
        for cell in alone:
            single = self._feed([cell])
            single.next_alike()
            yield from self._paint_alike(single, alike, tuning)

    def _form_lanes(self, cells: Sequence[PaintCell], batch_size: int) -> list[Lane]:
        return form_lanes(
            cells,
            batch_size,
            rows=lambda params: len(self.denoiser.texts(params)),
            ticks=self.denoiser.evaluations,
        )

    def _wanted(self, lanes: list[Lane], batch_size: int) -> list[Lane]:
        """The lanes without cells that wait, or are under way, in vain."""
        for lane in lanes:
            if lane.cohort:
                lane.cohort.leave_out_unwanted()
                lane.rows = lane.cohort.row_count
        lanes = [lane for lane in lanes if lane.cohort is None or lane.cohort.left]
        waiting = [cell for lane in lanes if lane.cohort is None for cell in lane.cells]
        wanted = [cell for cell in waiting if cell.is_wanted()]
        if len(wanted) == len(waiting):
            return lanes
        return [lane for lane in lanes if lane.cohort] + self._form_lanes(wanted, batch_size)

    def _fault(self, error: Exception) -> str:
        """Why a cell could not be made."""
        self._check_device(error)
        if isinstance(error, UserInputError):
            return str(error)
        if is_out_of_memory(error):
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

    def _post(
        self,
        cohort: Cohort,
        seconds: dict[int, float],
        outbox: Outbox,
        decoded: Iterator[tuple[torch.Tensor | Exception, float]],
        batches: dict[str, str],
        extent: Extent,
    ) -> None:
        previews = None if cohort.is_done else self._draw_previews(cohort, extent)
        looks = self._preview_of(cohort.expected, extent) if cohort.expected is not None else None
        for place, cell in zip(cohort.left, cohort.cells_left, strict=True):
            is_look = looks is not None and cohort.is_looked_at(place)
            shown = looks if is_look else previews
            outbox.post(
                lambda preview, cell=cell, step=cohort.index, is_look=is_look: Stepped(
                    cell=cell, step=step, of=len(cohort.schedule), preview=preview, is_look=is_look
                ),
                shown[place] if shown is not None else None,
            )
            if cohort.is_done:
                picture, took = next(decoded)
                if isinstance(picture, Exception):
                    failed = Failed(index=cell.index, reason=self._fault(picture))
                    outbox.post(lambda sent, failed=failed: failed)
                    continue
                finite = picture.isfinite().all().to(torch.uint8)
                made = _Made(
                    engine=self.denoiser.network.told(cohort.ways),
                    batches=batches,
                    seconds={"denoise": seconds.pop(cell.index), "decode": took},
                )
                outbox.post(
                    lambda sent, cell=cell, made=made: _finished(cell, extent, sent, made),
                    torch.cat([finite[None], to_pixels(picture).flatten()]),
                )

    def _draw_previews(self, cohort: Cohort, extent: Extent) -> torch.Tensor | None:
        """None where nobody could see them: nobody looks, or not that often."""
        now = time.monotonic()
        if self._make_preview is None or now < cohort.drawn + PREVIEW_SECONDS or not self._is_watched():
            return None
        cohort.drawn = now
        return self._preview_of(cohort.latents, extent)

    def _preview_of(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor | None:
        if self._make_preview is None:
            return None
        if self._preview is None:
            self._preview = self._make_preview()
        return self._preview(self.denoiser.as_image(latents, extent))


def _failed(cells: Sequence[PaintCell], reason: str) -> Iterator[Event]:
    yield from (Failed(index=cell.index, reason=reason) for cell in cells)


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What `Finished` says beside the picture."""

    engine: str
    batches: dict[str, str]
    seconds: dict[str, float]


def _finished(cell: PaintCell, extent: Extent, sent: np.ndarray | None, made: _Made) -> Event:
    """From what came from the device: whether all values were numbers, and the pixels of a picture of that size."""
    if sent is None:
        raise RuntimeError("a finished cell has no picture")
    if not sent[0]:
        return Failed(index=cell.index, reason=NO_NUMBERS)
    image = resize(sent[1:].reshape(extent.height, extent.width, 3), cell.canvas.extent)
    return Finished(cell=cell, image=image, seconds=made.seconds, engine=made.engine, batches=made.batches)
