"""What one axis does to a measure, in numbers and in one sentence that does not claim more than the runs show."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.columns import AxisColumn, Measure, number, samples, shown
from bgen_core.runs.analysis.paired import (
    CONFIDENCE,
    Estimate,
    PairedTable,
    fewest_pairs,
    mean_estimate,
    paired_difference,
    paired_table,
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two values of an axis: by how much the measure is larger at the second than at the first."""

    first: object
    second: object
    change: Estimate


@dataclass(frozen=True, kw_only=True)
class AxisEffect:
    """What an axis does to a measure.

    Attributes
    ----------
    axis, measure
        What was compared.
    means
        Value of the axis -> mean of the measure with its interval, over all runs at that value.
    extreme
        The value with the best mean (the highest, where neither side is better) over the complete pairs; None where
        there are none.
    against_rest
        The measure at `extreme` less the mean of the other values. Its confidence is raised by the number of values,
        since the extreme one was chosen from the same runs (Bonferroni).
    trend
        For numbers: the change over the axis's whole range, by the mean of straight lines through each pair's values.
    pairs
        Pairs that have all values of the axis.
    sentence
        The effect and its uncertainty; "No clear difference" where there is none.
    """

    axis: AxisColumn
    measure: Measure
    means: dict[object, Estimate]
    extreme: object | None
    against_rest: Estimate | None
    trend: Estimate | None
    pairs: int
    sentence: str

    @property
    def is_clear(self) -> bool:
        """Whether the sentence states a difference."""
        return any(estimate is not None and estimate.is_clear for estimate in (self.trend, self.against_rest))


def axis_effect(frame: pd.DataFrame, axis: AxisColumn, measure: Measure, *, axes: Sequence[AxisColumn]) -> AxisEffect:
    """Compare the values of one axis, each seed and each value of the other axes with itself.

    Parameters
    ----------
    frame
        The cells of one sweep: one row per run.
    axis
        The axis in question.
    measure
        A column of numbers; empty ones are left out.
    axes
        Everything that was swept, the seed included.
    """
    table = paired_table(frame, axis, measure, axes)
    complete, values = table.complete, table.values
    extreme, against_rest, trend = None, None, None
    if len(values) > 1 and len(complete.cells):
        extreme, against_rest = _extreme(complete, measure)
        trend = _trend(complete) if axis.is_scale(frame) else None
    return AxisEffect(
        axis=axis,
        measure=measure,
        means=value_means(frame, axis, measure),
        extreme=extreme,
        against_rest=against_rest,
        trend=trend,
        pairs=len(complete.cells),
        sentence=_sentence(axis, measure, values, len(complete.cells), extreme, against_rest, trend),
    )


def paired_differences(
    frame: pd.DataFrame, axis: AxisColumn, measure: Measure, *, axes: Sequence[AxisColumn]
) -> list[Difference]:
    """Every two values of an axis that share a pair, the earlier one first; see `axis_effect`."""
    table = paired_table(frame, axis, measure, axes)
    found: list[Difference] = []
    for first, second in combinations(table.values, 2):
        change = paired_difference(table, first, second)
        if change is not None:
            found.append(Difference(first=first, second=second, change=change))
    return found


def value_means(frame: pd.DataFrame, axis: AxisColumn, measure: Measure) -> dict[object, Estimate]:
    """Value of the axis -> mean of the measure with its interval, over all measured runs at that value."""
    return {value: mean_estimate(found) for value, found in samples(frame, axis, measure).items()}


def _extreme(complete: PairedTable, measure: Measure) -> tuple[object, Estimate]:
    means = complete.cells.mean(axis=0)
    place = int(means.argmin() if measure.direction == "lower" else means.argmax())
    count = len(means)
    # Of two values it is the same comparison, whichever is the better one
    confidence = 1 - (1 - CONFIDENCE) / (count if count > 2 else 1)
    rest = np.delete(complete.cells, place, axis=1).mean(axis=1)
    return complete.values[place], mean_estimate(complete.cells[:, place] - rest, confidence)


def _trend(complete: PairedTable) -> Estimate:
    positions = np.asarray(complete.values, float)
    centred = positions - positions.mean()
    slopes = complete.cells @ centred / (centred @ centred)
    return mean_estimate(slopes * (positions.max() - positions.min()))


def _sentence(
    axis: AxisColumn,
    measure: Measure,
    values: list[object],
    pairs: int,
    extreme: object | None,
    against_rest: Estimate | None,
    trend: Estimate | None,
) -> str:
    nothing = f"No clear difference in {measure.spoken} between the values of {axis.label}"
    if not values:
        return f"{nothing}: no run has a value."
    if len(values) == 1:
        return f"{nothing}: there is only {shown(values[0])}."
    if against_rest is None or extreme is None:
        return f"{nothing}: no seed was run with all of them."
    ends = f"from {axis.label} {shown(values[0])} to {shown(values[-1])}"
    between = extreme not in (values[0], values[-1])
    if trend is not None and trend.is_clear and not (between and against_rest.is_clear):
        verb = "rises" if trend.mean > 0 else "falls"
        return f"{measure.label} {verb} by {interval_text(trend, measure)} {ends}{_verdict(trend, measure, extreme)}."
    if against_rest.is_clear:
        side = "below" if against_rest.mean < 0 else "above"
        return (
            f"{axis.label} {shown(extreme)} has the {_superlative(measure)} {measure.spoken}: "
            f"{interval_text(against_rest, measure)} {side} the mean of the others."
        )
    compared = trend or against_rest
    needed = fewest_pairs(compared.confidence)
    if pairs < needed:
        return f"{nothing}: {pairs} {'pair is' if pairs == 1 else 'pairs are'} too few, {needed} are needed."
    if trend is not None:
        return f"{nothing}: {ends} it changes by {interval_text(trend, measure, signed=True)}."
    return (
        f"{nothing}: the {_superlative(measure)}, {shown(extreme)}, differs from the mean of the others by "
        f"{interval_text(against_rest, measure, signed=True)}."
    )


def interval_text(estimate: Estimate, measure: Measure, *, signed: bool = False) -> str:
    """A change with its interval: "0.12 s (95 % interval 0.05 to 0.19, 9 pairs)"; without its sign unless asked for."""
    mean, low, high = estimate.mean, estimate.low, estimate.high
    if not signed and mean < 0:
        mean, low, high = -mean, -high, -low
    return (
        f"{measure.amount(mean)} ({100 * estimate.confidence:.3g} % interval {number(low)} to {number(high)}, "
        f"{estimate.count} {'pair' if estimate.count == 1 else 'pairs'})"
    )


def _verdict(change: Estimate, measure: Measure, extreme: object) -> str:
    if measure.direction == "none":
        return ""
    better = (change.mean > 0) == (measure.direction == "higher")
    return f", which is {'better' if better else 'worse'}; the best mean is at {shown(extreme)}"


def _superlative(measure: Measure) -> str:
    return {"lower": "best (lowest)", "higher": "best (highest)", "none": "highest"}[measure.direction]
