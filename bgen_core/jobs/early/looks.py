"""One sweep's looks at previews: which cells are stopped, and what is kept for later sweeps."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bgen_core.errors import StoreError
from bgen_core.extent import Extent
from bgen_core.ids import RunId, SubjectId, SweepId
from bgen_core.jobs.early.glance import Glance
from bgen_core.jobs.early.kept_runs import calibration_for, looks_version, towards_lower
from bgen_core.metrics import find_metric
from bgen_core.recent import Recent
from bgen_core.records.early_stop import EarlyValue, EarlyWish
from bgen_core.runs.analysis.racing.early import MOST_LOST
from bgen_core.store.store import Store
from bgen_core.subject.placing import Composition, PlacedSubject
from bgen_core.sweep.events import Stepped
from bgen_core.sweep.plan import SweepCell

logger = logging.getLogger(__name__)

OTHERS_SECONDS = 2.0  # between two looks at what other painters of the sweep have finished
_SUBJECTS = 2  # small ones that are held


@dataclass(frozen=True, kw_only=True)
class _Finished:
    """A finished cell: its value and that of its preview, lower is better."""

    final: float
    preview: float
    shown: float


class EarlyLooks:
    """What previews of a sweep's cells say, while it is run.

    Parameters
    ----------
    store
        Where kept runs are, and where values are kept.
    sweep_id, wish
        Which sweep, and what it asks for.
    wanted
        Cells that are painted whatever their previews say.
    """

    def __init__(self, store: Store, sweep_id: SweepId, wish: EarlyWish, wanted: Collection[int]) -> None:
        self._store = store
        self._sweep_id = sweep_id
        self._wish = wish
        self._metric = find_metric(wish.by)
        self._wanted = frozenset(wanted)
        self._glances: Recent[Glance] = Recent(_SUBJECTS)
        self._bounds: dict[tuple[str, int], float | None] = {}
        self._previews: dict[int, float] = {}
        self._to_keep: dict[int, EarlyValue] = {}
        self._best: dict[SubjectId, _Finished] = {}
        self._next_read = 0.0

    def look(
        self, placed: PlacedSubject, cells: Sequence[SweepCell], event: Stepped, *, model_revision: str
    ) -> dict[int, str]:
        """Measure a cell's preview; those that share its raw picture -> why they are stopped, empty where none is.

        Parameters
        ----------
        placed
            Their subject.
        cells
            All that share the raw picture: they are stopped together or not at all.
        """
        if event.preview is None:
            return {}
        reasons: dict[int, str] = {}
        for cell in cells:
            value = self._value(placed, cell, event.preview, event.cell.canvas.extent)
            if value is None:
                continue
            self._previews[cell.index] = value
            if reason := self._reason(cell, value, event, model_revision):
                reasons[cell.index] = reason
        return reasons if len(reasons) == len(cells) else {}

    def finished(
        self, placed: PlacedSubject, cells: Sequence[SweepCell], picture: np.ndarray, painted: Extent,
        run_ids: Mapping[int, RunId],
    ) -> None:  # fmt: skip
        """Measure what became of cells that were looked at; to be kept when they are committed."""
        for cell in cells:
            foreseen = self._previews.pop(cell.index, None)
            final = None if foreseen is None else self._value(placed, cell, picture, painted)
            if foreseen is None or final is None:
                continue
            value = EarlyValue(
                run_id=run_ids[cell.index],
                sweep_id=self._sweep_id,
                subject_id=cell.subject_id,
                by=self._metric.name,
                version=looks_version(self._metric),
                steps=cell.params.effective_steps,
                foreseen=foreseen,
                final=final,
            )
            self._to_keep[cell.index] = value
            self._note_best(value)

    def committed(self, index: int) -> None:
        """Keep what a cell's preview said: its run is in the store."""
        value = self._to_keep.pop(index, None)
        if value is None:
            return
        try:
            self._store.early_values.keep(value)
        except StoreError:  # it costs later sweeps one kept run, and this one nothing
            logger.warning("what the preview of cell %d said is not kept", index, exc_info=True)

    def _reason(self, cell: SweepCell, value: float, event: Stepped, model_revision: str) -> str:
        if not self._wish.stops or cell.index in self._wanted:
            return ""
        bound = self._bound(model_revision, cell.params.effective_steps)
        best = self._best_of(cell.subject_id)
        if bound is None or best is None or towards_lower(self._metric, value) - best.preview <= bound:
            return ""
        return (
            f"Stopped early after step {event.step} of {event.of}: its preview's {self._metric.label.lower()} is "
            f"{self._metric.text(value)}, that of the best finished picture was {self._metric.text(best.shown)}. "
            f"At most {100 * MOST_LOST:.0f} % of winners fall behind by more than {self._metric.text(bound)}."
        )

    def _bound(self, model_revision: str, steps: int) -> float | None:
        kind = (model_revision, steps)
        if kind not in self._bounds:
            found = calibration_for(self._store, self._metric.name, model_revision=model_revision, steps=steps)
            self._bounds[kind] = found.bound
        return self._bounds[kind]

    def _best_of(self, subject_id: SubjectId) -> _Finished | None:
        if time.monotonic() >= self._next_read:
            self._next_read = time.monotonic() + OTHERS_SECONDS
            version = looks_version(self._metric)
            for value in self._store.early_values.of_sweep(self._sweep_id, by=self._metric.name, version=version):
                self._note_best(value)
        return self._best.get(subject_id)

    def _note_best(self, value: EarlyValue) -> None:
        found = _Finished(
            final=towards_lower(self._metric, value.final),
            preview=towards_lower(self._metric, value.foreseen),
            shown=value.foreseen,
        )
        known = self._best.get(value.subject_id)
        if known is None or found.final < known.final:
            self._best[value.subject_id] = found

    def _value(self, placed: PlacedSubject, cell: SweepCell, background: np.ndarray, painted: Extent) -> float | None:
        key: tuple[SubjectId, Composition, Extent] = (cell.subject_id, cell.params.composition, painted)
        glance = self._glances.get(key, lambda: Glance(placed, painted))
        return glance.value(self._metric, background, cell.params.pasting)
