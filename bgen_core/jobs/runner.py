"""The runner: takes a sweep from its plan to committed runs, as a generator of events."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import RawId, SweepId
from bgen_core.jobs.early.kept_runs import early_note
from bgen_core.jobs.early.looks import EarlyLooks
from bgen_core.jobs.kept_models import KeptModels, LoadedModel
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.running.commits import Commits
from bgen_core.jobs.running.engine_call import Asked, OpenEngine
from bgen_core.jobs.running.painting import Painting
from bgen_core.jobs.running.planned import Planned, Plans
from bgen_core.jobs.running.redraws import Redraws
from bgen_core.jobs.running.share import Share
from bgen_core.jobs.running.turn import Turn
from bgen_core.jobs.running.work import Painted
from bgen_core.jobs.running.work_planner import WorkPlanner
from bgen_core.jobs.watching.painters import SPEED
from bgen_core.models.default_model import default_model
from bgen_core.models.devices import Device, find_device, free_bytes, is_lasting_device_fault, memory_bytes
from bgen_core.models.hub.download import Fetching
from bgen_core.models.model_files import fetch_missing
from bgen_core.models.revision import find_model
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Inpainter, RunnerEvent
from bgen_core.sweep.plan import SweepCell

logger = logging.getLogger(__name__)


class Runner:
    """Computes sweeps, one after another, and keeps the model loaded between them.

    Parameters
    ----------
    store, settings
        Where results go, and which device to use.
    member
        In whose name pictures are claimed. None is enough for seconds: nobody beats.
    next_sweep
        Takes the sweep that will be run after the one under way, or None; its first cells are begun with that one's
        last, if they are of the same model and size. None where nothing follows.
    next_after
        The sweep to which the one under way gives way, as soon as it has had its turn, or None while nobody else
        waits. None where others are not served.
    share
        By what it takes its part of sweeps that several processes paint; None where it paints whole sweeps.
    tunings
        Where measured batch sizes are kept; None keeps them in the store.
    models
        Those that are loaded already, on the device of the settings; None begins with none.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        member: Member | None = None,
        *,
        next_sweep: Callable[[], SweepRecord | None] | None = None,
        next_after: Callable[[SweepId], SweepRecord | None] | None = None,
        share: Share | None = None,
        tunings: Tunings | None = None,
        models: KeptModels | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._claims = PaintingClaims(member or Member(store, "command line"))
        self.device: Device = find_device(settings.device, settings.precision)
        self._models = models or KeptModels(settings, self.device, store, tunings)
        self._stopping = False
        self._unstored: dict[RawId, Painted] = {}
        self._next_sweep = next_sweep
        self._next_after = next_after
        self._share = share
        self._turn: Turn | None = None
        self._plans = Plans()
        self._planner = WorkPlanner(store, settings, self.device, self._models, self._plans)
        self._engine = OpenEngine(self._claims.release)
        self._early: EarlyLooks | None = None

    @property
    def settings(self) -> Settings:
        """Those that it runs with."""
        return self._settings

    @property
    def models(self) -> KeptModels:
        """What is loaded."""
        return self._models

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

        A model that cannot be loaded or measured is only logged: the first sweep that wants it says why.
        """
        name = default_model(self._settings)
        try:
            yield from self.fetch(name)
            model = self.prepare(name)
            model.inpainter.tune(Extent(width=model.source.entry.side, height=model.source.entry.side))
        except BgenError:
            logger.warning("the model %r is not ready", name, exc_info=True)
        except Exception as error:
            if is_lasting_device_fault(error):
                raise
            logger.exception("the model %r cannot be measured", name)

    def stop(self) -> None:
        """Let `run` paint no more: it ends when what is painted is committed and told."""
        self._stopping = True

    def figures(self) -> dict[str, float]:
        """Rows computed, and memory of the device in bytes where it is a GPU; from any thread."""
        rows = {"rows": float(self._models.rows)}
        if self._share is not None:
            rows[SPEED] = self._share.pace.rows_per_second
        if not self.device.kind.startswith("cuda"):
            return rows
        whole = memory_bytes(self.device)
        return rows | {"gpu_bytes": float(whole), "gpu_used_bytes": float(whole - free_bytes(self.device))}

    @property
    def shares(self) -> bool:
        """Whether others may paint the same sweep: what this one has not made may be in their hands."""
        return self._share is not None

    @property
    def gave_way(self) -> bool:
        """Whether the last `run` left cells to be made, because others wait."""
        return self._turn is not None and self._turn.is_over

    def run(self, sweep_id: SweepId) -> Generator[RunnerEvent]:
        """Compute what is missing of a sweep; each picture is committed before its event is seen.

        Pictures are committed beside the painting, and told in the order in which they were painted. Closing the
        generator stops within one evaluation of the model and keeps what is painted. Cells that failed before are left
        alone until their error is cleared in the store.

        Raises
        ------
        UserInputError
            The sweep is gone; or none of its cells can be made, because their subject or model is gone or changed.
        StoreError
            The store took no picture. What was painted is kept here for the next call.
        """
        self._stopping = False  # now, and not at the first event: whoever looks before that may stop it
        return self._noted(sweep_id)

    def _noted(self, sweep_id: SweepId) -> Generator[RunnerEvent]:
        self._early = None
        with closing(self._events(sweep_id)) as events:
            for event in events:
                if self._early is not None and isinstance(event, Committed):
                    self._early.committed(event.index)
                yield event

    def _events(self, sweep_id: SweepId) -> Generator[RunnerEvent]:
        unstored, self._unstored = self._unstored, {}
        self._turn = turn = Turn(sweep_id, self._next_after, self._joins)
        redraws = Redraws(self._store, self._settings)
        commits = Commits(
            self._store,
            lambda raw_id: self._claims.made([raw_id]),
            redraws,
            is_stopping=lambda: self._stopping,
        )
        painting = Painting(
            self._store,
            self._claims,
            commits,
            self._engine,
            ahead=self._look_ahead if self._next_sweep else None,
            unstored=unstored,
            is_stopping=lambda: self._stopping,
            turn=turn,
            share=self._share,
        )
        stays_open = False
        try:
            try:
                yield from self._run(sweep_id, painting, turn)
            except Exception:
                yield from commits.finish()  # what is painted is painted
                raise
            while commits.in_hand and self._engine.is_busy and not self._stopping:
                painting.paint_ahead()
                yield from commits.collect()
            yield from commits.finish()
            stays_open = self._engine.is_busy and not self._stopping
        finally:
            if not stays_open:
                self._engine.close()
            commits.close()
            self._unstored = commits.unstored | painting.painted_ahead
            painting.release()

    def _run(self, sweep_id: SweepId, painting: Painting, turn: Turn) -> Generator[RunnerEvent]:
        record = self._store.sweeps.get(sweep_id)
        rows = self._store.sweeps.cells(sweep_id)
        for row in rows:
            if row.is_final:
                yield Committed(index=row.index, run_id=row.run_id, reused=True)
        sweep = self._plans.missing_of(record, rows)
        self._early = self._early_looks(sweep, rows)
        # What changes at the highest price varies slowest: models are loaded once, and only a size drains the engine.
        models = list(dict.fromkeys(model for model, _ in sweep.groups))
        if self._share is not None:
            models = self._share.rotated(models)
        for model in models:
            if not self._stopping and not turn.is_over:
                yield from self._run_model(sweep, model, painting, turn, is_last=model == models[-1])

    def _early_looks(self, sweep: Planned, rows: Iterable[SweepCellRow]) -> EarlyLooks | None:
        wish, sweep_id = sweep.record.early, sweep.record.id
        if wish is None:
            return None
        if not sweep.record.early_note:
            self._store.sweeps.note_early(sweep_id, early_note(self._store, sweep.plan, wish))
        wanted = [row.index for row in rows if row.early == "wanted"]
        return EarlyLooks(self._store, sweep_id, wish, wanted)

    def _run_model(
        self, sweep: Planned, model: str, painting: Painting, turn: Turn, *, is_last: bool
    ) -> Generator[RunnerEvent]:
        subjects = sweep.cells_of(model)
        cells = [cell for group in subjects.values() for cell in group]
        sweep_id, is_only_group = sweep.record.id, len(sweep.groups) == 1
        try:
            for fetching in self.fetch(model):
                yield fetching
                if self._stopping:
                    return
            began = time.monotonic()
            loaded = self.prepare(model)
            turn.loading += time.monotonic() - began
            work = replace(self._planner.work(sweep, model, loaded, cells), early=self._early)
        except UserInputError as error:
            if is_only_group:
                raise
            yield from painting.fail(sweep_id, cells, error.public)
            return
        sizes: dict[Extent, list[SweepCell]] = {}
        for subject_id, group in subjects.items():
            try:
                self._planner.sort_by_size(sizes, loaded, subject_id, group)
            except UserInputError as error:
                if is_only_group:
                    raise
                yield from painting.fail(sweep_id, group, error.public)
        is_only_size = is_only_group and len(sizes) == 1
        for place, (extent, alike) in enumerate(sizes.items(), start=1):
            if not self._stopping and not turn.is_over:
                sized = replace(work, extent=extent, is_only_size=is_only_size)
                are_last = is_last and place == len(sizes)
                yield from painting.paint(sized, loaded.inpainter, alike, are_last=are_last)

    def _look_ahead(self, painting: Painting, inpainter: Inpainter, extent: Extent) -> Iterator[Asked]:
        """The first cells of the sweep that comes next, if the same model paints them at the same size."""
        record = self._next_sweep() if self._next_sweep else None
        if record is None:
            return
        sweep = self._plans.missing_of(record, self._store.sweeps.cells(record.id))
        model, loaded, sizes = self._planner.first_of(sweep)
        if loaded is None or loaded.inpainter is not inpainter or next(iter(sizes)) != extent:
            return
        cells = [cell for group in sweep.cells_of(model).values() for cell in group]
        work = self._planner.work(sweep, model, loaded, cells)
        yield from painting.ask_ahead(replace(work, extent=extent), sizes[extent])

    def _joins(self, record: SweepRecord, inpainter: Inpainter, extent: Extent) -> bool:
        """Whether a sweep begins with what this model paints, at this size where its batches are shared."""
        sweep = self._plans.missing_of(record, self._store.sweeps.cells(record.id))
        _, loaded, sizes = self._planner.first_of(sweep)
        if not sweep.groups:
            return True
        if loaded is None or loaded.inpainter is not inpainter:
            return False
        return loaded.source.family.engine is None or next(iter(sizes)) == extent
