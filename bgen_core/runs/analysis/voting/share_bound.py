"""Between which bounds the share of won votes lies, valid at all looks together (a confidence sequence).

For numbers Y₁, Y₂, … in [0, 1] whose expectations given all before are μ₁, μ₂, …, and any λ,

    exp(λ·ΣYᵢ) / Π(1 − μᵢ + μᵢ·e^λ)

is a supermartingale, since e^{λy} ≤ 1 − y + y·e^λ. With m the mean of the μᵢ so far, the product is at most
(1 − m + m·e^λ)ⁿ, so the same with m in their place is no larger. Averaged over λ it stays below 1/α at all times
together with a chance of 1 − α (Ville), and so m is among the numbers for which it does. It is convex in m: they are
an interval. No two expectations need be alike: pictures, seeds and voters may differ, and m is the mean over what was
asked.

Sources
-------
Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical Statistics 41
(1970): mixtures. Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
The Annals of Statistics 49 (2021): sub-Bernoulli processes and the mean of changing expectations.
"""

import math

import numpy as np

_SHIFTS = np.linspace(-6, 6, 241)  # λ, log-odds
_LOG_WEIGHTS = -(_SHIFTS**2) / 2 - math.log(float(np.exp(-(_SHIFTS**2) / 2).sum()))  # normal, standard deviation 1
_HALVINGS = 30


def share_bounds(won: float, votes: int, error: float) -> tuple[float, float]:
    """Lowest and highest share, in [0, 1].

    Parameters
    ----------
    won
        Votes that were won, a tie counting one half.
    votes
        All of them.
    error
        Chance that the bounds ever exclude the truth.
    """
    if votes == 0:
        return 0.0, 1.0
    limit, middle = -math.log(error), won / votes
    return _crossing(middle, 0.0, won, votes, limit), _crossing(middle, 1.0, won, votes, limit)


def _crossing(inside: float, outside: float, won: float, votes: int, limit: float) -> float:
    if _evidence(outside, won, votes) < limit:
        return outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if _evidence(middle, won, votes) < limit else (inside, middle)
    return outside


def _evidence(share: float, won: float, votes: int) -> float:
    """log of the evidence against a share."""
    exponents = _LOG_WEIGHTS + _SHIFTS * won - votes * np.log1p(share * np.expm1(_SHIFTS))
    largest = float(exponents.max())
    return largest + math.log(float(np.exp(exponents - largest).sum()))
