"""Which two values to ask about next: where the answer says most about which is best.

The leader, of those values that may still be the best, against one that may be better: whichever is the best in a draw
from what the votes so far let one expect. So values near the leader are asked about, and rarely those far behind.

Sources
-------
Russo, "Simple Bayesian algorithms for best-arm identification", Operations Research 68 (2020): two candidates, the
second by draws from the posterior. Jourdan, Degenne, Baudry, de Heide, Kaufmann, "Top two algorithms revisited",
NeurIPS 2022: the leader as the best estimate.
"""

from collections.abc import Iterator

import numpy as np

from bgen_core.runs.analysis.voting.evidence import Evidence
from bgen_core.runs.analysis.voting.strengths import SPREAD

_DRAWS = 32


def telling_pairs(evidence: Evidence, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Pairs of values with the leader, the most telling first: every other value occurs once."""
    count, voted = len(evidence.wealth), len(evidence.strengths.mean)
    means = np.concatenate([evidence.strengths.mean, np.zeros(count - voted)])
    leader = int(np.argmax(np.where(evidence.is_out, -np.inf, means)))
    draws = SPREAD * random.standard_normal((_DRAWS, count))
    if voted:
        draws[:, :voted] = evidence.strengths.drawn(random, _DRAWS)
    draws[:, evidence.is_out] = -np.inf
    challengers = [each for each in draws.argmax(axis=1).tolist() if each != leader]
    least_proved = np.lexsort((-means, evidence.wealth, evidence.is_out)).tolist()
    for challenger in dict.fromkeys([*challengers, *least_proved]):
        if challenger != leader:
            yield leader, challenger
