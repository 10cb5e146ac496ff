"""What the votes so far let one expect of the next: a normal posterior of Bradley–Terry strengths, vote by vote.

Sources
-------
Bradley, Terry, "Rank analysis of incomplete block designs", Biometrika 39 (1952). The update takes each vote's
likelihood to its mode along the one direction that the vote is about (Laplace), as Glickman, "Parameter estimation in
large dynamic paired comparison experiments", Applied Statistics 48 (1999), for ratings. Expected win: MacKay, "The
evidence framework applied to classification networks", Neural Computation 4 (1992).
"""

import math
from dataclasses import dataclass

import numpy as np

SPREAD = 1.0  # standard deviation of strengths before any vote, log-odds: the better of two wins 70 % on average
_NEWTON_STEPS = 5


def win_chance(lead: float) -> float:
    """Chance to win of whoever is stronger by `lead` (log-odds)."""
    return 1 / (1 + math.exp(-lead)) if lead > -700 else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Strengths:
    """Strengths of the values of an axis, log-odds: float64.

    Attributes
    ----------
    mean
        One per value.
    covariance
        Values × values.
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def unknown(cls, count: int) -> "Strengths":
        """Before any vote."""
        return cls(mean=np.zeros(count), covariance=SPREAD**2 * np.eye(count))

    def lead(self, first: int, second: int) -> tuple[float, float]:
        """Mean and variance of the first's lead over the second."""
        spread = self.covariance[first] - self.covariance[second]
        return float(self.mean[first] - self.mean[second]), float(spread[first] - spread[second])

    def chance(self, first: int, second: int) -> float:
        """Expected share of the first in a vote between both, in (0, 1)."""
        mean, variance = self.lead(first, second)
        return win_chance(mean / math.sqrt(1 + math.pi * variance / 8))

    def after(self, first: int, second: int, share: float) -> "Strengths":
        """The strengths once it is known which share, 0 to 1, the first has won of one more vote."""
        mean, variance = self.lead(first, second)
        lead = mean
        for _ in range(_NEWTON_STEPS):
            chance = win_chance(lead)
            lead += (share - chance - (lead - mean) / variance) / (chance * (1 - chance) + 1 / variance)
        chance = win_chance(lead)
        weight = chance * (1 - chance)
        spread = self.covariance[first] - self.covariance[second]
        return Strengths(
            mean=self.mean + spread * ((lead - mean) / variance),
            covariance=self.covariance - np.outer(spread, spread) * (weight / (1 + weight * variance)),
        )

    def drawn(self, random: np.random.Generator, count: int) -> np.ndarray:
        """Strengths as they may be: float64, count × values."""
        root = np.linalg.cholesky(self.covariance)
        return self.mean + random.standard_normal((count, len(self.mean))) @ root.T
