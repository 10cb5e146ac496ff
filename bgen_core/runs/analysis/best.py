"""Which runs, and which values of an axis, are best by a measure."""

import math
from collections.abc import Mapping

import pandas as pd

from bgen_core.runs.analysis.columns import AxisColumn, Measure, measured_rows, samples
from bgen_core.runs.metrics import Direction


def best_of(values: Mapping[str, float | None], direction: Direction) -> frozenset[str]:
    """The keys with the best value, several where they tie.

    Parameters
    ----------
    values
        Run -> value; None and NaN take no part.

    Returns
    -------
    frozenset of str
        Empty where neither side is better, and where no value is worse than another: nothing stands out then.
    """
    known = {key: value for key, value in values.items() if value is not None and not math.isnan(value)}
    if direction == "none" or len(set(known.values())) < 2:
        return frozenset()
    best = min(known.values()) if direction == "lower" else max(known.values())
    return frozenset(key for key, value in known.items() if value == best)


def best_values(frame: pd.DataFrame, of: AxisColumn, measure: Measure, *, at: AxisColumn) -> pd.DataFrame:
    """The best value of one axis at each value of another: which seed is best at 10 steps, and which at 30.

    Returns
    -------
    pandas.DataFrame
        One row per value of `at` in its order: `at.name`, `of.name` (the best, the first of those that tie),
        `measure.name` (its mean) and `runs` (how many that mean is over). Values of `at` without a measured run are
        left out.

    Raises
    ------
    ValueError
        Neither side of the measure is better.
    """
    if measure.direction == "none":
        raise ValueError(f"{measure.label} has no better side")
    known = measured_rows(frame, measure, of, at)
    rows: list[tuple[object, object, float, int]] = []
    for value in at.values(known):
        found = samples(pd.DataFrame(known.loc[known[at.name] == value]), of, measure)
        means = {each: float(values.mean()) for each, values in found.items()}
        best = min(means, key=means.__getitem__) if measure.direction == "lower" else max(means, key=means.__getitem__)
        rows.append((value, best, means[best], len(found[best])))
    return pd.DataFrame(rows, columns=[at.name, of.name, measure.name, "runs"])
