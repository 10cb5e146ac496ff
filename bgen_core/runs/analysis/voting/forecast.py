"""About how many more votes settle which value is best, if it goes on as the votes so far let one expect.

The evidence against a value that is still open (`evidence.py`) grows with each vote between it and the leader, by what
the bettor expects to win, and falls at times. When such a walk first reaches what is missing follows an inverse normal
distribution (Wald 1947); where the stakes are those that grow fastest, its variance is twice its drift. Its median is
told. Half of the forecasts lie between 0.6 and 3.5 times what it took then (`benchmarks/votes_simulated.py`).
"""

import math

import numpy as np

from bgen_core.runs.analysis.voting.evidence import ERROR, Evidence
from bgen_core.runs.analysis.voting.strengths import win_chance

TELLING_SHARE = 0.72  # of all votes: the others are drawn at random or come a second time


def votes_to_settle(evidence: Evidence, leader: int, ties: float) -> float:
    """Votes until every value but the leader is out; infinite where they are expected to be alike.

    Parameters
    ----------
    evidence
        Every value that is not out was voted on.
    leader
        The best so far.
    ties
        Share of the votes that are ties, in [0, 1).
    """
    open_values = [each for each in np.flatnonzero(~evidence.is_out).tolist() if each != leader]
    needed = 0.0
    for value in open_values:
        lead, _ = evidence.strengths.lead(leader, value)
        if lead <= 0:
            return math.inf
        missing = max(0.1, math.log((len(open_values) + 1) / ERROR) - float(evidence.wealth[value]))
        needed += _first_passage(missing, _growth(win_chance(lead), ties))
    return needed / TELLING_SHARE


def _growth(chance: float, ties: float) -> float:
    """What one vote is expected to add to the evidence."""
    stake = min(2 * chance - 1, 0.999 * (1 - ties))  # decided votes alone can be won
    won = (1 + stake / (1 - ties)) / 2
    return max((1 - ties) * (won * math.log1p(stake) + (1 - won) * math.log1p(-stake)), 1e-9)


def _first_passage(missing: float, growth: float) -> float:
    """Median of the votes after which a walk has grown by what is missing."""
    from scipy import stats  # a second to import

    return float(stats.invgauss.median(2 / missing, scale=missing**2 / (2 * growth)))
