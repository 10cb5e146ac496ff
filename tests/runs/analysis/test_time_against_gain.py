import re

import numpy as np
import pytest

from bgen_core.runs.analysis.columns import SECONDS
from bgen_core.runs.analysis.effects import axis_effect
from bgen_core.runs.analysis.time_against_gain import is_it_worth_the_wait, is_time_at_stake
from tests.runs.analysis.made_up_sweeps import CLIP, DETAIL, GUIDANCE, SEAM, SEED, STEPS, sweep

AXES = {STEPS: [10, 20, 30], SEED: range(8)}


def timed(measure, value, seconds=lambda steps: steps / 10):
    frame = sweep(AXES, measure, value)
    frame["seconds"] = [seconds(steps) for steps in frame["num_inference_steps"]]
    return frame


def test_a_gain_is_set_against_the_seconds_that_it_costs() -> None:
    wait = is_it_worth_the_wait(timed(CLIP, lambda s, z: s / 100 + z), STEPS, CLIP, axes=list(AXES))
    assert (wait.first, wait.second) == (10, 30)
    assert wait.ratio is not None
    assert (wait.ratio.mean, wait.ratio.low, wait.ratio.high) == pytest.approx((3, 3, 3))
    assert wait.sentence == (
        "Steps 30 takes 3 times as long as 10 (95 % interval 3 to 3, 8 pairs; 2 s more for each picture) and CLIP "
        "score rises by 0.2 (95 % interval 0.2 to 0.2, 8 pairs), which is better (+5.56 %): 0.1 for each second more."
    )


def test_lower_is_a_gain_where_lower_is_better() -> None:
    wait = is_it_worth_the_wait(timed(SEAM, lambda s, z: 1 - s / 100), STEPS, SEAM, axes=list(AXES), second=20)
    assert wait.gain is not None
    assert wait.gain.mean == pytest.approx(0.1)
    assert "and seam falls by 0.1 (95 % interval 0.1 to 0.1, 8 pairs), which is better (-11.1 %): 0.1" in wait.sentence


def test_a_loss_is_a_loss() -> None:
    wait = is_it_worth_the_wait(timed(SEAM, lambda s, z: s / 100), STEPS, SEAM, axes=list(AXES))
    assert wait.sentence.endswith("and seam rises by 0.2 (95 % interval 0.2 to 0.2, 8 pairs), which is worse (+200 %).")


def test_no_clear_gain_is_said() -> None:
    wait = is_it_worth_the_wait(timed(CLIP, lambda s, z: (s + 10 * z) % 20), STEPS, CLIP, axes=list(AXES), second=20)
    assert re.search(
        r"; no clear difference in CLIP score: it does not change on average "
        r"\(95 % interval from a fall of \d+\.?\d* to a rise of \d+\.?\d*, 8 pairs\)\.$",
        wait.sentence,
    )


def test_few_pairs_are_too_few() -> None:
    frame = timed(CLIP, lambda s, z: float(s))
    wait = is_it_worth_the_wait(frame[frame["seed"] < 3], STEPS, CLIP, axes=list(AXES))
    assert wait.sentence == (
        "Steps 30 took 3 times as long as 10, which is not clear: 3 pairs are too few, 6 are needed; "
        "no clear difference in CLIP score: 3 pairs are too few, 6 are needed."
    )


def test_what_is_faster_too_costs_nothing() -> None:
    wait = is_it_worth_the_wait(
        timed(CLIP, lambda s, z: float(s), seconds=lambda s: 40 / s), STEPS, CLIP, axes=list(AXES), second=20
    )
    assert wait.sentence.startswith(
        "Steps 20 takes 0.5 times as long as 10 (95 % interval 0.5 to 0.5, 8 pairs; 2 s less for each picture) and CLIP"
    )


def test_unknown_times_are_no_times() -> None:
    wait = is_it_worth_the_wait(
        timed(CLIP, lambda s, z: float(s), seconds=lambda s: None), STEPS, CLIP, axes=list(AXES)
    )  # fmt: skip
    assert wait.ratio is None
    assert wait.sentence == "Steps: No seed was run with both of them, or their times are not known."


def test_one_value_is_nothing_to_compare() -> None:
    frame = timed(CLIP, lambda s, z: float(s))
    wait = is_it_worth_the_wait(frame[frame["num_inference_steps"] == 10], STEPS, CLIP, axes=list(AXES))
    assert wait.sentence == "Steps: There is nothing to compare: it takes two values with runs."


def test_without_a_better_side_nothing_is_worth_anything() -> None:
    with pytest.raises(ValueError, match="Background detail has no better side"):
        is_it_worth_the_wait(timed(DETAIL, lambda s, z: 1.0), STEPS, DETAIL, axes=list(AXES))
    with pytest.raises(ValueError, match="Steps has no value 11"):
        is_it_worth_the_wait(timed(CLIP, lambda s, z: 1.0), STEPS, CLIP, axes=list(AXES), first=11)


def test_what_is_said_of_two_values_is_the_mean_of_their_paired_differences_everywhere() -> None:
    """Uneven values, on which a straight line through all of them and the difference of its ends disagree."""
    random = np.random.default_rng(4)
    axes = {STEPS: [4, 10, 20, 30], SEED: range(9)}
    frame = sweep(axes, SEAM, lambda s, z: 0.7 + 0.05 * (s == 4) + random.normal(0, 0.003))
    frame["seconds"] = frame["num_inference_steps"] * random.uniform(0.05, 0.06, len(frame))
    wide = frame.pivot(index="seed", columns="num_inference_steps")
    expected = float((wide["seam"][30] - wide["seam"][4]).mean())
    line = float(np.mean([np.polyfit([4, 10, 20, 30], row, 1)[0] * 26 for row in wide["seam"].to_numpy()]))
    assert abs(expected - line) > 0.005
    effect = axis_effect(frame, STEPS, SEAM, axes=list(axes))
    wait = is_it_worth_the_wait(frame, STEPS, SEAM, axes=list(axes))
    assert effect.ends is not None
    assert wait.change == effect.ends
    assert effect.ends.change.mean == pytest.approx(expected)
    assert effect.ends.share == pytest.approx(expected / wide["seam"][4].mean())
    told = f"falls by {-expected:.3g} (95 % interval "
    assert told in effect.sentence
    assert told in wait.sentence
    assert f"({100 * expected / wide['seam'][4].mean():.3g} %)" in effect.sentence
    longer = wide["seconds"][30] - wide["seconds"][4]
    assert wait.extra is not None
    assert wait.extra.change.mean == pytest.approx(longer.mean())
    assert wait.ratio is not None
    assert wait.ratio.mean == pytest.approx(wide["seconds"][30].mean() / wide["seconds"][4].mean())
    assert wait.ratio.low < wait.ratio.mean < wait.ratio.high
    assert f"{-expected / longer.mean():.3g} for each second more" in wait.sentence
    time = axis_effect(frame, STEPS, SECONDS, axes=list(axes))
    assert time.ends == wait.extra


def test_time_is_weighed_only_where_it_differs() -> None:
    random = np.random.default_rng(6)
    axes = {STEPS: [10, 30], GUIDANCE: [2.0, 4.0], SEED: range(6)}
    frame = sweep(axes, SEAM, lambda s, g, z: 0.5)
    frame["seconds"] = frame["num_inference_steps"] / 10 + frame["seed"] + random.normal(0, 0.01, len(frame))
    assert [is_time_at_stake(frame, axis, axes=list(axes)) for axis in axes] == [True, False, False]
    few = frame[frame["seed"] < 1]
    assert not is_time_at_stake(few, STEPS, axes=list(axes))
    frame["seconds"] = np.nan
    assert not is_time_at_stake(frame, STEPS, axes=list(axes))


def test_equal_values_are_said_to_be_equal() -> None:
    wait = is_it_worth_the_wait(timed(SEAM, lambda s, z: z / 10), STEPS, SEAM, axes=list(AXES))
    assert wait.sentence.endswith("2 s more for each picture); seam is the same in all 8 pairs.")


def test_no_time_at_all_is_no_time() -> None:
    wait = is_it_worth_the_wait(timed(CLIP, lambda s, z: 1.0, seconds=lambda s: 0.0), STEPS, CLIP, axes=list(AXES))
    assert wait.sentence.endswith("or their times are not known.")
