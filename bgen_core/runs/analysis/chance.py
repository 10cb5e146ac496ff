"""Many comparisons at once: which of them chance alone would not give."""

import math
from collections.abc import Sequence

from bgen_core.runs.analysis.paired import CONFIDENCE


def holm(chances: Sequence[float]) -> list[bool]:
    """For each whether it stays below 5 % by Holm's procedure; NaN is not asked.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979).
    """
    order = sorted((chance, place) for place, chance in enumerate(chances) if not math.isnan(chance))
    passed = [False] * len(chances)
    for rank, (chance, place) in enumerate(order):
        if chance * (len(order) - rank) > 1 - CONFIDENCE:
            break
        passed[place] = True
    return passed
