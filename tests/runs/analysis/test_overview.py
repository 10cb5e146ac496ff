import numpy as np
import pytest

from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.overview import overview
from tests.runs.analysis.made_up_sweeps import CLIP, GUIDANCE, SCHEDULER, SEAM, SEED, STEPS, sweep
from tests.runs.analysis.null_sweeps import SHAPES, claims, null_sweep

AXES = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 8.0], SEED: range(4)}


def verdicts(frame, axes, measures) -> dict[tuple[str, str], str]:
    return {(move.axis.name, move.measure.name): move.verdict for move in overview(frame, list(axes), measures)}


def test_each_axis_is_told_apart_from_those_that_do_nothing() -> None:
    random = np.random.default_rng(3)
    frame = sweep(AXES, SEAM, lambda s, g, z: 0.5 - 0.01 * s + 0.1 * z + random.normal(0, 0.01))
    frame[CLIP.name] = 0.5
    found = verdicts(frame, AXES, [SEAM, CLIP])
    assert found["num_inference_steps", "seam"] == "moves"
    assert found["guidance_scale", "seam"] == "noise"
    assert {found[axis.name, "clip_score"] for axis in AXES} == {"equal"}
    moves = overview(frame, list(AXES), [SEAM])
    assert moves[0].change == pytest.approx(-0.2, abs=0.02)
    assert moves[0].times_noise > 5


def test_what_is_sure_and_yet_below_the_measures_own_noise_moves_nothing() -> None:
    axes = {GUIDANCE: [2.0, 8.0], SEED: range(8)}
    share = Measure(name="expansion", label="Expansion", unit="% of picture", direction="lower", noise=1.5)
    frame = sweep(axes, share, lambda g, z: 20 + 0.03 * (g == 8) + 0.001 * z)
    (move, _) = overview(frame, list(axes), [share])
    assert (move.verdict, round(move.times_noise, 3)) == ("noise", 0.02)


def test_a_best_value_between_the_ends_is_a_move() -> None:
    random = np.random.default_rng(0)
    axes = {GUIDANCE: [2.0, 4.0, 8.0], SEED: range(12)}
    frame = sweep(axes, SEAM, lambda g, z: abs(g - 4) / (2 if g < 4 else 4) + random.normal(0, 0.05))
    assert verdicts(frame, axes, [SEAM])["guidance_scale", "seam"] == "moves"


def test_of_few_pairs_nothing_is_said() -> None:
    axes = {STEPS: [10, 20], SEED: range(3)}
    found = verdicts(sweep(axes, SEAM, lambda s, z: s + z / 10), axes, [SEAM])
    assert found == {("num_inference_steps", "seam"): "few", ("seed", "seam"): "few"}


def test_of_many_comparisons_of_noise_none_is_called_a_move_nearly_always() -> None:
    """Six sweeps of noise with 24 comparisons each: without Holm seven of them would be claimed on average."""
    random = np.random.default_rng(8)
    measures = [Measure(name=f"m{place}", label=f"M{place}") for place in range(12)]
    axes = {SCHEDULER: ["ddim", "euler"], SEED: range(8)}
    claimed = 0
    for _ in range(6):
        frame = sweep(axes, measures[0], lambda *_: 0.0)
        for measure in measures:
            frame[measure.name] = random.normal(size=len(frame))
        claimed += sum(move.verdict == "moves" for move in overview(frame, list(axes), measures))
    # One sweep in twenty claims anything: two of six have a chance of 3 %
    assert claimed <= 1


def test_of_sweeps_in_which_nothing_acts_hardly_any_says_anything() -> None:
    """A small part of `benchmarks/null_sweeps.py`."""
    random = np.random.default_rng(0)
    told = [claims(*null_sweep(random, SHAPES[place % len(SHAPES)])) for place in range(24)]
    for name in told[0]:
        assert sum(each[name] for each in told) <= 4  # of 24 with 5 % each: more has a chance of 0.6 %


def test_pairs_of_one_seed_that_resemble_each_other_count_as_one() -> None:
    """Guidance does another thing with each of three seeds, and the same at nine numbers of steps."""
    of_seed = {1: 0.9, 2: -0.2, 3: 1.1}
    random = np.random.default_rng(5)
    axes = {GUIDANCE: [2.0, 8.0], STEPS: range(9), SEED: [1, 2, 3]}
    frame = sweep(axes, SEAM, lambda g, s, z: (g == 8) * of_seed[z] + random.normal(0, 0.01))
    found = verdicts(frame, axes, [SEAM])
    assert found["guidance_scale", "seam"] == "noise"
