"""Which differences of a measure say nothing: by the figure of its row, and by what seeds alone change.

Of many values that chance alone tells apart, the best and the worst lie far apart: the more are compared, the larger a
difference has to be (Bonferroni), so that of sweeps in which nothing acts one in twenty shows anything.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.columns import SEED, Measure, numbers
from bgen_core.runs.analysis.paired import CONFIDENCE
from bgen_core.runs.table import FIELDS

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

_FEWEST_SEED_MATES = 3  # degrees of freedom, below which a spread is a guess


def in_own_units(measure: Measure, rows: pd.DataFrame) -> Measure:
    """The measure with its documented noise in its own unit: 5 % of the subject as a share of the picture.

    Parameters
    ----------
    rows
        With both measures. Where they do not tell how one unit is the other, the noise is not known and 0.
    """
    other = measure.noise_in_units_of
    if not other or other == measure.name:
        return measure
    if other not in rows.columns or measure.name not in rows.columns:
        return replace(measure, noise=0.0, noise_in_units_of="")
    own, others = numbers(rows, measure.name), numbers(rows, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = own / others
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    unit = float(np.median(ratios)) if len(ratios) else 0.0
    return replace(measure, noise=measure.noise * unit, noise_in_units_of="")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How far values lie apart that nothing but chance tells apart.

    Attributes
    ----------
    deviation
        Pooled standard deviation.
    freedom
        Its degrees of freedom.
    """

    deviation: float
    freedom: int

    def apart(self, *, comparisons: int = 1, runs: float = 1) -> float:
        """How far the furthest two of several pairs of means are apart by chance in 19 of 20 cases.

        Student's t with Bonferroni's correction; a little more than Tukey's studentized range, and a hundred times as
        fast.

        Parameters
        ----------
        comparisons
            How many pairs.
        runs
            How many runs each mean is over.
        """
        from scipy import stats  # a second to import: not for those who only look at the table

        quantile = float(stats.t.isf((1 - CONFIDENCE) / 2 / max(1, comparisons), self.freedom))
        return quantile * self.deviation * math.sqrt(2 / runs)


def pairs_among(values: int) -> int:
    """How many pairs so many values make."""
    return values * (values - 1) // 2


def with_seed_noise(
    measure: Measure, rows: pd.DataFrame, alike: Sequence[str], *, compared: int = 2, runs: int = 1
) -> Measure:  # fmt: skip
    """The measure with the larger of its own noise and what seeds alone do to values that are compared.

    Parameters
    ----------
    rows
        One row per run, of one sweep or of several.
    alike
        Columns in which seed-mates agree: everything that was varied but the seed.
    compared
        How many values are compared, each with each: the best and the worst of many are far apart by chance alone.
    runs
        How many seeds each compared value is the mean of.
    """
    spread = seed_spread(rows, measure, alike)
    if spread is None:
        return measure
    others = "another seed alone changes as much" if compared <= 2 else f"seeds alone spread {compared} values as far"
    return beyond(measure, spread.apart(comparisons=pairs_among(compared), runs=runs), known=others)


def beyond(measure: Measure, noise: float, *, known: str) -> Measure:
    """The measure with the larger of its own noise and another one."""
    return measure if noise <= measure.noise else replace(measure, noise=noise, noise_known=known)


def seed_spread(rows: pd.DataFrame, measure: Measure, alike: Sequence[str]) -> Spread | None:
    """Of runs that agree in all but the seed; None where too few of them are there."""
    if SEED not in rows.columns or measure.name not in rows.columns:
        return None
    known = pd.DataFrame({"seed": rows[SEED], "value": numbers(rows, measure.name)}, index=rows.index)
    names = [name for name in alike if name != SEED]
    known["mates"] = rows.groupby(names, dropna=False, sort=False).ngroup() if names else 0
    values = known.dropna(subset=["value"]).groupby(["mates", "seed"], sort=False)["value"].mean()
    return _pooled(values, values.groupby(level="mates"))


def group_spread(rows: pd.DataFrame, measure: Measure, by: str) -> Spread | None:
    """Of runs that agree in one column; None where too few of them are there."""
    known = pd.DataFrame({"by": rows[by], "value": numbers(rows, measure.name)}, index=rows.index)
    known = known.dropna(subset=["value"])
    return _pooled(known["value"], known.groupby("by", dropna=False, sort=False)["value"])


def crossed_spread(cells: pd.DataFrame) -> Spread | None:
    """Of a table of values what its rows and its columns by themselves do not explain; None where little is left.

    Parameters
    ----------
    cells
        One value for each row and column; empty ones are left out with their row.
    """
    whole = cells.dropna().to_numpy(float)
    freedom = (whole.shape[0] - 1) * (whole.shape[1] - 1)
    if whole.size == 0 or freedom < _FEWEST_SEED_MATES:
        return None
    left = whole - whole.mean(axis=0) - whole.mean(axis=1, keepdims=True) + whole.mean()
    return Spread(deviation=math.sqrt(float(np.square(left).sum()) / freedom), freedom=freedom)


def against_map(measure: Measure, rows: pd.DataFrame, across: str, down: str) -> Measure:
    """The measure with the larger of its own noise and what chance does to the means of a table of two columns.

    Where the seed is one of the two, chance is what seeds do otherwise at each value of the other; else what they do to
    the means.
    """
    known = rows.assign(**{measure.name: numbers(rows, measure.name)}).dropna(subset=[measure.name, across, down])
    means = known.groupby([across, down], sort=False)[measure.name].mean()
    comparisons = pairs_among(len(means))
    if SEED in (across, down):
        spread, runs = crossed_spread(means.unstack()), 1
    else:
        spread = seed_spread(known, measure, [across, down])
        runs = int(known.groupby([across, down])[SEED].nunique().min()) if spread is not None else 1
    if spread is None:
        return measure
    return beyond(measure, spread.apart(comparisons=comparisons, runs=runs), known="chance alone spreads them as far")


def _pooled(values: "pd.Series[float]", grouped: "SeriesGroupBy[Any, Any]") -> Spread | None:
    freedom = int((grouped.size() - 1).sum())
    if freedom < _FEWEST_SEED_MATES:
        return None
    squares = float(((values - grouped.transform("mean")) ** 2).sum())
    return Spread(deviation=math.sqrt(squares / freedom), freedom=freedom)


def against_seeds(
    measures: Sequence[Measure], rows: pd.DataFrame, table: pd.DataFrame, *, compared: int | None = None
) -> list[Measure]:  # fmt: skip
    """The measures with the larger of their own noise and what seeds alone change in such runs.

    Parameters
    ----------
    rows
        The runs that are compared, with the columns of `FIELDS`. If they differ in the seed alone, that is what is
        asked about, and no noise.
    table
        All runs: those that agree with one of `rows` in all but the seed are its seed-mates.
    compared
        How many of them are compared, each with each; None for all.
    """
    alike = [field.name for field in FIELDS if field.makes_the_picture and field.name not in (SEED, "subject")]
    if len(rows[alike].drop_duplicates()) < 2:
        return list(measures)
    mates = table
    for name in alike:  # one column after another: most runs are left out by the first few
        mates = mates[mates[name].isin(rows[name].unique())]
    return [with_seed_noise(measure, mates, alike, compared=compared or len(rows)) for measure in measures]


def shade(value: float, low: float, high: float, noise: float) -> float:
    """Place of a value from 0 (low) to 1 (high) for a colour, in steps that are no finer than the noise.

    0.5 for all where the lowest and the highest are within the noise of each other.
    """
    if high - low <= noise or high <= low:
        return 0.5
    share = (value - low) / (high - low)
    steps = int((high - low) / noise) if noise > 0 else 0
    return share if not steps else round(share * steps) / steps


def noise_text(measure: Measure) -> str:
    """ "0.005 (how it is known)": how large the noise is, for a sentence."""
    return f"{measure.amount(measure.noise, 2)} ({measure.noise_known})" if measure.noise_known else "nothing"


def is_noise(difference: float, measure: Measure) -> bool:
    """Whether a difference of two values says nothing; equal values have none."""
    return 0 < abs(difference) <= measure.noise
