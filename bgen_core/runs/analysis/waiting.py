"""Whether a better picture is worth its time: 30 steps against 10, what they gain and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.columns import SECONDS, AxisColumn, Measure, number, shown
from bgen_core.runs.analysis.effects import interval_text
from bgen_core.runs.analysis.paired import Estimate, fewest_pairs, paired_difference, paired_table


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Two values of an axis: what the second costs and gains.

    Attributes
    ----------
    first, second
        The two values.
    ratio
        Time at the second over time at the first; None where it is not known.
    extra
        By how many seconds a picture takes longer at the second.
    gain
        By how much the measure is better at the second: above 0 is better, whichever side that is.
    sentence
        Cost, gain, and its uncertainty.
    """

    first: object
    second: object
    ratio: float | None
    extra: Estimate | None
    gain: Estimate | None
    sentence: str

    @property
    def gain_per_second(self) -> float | None:
        """Gain for each second more; None where there is no clear gain, or no longer wait."""
        if self.gain is None or self.extra is None or not self.gain.is_clear or self.gain.mean <= 0:
            return None
        return self.gain.mean / self.extra.mean if self.extra.mean > 0 else None


def is_it_worth_the_wait(
    frame: pd.DataFrame,
    axis: AxisColumn,
    measure: Measure,
    *,
    axes: Sequence[AxisColumn],
    first: object | None = None,
    second: object | None = None,
    seconds: str = SECONDS.name,
) -> Wait:
    """Compare two values of an axis by a measure and by time, each seed with itself.

    Parameters
    ----------
    frame
        The cells of one sweep. Runs that were only pasted again say nothing about the time: leave theirs empty.
    first, second
        Values of the axis; its first and its last if not given.
    seconds
        Column of each run's time.

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
            raise ValueError(f"{axis.label} has no value {asked!r}: it has {values}")
    if len(values) < 2:
        return _nothing(axis, values, "There is nothing to compare: it takes two values with runs.")
    first, second = values[0] if first is None else first, values[-1] if second is None else second
    times = paired_table(frame, axis, Measure(name=seconds, label="Time", unit="s"), axes)
    known = {first, second} <= set(times.values)
    extra = paired_difference(times, first, second) if known else None
    gain = paired_difference(table, first, second)
    if gain is not None and measure.direction == "lower":
        gain = Estimate(
            mean=-gain.mean, low=-gain.high, high=-gain.low, count=gain.count, confidence=gain.confidence
        )  # fmt: skip
    if extra is None or gain is None:
        return _nothing(axis, [first, second], "No seed was run with both of them, or their times are not known.")
    both = times.cells[np.isfinite(times.column(first) + times.column(second))]
    before, after = (both[:, times.values.index(value)].mean() for value in (first, second))
    ratio = float(after / before)
    return Wait(
        first=first,
        second=second,
        ratio=ratio,
        extra=extra,
        gain=gain,
        sentence=_sentence(axis, measure, first, second, ratio, extra, gain),
    )


def _nothing(axis: AxisColumn, values: list[object], why: str) -> Wait:
    first, second = values[0] if values else None, values[-1] if len(values) > 1 else None
    return Wait(first=first, second=second, ratio=None, extra=None, gain=None, sentence=f"{axis.label}: {why}")


def _sentence(
    axis: AxisColumn, measure: Measure, first: object, second: object, ratio: float, extra: Estimate, gain: Estimate
) -> str:
    more = f"{number(abs(extra.mean))} s {'more' if extra.mean >= 0 else 'less'} for each picture"
    cost = f"{axis.label} {shown(second)} takes {number(ratio)} times as long as {shown(first)} ({more})"
    if gain.count < fewest_pairs(gain.confidence):
        few = f"{gain.count} {'pair is' if gain.count == 1 else 'pairs are'} too few"
        return f"{cost}; no clear difference in {measure.spoken}: {few}, {fewest_pairs(gain.confidence)} are needed."
    if not gain.is_clear:
        return (
            f"{cost}; no clear difference in {measure.spoken}: the gain is {interval_text(gain, measure, signed=True)}."
        )
    if gain.mean < 0:
        return f"{cost} and makes {measure.spoken} worse by {interval_text(gain, measure)}."
    each = f": {measure.amount(gain.mean / extra.mean)} for each second more" if extra.mean > 0 else ""
    return f"{cost} and makes {measure.spoken} better by {interval_text(gain, measure)}{each}."
