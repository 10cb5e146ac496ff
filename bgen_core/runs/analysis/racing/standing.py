"""Which values of a race have lost by a measure, and what is said of it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.paired import CONFIDENCE
from bgen_core.runs.analysis.racing.bounds import Bounds, bounds_of
from bgen_core.wording import counted, listed

ROUND_SEEDS = 2  # that each value gets that is still in the race


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """Values that are in the race, at the seeds at which all of them are measured.

    Attributes
    ----------
    values
        Their places on the axis.
    means
        float64, one per value; NaN without a seed.
    bounds
        Of all pairs.
    """

    values: tuple[int, ...]
    means: np.ndarray
    bounds: Bounds

    @property
    def seeds(self) -> int:
        return self.bounds.seeds


def standing(cells: np.ndarray, values: Sequence[int], *, compared: int) -> Standing:
    """How values stand.

    Parameters
    ----------
    cells
        float64, seeds × all values of the axis; NaN where something is missing.
    values
        Places of those that are in the race.
    compared
        How many were in it at the start.
    """
    own = cells[:, list(values)]
    whole = own[np.isfinite(own).all(axis=1)]
    means = whole.mean(axis=0) if len(whole) else np.full(len(values), math.nan)
    return Standing(values=tuple(values), means=means, bounds=bounds_of(whole, compared=compared))


def lost_values(cells: np.ndarray, *, higher: bool, noise: float, compared: int) -> dict[int, int]:
    """Place of each value that another one beats beyond chance and beyond the measure's own noise -> by which one.

    Parameters
    ----------
    cells
        float64, seeds × values in the race, all finite.
    higher
        Whether higher values are better.
    noise
        Differences up to this say nothing.
    compared
        How many values were in the race at the start.
    """
    return _lost(bounds_of(cells, compared=compared), higher=higher, noise=noise)


def _lost(bounds: Bounds, *, higher: bool, noise: float) -> dict[int, int]:
    sign = 1 if higher else -1
    # [i, j]: j is better than i
    better = (sign * bounds.change - bounds.width > 0) & (sign * bounds.change > noise)
    lead = np.where(better, sign * bounds.change, -np.inf)
    return {int(place): int(lead[place].argmax()) for place in np.flatnonzero(better.any(axis=1))}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a look says.

    Attributes
    ----------
    lost
        Places on the axis of those that have lost now, each with the reason in a sentence.
    is_alike
        Whether all that are left differ by no more than the measure's own noise.
    """

    lost: tuple[tuple[int, str], ...]
    is_alike: bool = False


def verdict(found: Standing, measure: Measure, labels: Sequence[str]) -> Verdict:
    """Who has lost by the measure.

    Parameters
    ----------
    labels
        Of all values of the axis.
    """
    higher = measure.direction == "higher"
    lost = _lost(found.bounds, higher=higher, noise=measure.noise)
    reasons = [
        (found.values[loser], _reason(found, loser, winner, measure, labels)) for loser, winner in sorted(lost.items())
    ]
    left = [place for place in range(len(found.values)) if place not in lost]
    inside = np.ix_(left, left)
    furthest = np.maximum(np.abs(found.bounds.low[inside]), np.abs(found.bounds.high[inside]))
    np.fill_diagonal(furthest, 0)
    is_alike = len(left) > 1 and measure.noise > 0 and bool((furthest <= measure.noise).all())
    return Verdict(lost=tuple(reasons), is_alike=is_alike)


def _reason(found: Standing, loser: int, winner: int, measure: Measure, labels: Sequence[str]) -> str:
    change = abs(float(found.bounds.change[loser, winner]))
    width = float(found.bounds.width[loser, winner])
    is_small = measure.decimals is not None and change - width < 0.5 * 10**-measure.decimals
    low = "just above 0" if is_small else measure.text(change - width)
    worse = "lower" if measure.direction == "higher" else "higher"
    return (
        f"Out: {labels[found.values[loser]]}. Its {measure.spoken} is {measure.amount(change)} {worse} than that of "
        f"{labels[found.values[winner]]} over {counted(found.seeds, 'seed')} ({100 * CONFIDENCE:.0f} % interval "
        f"{low} to {measure.text(change + width)}, at all looks together)."
    )


def leading(found: Standing, measure: Measure, labels: Sequence[str], *, without: Collection[int] = ()) -> str:
    """Who is in front, without a claim: "guidance 7 (0.021) and guidance 5 (0.023)".

    Parameters
    ----------
    without
        Places on the axis that are left out.
    """
    order = np.argsort(found.means if measure.direction == "lower" else -found.means, kind="stable").tolist()
    shown = [place for place in order if found.values[place] not in without]
    named = [f"{labels[found.values[place]]} ({measure.amount(float(found.means[place]))})" for place in shown[:4]]
    more = len(shown) - len(named)
    return listed([*named, *([f"{more} more"] if more > 0 else [])])
