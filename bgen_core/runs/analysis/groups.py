"""Runs grouped by a parameter: how many there are, and the mean and spread of what was measured."""

from collections.abc import Sequence

import pandas as pd

from bgen_core.runs.analysis.best import best_of
from bgen_core.runs.analysis.columns import Measure, numbers
from bgen_core.runs.analysis.noise import beyond, group_spread, pairs_among


def group_runs(frame: pd.DataFrame, by: str, columns: Sequence[str]) -> pd.DataFrame:
    """One row for each value of a column.

    Parameters
    ----------
    frame
        One row per run.
    by
        Column to group by; runs without a value are a group of their own.
    columns
        Columns of numbers; empty ones are left out of mean and spread.

    Returns
    -------
    pandas.DataFrame
        `by`, `runs` (how many), and for each column `<column>_mean` and `<column>_spread`: the sample's standard
        deviation, empty for fewer than two numbers. Sorted by `by` where its values can be compared, else in the order
        in which they come.
    """
    comparable = pd.api.types.is_numeric_dtype(frame[by]) or pd.api.types.is_datetime64_any_dtype(frame[by])
    # Under places instead of names: a column may be grouped by and averaged at once
    content = {"by": frame[by], **{str(place): numbers(frame, column) for place, column in enumerate(columns)}}
    grouped = pd.DataFrame(content).groupby("by", dropna=False, sort=comparable)
    found = pd.DataFrame({"runs": grouped.size()})
    for place, column in enumerate(columns):
        found[f"{column}_mean"] = grouped[str(place)].mean()
        found[f"{column}_spread"] = grouped[str(place)].std()
    return found.rename_axis(by).reset_index()


def against_spread(measure: Measure, rows: pd.DataFrame, by: str) -> Measure:
    """The measure with the larger of its own noise and what runs of one group differ by, for the groups' means."""
    spread = group_spread(rows, measure, by)
    counts = rows.assign(**{measure.name: numbers(rows, measure.name)}).dropna(subset=[measure.name])
    sizes = counts.groupby(by, dropna=False, sort=False).size()
    if spread is None or len(sizes) < 2:
        return measure
    fewest = sizes.sort_values().iloc[:2]  # the two means that are known worst
    runs = 2 / float((1 / fewest).sum())
    noise = spread.apart(comparisons=pairs_among(len(sizes)), runs=runs)
    return beyond(measure, noise, known="runs within a group differ as much")


def best_groups(grouped: pd.DataFrame, measure: Measure) -> list[bool]:
    """For each row of `group_runs` whether its mean of the measure is the best; none where all differ by noise."""
    means = dict(enumerate(grouped[f"{measure.name}_mean"].tolist()))
    best = best_of(means, measure.direction, measure.noise)
    return [place in best for place in means]
