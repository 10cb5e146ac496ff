"""How many pairs tell two values apart, and what so many pairs would have missed.

Sources
-------
Power of the paired t-test by the noncentral t distribution: Cohen, "Statistical power analysis for the behavioral
sciences" (2nd edition, 1988), chapter 2; Chow, Shao, Wang, Lokhnygina, "Sample size calculations in clinical research"
(3rd edition, 2017), section 3.1.
"""

import math

from bgen_core.runs.analysis.paired import CONFIDENCE, fewest_pairs

POWER = 0.8  # how often a difference that is there is found
MOST_PAIRS = 4096


def pairs_needed(deviation: float, difference: float, *, comparisons: int = 1) -> int | None:
    """How many pairs find a difference in four of five cases.

    Parameters
    ----------
    deviation
        Standard deviation of the paired differences, above 0.
    difference
        Their mean, without its sign, above 0.
    comparisons
        Among how many it has to stand out (Bonferroni, which is where Holm's procedure begins).

    Returns
    -------
    int or None
        At least as many as anything is said of at all; None where `MOST_PAIRS` are too few.
    """
    low, high = fewest_pairs(CONFIDENCE), MOST_PAIRS
    if _power(deviation, difference, high, comparisons) < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        if _power(deviation, difference, middle, comparisons) >= POWER:
            high = middle
        else:
            low = middle + 1
    return low


def smallest_found(error: float, freedom: int, *, comparisons: int = 1) -> float:
    """The difference that would have been found in four of five cases, in the unit of `error`.

    Parameters
    ----------
    error
        Standard error of the mean difference.
    freedom
        Its degrees of freedom.
    comparisons
        Among how many it had to stand out.
    """
    from scipy import stats  # a second to import: not for those who only look at the table

    needed = float(stats.t.isf(_alpha(comparisons) / 2, freedom)) + float(stats.t.ppf(POWER, freedom))
    return needed * error


def _power(deviation: float, difference: float, pairs: int, comparisons: int) -> float:
    from scipy import stats

    limit = float(stats.t.isf(_alpha(comparisons) / 2, pairs - 1))
    shift = min(difference / deviation * math.sqrt(pairs), 1e3)  # beyond, it is found for sure, and scipy gives NaN
    return 1.0 if shift > 10 * limit + 10 else float(stats.nct.sf(limit, pairs - 1, shift))


def _alpha(comparisons: int) -> float:
    return (1 - CONFIDENCE) / max(1, comparisons)
