import math

import numpy as np
import pytest
from scipy import stats

from bgen_core.runs.analysis.paired import (
    Estimate,
    fewest_pairs,
    mean_estimate,
    paired_difference,
    paired_table,
    ratio_estimate,
)
from tests.runs.analysis.made_up_sweeps import GUIDANCE, SEAM, SEED, STEPS, sweep

AXES = [STEPS, GUIDANCE, SEED]


def test_a_pair_is_a_seed_with_the_values_of_the_other_axes() -> None:
    frame = sweep({STEPS: [30, 10], GUIDANCE: [2.0, 4.0], SEED: [7, 8]}, SEAM, lambda s, g, z: s + g / 10 + z / 100)
    table = paired_table(frame.sample(frac=1, random_state=0), STEPS, SEAM, AXES)
    assert table.values == [10, 30]  # numbers by size, whatever the order of the rows
    assert table.cells.shape == (4, 2)
    assert np.allclose(table.cells[:, 1] - table.cells[:, 0], 20)
    assert sorted(table.cells[:, 0]) == pytest.approx([10.27, 10.28, 10.47, 10.48])


def test_what_is_missing_is_left_out_of_the_pairs_alone() -> None:
    frame = sweep({STEPS: [10, 20, 30], SEED: [1, 2]}, SEAM, lambda s, z: None if (s, z) == (20, 1) else float(s))
    frame.loc[frame.index[-1], "seam"] = math.inf  # 30 steps, seed 2
    table = paired_table(frame, STEPS, SEAM, [STEPS, SEED])
    assert np.isnan(table.cells).tolist() == [[False, True, False], [False, False, True]]
    assert len(table.complete.cells) == 0
    ten_to_thirty = paired_difference(table, 10, 30)
    assert ten_to_thirty is not None
    assert (ten_to_thirty.change.count, ten_to_thirty.change.mean, ten_to_thirty.level) == (1, 20, 10)
    assert ten_to_thirty.share == 2
    assert paired_difference(table, 20, 30) is None


def test_a_run_that_occurs_twice_counts_once() -> None:
    frame = sweep({STEPS: [10, 10, 20], SEED: [1]}, SEAM, lambda s, z: float(s))
    assert paired_table(frame, STEPS, SEAM, [STEPS, SEED]).cells.tolist() == [[10, 20]]


def test_without_another_axis_there_is_one_pair() -> None:
    frame = sweep({STEPS: [10, 20]}, SEAM, lambda s: float(s))
    assert paired_table(frame, STEPS, SEAM, [STEPS]).cells.tolist() == [[10, 20]]


def test_an_empty_frame_has_no_pairs() -> None:
    frame = sweep({STEPS: [10, 20], SEED: [1]}, SEAM, lambda s, z: None)
    table = paired_table(frame, STEPS, SEAM, [STEPS, SEED])
    assert (table.values, table.cells.shape) == ([], (0, 0))


def test_the_interval_is_near_the_t_interval_where_that_one_is_right() -> None:
    """40 normal numbers: both methods agree within a tenth of the half-width."""
    sample = np.random.default_rng(5).normal(3, 2, 40)
    low, high = stats.t.interval(0.95, 39, sample.mean(), stats.sem(sample))
    estimate = mean_estimate(sample)
    assert estimate.mean == pytest.approx(sample.mean())
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=(high - low) / 20)


def test_the_same_numbers_give_the_same_interval() -> None:
    sample = [0.1, 0.4, -0.2, 0.9, 0.3, 0.2]
    assert mean_estimate(sample) == mean_estimate(sample)


def test_a_ratio_has_the_interval_of_its_resampled_pairs() -> None:
    """Against resampling by hand; so many pairs that widening for small samples changes 2 %."""
    random = np.random.default_rng(2)
    before = random.uniform(1, 2, 40)
    after = 3 * before + random.normal(0, 0.4, 40)
    ratio = ratio_estimate(before, after)
    drawn = random.integers(0, 40, (20_000, 40))
    low, high = np.quantile(after[drawn].mean(axis=1) / before[drawn].mean(axis=1), [0.025, 0.975])
    assert ratio.mean == pytest.approx(after.mean() / before.mean())
    assert (ratio.low, ratio.high) == pytest.approx((low, high), abs=(high - low) / 15)
    assert ratio_estimate(before[:1], after[:1]).high == math.inf


@pytest.mark.slow
@pytest.mark.parametrize("count", [6, 9, 18])
def test_the_interval_holds_what_it_claims(count: int) -> None:
    """Of 400 intervals at 95 %, 380 hold the mean on average (σ = 4.4); few values lose some: above 90 %."""
    random = np.random.default_rng(count)
    held = [mean_estimate(random.normal(1, 1, count)) for _ in range(400)]
    assert sum(estimate.low <= 1 <= estimate.high for estimate in held) > 0.90 * 400


@pytest.mark.parametrize(
    ("sample", "low", "high"),
    [([2.0], -math.inf, math.inf), ([2.0, 2.0], 2, 2), ([1.0, 3.0], 1, 3), ([0.0] * 9, 0, 0)],
)
def test_few_or_equal_numbers(sample: list[float], low: float, high: float) -> None:
    estimate = mean_estimate(sample)
    assert (estimate.low, estimate.high, estimate.count) == (low, high, len(sample))


@pytest.mark.parametrize(("confidence", "pairs"), [(0.95, 6), (0.975, 7), (1 - 0.05 / 3, 7), (0.99, 8)])
def test_so_many_pairs_must_agree_before_chance_is_ruled_out(confidence: float, pairs: int) -> None:
    assert fewest_pairs(confidence) == pairs
    assert stats.binomtest(pairs, pairs).pvalue <= 1 - confidence < stats.binomtest(pairs - 1, pairs - 1).pvalue


@pytest.mark.parametrize(
    ("low", "high", "count", "clear"),
    [(0.1, 0.3, 6, True), (0.1, 0.3, 5, False), (-0.3, -0.1, 6, True), (-0.1, 0.3, 60, False), (0.0, 0.3, 60, False)],
)
def test_clear_is_an_interval_without_zero_over_enough_pairs(low: float, high: float, count: int, clear: bool) -> None:
    assert Estimate(mean=(low + high) / 2, low=low, high=high, count=count).is_clear is clear
