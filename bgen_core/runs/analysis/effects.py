"""What one axis does to a measure, in numbers and in one sentence that does not claim more than the runs show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.best import all_equal, best_of
from bgen_core.runs.analysis.change_words import amount_text, better_text, change_text, share_text, too_few
from bgen_core.runs.analysis.columns import AxisColumn, Measure, listed_values, percent, samples, shown
from bgen_core.runs.analysis.paired import (
    CONFIDENCE,
    Estimate,
    PairedDifference,
    PairedTable,
    mean_estimate,
    paired_difference,
    paired_table,
)


@dataclass(frozen=True, kw_only=True)
class AxisEffect:
    """What an axis does to a measure.

    Attributes
    ----------
    axis, measure
        What was compared.
    means
        Value of the axis -> mean of the measure with its interval, over all runs at that value.
    extremes
        The values with the best mean (the highest, where neither side is better) over the complete pairs, several where
        they tie; empty where no pair is complete or all means are equal.
    against_rest
        The mean of the measure at `extremes` less the mean of the other values. Its confidence is raised by the number
        of values, since the extreme one was chosen from the same runs (Bonferroni).
    rest
        That mean of the other values.
    ends
        For numbers: the last value against the first, over the pairs that have both.
    stands_out
        Whether `extremes` are clearly better than the mean of the others; of numbers only where they lie between the
        ends and are clearly better than both.
    pairs
        Pairs that have all values of the axis.
    is_equal
        Whether the measure is the same at every value, in each complete pair or in all runs.
    sentence
        The effect and its uncertainty; "No clear difference" or "No difference" where there is none.
    """

    axis: AxisColumn
    measure: Measure
    means: dict[object, Estimate]
    extremes: tuple[object, ...]
    against_rest: Estimate | None
    rest: float | None
    ends: PairedDifference | None
    stands_out: bool
    pairs: int
    is_equal: bool
    sentence: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether the sentence states a difference."""
        return self.stands_out or (self.ends is not None and self.ends.change.is_beyond(self.measure.noise))

    @property
    def is_noise(self) -> bool:
        """Whether a difference is there beyond doubt, and yet no larger than the measure's noise."""
        compared = self.ends.change if self.ends else self.against_rest
        return (
            not self.is_clear
            and compared is not None
            and compared.is_clear
            and abs(compared.mean) <= self.measure.noise
        )


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
    extremes, against_rest, rest = _extremes(complete, measure)
    is_scale = len(values) > 1 and axis.is_scale(frame)
    stands_out = (
        against_rest is not None
        and against_rest.is_beyond(measure.noise)
        and (not is_scale or _is_between(complete, extremes, against_rest.confidence, measure.noise))
    )
    effect = AxisEffect(
        axis=axis,
        measure=measure,
        means=value_means(frame, axis, measure),
        extremes=extremes,
        against_rest=against_rest,
        rest=rest,
        ends=paired_difference(table, values[0], values[-1]) if is_scale else None,
        stands_out=stands_out,
        pairs=len(complete.cells),
        is_equal=len(values) > 1 and (_is_constant(table) or _is_equal(complete)),
    )
    return replace(effect, sentence=_sentence(effect, table))


def value_means(frame: pd.DataFrame, axis: AxisColumn, measure: Measure) -> dict[object, Estimate]:
    """Value of the axis -> mean of the measure with its interval, over all measured runs at that value."""
    return {value: mean_estimate(found) for value, found in samples(frame, axis, measure).items()}


def _extremes(
    complete: PairedTable, measure: Measure
) -> tuple[tuple[object, ...], Estimate | None, float | None]:  # fmt: skip
    count = len(complete.values)
    if count < 2 or not len(complete.cells):
        return (), None, None
    means: list[float] = complete.cells.mean(axis=0).tolist()
    places = sorted(best_of(dict(enumerate(means)), "lower" if measure.direction == "lower" else "higher"))
    if not places:
        return (), None, None
    # Of two values it is the same comparison, whichever is the better one
    confidence = 1 - (1 - CONFIDENCE) / (count if count > 2 else 1)
    best = complete.cells[:, places].mean(axis=1)
    rest = np.delete(complete.cells, places, axis=1).mean(axis=1)
    extremes = tuple(complete.values[place] for place in places)
    return extremes, mean_estimate(best - rest, confidence), float(rest.mean())


def _is_between(complete: PairedTable, extremes: tuple[object, ...], confidence: float, noise: float) -> bool:
    """Whether the best value lies between the ends and is clearly apart from both of them."""
    ends = (complete.values[0], complete.values[-1])
    if set(ends) & set(extremes):
        return False
    best = np.mean([complete.column(value) for value in extremes], axis=0)
    return all(mean_estimate(best - complete.column(end), confidence).is_beyond(noise) for end in ends)


def _is_constant(table: PairedTable) -> bool:
    return all_equal(table.cells[np.isfinite(table.cells)].tolist())


def _is_equal(complete: PairedTable) -> bool:
    return bool(len(complete.cells)) and all(all_equal(row) for row in complete.cells.tolist())


def _sentence(effect: AxisEffect, table: PairedTable) -> str:
    axis, measure, values = effect.axis, effect.measure, table.values
    nothing = f"No clear difference in {measure.spoken} between the values of {axis.label}"
    if not values:
        return f"{nothing}: no run has a value."
    if len(values) == 1:
        return f"{nothing}: there is only {shown(values[0])}."
    if effect.is_equal:
        return f"No difference in {measure.spoken} between the values of {axis.label}: {_equality(effect, table)}."
    change, against = effect.ends and effect.ends.change, effect.against_rest
    from_to = f"from {axis.label} {shown(values[0])} to {shown(values[-1])}"
    if against is not None and effect.stands_out:
        return _best_sentence(effect, against)
    if change is not None and change.is_beyond(measure.noise):
        return f"{measure.label} {change_text(change, measure)} {from_to}{_verdict(effect)}."
    compared = change or against
    if compared is None:
        equal = "the means of all of them are equal" if effect.pairs else "no seed was run with all of them"
        return f"{nothing}: {equal}."
    if few := too_few(compared.count, compared.confidence):
        return f"{nothing}: {few}."
    if change is not None:
        share = share_text(effect.ends) if effect.ends and effect.is_noise else ""
        return f"{nothing}: {from_to} it {change_text(change, measure)}{share}{_noise_text(effect)}."
    return (
        f"{nothing}: the {_superlative(measure)} mean, at {listed_values(effect.extremes)}, "
        f"differs from the mean of the others by {amount_text(compared, measure)}{_noise_text(effect)}."
    )


def _equality(effect: AxisEffect, table: PairedTable) -> str:
    if _is_constant(table):
        runs = sum(mean.count for mean in effect.means.values())
        every = "both" if runs == 2 else f"all {runs}"
        return f"it is {effect.measure.amount(float(np.nanmin(table.cells)))} in {every} runs"
    return f"it is the same at each of them, in all {effect.pairs} pairs" if effect.pairs > 1 else "it is the same"


def _verdict(effect: AxisEffect) -> str:
    """How large the change is, whether it is better, and which value has the best mean."""
    if effect.ends is None:
        return ""
    text = f"{share_text(effect.ends)}{better_text(effect.ends.change, effect.measure)}"
    if effect.measure.direction == "none" or not effect.extremes:
        return text
    means = "the best mean is" if len(effect.extremes) == 1 else "the best means are"
    return f"{text}; {means} at {listed_values(effect.extremes)}"


def _best_sentence(effect: AxisEffect, against: Estimate) -> str:
    measure = effect.measure
    have = "has" if len(effect.extremes) == 1 else "alike have"
    side = "below" if against.mean < 0 else "above"
    share = f" ({percent(against.mean / effect.rest)})" if effect.rest is not None and effect.rest > 0 else ""
    return (
        f"{effect.axis.label} {listed_values(effect.extremes)} {have} the {_superlative(measure)} {measure.spoken}: "
        f"{amount_text(against, measure)} {side} the mean of the others{share}."
    )


def _noise_text(effect: AxisEffect) -> str:
    """ ", no more than the noise of 0.005 (how it is known)"; empty where it is more, or nothing is there."""
    measure = effect.measure
    if not effect.is_noise:
        return ""
    return f", no more than its noise of {measure.amount(measure.noise)} ({measure.noise_known})"


def _superlative(measure: Measure) -> str:
    return {"lower": "best (lowest)", "higher": "best (highest)", "none": "highest"}[measure.direction]
