"""Seeds that are worse than the others whatever else is set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.chance import holm
from bgen_core.runs.analysis.change_words import pairs_text
from bgen_core.runs.analysis.columns import SEED, AxisColumn, Measure, listed_values, shown
from bgen_core.runs.analysis.paired import CONFIDENCE, fewest_pairs, paired_table


@dataclass(frozen=True, kw_only=True)
class BadSeed:
    """A seed that is worse by a measure at every setting.

    Attributes
    ----------
    seed
        Which one.
    measure
        By which it is worse.
    worse_by
        Mean difference to the mean of the other seeds, without its sign.
    settings
        At how many settings.
    """

    seed: object
    measure: Measure
    worse_by: float
    settings: int


def bad_seeds(frame: pd.DataFrame, axes: Sequence[AxisColumn], measures: Sequence[Measure]) -> list[BadSeed]:
    """Which seeds are worse than the mean of the others at every setting of the other axes, beyond noise and chance.

    All seeds by all measures are one family of comparisons (Holm). With fewer settings than a sign test needs, none is.
    """
    seed = next((axis for axis in axes if axis.name == SEED), None)
    judged = [measure for measure in measures if measure.direction != "none"]
    if seed is None:
        return []
    found: list[tuple[float, BadSeed | None]] = []
    for measure in judged:
        table = paired_table(frame, seed, measure, axes).complete
        if len(table.values) > 2:  # of two, one is always the worse one
            found += [_judged(table.cells, place, value, measure) for place, value in enumerate(table.values)]
    passed = holm([chance for chance, _ in found])
    return [bad for (_, bad), is_sure in zip(found, passed, strict=True) if is_sure and bad is not None]


def _judged(cells: np.ndarray, place: int, value: object, measure: Measure) -> tuple[float, BadSeed | None]:
    """The chance of a seed that far from the others, and what is said of it if it is worse everywhere beyond noise."""
    from scipy import stats  # a second to import: not for those who only look at the table

    settings = len(cells)
    if settings < fewest_pairs(CONFIDENCE):
        return math.nan, None
    apart = cells[:, place] - np.delete(cells, place, axis=1).mean(axis=1)
    worse = apart if measure.direction == "lower" else -apart
    mean, error = float(worse.mean()), float(worse.std(ddof=1)) / math.sqrt(settings)
    is_bad = bool((worse > 0).all()) and mean > measure.noise
    bad = BadSeed(seed=value, measure=measure, worse_by=mean, settings=settings) if is_bad else None
    if error <= 1e-12 * abs(mean):
        return (0.0 if mean else 1.0), bad
    return 2 * float(stats.t.sf(abs(mean) / error, settings - 1)), bad


def bad_seeds_text(found: Sequence[BadSeed], axes: Sequence[AxisColumn], measure: Measure) -> str:
    """ "Seed 4 is worse in seam at every guidance: by 0.05 on average (9 pairs)."; empty where none is, by this one."""
    own = [each for each in found if each.measure.name == measure.name]
    if not own:
        return ""
    others = " and ".join(axis.spoken for axis in axes if axis.name != SEED)
    amounts = " and ".join(measure.amount(each.worse_by) for each in own[:3])
    if len(own) == 1:
        return (
            f"Seed {shown(own[0].seed)} is worse in {measure.spoken} at every {others}: by {amounts} on average "
            f"({pairs_text(own[0].settings)})."
        )
    seeds = listed_values([each.seed for each in own[:3]])
    more = f", and {len(own) - 3} more" if len(own) > 3 else ""
    return f"Seeds {seeds}{more} are worse in {measure.spoken} at every {others}: by {amounts} on average."
