"""What earlier sweeps tell of one that is to come: how far seeds spread a measure, and how far its values lie apart."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.ids import SweepId
from bgen_core.runs.analysis.columns import SEED, AxisColumn, Measure
from bgen_core.runs.analysis.noise import Spread, crossed_spread, in_own_units
from bgen_core.runs.analysis.paired import paired_table
from bgen_core.runs.analysis.power import pairs_needed
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted

_MOST_SWEEPS = 20
_MOST_CELLS = 4000  # read at once; together some 50 ms


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """One axis and one measure in earlier sweeps.

    Attributes
    ----------
    measure
        With its own noise, in its own unit.
    deviation
        Standard deviation of the difference of two values of the axis at one seed.
    difference
        How far two values of the axis lie apart, as a root mean square without what chance adds; 0 where no more than
        chance was seen.
    sweeps
        How many earlier sweeps that is from.
    measures
        By how many measures they were judged.
    """

    measure: Measure
    deviation: float
    difference: float
    sweeps: int
    measures: int


def earlier(store: Store, axis: Axis, measure: Measure) -> Earlier | None:
    """What the newest sweeps that varied the same parameter and the seed tell; None where there are none."""
    spreads: list[Spread] = []
    apart: list[float] = []
    measures, noise = 0, [measure]
    for sweep in _sweeps_like(store, axis):
        if measure.name not in sweep.cells.columns:
            continue
        cells = paired_table(sweep.cells, sweep.like, measure, sweep.axes).complete.cells
        spread = crossed_spread(pd.DataFrame(cells))
        if spread is None:
            continue
        spreads.append(spread)
        # The variance of the means is that of the values, and chance's over the pairs
        between = float(cells.mean(axis=0).var(ddof=1)) - spread.deviation**2 / len(cells)
        apart.append(2 * between)
        measures = max(measures, len(sweep.cells.columns) - len(sweep.axes))
        noise.append(in_own_units(measure, sweep.cells))
    if not spreads:
        return None
    freedom = sum(each.freedom for each in spreads)
    variance = sum(each.deviation**2 * each.freedom for each in spreads) / freedom
    return Earlier(
        measure=noise[1],
        deviation=math.sqrt(2 * variance),
        difference=math.sqrt(max(0.0, float(np.mean(apart)))),
        sweeps=len(spreads),
        measures=measures,
    )


def seeds_text(plan: SweepPlan, axis: Axis, known: Earlier) -> str:
    """ "To tell guidance apart by seam, about 8 seeds; you asked for 3."; empty where nothing is known to say.

    The difference that has to be found is the one that was seen before, or where that was nothing but chance, the
    smallest that the measure tells. In four of five cases it is found, among all axes and measures.
    """
    measure = known.measure
    is_seen = known.difference > measure.noise
    difference = known.difference if is_seen else measure.noise
    if difference <= 0 or known.deviation <= 0:
        return ""
    seeds = next((len(each.values) for each in plan.axes if each.name == SEED), 1)
    others = math.prod(len(each.values) for each in plan.axes if each.name not in (SEED, axis.name))
    varied = sum(len(each.values) > 1 for each in plan.axes)
    pairs = pairs_needed(known.deviation, difference, comparisons=max(1, varied * known.measures))
    before = f"as in {counted(known.sweeps, 'earlier sweep')}" if is_seen else "the smallest that can be told"
    what = (
        f"tell {axis.label.lower()} apart by {measure.spoken} (a difference of {measure.amount(difference)}, {before})"
    )
    if pairs is None:
        return f"To {what}, no number of seeds up to a thousand is enough."
    needed = math.ceil(pairs / others)
    if needed <= seeds:
        return f"{counted(seeds, 'seed')} {'is' if seeds == 1 else 'are'} enough to {what}."
    return f"To {what}, about {counted(needed, 'seed')}; you asked for {seeds}."


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sweep:
    """One earlier sweep: its cells, what it varied, and the axis that is like the one in question."""

    cells: pd.DataFrame
    axes: list[AxisColumn]
    like: AxisColumn


def _sweeps_like(store: Store, axis: Axis) -> Iterator[_Sweep]:
    """The newest sweeps that varied the same parameter and the seed."""
    left, sweeps = _MOST_CELLS, 0
    for sweep in reversed(store.sweeps.select()):
        plan = SweepPlan.from_json(sweep.plan)
        varied = [each for each in plan.axes if len(each.values) > 1]
        like = next((each for each in varied if each.kind.field == axis.kind.field), None)
        if like is None or SEED not in {each.name for each in varied}:
            continue
        if sweeps == _MOST_SWEEPS or len(plan) > left:
            return
        sweeps, left = sweeps + 1, left - len(plan)
        cells = _cells(store, sweep.id, plan, varied)
        if len(cells):
            columns = [AxisColumn(name=each.name, label=each.label) for each in varied]
            yield _Sweep(cells=cells, axes=columns, like=AxisColumn(name=like.name, label=like.label))


def _cells(store: Store, sweep_id: SweepId, plan: SweepPlan, varied: Sequence[Axis]) -> pd.DataFrame:
    """A row for each made cell: its place on each axis, and what was measured."""
    run_ids = {cell.index: cell.run_id for cell in store.sweeps.cells(sweep_id) if cell.done}
    measured = store.metrics.of(list(set(run_ids.values())))
    rows = [
        {axis.name: place for axis, place in zip(plan.axes, cell.position, strict=True) if axis in varied}
        | {name: value.value for name, value in measured.get(run_ids[cell.index], {}).items()}
        for cell in plan.cells()
        if cell.index in run_ids
    ]
    return pd.DataFrame(rows)
