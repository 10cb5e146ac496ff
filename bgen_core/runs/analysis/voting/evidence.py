"""What votes prove, however often one looks: which values cannot be the best any more.

For each value there is the hypothesis that no other is preferred to it. Against each hypothesis somebody bets, before
each vote, that the value loses it: never more than they have, at even odds, a tie giving the stake back. While the
hypothesis is true, no such bet is favourable, whichever pair is asked and whoever chose it by whatever was known until
then: what the bettor owns is a nonnegative supermartingale that begins at 1, and ever becomes 1/α with a chance of at
most α (Ville 1939). So one may look after each vote, and stop when one likes.

How much is staked is what the Bradley–Terry strengths so far let one expect (`strengths.py`): the stake that grows
fastest if they are right (Kelly 1956). If they are wrong, evidence is lost, and nothing is claimed wrongly.

The hypotheses of all values are tested together (`is_rejected`): the chance that any true one is ever rejected is at
most α, whatever their number. Where all values but one are out, that one is preferred.

Assumed: sides, seeds and whatever else two pictures share are drawn at random (stakes do not depend on them, so the
hypothesis is about the mean over them), a voter's votes are counted once for two pictures, and there is a best value:
no circle in which each is beaten by the next, else the last that is left may be beaten too. What is proved concerns the
people who vote, on the pictures that they see: votes of one person resemble each other, so what they prove is that
person's taste.

Sources
-------
Shafer, "Testing by betting", JRSS A 184 (2021). Waudby-Smith, Ramdas, "Estimating means of bounded random variables by
betting", JRSS B 86 (2024): bets on bounded outcomes need their conditional mean alone, so a tie may count one half.
Vovk, Wang, "E-values: calibration, combination and applications", The Annals of Statistics 49 (2021): averages of
e-values and closed testing with them.
"""

import math
from dataclasses import dataclass

import numpy as np

from bgen_core.runs.analysis.voting.strengths import Strengths

ERROR = 0.05  # chance that anything false is ever said
_MOST = 600.0  # log of what counts as infinite


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """After all votes so far.

    Attributes
    ----------
    wealth
        log of the evidence against each value being among the best: float64, one per value; 0 before any vote.
    is_out
        Which values were ever proved to be none of the best: bool, one per value.
    strengths
        What the votes let one expect, of the values that were voted about.
    """

    wealth: np.ndarray
    is_out: np.ndarray
    strengths: Strengths

    @classmethod
    def none(cls, count: int, *, voted: int | None = None) -> "Evidence":
        """Before any vote on so many values, of which the first will be voted on, or all."""
        strengths = Strengths.unknown(count if voted is None else voted)
        return cls(wealth=np.zeros(count), is_out=np.zeros(count, bool), strengths=strengths)

    def after(self, first: int, second: int, share: float) -> "Evidence":
        """With one more vote, of which the first won the share 0, ½ or 1."""
        expected = self.strengths.chance(first, second)
        wealth, is_out = self.wealth.copy(), self.is_out
        # a bet that the weaker of the two loses; both have the same odds
        factor = 1 + (2 * expected - 1) * (2 * share - 1)
        wealth[second if expected > 0.5 else first] += math.log(max(factor, 1e-12))
        if wealth.max() >= -math.log(ERROR):
            is_out = is_out | is_rejected(wealth)
        return Evidence(wealth=wealth, is_out=is_out, strengths=self.strengths.after(first, second, share))


def evidence_of(pairs: np.ndarray, shares: np.ndarray, count: int) -> Evidence:
    """Go through votes in their order. Values that were voted about come first.

    Parameters
    ----------
    pairs
        int, votes × 2: the two values of each.
    shares
        float64, one per vote: what the first has won, 0, ½ or 1.
    count
        Of the values.
    """
    found = Evidence.none(count, voted=int(pairs.max()) + 1 if len(pairs) else 0)
    for (first, second), share in zip(pairs.tolist(), shares.tolist(), strict=True):
        found = found.after(first, second, share)
    return found


def is_rejected(wealth: np.ndarray, error: float = ERROR) -> np.ndarray:
    """Which hypotheses fall when all are tested together: bool, one per hypothesis.

    Closed testing: one falls if, in each set of hypotheses that it belongs to, the average of what was won is at least
    1/error. For a set of a given size, that with the smallest others decides.
    """
    most = np.exp(np.minimum(wealth, _MOST))
    fallen = most >= 1 / error
    order = np.argsort(most, kind="stable")
    for place in np.flatnonzero(fallen):
        others = most[order[order != place]]
        sums = most[place] + np.concatenate([[0.0], np.cumsum(others)])
        fallen[place] = bool(np.all(sums >= np.arange(1, len(most) + 1) / error))
    return fallen
