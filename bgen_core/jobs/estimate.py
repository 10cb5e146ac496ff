"""How long a sweep will take, from speeds that were measured on this device."""

from collections.abc import Iterator, Sequence
from statistics import median

from bgen_core.extent import Extent
from bgen_core.models.families import Family
from bgen_core.models.model_source import ModelSource
from bgen_core.models.schedulers import get_scheduler
from bgen_core.models.steering.light_model import LightModel
from bgen_core.records.run import RunRecord
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.sweep.canvas import VAE_FACTOR, choose_model_extent
from bgen_core.sweep.detail.finer import BEYOND
from bgen_core.sweep.detail.tiling import Tiling
from bgen_core.sweep.family_rules import effective_steps, guided_evaluations, reads_negative
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.steering.ic_light import evaluations
from bgen_core.sweep.tuning import tuning_name
from bgen_core.wording import counted


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
    tiles = tiles_over(picture, extent)
    # All cells go side by side, and a call holds the quantum's rows at least: few cells do not fill it.
    calls = max(_evaluations(family, params) for params in cells)
    rows = max(sum(rows_of(family, params, tiles) for params in cells), calls * tuning.filled_to)
    larger = extent.area / square.area if cells[0].side and not measured else 1.0
    decoded = [run.seconds["decode"] for run in same if "decode" in run.seconds]
    further = sum(tiles for params in cells if params.refines) * (median(decoded) if decoded else 0.0)
    return rows * tuning.seconds_per_row * larger + len(cells) * per_cell + further


def rows_of(family: Family, params: InpaintParams, tiles: int = 0) -> int:
    """Evaluations of one cell, those of its negative prompt too, and those of its detail pass over so many tiles."""
    evaluations = _evaluations(family, params)
    own = evaluations + (guided_evaluations(params, evaluations) if reads_negative(family, params) else 0)
    return own + (tiles * rows_of(family, params.of_tile) if tiles and params.refines else 0)


def _evaluations(family: Family, params: InpaintParams) -> int:
    return effective_steps(family, params) * get_scheduler(params.scheduler).order


def tiles_over(picture: Extent, model_extent: Extent) -> int:
    """How many tiles a detail pass has at most: those of which nothing is repainted are left out."""
    tiling = Tiling.over(picture, model_extent, VAE_FACTOR)
    return 0 if tiling is None else len(tiling)


def detail_notes(cells: Sequence[tuple[ModelSource, InpaintParams, Extent]]) -> Iterator[str]:
    """What the detail passes of cells that have to be painted cost beside the pictures, and where they do nothing.

    Parameters
    ----------
    cells
        Model, parameters, and the size of the picture.
    """
    tiles, rows, others, idle = 0, 0, 0, 0
    for source, params, picture in cells:
        if source.family.engine is None:
            continue
        others += rows_of(source.family, params)
        if params.refines:
            number = tiles_over(picture, choose_model_extent(picture, side=params.side or source.entry.side))
            tiles += number
            rows += number * rows_of(source.family, params.of_tile)
            idle += not number
    if tiles:
        yield (
            f"The detail pass paints up to {tiles:,} tiles: {rows:,} evaluations of the model, beside {others:,} for "
            "the pictures before it."
        )
    if idle:
        yield (
            f"The detail pass changes nothing where a picture is at most {BEYOND:g} times as large as what the model "
            f"paints: here {counted(idle, 'picture')}."
        )


def light_note(model: LightModel, pictures: int) -> str:
    """What the model of light costs before so many backgrounds."""
    return (
        f"IC-Light finds the light before {counted(pictures, 'background')}: {evaluations(model)} evaluations of a "
        "Stable Diffusion 1.5 for each."
    )


def pasting_seconds(recent: Sequence[RunRecord]) -> float:
    """Median seconds in which a subject was pasted before a background lately; 0 where nothing was made yet."""
    spent = [run.seconds["composite"] for run in recent if "composite" in run.seconds]
    return median(spent) if spent else 0.0
