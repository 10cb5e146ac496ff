import re

import numpy as np
import pytest

from bgen_core.runs.analysis.effects import axis_effect, paired_differences
from tests.runs.analysis.made_up_sweeps import CLIP, DETAIL, GUIDANCE, SCHEDULER, SEAM, SEED, STEPS, sweep

SEEDS = range(4)
GUIDANCES = [2.0, 4.0, 8.0]


def noisy(spread: float, seed: int = 0):
    """An error that differs from call to call, and the same ones in each test."""
    random = np.random.default_rng(seed)
    return lambda: random.normal(0, spread)


def test_a_trend_is_stated_with_its_size_its_interval_and_whether_it_is_good() -> None:
    error = noisy(0.01)
    axes = {STEPS: [10, 20, 30], GUIDANCE: GUIDANCES, SEED: SEEDS}
    frame = sweep(axes, SEAM, lambda s, g, z: 0.9 - 0.01 * s + 0.3 * z + error())
    effect = axis_effect(frame, STEPS, SEAM, axes=list(axes))
    assert effect.trend is not None
    # The standard error of the mean of 12 slopes over two steps: 0.01 · √2 / √12 = 0.004; three of them
    assert effect.trend.mean == pytest.approx(-0.2, abs=0.012)
    assert effect.trend.low < -0.2 < effect.trend.high
    assert (effect.pairs, effect.extreme, effect.is_clear) == (12, 30, True)
    assert re.fullmatch(
        r"Seam falls by 0\.\d+ \(95 % interval 0\.\d+ to 0\.\d+, 12 pairs\) from Steps 10 to 30, "
        r"which is better; the best mean is at 30\.",
        effect.sentence,
    )


def test_seeds_that_differ_more_than_the_effect_do_not_hide_it() -> None:
    """What pairing is for: seeds lie 10 apart, the effect is 0.1."""
    error = noisy(0.01)
    axes = {STEPS: [10, 30], SEED: range(8)}
    frame = sweep(axes, CLIP, lambda s, z: 0.005 * s + 10 * z + error())
    effect = axis_effect(frame, STEPS, CLIP, axes=list(axes))
    assert effect.sentence.startswith("CLIP score rises by 0.")
    assert "which is better" in effect.sentence
    assert effect.means[10].spans_zero or effect.means[10].high - effect.means[10].low > 5  # unpaired it would be lost


@pytest.mark.parametrize(("measure", "verdict"), [(SEAM, "which is worse; the best mean is at 2"), (DETAIL, None)])
def test_which_side_is_better_is_the_measures_own(measure, verdict: str | None) -> None:
    axes = {GUIDANCE: GUIDANCES, SEED: range(9)}
    frame = sweep(axes, measure, lambda g, z: g + 0.1 * (z % 3))
    sentence = axis_effect(frame, GUIDANCE, measure, axes=list(axes)).sentence
    assert " rises by 6" in sentence
    assert (verdict in sentence) if verdict else ("better" not in sentence and "worse" not in sentence)


@pytest.mark.parametrize(("low", "has_trend"), [(1.25, False), (1.0, True)])
def test_a_best_value_in_the_middle_says_more_than_a_straight_line(low: float, has_trend: bool) -> None:
    error = noisy(0.02)
    axes = {GUIDANCE: GUIDANCES, STEPS: [10, 20, 30], SEED: SEEDS}
    frame = sweep(axes, SEAM, lambda g, s, z: {2.0: low, 4.0: 0.0, 8.0: 1.0}[g] + error())
    effect = axis_effect(frame, GUIDANCE, SEAM, axes=list(axes))
    assert effect.trend is not None
    assert effect.trend.is_clear is has_trend
    assert effect.against_rest is not None
    assert effect.against_rest.confidence == pytest.approx(1 - 0.05 / 3)
    assert effect.against_rest.mean == pytest.approx(-(low + 1) / 2, abs=0.03)
    assert re.fullmatch(
        r"Guidance 4 has the best \(lowest\) seam: \S+ \(98\.3 % interval \S+ to \S+, 12 pairs\) "
        r"below the mean of the others\.",
        effect.sentence,
    )


def test_names_are_compared_with_the_rest() -> None:
    axes = {SCHEDULER: ["ddim", "euler", "unipc"], SEED: range(8)}
    frame = sweep(axes, CLIP, lambda name, z: {"ddim": 0.5, "euler": 0.6, "unipc": 0.52}[name] + 0.001 * (z % 2))
    effect = axis_effect(frame, SCHEDULER, CLIP, axes=list(axes))
    assert effect.trend is None
    assert effect.sentence.startswith("Scheduler euler has the best (highest) CLIP score: 0.09 (98.3 % interval")
    assert effect.sentence.endswith("above the mean of the others.")


def test_two_names_need_no_correction() -> None:
    axes = {SCHEDULER: ["ddim", "euler"], SEED: range(6)}
    frame = sweep(axes, DETAIL, lambda name, z: 2.0 + (name == "euler"))
    sentence = axis_effect(frame, SCHEDULER, DETAIL, axes=list(axes)).sentence
    assert sentence == (
        "Scheduler euler has the highest background detail: 1 levels/px (95 % interval 1 to 1, 6 pairs) "
        "above the mean of the others."
    )


def test_seeds_are_names_although_they_are_numbers() -> None:
    axes = {SEED: [1, 2, 3], STEPS: [10, 20, 30], GUIDANCE: GUIDANCES}
    frame = sweep(axes, SEAM, lambda z, s, g: 0.1 * z + 0.001 * s)
    effect = axis_effect(frame, SEED, SEAM, axes=list(axes))
    assert effect.trend is None
    assert effect.sentence.startswith("Seed 1 has the best (lowest) seam")


@pytest.mark.parametrize("measure", [SEAM, DETAIL])
@pytest.mark.parametrize("axis", [STEPS, SCHEDULER])
def test_chance_alone_is_rarely_called_an_effect(axis, measure) -> None:
    """Of 60 sweeps of noise, 5 % for each of at most two comparisons: 6 on average, σ = 2.3; three of them are 13."""
    random = np.random.default_rng(11)
    values = [10, 20, 30] if axis is STEPS else ["a", "b", "c"]
    axes = {axis: values, SEED: range(9)}
    clear = 0
    for _ in range(60):
        frame = sweep(axes, measure, lambda *_: random.normal())
        effect = axis_effect(frame, axis, measure, axes=list(axes))
        assert effect.is_clear != effect.sentence.startswith("No clear difference in ")
        clear += effect.is_clear
    assert clear <= 13


def test_no_difference_is_said_with_its_interval() -> None:
    axes = {STEPS: [10, 20, 30], SEED: range(8)}
    frame = sweep(axes, SEAM, lambda s, z: 0.5 + (0.01 if (s // 10 + z) % 2 else -0.01))
    sentence = axis_effect(frame, STEPS, SEAM, axes=list(axes)).sentence
    assert re.fullmatch(
        r"No clear difference in seam between the values of Steps: from Steps 10 to 30 it changes by \S+ "
        r"\(95 % interval -?\S+ to \S+, 8 pairs\)\.",
        sentence,
    )


@pytest.mark.parametrize(
    ("seeds", "why"),
    [(1, "1 pair is too few, 6 are needed."), (3, "3 pairs are too few, 6 are needed.")],
)
def test_few_seeds_are_too_few_however_much_they_agree(seeds: int, why: str) -> None:
    axes = {STEPS: [10, 30], SEED: range(seeds)}
    effect = axis_effect(sweep(axes, SEAM, lambda s, z: float(s)), STEPS, SEAM, axes=list(axes))
    assert effect.sentence == f"No clear difference in seam between the values of Steps: {why}"
    assert not effect.is_clear


@pytest.mark.parametrize(
    ("value", "steps", "why"),
    [
        (lambda s, z: None, [10, 20], "no run has a value."),
        (lambda s, z: 1.0, [20], "there is only 20."),
        (lambda s, z: 1.0 if (s, z) in ((10, 0), (20, 1)) else None, [10, 20], "no seed was run with all of them."),
    ],
)
def test_where_nothing_can_be_compared_it_says_why(value, steps: list[int], why: str) -> None:
    axes = {STEPS: steps, SEED: range(3)}
    effect = axis_effect(sweep(axes, SEAM, value), STEPS, SEAM, axes=list(axes))
    assert effect.sentence == f"No clear difference in seam between the values of Steps: {why}"
    assert effect.extreme is None


def test_equal_values_are_no_difference() -> None:
    axes = {STEPS: [10, 20], SEED: range(9)}
    effect = axis_effect(sweep(axes, SEAM, lambda s, z: 0.0), STEPS, SEAM, axes=list(axes))
    assert effect.sentence == (
        "No clear difference in seam between the values of Steps: from Steps 10 to 20 it changes by 0 "
        "(95 % interval 0 to 0, 9 pairs)."
    )


def test_every_two_values_are_compared() -> None:
    axes = {STEPS: [10, 20, 30], SEED: range(3)}
    found = paired_differences(sweep(axes, SEAM, lambda s, z: s / 10 + z), STEPS, SEAM, axes=list(axes))
    assert [(each.first, each.second, each.change.mean) for each in found] == [(10, 20, 1), (10, 30, 2), (20, 30, 1)]


def test_long_prompts_are_cut_in_the_sentence() -> None:
    from bgen_core.runs.analysis.columns import AxisColumn

    prompt = AxisColumn(name="prompt", label="Prompt")
    axes = {prompt: ["a beach " * 40, "a forest"], SEED: range(6)}
    frame = sweep(axes, CLIP, lambda text, z: float(len(text)))
    sentence = axis_effect(frame, prompt, CLIP, axes=list(axes)).sentence
    assert sentence.startswith("Prompt a beach a beach")
    assert "…" in sentence
    assert len(sentence) < 250
