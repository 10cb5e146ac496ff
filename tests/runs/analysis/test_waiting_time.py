import pytest

from bgen_core.runs.analysis.waiting import is_it_worth_the_wait
from tests.runs.analysis.made_up_sweeps import CLIP, DETAIL, SEAM, SEED, STEPS, sweep

AXES = {STEPS: [10, 20, 30], SEED: range(8)}


def timed(measure, value, seconds=lambda steps: steps / 10):
    frame = sweep(AXES, measure, value)
    frame["seconds"] = [seconds(steps) for steps in frame["num_inference_steps"]]
    return frame


def test_a_gain_is_set_against_the_seconds_that_it_costs() -> None:
    wait = is_it_worth_the_wait(timed(CLIP, lambda s, z: s / 100 + z), STEPS, CLIP, axes=list(AXES))
    assert (wait.first, wait.second) == (10, 30)
    assert wait.ratio == pytest.approx(3)
    assert wait.gain_per_second == pytest.approx(0.1)
    assert wait.sentence == (
        "Steps 30 takes 3 times as long as 10 (2 s more for each picture) and makes CLIP score better by 0.2 "
        "(95 % interval 0.2 to 0.2, 8 pairs): 0.1 for each second more."
    )


def test_lower_is_a_gain_where_lower_is_better() -> None:
    wait = is_it_worth_the_wait(timed(SEAM, lambda s, z: 1 - s / 100), STEPS, SEAM, axes=list(AXES), second=20)
    assert wait.gain is not None
    assert wait.gain.mean == pytest.approx(0.1)
    assert "makes seam better by 0.1 (95 % interval 0.1 to 0.1, 8 pairs)" in wait.sentence


def test_a_loss_is_a_loss() -> None:
    wait = is_it_worth_the_wait(timed(SEAM, lambda s, z: s / 100), STEPS, SEAM, axes=list(AXES))
    assert wait.sentence.endswith("and makes seam worse by 0.2 (95 % interval 0.2 to 0.2, 8 pairs).")
    assert wait.gain_per_second is None


def test_no_clear_gain_is_said() -> None:
    wait = is_it_worth_the_wait(timed(CLIP, lambda s, z: (s + 10 * z) % 20), STEPS, CLIP, axes=list(AXES), second=20)
    assert "; no clear difference in CLIP score: the gain is 0 (95 % interval -" in wait.sentence
    assert wait.gain_per_second is None


def test_few_pairs_are_too_few() -> None:
    frame = timed(CLIP, lambda s, z: float(s))
    wait = is_it_worth_the_wait(frame[frame["seed"] < 3], STEPS, CLIP, axes=list(AXES))
    assert wait.sentence.endswith("; no clear difference in CLIP score: 3 pairs are too few, 6 are needed.")


def test_what_is_faster_too_costs_nothing() -> None:
    wait = is_it_worth_the_wait(
        timed(CLIP, lambda s, z: float(s), seconds=lambda s: 40 / s), STEPS, CLIP, axes=list(AXES), second=20
    )
    assert wait.sentence.startswith("Steps 20 takes 0.5 times as long as 10 (2 s less for each picture) and makes")
    assert wait.gain_per_second is None


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
