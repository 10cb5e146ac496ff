import pandas as pd
import pytest

from bgen_core.metrics import find_metric
from bgen_core.runs.analysis.best import best_of, best_values
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.effects import axis_effect
from bgen_core.runs.analysis.noise import in_own_units, seed_spread, shade, with_seed_noise
from tests.runs.analysis.made_up_sweeps import GUIDANCE, SEAM, SEED, STEPS, sweep

EXPANSION = Measure.of(find_metric("expansion"))


def test_five_percent_of_a_subject_that_fills_a_third_are_a_sixtieth_of_the_picture() -> None:
    rows = pd.DataFrame({"expansion": [1.0, 2.0, 0.0, None], "expansion_of_subject": [3.0, 6.0, 0.0, None]})
    assert in_own_units(EXPANSION, rows).noise == pytest.approx(5 / 3)
    assert in_own_units(EXPANSION, rows[["expansion"]]).noise == 0
    assert in_own_units(Measure.of(find_metric("expansion_of_subject")), rows).noise == 5


def test_the_larger_of_both_kinds_of_noise_counts() -> None:
    rows = pd.DataFrame({"seed": [1, 2, 1, 2, 1, 2], "steps": [1, 1, 2, 2, 3, 3], "seam": [0.0, 1, 5, 6, 9, 10]})
    spread = seed_spread(rows, SEAM, ["steps"])
    assert spread is not None
    assert (spread.deviation, spread.freedom) == (pytest.approx(0.5**0.5), 3)
    # Two seed-mates are √2 · 0.7071 = 1 apart in one standard deviation, and up to t(3) = 3.182 of them by chance
    assert with_seed_noise(SEAM, rows, ["steps"]).noise == pytest.approx(3.182, abs=0.001)
    assert with_seed_noise(SEAM, rows, ["steps"], runs=4).noise == pytest.approx(3.182 / 2, abs=0.001)
    assert with_seed_noise(SEAM, rows, ["steps"], compared=3).noise == pytest.approx(4.857, abs=0.001)  # t(3), 5 % / 3
    own = Measure(name="seam", label="Seam", noise=4, noise_known="said so")
    assert with_seed_noise(own, rows, ["steps"]) == own
    assert seed_spread(rows.head(4), SEAM, ["steps"]) is None  # two pairs are a guess


def test_best_is_what_no_more_than_noise_lies_below() -> None:
    values = {"a": 1.0, "b": 1.04, "c": 1.2}
    assert best_of(values, "lower") == {"a"}
    assert best_of(values, "lower", 0.05) == {"a", "b"}
    assert best_of(values, "lower", 0.3) == frozenset()


def test_the_best_setting_for_another_setting_is_told_beyond_what_seeds_change() -> None:
    axes = {GUIDANCE: [2.0, 4.0], STEPS: [10, 20], SEED: range(4)}
    frame = sweep(axes, SEAM, lambda g, s, z: z + 0.01 * g)
    assert [each.best for each in best_values(frame, GUIDANCE, SEAM, at=STEPS)] == [(), ()]
    assert best_values(frame, SEED, SEAM, at=STEPS)[0].best == (0,)


def test_colours_are_in_steps_of_the_noise() -> None:
    assert shade(3, 2.9, 3.1, 0.5) == 0.5
    assert [shade(value, 0, 1, 0.5) for value in (0, 0.2, 0.4, 1)] == [0, 0, 0.5, 1]
    assert shade(0.2, 0, 1, 0) == 0.2


def test_a_difference_within_the_noise_is_told_and_not_called_clear() -> None:
    axes = {GUIDANCE: [2.0, 8.0], SEED: range(8)}
    seam = Measure(name="seam", label="Seam", direction="lower", noise=0.005, noise_known="a figure")
    effect = axis_effect(sweep(axes, seam, lambda g, z: 0.627 + 0.0003 * (g == 8)), GUIDANCE, seam, axes=list(axes))
    assert not effect.is_clear
    assert effect.sentence == (
        "No clear difference in seam between the values of Guidance: from Guidance 2 to 8 it rises by 0.0003 "
        "(95 % interval 0.0003 to 0.0003, 8 pairs) (+0.0478 %), no more than its noise of 0.005 (a figure)."
    )
