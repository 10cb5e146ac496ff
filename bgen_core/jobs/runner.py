"""The runner: takes a sweep from its plan to committed runs, as a generator of events."""

import logging
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from bgen_core.errors import BgenError, LostPictureError, OutOfMemoryError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RawId, RunId, SubjectId, SweepId
from bgen_core.jobs.claims import PaintingClaims
from bgen_core.jobs.kept_models import KeptModels, LoadedModel
from bgen_core.models.default_model import default_model
from bgen_core.models.devices import Device, MemoryMeter, find_device
from bgen_core.models.hub.download import Fetching
from bgen_core.models.loras import LoraFile, find_loras
from bgen_core.models.model_files import fetch_missing
from bgen_core.models.placement import Placement
from bgen_core.models.revision import find_model
from bgen_core.records.run import PaintedRun, RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.matting import edge_colours
from bgen_core.subject.pasting.compositing import composite
from bgen_core.subject.subject import Subject
from bgen_core.sweep.applied_loras import applied_loras, lora_versions
from bgen_core.sweep.canvas import choose_model_extent, prepare_cells
from bgen_core.sweep.events import (
    Committed,
    Failed,
    Finished,
    PaintCell,
    RunnerEvent,
    Waiting,
)
from bgen_core.sweep.family_rules import paints_in_tiles, settled
from bgen_core.sweep.plan import CellAddress, SweepCell, SweepPlan, address_plan, pixel_versions
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

CLAIM_SECONDS = 0.5  # how often one looks whether another process has finished a picture


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """What the cells of one model and one subject share; `colours` are the subject's own in its soft edge."""

    sweep: SweepRecord
    subject: Subject
    colours: np.ndarray
    model: LoadedModel
    extent: Extent
    loras: dict[str, LoraFile]
    addresses: dict[int, CellAddress]


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
        self._claims = PaintingClaims(settings.home / "worker" / "painting.claims")
        self.device: Device = find_device(settings.device, settings.precision)
        self._models = KeptModels(settings, self.device)

    def prepare(self, model: str) -> LoadedModel:
        """Load a model, unless these very weights are loaded already.

        Raises
        ------
        ModelLoadError
            The model cannot be found or loaded.
        """
        return self._models.get(model)

    def fetch(self, model: str) -> Generator[Fetching]:
        """Fetch what of a model is not on this machine; `prepare` would do so without a word.

        Raises
        ------
        ModelLoadError
            The model cannot be found or fetched.
        """
        source = find_model(model)
        dtype_name = self.device.for_family(source.family).dtype_name
        yield from fetch_missing(source, dtype_name, with_safety_checker=self._settings.safety_checker)

    def warm_up(self) -> Generator[Fetching]:
        """Load the deployment's model, and measure its speed where that was never done on this device.

        A model that cannot be loaded is only logged: the first sweep that wants it says why.
        """
        name = default_model(self._settings)
        try:
            yield from self.fetch(name)
            model = self.prepare(name)
        except BgenError:
            logger.warning("the model %r is not ready", name, exc_info=True)
            return
        square = Extent(width=model.source.entry.side, height=model.source.entry.side)
        model.inpainter.tune(square)

    def run(self, sweep_id: SweepId) -> Generator[RunnerEvent]:
        """Compute what is missing of a sweep; each picture is committed before its event is seen.

        Closing the generator stops within one evaluation of the model and keeps what is done. Cells that failed before
        are left alone until their error is cleared in the store.

        Raises
        ------
        UserInputError
            The sweep is gone; or none of its cells can be made, because their subject or model is gone or changed.
        """
        sweep = self._store.sweeps.get(sweep_id)
        plan = SweepPlan.from_json(sweep.plan)
        rows = self._store.sweeps.cells(sweep_id)
        for row in rows:
            if row.done:
                yield Committed(index=row.index, run_id=row.run_id, reused=True)
        missing = {row.index: row.run_id for row in rows if not row.done and not row.error}
        groups = group_cells(cell for cell in plan.cells() if cell.index in missing)
        # What changes at the highest price varies slowest: models are loaded once, then subjects.
        for (model, subject_id), cells in groups.items():
            try:
                planned = {cell.index: missing[cell.index] for cell in cells}
                work = yield from self._begin(sweep, plan, model, subject_id, planned)
            except (UserInputError, LostPictureError) as error:
                if len(groups) == 1:
                    raise
                for cell in cells:
                    yield self._fail(sweep_id, cell.index, error.public)
                continue
            family = work.model.source.family
            yield from self._make_sizes(work, [replace(cell, params=settled(family, cell.params)) for cell in cells])
            del work  # the next model may need this one's place

    def _begin(
        self, sweep: SweepRecord, plan: SweepPlan, model: str, subject_id: SubjectId, planned: dict[int, RunId]
    ) -> Generator[Fetching, None, _Work]:
        subject = self._store.subjects.load(subject_id)
        yield from self.fetch(model)
        loaded = self.prepare(model)
        part = replace(plan, only=tuple(planned))
        revisions = dict.fromkeys(plan.models, loaded.source.revision)
        kind, dtype = self.device.kind, self.device.dtype_name
        families = dict.fromkeys(plan.models, loaded.source.family)
        loras = find_loras(part.values_of("loras"), self._settings.lora_folder)
        addresses = address_plan(part, revisions, device_kind=kind, dtype_name=dtype, families=families, loras=loras)
        if {index: address.run_id for index, address in addresses.items()} != planned:
            raise UserInputError(
                f"the model {quoted(model)}, a LoRA, the device or a library has changed since this sweep was planned: "
                "start it again; what is made already stays in the table."
            )
        return _Work(
            sweep=sweep,
            subject=subject,
            colours=edge_colours(subject.image, subject.alpha),
            model=loaded,
            extent=_extent(subject, loaded, plan.base.side),
            loras=loras,
            addresses=addresses,
        )

    def _make_sizes(self, work: _Work, cells: list[SweepCell]) -> Generator[RunnerEvent]:
        """Side after side: what does not fit into the device's memory at one side may fit at another."""
        sides = dict.fromkeys(cell.params.side for cell in cells)
        for side in sides:
            left = {cell.index: cell for cell in cells if cell.params.side == side}
            sized = replace(work, extent=_extent(work.subject, work.model, side))
            try:
                for event in self._make(sized, list(left.values())):
                    if isinstance(event, Committed | Failed):
                        left.pop(event.index)
                    yield event
            except OutOfMemoryError as error:
                if len(sides) == 1:
                    raise
                for index in left:
                    yield self._fail(work.sweep.id, index, error.public)

    def _make(self, work: _Work, cells: list[SweepCell]) -> Generator[RunnerEvent]:
        """Cells that share a raw picture: it is painted once, or taken from the store, and pasted for each of them."""
        sharing: dict[RawId, list[SweepCell]] = {}
        for cell in cells:
            sharing.setdefault(work.addresses[cell.index].raw_id, []).append(cell)
        while sharing:
            mine = self._claims.claim(sharing)
            try:
                yield from self._paste_known(work, sharing)  # also what another process has finished meanwhile
                yield from self._paint(
                    work, {raw_id: sharing.pop(raw_id) for raw_id in list(sharing) if raw_id in mine}
                )
            finally:
                self._claims.release(mine)
            if sharing:
                yield Waiting(cells=len(sharing))
                time.sleep(CLAIM_SECONDS)

    def _paste_known(self, work: _Work, sharing: dict[RawId, list[SweepCell]]) -> Generator[RunnerEvent]:
        for raw_id, raw in self._store.runs.known_raws(sharing).items():
            try:
                picture = decode_photo(self._store.blobs.get(raw), name=raw, limits=STORED_LIMITS).image
            except (UserInputError, LostPictureError):
                logger.warning("the raw picture %s cannot be read: it is painted again", raw, exc_info=True)
                continue
            yield from self._commit_all(work, sharing.pop(raw_id), picture, {}, 0.0, raw=raw)

    def _paint(self, work: _Work, sharing: dict[RawId, list[SweepCell]]) -> Generator[RunnerEvent]:
        if not sharing:
            return
        groups = {group[0].index: group for group in sharing.values()}
        painted: list[PaintCell] = []
        for prepared in prepare_cells(work.subject, [group[0] for group in groups.values()], work.extent, work.loras):
            if isinstance(prepared, PaintCell):
                painted.append(prepared)
            else:
                yield from self._fail_all(work, groups[prepared.index], prepared.reason)
        memory = MemoryMeter(self.device)
        memory.reset()
        for event in work.model.inpainter.paint(painted):
            memory.sample()
            if isinstance(event, Finished):
                group = groups[event.cell.index]
                yield from self._commit_all(work, group, event.image, event.seconds, memory.peak_mb)
            elif isinstance(event, Failed):
                yield from self._fail_all(work, groups[event.index], event.reason)
            else:
                yield event

    def _commit_all(
        self,
        work: _Work,
        cells: list[SweepCell],
        picture: np.ndarray,
        seconds: dict[str, float],
        peak_memory_mb: float,
        *,
        raw: BlobHash | None = None,
    ) -> Iterator[RunnerEvent]:
        """Paste the subject before one raw picture for each cell; its seconds count for the first of them."""
        committed: dict[RunId, RunId] = {}
        for cell in cells:
            run_id = work.addresses[cell.index].run_id
            if run_id not in committed:
                run = self._commit(work, cell, picture, seconds, peak_memory_mb, raw=raw)
                seconds, raw, committed[run_id] = {}, run.raw, run.id
                yield Committed(index=cell.index, run_id=run_id, reused=False)
            else:
                yield Committed(index=cell.index, run_id=run_id, reused=True)

    def _fail_all(self, work: _Work, cells: list[SweepCell], reason: str) -> Iterator[RunnerEvent]:
        for cell in cells:
            yield self._fail(work.sweep.id, cell.index, reason)

    def _fail(self, sweep_id: SweepId, index: int, reason: str) -> Failed:
        self._store.sweeps.set_cell_error(sweep_id, index, reason)
        return Failed(index=index, reason=reason)

    def _commit(
        self,
        work: _Work,
        cell: SweepCell,
        picture: np.ndarray,
        seconds: dict[str, float],
        peak_memory_mb: float,
        *,
        raw: BlobHash | None,
    ) -> RunRecord:
        subject, source = work.subject, work.model.source
        began = time.perf_counter()
        options = cell.params.pasting
        image = composite(subject.image, subject.alpha, picture, colours=work.colours, options=options)
        seconds = seconds | {"composite": time.perf_counter() - began}
        run = PaintedRun(
            id=work.addresses[cell.index].run_id,
            raw_id=work.addresses[cell.index].raw_id,
            subject_id=subject.id,
            subject_name=subject.name,
            params=cell.params,
            model=source.name,
            model_revision=source.revision,
            extent=subject.extent,
            model_extent=work.extent,
            device=_told(self.device, work.model.placement, tiled=paints_in_tiles(source.family, cell.params)),
            dtype=source.family.number_format(self.device.dtype_name),
            versions=pixel_versions() | lora_versions(applied_loras(cell.params, work.loras)),
            seconds={stage: round(spent, 4) for stage, spent in seconds.items()},
            peak_memory_mb=round(peak_memory_mb, 1),
            created=datetime.now(UTC),
            owner=work.sweep.owner,
        )
        if raw is not None:
            return self._store.runs.commit_pasted(run, image=image, raw=raw)
        return self._store.runs.commit(run, image=image, raw_image=picture)


def _extent(subject: Subject, model: LoadedModel, side: int) -> Extent:
    return choose_model_extent(subject.extent, side=side or model.source.entry.side, factor=model.factor)


def _told(device: Device, placement: Placement, *, tiled: bool) -> str:
    way = "" if placement.offload == "none" else placement.way
    return ", ".join(filter(None, [device.name, way, "autoencoder in tiles" if tiled else ""]))


def group_cells(cells: Iterable[SweepCell]) -> dict[tuple[str, SubjectId], list[SweepCell]]:
    """Cells by model and subject, the models first: each group in the plan's order."""
    models: dict[str, dict[SubjectId, list[SweepCell]]] = {}
    for cell in cells:
        models.setdefault(cell.model, {}).setdefault(cell.subject_id, []).append(cell)
    return {(model, subject): group for model, subjects in models.items() for subject, group in subjects.items()}
