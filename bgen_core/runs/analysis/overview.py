"""All axes of a sweep against all its measures: how far each moves each, and whether that is more than noise.

Sources
-------
Paired t-test: `scipy.stats`. Where pairs of one seed resemble each other, the means of seeds are what counts, as in a
test of clusters (Donner and Klar, "Design and analysis of cluster randomization trials", 2000). Many comparisons: Holm
(`chance.py`), over all cells of the overview together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.best import all_equal, best_of
from bgen_core.runs.analysis.chance import holm
from bgen_core.runs.analysis.columns import TIMES, AxisColumn, Measure
from bgen_core.runs.analysis.paired import CONFIDENCE, PairedTable, fewest_pairs, paired_table
from bgen_core.runs.analysis.power import smallest_found

_ROUNDING = 1e-12
_RESEMBLE = 0.25  # chance below which pairs of one seed are taken to resemble each other
Verdict = Literal["moves", "noise", "equal", "few", "missing"]


@dataclass(frozen=True, kw_only=True)
class Move:
    """What one axis does to one measure, among all that were asked.

    Attributes
    ----------
    change
        Mean over the pairs: of the last value less the first, or of the value that stands out less the others.
    times_noise
        The change, without its sign, in units of the noise: the measure's own or the half width of the 95 % interval
        of that mean, which is what the seeds leave open, whichever is larger. NaN where nothing can be said.
    pairs
        How many it is the mean of.
    verdict
        "moves" where the change is beyond both kinds of noise, and stays so by Holm's correction; "few" where there are
        too few pairs to say, "missing" where it would move, but cells are missing that looked like losers.
    smallest
        The change that would have been found in four of five cases; NaN where nothing can be said.
    """

    axis: AxisColumn
    measure: Measure
    change: float
    times_noise: float
    pairs: int
    verdict: Verdict
    smallest: float = math.nan


@dataclass(frozen=True, kw_only=True)
class _Tested:
    change: float
    half_width: float
    chance: float
    pairs: int
    error: float = math.inf
    freedom: int = 0


def overview(
    frame: pd.DataFrame, axes: Sequence[AxisColumn], measures: Sequence[Measure], *, lacks_losers: bool = False
) -> list[Move]:
    """Every axis by every measure, in that order.

    Parameters
    ----------
    frame
        The cells of one sweep: one row per run.
    axes
        Everything that was swept, the seed included.
    measures
        Each with its noise in its own unit.
    lacks_losers
        Whether cells are missing because they looked like losers: then only times are said to move.
    """
    asked = [(axis, measure) for axis in axes for measure in measures]
    tables = [paired_table(frame, axis, measure, axes) for axis, measure in asked]
    tested = [
        _tested(table, axis.is_scale(frame), measure)
        for (axis, measure), table in zip(asked, tables, strict=True)
    ]  # fmt: skip
    beyond = holm([math.nan if each is None else each.chance for each in tested])
    comparisons = sum(each is not None for each in tested)
    moves = [
        _move(axis, measure, table, each, is_beyond=passed, comparisons=comparisons)
        for (axis, measure), table, each, passed in zip(asked, tables, tested, beyond, strict=True)
    ]
    if not lacks_losers:
        return moves
    return [
        replace(move, verdict="missing") if move.verdict == "moves" and move.measure.name not in TIMES else move
        for move in moves
    ]


def _move(
    axis: AxisColumn,
    measure: Measure,
    table: PairedTable,
    tested: _Tested | None,
    *,
    is_beyond: bool,
    comparisons: int,
) -> Move:
    if tested is None:
        known = table.cells[np.isfinite(table.cells)].tolist()
        alike = len(table.values) > 1 and (all_equal(known) or _rows_are_equal(table))
        verdict: Verdict = "equal" if alike else "few"
        pairs = len(table.complete.cells)
        return Move(axis=axis, measure=measure, change=0.0, times_noise=math.nan, pairs=pairs, verdict=verdict)
    noise = max(measure.noise, tested.half_width)
    times = abs(tested.change) / noise if noise else math.inf
    stands = is_beyond and times > 1
    verdict = "few" if tested.pairs < fewest_pairs(CONFIDENCE) else "moves" if stands else "noise"
    found = smallest_found(tested.error, tested.freedom, comparisons=comparisons) if tested.freedom else math.nan
    return Move(
        axis=axis,
        measure=measure,
        change=tested.change,
        times_noise=times,
        pairs=tested.pairs,
        verdict=verdict,
        smallest=max(measure.noise, found) if tested.freedom else math.nan,
    )


def _tested(table: PairedTable, is_scale: bool, measure: Measure) -> _Tested | None:
    """The comparison that says most, with the chance of one so large; None where nothing differs or can be compared."""
    if len(table.values) < 2:
        return None
    found: list[_Tested] = []
    if is_scale:
        first, last = table.cells[:, 0], table.cells[:, -1]
        found.append(_difference(last - first, table.seeds))
    complete = table.complete
    places = _best_places(complete, measure)
    if places and not (is_scale and {0, len(table.values) - 1} & set(places)):
        best, others = complete.cells[:, places], np.delete(complete.cells, places, axis=1)
        count = len(table.values)
        # The value was chosen from the same runs (Bonferroni); of two it is the same comparison, whichever is better
        apart = best.mean(axis=1) - others.mean(axis=1)
        found.append(_difference(apart, complete.seeds, comparisons=count if count > 2 else 1))
    asked = [each for each in found if each.pairs and each.change]
    if not asked:
        return None
    strongest = min(asked, key=lambda each: each.chance)
    return _Tested(
        change=strongest.change,
        half_width=strongest.half_width,
        chance=min(1.0, strongest.chance * len(found)),
        pairs=strongest.pairs,
        error=strongest.error,
        freedom=strongest.freedom,
    )


def _best_places(complete: PairedTable, measure: Measure) -> list[int]:
    if not len(complete.cells):
        return []
    means: list[float] = complete.cells.mean(axis=0).tolist()
    return sorted(best_of(dict(enumerate(means)), "lower" if measure.direction == "lower" else "higher"))


def _difference(differences: np.ndarray, seeds: np.ndarray, *, comparisons: int = 1) -> _Tested:
    from scipy import stats  # a second to import: not for those who only look at the table

    is_known = np.isfinite(differences)
    known = differences[is_known]
    count = len(known)
    mean = float(known.mean()) if count else 0.0
    if count < 2:
        return _Tested(change=mean, half_width=math.inf, chance=1.0, pairs=count)
    error, freedom = _error(known, seeds[is_known])
    if error <= _ROUNDING * abs(mean):  # all pairs agree: what the test tends to as the spread does to 0
        chance = 0.0 if mean else 1.0
    else:
        chance = 2 * float(stats.t.sf(abs(mean) / error, freedom))
    width = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * error
    chance = min(1.0, chance * comparisons)
    return _Tested(change=mean, half_width=width, chance=chance, pairs=count, error=error, freedom=freedom)


def _error(differences: np.ndarray, seeds: np.ndarray) -> tuple[float, int]:
    """Standard error of the mean with its degrees of freedom: of seeds, where pairs of one seed resemble each other."""
    from scipy import stats

    count = len(differences)
    own = float(differences.std(ddof=1)) / math.sqrt(count), count - 1
    _, places, sizes = np.unique(seeds, return_inverse=True, return_counts=True)
    several = len(sizes)
    if several < 2 or several == count:
        return own
    means = np.bincount(places, differences) / sizes
    between = float((sizes * (means - differences.mean()) ** 2).sum()) / (several - 1)
    within = float(((differences - means[places]) ** 2).sum()) / (count - several)
    if between <= within or (within and stats.f.sf(between / within, several - 1, count - several) > _RESEMBLE):
        return own
    return math.sqrt(between / count), several - 1


def _rows_are_equal(table: PairedTable) -> bool:
    rows = [row[np.isfinite(row)].tolist() for row in table.cells]
    return any(len(row) > 1 for row in rows) and all(all_equal(row) for row in rows)
