"""How far apart two values of an axis are by a measure, by bounds that hold at all looks together.

Values are compared at the same seeds. What a value and a seed by themselves do not explain is chance; its variance is
pooled over the values that are still in the race, and where two values' own differences vary more than that, theirs
counts. A difference is tested by a mixture over how large it is in units of that chance: the Bayes factor with a normal
prior on the standardised difference, and the right Haar prior on level and scale. It is a nonnegative martingale that
begins at 1, and ever becomes 1/α with a chance of at most α (Ville 1939): so one may look after each seed and stop when
one likes. The differences that it does not reject make an interval that holds at all looks.

That holds for one pair and one set of values, for normal chance of one size. All pairs of the values at the start share
the error. That a value drops out between looks, that chance is not quite normal and not of one size are covered by
simulation (`benchmarks/race_simulated.py`), not by the theorem.

Sources
-------
Lai, "On confidence sequences", The Annals of Statistics 4 (1976). Gönen, Johnson, Lu, Westfall, "The Bayesian
two-sample t test", The American Statistician 59 (2005): the Bayes factor. Lindon, Ham, Tingley, Bojinov, "Anytime-valid
linear models and regression adjusted causal inference" (2022): that it may be looked at at any time.
"""

from dataclasses import dataclass

import numpy as np

from bgen_core.records.race import FIRST_SEEDS
from bgen_core.runs.analysis.noise import pairs_among
from bgen_core.runs.analysis.paired import CONFIDENCE

_FEWEST_FREE = 5  # degrees of freedom of chance: two values need six seeds, as anywhere else (`fewest_pairs`)
_PRIOR_VARIANCE = 4.0  # of a difference in standard deviations of one pair; large ones are found after few seeds


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """Of all pairs of values.

    Attributes
    ----------
    change
        float64, values × values: by how much the mean at the column's value is above that at the row's.
    width
        float64, values × values: half of the interval around it; infinite where nothing is known.
    seeds
        How many seeds that is from.
    """

    change: np.ndarray
    width: np.ndarray
    seeds: int

    @property
    def low(self) -> np.ndarray:
        """Lower ends, values × values."""
        return self.change - self.width

    @property
    def high(self) -> np.ndarray:
        """Upper ends, values × values."""
        return self.change + self.width


def bounds_of(cells: np.ndarray, *, compared: int) -> Bounds:
    """Compare all values with each other.

    Parameters
    ----------
    cells
        float64, seeds × values, all finite.
    compared
        How many values there were at the start of the race, at least 2: so many share the error.
    """
    seeds, values = cells.shape
    free = (seeds - 1) * (values - 1)
    means = cells.mean(axis=0) if seeds else np.zeros(values)
    change = means[None, :] - means[:, None]
    quantile = _quantile(seeds, free, (1 - CONFIDENCE) / max(1, pairs_among(compared)))
    if not np.isfinite(quantile):
        return Bounds(change=change, width=np.full((values, values), np.inf), seeds=seeds)
    differences = cells[:, None, :] - cells[:, :, None]
    own = differences.var(axis=0, ddof=1)
    left = cells - means - cells.mean(axis=1, keepdims=True) + cells.mean()
    pooled = 2 * float(np.square(left).sum()) / free
    spread = np.sqrt(np.maximum(own, pooled) / seeds)
    return Bounds(change=change, width=quantile * spread, seeds=seeds)


def _quantile(seeds: int, free: int, error: float) -> float:
    """The t statistic at which the Bayes factor reaches 1/error; infinite where it never does, or is not asked yet."""
    if seeds < FIRST_SEEDS or free < _FEWEST_FREE:
        return float("inf")
    room = 1 + seeds * _PRIOR_VARIANCE
    reached = (np.sqrt(room) / error) ** (2 / (free + 1))
    if reached >= room:
        return float("inf")
    return float(np.sqrt(free * (reached - 1) / (1 - reached / room)))
