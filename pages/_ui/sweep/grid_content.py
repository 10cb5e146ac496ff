"""What the store knows of a grid's cells: pictures, ratings, and the metric that stands on them."""

from collections.abc import Mapping

from bgen_core.extent import Extent
from bgen_core.metrics import find_metric
from bgen_core.records.sweep import SweepCellRow
from bgen_core.store.store import SeenStore
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.grid_arrangement import Arrangement
from pages._ui.sweep.sweep_grid import STARS, GridContent


def content_of(
    store: SeenStore, plan: SweepPlan, cells: Mapping[int, SweepCellRow], shown: Arrangement, *, extent: Extent
) -> GridContent:
    """The grid's content; `extent` is that of places while no picture is there to tell it."""
    runs = store.runs.get_all([cell.run_id for cell in cells.values() if cell.done])
    ids = [run.id for run in runs]
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
        extent=runs[0].extent if runs else extent,
        cells=cells,
        pictures={run.id: run.image for run in runs},
        stars={run_id: opinion.rating for run_id, opinion in opinions.items() if opinion.rating},
        values=values,
        lower_is_better=metric is not None and metric.direction == "lower",
    )
