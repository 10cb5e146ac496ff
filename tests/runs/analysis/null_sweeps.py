"""Sweeps in which nothing acts, and what is claimed of them where a person looks."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.best import all_equal, best_of, best_values
from bgen_core.runs.analysis.columns import AxisColumn, Measure
from bgen_core.runs.analysis.groups import against_spread, best_groups, group_runs
from bgen_core.runs.analysis.noise import against_map, with_seed_noise
from bgen_core.runs.analysis.overview import overview
from tests.runs.analysis.made_up_sweeps import GUIDANCE, SEED, STEPS

MEASURES = tuple(Measure(name=f"m{place}", label=f"M{place}", direction="lower") for place in range(7))
# Steps × guidance × seeds: what people ask for, from the smallest that may speak at all
SHAPES = ((3, 3, 3), (2, 2, 4), (4, 3, 2), (3, 2, 8), (2, 1, 8), (5, 1, 6))


def null_sweep(random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[pd.DataFrame, list[AxisColumn]]:
    """A frame in which neither steps nor guidance do anything to any of `MEASURES`, and the axes that were varied.

    Seeds have a level of their own. Chance is normal, skewed or heavy-tailed, another for each measure.
    """
    axes = [axis for axis, count in zip((STEPS, GUIDANCE, SEED), shape, strict=True) if count > 1]
    counts = [count for count in shape if count > 1]
    rows = [
        dict(zip((axis.name for axis in axes), each, strict=True)) for each in itertools.product(*map(range, counts))
    ]
    frame = pd.DataFrame(rows)
    frame.insert(0, "id", [f"run-{place}" for place in range(len(frame))])
    draws = (random.standard_normal, random.standard_exponential, lambda size: random.standard_t(4, size))
    for place, measure in enumerate(MEASURES):
        seeds = random.normal(0, 1, shape[2])
        frame[measure.name] = draws[place % 3](len(frame)) + seeds[frame[SEED.name]]
    return frame, axes


def claims(frame: pd.DataFrame, axes: Sequence[AxisColumn]) -> Counter[str]:
    """What is claimed of steps or guidance, by where it is: how often, of `MEASURES` together for "clear"."""
    found: Counter[str] = Counter()
    moves = overview(frame, axes, MEASURES)
    found["clear"] = any(move.verdict == "moves" for move in moves if move.axis != SEED)
    settings = [axis for axis in axes if axis != SEED]
    measure = MEASURES[len(frame) % len(MEASURES)]
    on_cells = with_seed_noise(measure, frame, [axis.name for axis in settings], compared=len(frame))
    values = dict(zip(frame["id"], frame[measure.name], strict=True))
    found["best run, colours of the grid"] = bool(best_of(values, "lower", on_cells.noise))
    grouped = group_runs(frame, settings[0].name, [measure.name])
    found["best group"] = any(best_groups(grouped, against_spread(measure, frame, settings[0].name)))
    if len(settings) > 1:
        first, second = settings[:2]
        on_map = against_map(measure, frame, first.name, second.name)
        means = frame.groupby([first.name, second.name])[measure.name].mean()
        found["colours of the heat map"] = not all_equal(means.tolist(), on_map.noise)
        found["best value"] = any(each.best for each in best_values(frame, first, measure, at=second))
    return found
