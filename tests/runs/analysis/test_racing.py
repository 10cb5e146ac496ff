"""Who has lost in a race: right under continuous looking, and silent where nothing is known."""

import numpy as np
import pytest

from bgen_core.metrics import find_metric
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.racing.bounds import bounds_of
from bgen_core.runs.analysis.racing.proposals import proposed_values
from bgen_core.runs.analysis.racing.standing import lost_values, standing, verdict
from bgen_core.sweep.axes import parse_axis

SEAM = Measure.of(find_metric("seam"))  # lower is better
NAMES = ("one", "two", "three")


@pytest.mark.parametrize("values", [2, 3, 6])
def test_alike_values_are_rarely_called_lost_however_often_one_looks(values: int):
    random = np.random.default_rng(3)
    races = 300
    wrong = 0
    for _ in range(races):
        measured = random.normal(size=(20, values)) + random.normal(size=(20, 1))
        looks = (lost_values(measured[:seeds], higher=True, noise=0, compared=values) for seeds in range(4, 21))
        wrong += any(looks)
    assert wrong <= 0.05 * races


@pytest.mark.parametrize("values", [2, 5])
def test_an_interval_holds_the_difference_at_all_looks(values: int):
    random = np.random.default_rng(4)
    truth = np.arange(values) * 0.7
    missed = 0
    for _ in range(300):
        measured = truth + random.normal(size=(20, values))
        found = [bounds_of(measured[:seeds], compared=values) for seeds in range(4, 21)]
        missed += any(not (each.low[0, -1] <= truth[-1] <= each.high[0, -1]) for each in found)
    assert missed <= 0.05 * 300


def test_a_clear_loser_is_out_after_the_first_seeds_with_the_better_one_named():
    random = np.random.default_rng(5)
    cells = np.array([0.3, 0.31, 0.9]) + random.normal(0, 0.02, (4, 3)) + random.normal(size=(4, 1))
    found = verdict(standing(cells, (0, 1, 2), compared=3), SEAM, NAMES)
    ((place, reason),) = found.lost
    assert place == 2
    assert reason.startswith("Out: three. Its seam is 0.")
    assert "higher than that of one over 4 seeds" in reason or "higher than that of two over 4 seeds" in reason


def test_a_difference_within_the_measures_own_noise_is_none():
    cells = np.full((20, 2), 0.3) + np.array([0, 0.5 * SEAM.noise]) + np.random.default_rng(6).normal(0, 1e-6, (20, 2))
    found = verdict(standing(cells, (0, 1), compared=2), SEAM, NAMES)
    assert found.lost == ()
    assert found.is_alike


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((0, 2)),
        np.array([[0.0, 1.0]]),
        np.tile([0.0, 1.0], (5, 1)),  # the first six pairs of two values would agree by chance once in 32 times
        np.full((9, 2), np.nan),
        np.column_stack([np.arange(9.0), np.full(9, np.nan)]),
    ],
    ids=["none", "one seed", "five seeds of two", "nothing measured", "one value not measured"],
)
def test_where_too_little_is_known_nothing_is_said(cells: np.ndarray):
    found = verdict(standing(cells, (0, 1), compared=2), SEAM, NAMES)
    assert (found.lost, found.is_alike) == ((), False)


def test_a_constant_measure_makes_all_alike():
    found = verdict(standing(np.full((6, 3), 0.5), (0, 1, 2), compared=3), SEAM, NAMES)
    assert (found.lost, found.is_alike) == ((), True)


@pytest.mark.parametrize(
    ("axis", "values", "best", "proposed"),
    [
        ("guidance", "3,5,8", 1, [4.0, 6.5]),
        ("guidance", "8,3,5", 1, [4.0]),
        ("steps", "10,20,21", 1, [15]),
        ("steps", "10,11", 0, []),
        ("prompt", "a\nb", 0, []),
        ("scheduler", "ddim,euler", 0, []),
    ],
)
def test_new_values_lie_halfway_to_the_neighbours(axis: str, values: str, best: int, proposed: list[float]):
    assert proposed_values(parse_axis(axis, values), best) == proposed
