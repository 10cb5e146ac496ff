"""Which differences of a measure say nothing: by the figure of its row, and by what another seed alone changes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.columns import SEED, Measure, numbers

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


def with_seed_noise(measure: Measure, rows: pd.DataFrame, alike: Sequence[str], *, runs: int = 1) -> Measure:
    """The measure with the larger of its own noise and what another seed alone changes, for values that are compared.

    Another seed changes a value by √2 standard deviations of its seed-mates, the root mean square difference of two of
    them; a mean over several seeds by less.

    Parameters
    ----------
    rows
        One row per run, of one sweep or of several.
    alike
        Columns in which seed-mates agree: everything that was varied but the seed.
    runs
        How many seeds each compared value is the mean of.
    """
    spread = seed_spread(rows, measure, alike)
    by_seeds = spread * math.sqrt(2 / runs) if spread is not None else 0.0
    if by_seeds <= measure.noise:
        return measure
    return replace(measure, noise=by_seeds, noise_known="another seed alone changes as much")


def seed_spread(rows: pd.DataFrame, measure: Measure, alike: Sequence[str]) -> float | None:
    """Pooled standard deviation of runs that agree in all but the seed; None where too few of them are there."""
    if SEED not in rows.columns or measure.name not in rows.columns:
        return None
    known = pd.DataFrame({"seed": rows[SEED], "value": numbers(rows, measure.name)}, index=rows.index)
    names = [name for name in alike if name != SEED]
    known["mates"] = rows.groupby(names, dropna=False, sort=False).ngroup() if names else 0
    values = known.dropna(subset=["value"]).groupby(["mates", "seed"], sort=False)["value"].mean()
    grouped = values.groupby(level="mates")
    spare = int((grouped.size() - 1).sum())
    if spare < _FEWEST_SEED_MATES:
        return None
    squares = float(((values - grouped.transform("mean")) ** 2).sum())
    return math.sqrt(squares / spare)


def shade(value: float, low: float, high: float, noise: float) -> float:
    """Place of a value from 0 (low) to 1 (high) for a colour, in steps that are no finer than the noise.

    0.5 for all where the lowest and the highest are within the noise of each other.
    """
    if high - low <= noise or high <= low:
        return 0.5
    share = (value - low) / (high - low)
    steps = int((high - low) / noise) if noise > 0 else 0
    return share if not steps else round(share * steps) / steps


def is_noise(difference: float, measure: Measure) -> bool:
    """Whether a difference of two values says nothing; equal values have none."""
    return 0 < abs(difference) <= measure.noise
