import re

import numpy as np
import pytest

from bgen_core.runs.analysis.effects import axis_effect
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
    assert effect.ends is not None
    # The standard error of the mean of 12 differences: 0.01 · √2 / √12 = 0.004; three of them
    assert effect.ends.change.mean == pytest.approx(-0.2, abs=0.012)
    assert effect.ends.change.low < -0.2 < effect.ends.change.high
    assert (effect.pairs, effect.extremes, effect.is_clear) == (12, (30,), True)
    assert re.fullmatch(
        r"Seam falls by 0\.\d+ \(95 % interval 0\.\d+ to 0\.\d+, 12 pairs\) from Steps 10 to 30 \(-\d+\.?\d* %\), "
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


@pytest.mark.parametrize(("low", "has_trend"), [(1.0, False), (1.25, True)])
def test_a_best_value_in_the_middle_says_more_than_a_straight_line(low: float, has_trend: bool) -> None:
    error = noisy(0.02)
    axes = {GUIDANCE: GUIDANCES, STEPS: [10, 20, 30], SEED: SEEDS}
    frame = sweep(axes, SEAM, lambda g, s, z: {2.0: low, 4.0: 0.0, 8.0: 1.0}[g] + error())
    effect = axis_effect(frame, GUIDANCE, SEAM, axes=list(axes))
    assert effect.ends is not None
    assert effect.ends.change.is_clear is has_trend
    assert effect.against_rest is not None
    assert effect.against_rest.confidence == pytest.approx(1 - 0.05 / 3)
    assert effect.against_rest.mean == pytest.approx(-(low + 1) / 2, abs=0.03)
    assert re.fullmatch(
        r"Guidance 4 has the best \(lowest\) seam: \S+ \(98\.3 % interval \S+ to \S+, 12 pairs\) "
        r"below the mean of the others \(-\d+\.?\d* %\)\.",
        effect.sentence,
    )


def test_a_value_in_the_middle_that_is_like_an_end_is_not_singled_out() -> None:
    """Only 10 steps are worse: that 20 are better than the mean of the others says nothing about 30."""
    error = noisy(0.02)
    axes = {STEPS: [10, 20, 30], SEED: range(9)}
    frame = sweep(axes, SEAM, lambda s, z: (1.0 if s == 10 else 0.5 - (s == 20) / 1000) + error())
    effect = axis_effect(frame, STEPS, SEAM, axes=list(axes))
    assert effect.against_rest is not None
    assert effect.against_rest.is_clear
    assert not effect.stands_out
    assert effect.sentence.startswith("Seam falls by 0.")


def test_names_are_compared_with_the_rest() -> None:
    axes = {SCHEDULER: ["ddim", "euler", "unipc"], SEED: range(8)}
    frame = sweep(axes, CLIP, lambda name, z: {"ddim": 0.5, "euler": 0.6, "unipc": 0.52}[name] + 0.001 * (z % 2))
    effect = axis_effect(frame, SCHEDULER, CLIP, axes=list(axes))
    assert effect.ends is None
    assert effect.sentence.startswith("Scheduler euler has the best (highest) CLIP score: 0.09 (98.3 % interval")
    assert effect.sentence.endswith("above the mean of the others (+17.6 %).")


def test_two_names_need_no_correction() -> None:
    axes = {SCHEDULER: ["ddim", "euler"], SEED: range(6)}
    frame = sweep(axes, DETAIL, lambda name, z: 2.0 + (name == "euler"))
    sentence = axis_effect(frame, SCHEDULER, DETAIL, axes=list(axes)).sentence
    assert sentence == (
        "Scheduler euler has the highest background detail: 1 levels/px (95 % interval 1 to 1, 6 pairs) "
        "above the mean of the others (+50 %)."
    )


def test_seeds_are_names_although_they_are_numbers() -> None:
    axes = {SEED: [1, 2, 3], STEPS: [10, 20, 30], GUIDANCE: GUIDANCES}
    frame = sweep(axes, SEAM, lambda z, s, g: 0.1 * z + 0.001 * s)
    effect = axis_effect(frame, SEED, SEAM, axes=list(axes))
    assert effect.ends is None
    assert effect.sentence.startswith("Seed 1 has the best (lowest) seam")


@pytest.mark.slow
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
        r"No clear difference in seam between the values of Steps: from Steps 10 to 30 it does not change on average "
        r"\(95 % interval 0 to 0, 8 pairs\)\.",
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
        (
            lambda s, z: float(s) if (s, z) in ((10, 0), (20, 1)) else None,
            [10, 20],
            "no seed was run with all of them.",
        ),
    ],
)
def test_where_nothing_can_be_compared_it_says_why(value, steps: list[int], why: str) -> None:
    axes = {STEPS: steps, SEED: range(3)}
    effect = axis_effect(sweep(axes, SEAM, value), STEPS, SEAM, axes=list(axes))
    assert effect.sentence == f"No clear difference in seam between the values of Steps: {why}"
    assert effect.extremes == ()


@pytest.mark.parametrize("axis", [STEPS, SCHEDULER])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lambda s, z: 0.0, "it is 0 in all 8 runs"),
        (lambda s, z: 0.1 * 3, "it is 0.3 in all 8 runs"),
        (lambda s, z: float(z), "it is the same at each of them, in all 4 pairs"),
        (lambda s, z: 0.5 if s == 10 or z else None, "it is 0.5 in all 8 runs"),
    ],
)
def test_equal_values_are_no_difference_however_few_they_are(axis, value, why: str) -> None:
    axes = {axis: [10, 20] if axis is STEPS else ["ddim", "euler"], SEED: range(4)}
    effect = axis_effect(sweep(axes, SEAM, value), axis, SEAM, axes=list(axes))
    runs = effect.means[axes[axis][0]].count + effect.means[axes[axis][1]].count
    said = why.replace("8 runs", f"{runs} runs")
    assert effect.sentence == f"No difference in seam between the values of {axis.label}: {said}."
    assert (effect.extremes, effect.against_rest, effect.is_equal, effect.is_clear) == ((), None, True, False)


def test_values_that_are_best_alike_are_all_named() -> None:
    values = {"ddim": 0.2, "euler": 0.1, "unipc": 0.1}
    axes = {SCHEDULER: list(values), SEED: range(8)}
    effect = axis_effect(sweep(axes, SEAM, lambda name, z: values[name] + z), SCHEDULER, SEAM, axes=list(axes))
    assert effect.extremes == ("euler", "unipc")
    assert effect.against_rest is not None
    assert effect.against_rest.mean == pytest.approx(-0.1)
    assert effect.sentence.startswith(
        "Scheduler euler and unipc alike have the best (lowest) seam: 0.1 (98.3 % interval"
    )
    steps = {STEPS: [10, 20, 30], SEED: range(8)}
    frame = sweep(steps, SEAM, lambda s, z: {10: 0.5, 20: 0.25, 30: 0.25}[s])
    sentence = axis_effect(frame, STEPS, SEAM, axes=list(steps)).sentence
    assert sentence.endswith("from Steps 10 to 30 (-50 %), which is better; the best means are at 20 and 30.")


def test_a_tiny_difference_is_said_to_be_tiny() -> None:
    axes = {GUIDANCE: [2.0, 8.0], SEED: range(8)}
    frame = sweep(axes, SEAM, lambda g, z: 0.627 + (0.0003 if g == 8 else 0))
    effect = axis_effect(frame, GUIDANCE, SEAM, axes=list(axes))
    assert effect.is_clear
    assert "from Guidance 2 to 8 (+0.0478 %), which is worse" in effect.sentence  # 0.0003 / 0.627


def test_a_difference_that_is_not_clear_has_sign_words() -> None:
    random = np.random.default_rng(1)
    axes = {STEPS: [10, 30], SEED: range(8)}
    frame = sweep(axes, CLIP, lambda s, z: random.normal())
    wide = frame.pivot(index="seed", columns="num_inference_steps", values="clip_score")
    expected = float((wide[30] - wide[10]).mean())
    sentence = axis_effect(frame, STEPS, CLIP, axes=list(axes)).sentence
    verb = "rises" if expected > 0 else "falls"
    assert f"from Steps 10 to 30 it {verb} by {abs(expected):.3g} (95 % interval from a fall of " in sentence
    assert " to a rise of " in sentence


def test_ends_are_compared_although_no_pair_is_complete() -> None:
    """As in a sweep that still runs: what lies between is not made yet."""
    axes = {STEPS: [10, 20, 30], SEED: range(7)}
    frame = sweep(axes, CLIP, lambda s, z: None if s == 20 and z else float(s))
    effect = axis_effect(
        frame[(frame["seed"] > 0) | (frame["num_inference_steps"] == 20)], STEPS, CLIP, axes=list(axes)
    )
    assert (effect.pairs, effect.extremes) == (0, ())
    assert effect.sentence == (
        "CLIP score rises by 20 (95 % interval 20 to 20, 6 pairs) from Steps 10 to 30 (+200 %), which is better."
    )


def test_long_prompts_are_cut_in_the_sentence() -> None:
    from bgen_core.runs.analysis.columns import AxisColumn

    prompt = AxisColumn(name="prompt", label="Prompt")
    axes = {prompt: ["a beach " * 40, "a forest"], SEED: range(6)}
    frame = sweep(axes, CLIP, lambda text, z: float(len(text)))
    sentence = axis_effect(frame, prompt, CLIP, axes=list(axes)).sentence
    assert sentence.startswith("Prompt a beach a beach")
    assert "…" in sentence
    assert len(sentence) < 250
