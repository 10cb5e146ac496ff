"""A change in words, the same ones wherever it is told: which way, how much, how sure, and whether that is better."""

import math

from bgen_core.runs.analysis.columns import Measure, percent
from bgen_core.runs.analysis.paired import Estimate, PairedDifference, fewest_pairs
from bgen_core.wording import counted

BY_CHANCE = "Among the {} comparisons of this sweep, one so large may come by chance."


def change_text(change: Estimate, measure: Measure) -> str:
    """ "falls by 0.12 s (95 % interval 0.05 to 0.19, 9 pairs)"; or "from a fall of … to a rise of …" around 0."""
    if change.mean == 0:
        return f"does not change on average ({_interval(change, measure, 'a fall of {}', 'a rise of {}')})"
    verb = "rises" if change.mean > 0 else "falls"
    return f"{verb} by {amount_text(change, measure, below='a fall of {}', above='a rise of {}')}"


def amount_text(change: Estimate, measure: Measure, *, below: str = "{} below", above: str = "{} above") -> str:
    """A change without its sign, with its interval: "0.12 s (95 % interval 0.05 to 0.19, 9 pairs)"."""
    return f"{measure.amount(abs(change.mean))} ({_interval(change, measure, below, above)})"


def share_text(difference: PairedDifference) -> str:
    """ " (+0.05 %)": how large a change is relative to where it begins; empty where that is not above 0."""
    return "" if difference.share is None else f" ({percent(difference.share)})"


def better_text(change: Estimate, measure: Measure) -> str:
    """ ", which is better"; empty where neither side is."""
    if measure.direction == "none" or change.mean == 0:
        return ""
    return f", which is {'better' if (change.mean > 0) == (measure.direction == 'higher') else 'worse'}"


def too_few(count: int, confidence: float) -> str:
    """ "3 pairs are too few, 6 are needed", or nothing where they are enough."""
    needed = fewest_pairs(confidence)
    return (
        "" if count >= needed else f"{pairs_text(count)} {'is' if count == 1 else 'are'} too few, {needed} are needed"
    )


def pairs_text(count: int) -> str:
    return counted(count, "pair")


def _interval(change: Estimate, measure: Measure, below: str, above: str) -> str:
    if math.isinf(change.high):
        return pairs_text(change.count)
    low, high = change.low, change.high
    if low < 0 < high:
        span = f"interval from {below.format(measure.text(-low))} to {above.format(measure.text(high))}"
    else:
        near, far = sorted((abs(low), abs(high)))
        span = f"interval {measure.text(near)} to {measure.text(far)}"
    return f"{100 * change.confidence:.3g} % {span}, {pairs_text(change.count)}"
