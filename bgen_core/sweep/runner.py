"""The runner: takes a sweep from its plan to committed runs, as a generator of events."""

import logging
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import Device, MemoryMeter, find_device
from bgen_core.models.revision import ModelSource, find_model
from bgen_core.runs.record import RunRecord
from bgen_core.runs.store import Store
from bgen_core.settings import Settings
from bgen_core.subject.compositing import composite
from bgen_core.subject.matting import edge_colours
from bgen_core.subject.subject import Subject
from bgen_core.sweep.canvas import choose_model_extent, make_canvas
from bgen_core.sweep.events import Canvas, Committed, Failed, Finished, Inpainter, PaintCell, RunnerEvent
from bgen_core.sweep.inpainters import load_inpainter
from bgen_core.sweep.plan import SweepCell, SweepPlan, address_plan, pixel_versions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model on its device, ready to paint."""

    source: ModelSource
    inpainter: Inpainter
    factor: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """What all cells of one sweep share; `colours` are the subject's own in its soft edge, estimated once."""

    sweep_id: str
    owner: str
    subject: Subject
    colours: np.ndarray
    model: LoadedModel
    extent: Extent


class Runner:
    """Computes sweeps, one after another, and keeps the model loaded between them.

    Parameters
    ----------
    store, settings
        Where results go, and which device to use.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._loaded: LoadedModel | None = None
        self.device: Device = find_device(settings.device)

    def prepare(self, model: str) -> LoadedModel:
        """Load a model, unless these very weights are loaded already.

        Raises
        ------
        ModelLoadError
            The model cannot be found or loaded.
        """
        source = find_model(model)
        if self._loaded is None or self._loaded.source.revision != source.revision:
            self._loaded = None  # frees the old model before the new one needs its place
            inpainter, factor = load_inpainter(source, self.device, tuning_folder=self._settings.home / "tuning")
            self._loaded = LoadedModel(source=source, inpainter=inpainter, factor=factor)
        return self._loaded

    def warm_up(self) -> None:
        """Load the deployment's model, and measure its speed where that was never done on this device.

        A model that cannot be loaded is only logged: the first sweep that wants it says why.
        """
        try:
            model = self.prepare(self._settings.model)
        except BgenError:
            logger.warning("the model %r is not ready", self._settings.model, exc_info=True)
            return
        square = Extent(width=model.source.entry.side, height=model.source.entry.side)
        model.inpainter.tune(square)

    def run(self, sweep_id: str) -> Generator[RunnerEvent]:
        """Compute what is missing of a sweep; each picture is committed before its event is seen.

        Closing the generator stops within one evaluation of the model and keeps what is done.

        Raises
        ------
        UserInputError
            The sweep, its subject or its model is gone, or its weights changed since it was planned.
        """
        sweep = self._store.get_sweep(sweep_id)
        plan = SweepPlan.from_json(sweep.plan)
        rows = self._store.sweep_cells(sweep_id)
        for row in rows:
            if row.done:
                yield Committed(index=row.index, run_id=row.run_id, reused=True)
            elif row.error:
                self._store.set_cell_error(sweep_id, row.index, "")  # it is tried again
        missing = {row.index: row.run_id for row in rows if not row.done}
        if not missing:
            return
        subject = self._store.load_subject(plan.subject_id)
        model = self.prepare(plan.model)
        self._check_addresses(plan, model.source, [row.run_id for row in rows])
        cells = [cell for cell in plan.cells() if cell.index in missing]
        work = _Work(
            sweep_id=sweep_id,
            owner=sweep.owner,
            subject=subject,
            colours=edge_colours(subject.image, subject.alpha),
            model=model,
            extent=choose_model_extent(subject.extent, side=model.source.entry.side, factor=model.factor),
        )
        yield from self._paint(work, cells, missing)

    def _check_addresses(self, plan: SweepPlan, source: ModelSource, planned: list[str]) -> None:
        kind, dtype = self.device.kind, self.device.dtype_name
        if address_plan(plan, source.revision, device_kind=kind, dtype_name=dtype) != planned:
            raise UserInputError(
                f"the model {source.name!r}, the device or a library has changed since this sweep was planned: "
                "start it again; what is made already stays in the table."
            )

    def _paint(self, work: _Work, cells: list[SweepCell], run_ids: dict[int, str]) -> Iterator[RunnerEvent]:
        painted: list[PaintCell] = []
        for prepared in _prepare_cells(work.subject, cells, work.extent):
            if isinstance(prepared, PaintCell):
                painted.append(prepared)
            else:
                self._store.set_cell_error(work.sweep_id, prepared.index, prepared.reason)
                yield prepared
        memory = MemoryMeter(self.device)
        memory.reset()
        for event in work.model.inpainter.paint(painted):
            memory.sample()
            if isinstance(event, Finished):
                run_id = run_ids[event.cell.index]
                self._commit(event, run_id, work, memory.peak_mb)
                yield Committed(index=event.cell.index, run_id=run_id, reused=False)
            elif isinstance(event, Failed):
                self._store.set_cell_error(work.sweep_id, event.index, event.reason)
                yield event
            else:
                yield event

    def _commit(self, event: Finished, run_id: str, work: _Work, peak_memory_mb: float) -> None:
        subject, source = work.subject, work.model.source
        began = time.perf_counter()
        image = composite(subject.image, subject.alpha, event.image, colours=work.colours)
        seconds = event.seconds | {"composite": time.perf_counter() - began}
        record = RunRecord(
            id=run_id,
            subject_id=subject.id,
            subject_name=subject.name,
            params=event.cell.params,
            model=source.name,
            model_revision=source.revision,
            extent=subject.extent,
            model_extent=work.extent,
            device=self.device.name,
            dtype=self.device.dtype_name,
            versions=pixel_versions(),
            seconds={stage: round(spent, 4) for stage, spent in seconds.items()},
            peak_memory_mb=round(peak_memory_mb, 1),
            owner=work.owner,
        )
        self._store.commit_run(record, image=image, raw=event.image)


def _prepare_cells(subject: Subject, cells: list[SweepCell], extent: Extent) -> Iterator[PaintCell | Failed]:
    """Cells of one mask policy share one canvas, which the inpainter then encodes once."""
    canvases: dict[tuple[float, float], Canvas] = {}
    for cell in cells:
        policy = (cell.params.mask_grow, cell.params.mask_feather)
        try:
            if policy not in canvases:
                canvases[policy] = make_canvas(subject, cell.params, extent)
            yield PaintCell(index=cell.index, params=cell.params, canvas=canvases[policy])
        except UserInputError as error:  # this policy leaves nothing to keep or to repaint: the other cells go on
            yield Failed(index=cell.index, reason=str(error))
