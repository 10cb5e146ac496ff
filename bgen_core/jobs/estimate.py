"""How long a sweep will take, from speeds that were measured on this device."""

from collections.abc import Sequence
from statistics import median

from bgen_core.extent import Extent
from bgen_core.models.families import Family
from bgen_core.models.model_source import ModelSource
from bgen_core.models.schedulers import get_scheduler
from bgen_core.records.run import RunRecord
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.family_rules import effective_steps, guided_evaluations, reads_negative
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import tuning_name


def estimate_seconds(
    cells: Sequence[InpaintParams],
    *,
    picture: Extent,
    source: ModelSource,
    device_kind: str,
    dtype_name: str,
    tunings: Tunings,
    recent: Sequence[RunRecord],
) -> float | None:
    """Expected seconds for cells that have to be made.

    Parameters
    ----------
    cells
        All of one side.
    picture
        Size of what is made: the photo's, or the canvas'.
    recent
        Runs made lately: their decoding and compositing times count for these cells too.

    Returns
    -------
    float or None
        None where this model has never run on this device.
    """
    if not cells:
        return 0.0
    if source.family.backdrop:
        spent = [run.total_seconds for run in recent if run.model_revision == source.revision and run.extent == picture]
        return len(cells) * (median(spent) if spent else pasting_seconds(recent))
    extent = choose_model_extent(picture, side=cells[0].side or source.entry.side)
    name = tuning_name(source.revision, device_kind, dtype_name)
    square = Extent(width=source.entry.side, height=source.entry.side)  # the worker measures it before any sweep
    measured = tunings.last(name, extent)
    tuning = measured or tunings.last(name, square)
    same = [run for run in recent if run.model_revision == source.revision and run.model_extent == extent]
    finishing = [sum(spent for stage, spent in run.seconds.items() if stage != "denoise") for run in same]
    per_cell = median(finishing) if finishing else 0.0
    if tuning is None:
        return None
    family = source.family
    rows = sum(rows_of(family, params) for params in cells)
    larger = extent.area / square.area if cells[0].side and not measured else 1.0
    return rows * tuning.seconds_per_row * larger + len(cells) * per_cell


def rows_of(family: Family, params: InpaintParams) -> int:
    """Evaluations of one cell, those of its negative prompt too."""
    evaluations = effective_steps(family, params) * get_scheduler(params.scheduler).order
    return evaluations + (guided_evaluations(params, evaluations) if reads_negative(family, params) else 0)


def pasting_seconds(recent: Sequence[RunRecord]) -> float:
    """Median seconds in which a subject was pasted before a background lately; 0 where nothing was made yet."""
    spent = [run.seconds["composite"] for run in recent if "composite" in run.seconds]
    return median(spent) if spent else 0.0
