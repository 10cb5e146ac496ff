"""Which runs, and which values of an axis, are best by a measure. What is within its noise of the best is as good."""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from bgen_core.metrics import Direction
from bgen_core.runs.analysis.columns import SEED, AxisColumn, Measure, measured_rows, samples
from bgen_core.runs.analysis.noise import pairs_among, seed_spread

_ROUNDING = 1e-12  # relative: means of equal values differ by so much, depending on their order


Key = TypeVar("Key", bound=Hashable)


def best_of(values: Mapping[Key, float | None], direction: Direction, noise: float = 0.0) -> frozenset[Key]:
    """The keys with the best value, several where no more than noise lies between them.

    Parameters
    ----------
    values
        Run, or value of an axis -> value; None and NaN take no part.
    noise
        Differences up to this say nothing.

    Returns
    -------
    frozenset
        Empty where neither side is better, and where no value is worse than another by more than noise: nothing stands
        out then.
    """
    known = {key: value for key, value in values.items() if value is not None and not math.isnan(value)}
    if direction == "none" or all_equal(known.values(), noise):
        return frozenset()
    best = min(known.values()) if direction == "lower" else max(known.values())
    return frozenset(key for key, value in known.items() if math.isclose(value, best, rel_tol=_ROUNDING, abs_tol=noise))


def all_equal(values: Iterable[float], noise: float = 0.0) -> bool:
    """Whether no value differs from another, but for rounding and noise; also where there is one or none."""
    known = list(values)
    return not known or math.isclose(min(known), max(known), rel_tol=_ROUNDING, abs_tol=noise)


@dataclass(frozen=True, kw_only=True)
class BestAt:
    """The best value of one axis at one value of another.

    Attributes
    ----------
    at
        Value of the other axis.
    best
        The best, several where no more than noise lies between them; empty where that is so of all that were measured.
    mean
        Of the measure at the best.
    runs
        How many that mean is over.
    compared
        How many values of the axis have a measured run there.
    """

    at: object
    best: tuple[object, ...]
    mean: float
    runs: int
    compared: int


def best_values(frame: pd.DataFrame, of: AxisColumn, measure: Measure, *, at: AxisColumn) -> list[BestAt]:
    """The best value of one axis at each value of another: which seed is best at 10 steps, and which at 30.

    Returns
    -------
    list of BestAt
        In the order of `at`; its values without a measured run are left out.

    Raises
    ------
    ValueError
        Neither side of the measure is better.
    """
    if measure.direction == "none":
        raise ValueError(f"{measure.label} has no better side")
    known = measured_rows(frame, measure, of, at)
    # Which seed is best is a question about these pictures; which setting is, about pictures with other seeds too
    spread = None if of.name == SEED else seed_spread(known, measure, [of.name, at.name])
    found: list[BestAt] = []
    asked = at.values(known)
    comparisons = len(asked) * pairs_among(len(of.values(known)))
    for value in asked:
        runs = samples(pd.DataFrame(known.loc[known[at.name] == value]), of, measure)
        means = {each: float(values.mean()) for each, values in runs.items()}
        noise = measure.noise
        if spread is not None:
            seeds = known.loc[known[at.name] == value].groupby(of.name)[SEED].nunique().min()
            noise = max(noise, spread.apart(comparisons=comparisons, runs=max(1, int(seeds))))
        best = best_of(means, measure.direction, noise)
        counted = best or means.keys()
        found.append(
            BestAt(
                at=value,
                best=tuple(each for each in means if each in best),
                mean=means[next(each for each in means if each in counted)],
                runs=sum(len(runs[each]) for each in counted),
                compared=len(means),
            )
        )
    return found
