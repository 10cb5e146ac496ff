"""Whether a better picture is worth its time: 30 steps against 10, what they gain and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.change_words import BY_CHANCE, better_text, change_text, pairs_text, share_text, too_few
from bgen_core.runs.analysis.columns import SECONDS, SEED, AxisColumn, Measure, number, numbers, shown
from bgen_core.runs.analysis.effects import axis_effect
from bgen_core.runs.analysis.paired import (
    CONFIDENCE,
    Estimate,
    PairedDifference,
    PairedTable,
    paired_difference,
    paired_table,
    ratio_estimate,
)
from bgen_core.wording import quoted


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Two values of an axis: what the second costs and gains.

    Attributes
    ----------
    first, second
        The two values.
    ratio
        Mean time at the second over mean time at the first; None where it is not known.
    extra
        By how many seconds a picture takes longer at the second.
    change
        By how much the measure is larger at the second.
    gain
        By how much it is better there: above 0 is better, whichever side that is.
    sentence
        Cost, gain, and their uncertainty.
    """

    first: object
    second: object
    ratio: Estimate | None = None
    extra: PairedDifference | None = None
    change: PairedDifference | None = None
    gain: Estimate | None = None
    sentence: str


def is_time_at_stake(
    frame: pd.DataFrame, axis: AxisColumn, *, axes: Sequence[AxisColumn], seconds: str = SECONDS.name
) -> bool:
    """Whether pictures clearly take longer at some value of an axis than at others; never for seeds."""
    return axis.name != SEED and axis_effect(frame, axis, _times(seconds), axes=axes).is_clear


def is_it_worth_the_wait(
    frame: pd.DataFrame,
    axis: AxisColumn,
    measure: Measure,
    *,
    axes: Sequence[AxisColumn],
    first: object | None = None,
    second: object | None = None,
    seconds: str = SECONDS.name,
    among: int = 0,
) -> Wait:
    """Compare two values of an axis by a measure and by time, each seed with itself.

    Parameters
    ----------
    frame
        The cells of one sweep. Runs that were only pasted again, or made by another sweep under another load, say
        nothing about the time: leave theirs empty.
    first, second
        Values of the axis; its first and its last if not given.
    seconds
        Column of each run's time.
    among
        Of how many comparisons this is one, where one so large comes by chance among them; 0 where it does not.

    Raises
    ------
    ValueError
        Neither side of the measure is better, or the axis has no such value.
    """
    if measure.direction == "none":
        raise ValueError(f"{measure.label} has no better side")
    table = paired_table(frame, axis, measure, axes)
    values = table.values
    for asked in (first, second):
        if asked is not None and asked not in values:
            raise ValueError(f"{axis.label} has no value {quoted(asked)}: it has {values}")
    if len(values) < 2:
        return _nothing(axis, values, "There is nothing to compare: it takes two values with runs.")
    first, second = values[0] if first is None else first, values[-1] if second is None else second
    known_times = numbers(frame, seconds)
    taken = frame.assign(**{seconds: np.where(known_times > 0, known_times, np.nan)})
    times = paired_table(taken, axis, _times(seconds), axes)
    known = {first, second} <= set(times.values)
    extra = paired_difference(times, first, second) if known else None
    change = paired_difference(table, first, second)
    if extra is None or change is None:
        return _nothing(axis, [first, second], "No seed was run with both of them, or their times are not known.")
    ratio = _ratio(times, first, second)
    return Wait(
        first=first,
        second=second,
        ratio=ratio,
        extra=extra,
        change=change,
        gain=change.change if measure.direction == "higher" else change.change.negated,
        sentence=_sentence(axis, measure, ratio, extra, change, among),
    )


def _times(column: str) -> Measure:
    return replace(SECONDS, name=column)


def _ratio(times: PairedTable, first: object, second: object) -> Estimate:
    before, after = times.column(first), times.column(second)
    both = np.isfinite(before) & np.isfinite(after)
    return ratio_estimate(before[both], after[both])


def _nothing(axis: AxisColumn, values: list[object], why: str) -> Wait:
    first, second = values[0] if values else None, values[-1] if len(values) > 1 else None
    return Wait(first=first, second=second, sentence=f"{axis.label}: {why}")


def _sentence(
    axis: AxisColumn, measure: Measure, ratio: Estimate, extra: PairedDifference, change: PairedDifference, among: int
) -> str:
    cost, gain = _cost(axis, ratio, extra), change.change
    nothing = f"{cost}; no clear difference in {measure.spoken}"
    if gain.low == gain.high == 0:
        return f"{cost}; {measure.spoken} is the same in all {pairs_text(gain.count)}."
    if few := too_few(gain.count, gain.confidence):
        return f"{nothing}: {few}."
    if not gain.is_beyond(measure.noise):
        return f"{nothing}: it {change_text(gain, measure)}."
    if among:
        return f"{nothing}: it {change_text(gain, measure)}. {BY_CHANCE.format(among)}"
    better, longer = (gain.mean > 0) == (measure.direction == "higher"), extra.change
    for_each = (
        f": {measure.amount(abs(gain.mean) / longer.mean)} for each second more"
        if better and longer.is_clear and longer.mean > 0
        else ""
    )
    how = f"{change_text(gain, measure)}{better_text(gain, measure)}{share_text(change)}"
    return f"{cost} and {measure.spoken} {how}{for_each}."


def _cost(axis: AxisColumn, ratio: Estimate, extra: PairedDifference) -> str:
    first, second, longer = shown(extra.first), shown(extra.second), extra.change
    if few := too_few(longer.count, longer.confidence):
        return f"{axis.label} {second} took {number(ratio.mean)} times as long as {first}, which is not clear: {few}"
    interval = f"{100 * CONFIDENCE:.0f} % interval {number(ratio.low)} to {number(ratio.high)}"
    measured = f"{interval}, {pairs_text(longer.count)}"
    cost = f"{axis.label} {second} takes {number(ratio.mean)} times as long as {first}"
    if not longer.is_clear:
        return f"{cost} ({measured}), which is not clearly another time"
    more = f"{SECONDS.amount(abs(longer.mean))} {'more' if longer.mean >= 0 else 'less'} for each picture"
    return f"{cost} ({measured}; {more})"
