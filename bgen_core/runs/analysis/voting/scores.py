"""A Bradley–Terry score for each value of an axis, with intervals that hold at all looks together.

Sources
-------
Fit: choix, `ilsr_pairwise_dense` (Maystre, Grossglauser, "Fast and accurate inference of Plackett–Luce models", NeurIPS
2015). Intervals: the fit's standard errors times the boundary of Robbins' normal mixture, which is asymptotic:
Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
The Annals of Statistics 52 (2024). How often they hold is simulated in `benchmarks/votes_simulated.py`.
"""

from dataclasses import dataclass

import numpy as np

from bgen_core.runs.analysis.voting.evidence import ERROR
from bgen_core.runs.analysis.voting.strengths import SPREAD


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedScores:
    """Scores and shares with their intervals: float64, one per value.

    Attributes
    ----------
    score, low, high
        Log-odds against the mean of all values.
    deviation
        Standard error of the score.
    share, share_low, share_high
        Mean over the other values of the chance to win against them, in [0, 1].
    """

    score: np.ndarray
    low: np.ndarray
    high: np.ndarray
    deviation: np.ndarray
    share: np.ndarray
    share_low: np.ndarray
    share_high: np.ndarray


def fitted_scores(pairs: np.ndarray, shares: np.ndarray, count: int) -> FittedScores:
    """Fit the scores of two or more values.

    Beside the votes, each value counts as having won and lost half a time against the others together. This holds the
    score of a value that always won at a finite number, and keeps a handful of votes from being taken for certainty.

    Parameters
    ----------
    pairs
        int, votes × 2: the two values of each vote.
    shares
        float64, one per vote: what the first has won, 0, ½ or 1.
    count
        Of the values.
    """
    import choix  # with scipy.stats behind it

    wins = np.full((count, count), 1 / (2 * (count - 1)))
    np.add.at(wins, (pairs[:, 0], pairs[:, 1]), shares)
    np.add.at(wins, (pairs[:, 1], pairs[:, 0]), 1 - shares)
    np.fill_diagonal(wins, 0)
    score = choix.ilsr_pairwise_dense(wins)
    chances = 1 / (1 + np.exp(score[None, :] - score[:, None]))
    weights = chances * (1 - chances)
    np.fill_diagonal(weights, 0)
    information = -(wins + wins.T) * weights
    np.fill_diagonal(information, -information.sum(axis=1))
    # One eigenvalue is 0, since scores are relative: rounding must not pass for information
    covariance = np.linalg.pinv(information, rcond=1e-9, hermitian=True)
    deviation = np.sqrt(np.diag(covariance))
    reach = _reach(deviation)
    share = (chances.sum(axis=1) - 0.5) / (count - 1)  # a half against itself
    slopes = (np.diag(weights.sum(axis=1)) - weights) / (count - 1) / (share * (1 - share))[:, None]
    odds = np.log(share / (1 - share))
    share_reach = _reach(np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes)))
    return FittedScores(
        score=score,
        low=score - reach,
        high=score + reach,
        deviation=deviation,
        share=share,
        share_low=1 / (1 + np.exp(share_reach - odds)),
        share_high=1 / (1 + np.exp(-share_reach - odds)),
    )


def _reach(deviation: np.ndarray) -> np.ndarray:
    """Half the width of an interval, from the standard error, both log-odds: about three of them."""
    ratio = (SPREAD / deviation) ** 2
    return deviation * np.sqrt((1 + 1 / ratio) * (np.log1p(ratio) + 2 * np.log(1 / ERROR)))
