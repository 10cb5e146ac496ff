"""What the store knows of a grid's cells: pictures, ratings, and the metric that stands on them."""

from collections.abc import Mapping

import pandas as pd

from bgen_core.extent import Extent
from bgen_core.ids import RunId
from bgen_core.metrics import Metric, MetricValue, find_metric
from bgen_core.records.sweep import SweepCellRow
from bgen_core.runs.analysis.columns import SEED, Measure
from bgen_core.runs.analysis.noise import in_own_units, with_seed_noise
from bgen_core.store.store import SeenStore
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.grid_arrangement import Arrangement
from pages._ui.sweep.sweep_grid import STARS, GridContent


def content_of(
    store: SeenStore, plan: SweepPlan, cells: Mapping[int, SweepCellRow], shown: Arrangement, *, extent: Extent
) -> GridContent:
    """The grid's content; `extent` is that of places while no picture is there to tell it."""
    images = store.runs.images(cell.run_id for cell in cells.values() if cell.done)
    ids = list(images)
    opinions = store.opinions.of(ids)
    metric = find_metric(shown.badge) if shown.badge not in ("", STARS) else None
    measured = store.metrics.of(ids) if metric else {}
    values = {
        run_id: value.value
        for run_id, each in measured.items()
        if metric and (value := each.get(metric.name)) and value.value is not None
    }
    return GridContent(
        plan=plan,
        extent=next((size for _, size in images.values()), extent),
        cells=cells,
        pictures={run_id: image for run_id, (image, _) in images.items()},
        stars={run_id: opinion.rating for run_id, opinion in opinions.items() if opinion.rating},
        values=values,
        measure=_measure(metric, plan, cells, measured) if metric and values else None,
    )


def _measure(
    metric: Metric,
    plan: SweepPlan,
    cells: Mapping[int, SweepCellRow],
    measured: Mapping[RunId, Mapping[str, MetricValue]],
) -> Measure:
    """The badge's metric, with which of its differences say nothing among these cells."""
    wanted = {metric.name, metric.noise.in_units_of} - {""}
    rows = pd.DataFrame(
        {axis.name: place for axis, place in zip(plan.axes, cell.position, strict=True)}
        | {name: value.value for name, value in measured[cells[cell.index].run_id].items() if name in wanted}
        for cell in plan.cells()
        if cell.index in cells and cells[cell.index].run_id in measured
    )
    measure = in_own_units(Measure.of(metric), rows)
    settings = [axis.name for axis in plan.axes if axis.name != SEED and len(axis.values) > 1]
    if not settings:  # which seed is best is what such a sweep asks
        return measure
    return with_seed_noise(measure, rows, settings, compared=len(rows))
