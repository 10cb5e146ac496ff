"""What is proved by votes is proved at all looks together: exactly where it can be computed, else in made-up sweeps."""

import itertools
import math

import numpy as np
import pytest

from bgen_core.runs.analysis.voting.choice import telling_pairs
from bgen_core.runs.analysis.voting.evidence import ERROR, Evidence, evidence_of, is_rejected
from bgen_core.runs.analysis.voting.share_bound import share_bounds
from bgen_core.runs.analysis.voting.strengths import SPREAD, Strengths, win_chance


def after(count: int, votes: int, seed: int) -> Evidence:
    random = np.random.default_rng(seed)
    pairs = np.array([random.choice(count, 2, replace=False) for _ in range(votes)])
    return evidence_of(pairs, random.choice([0, 0.5, 1], votes, p=[0.2, 0.3, 0.5]), count)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(range(3), 2)))
def test_nobody_expects_to_win_by_betting_where_both_are_alike(first: int, second: int) -> None:
    """The mean of what each bettor owns after a vote that both win equally often is what they owned before."""
    before = after(3, 20, seed=5)
    outcomes = [before.after(first, second, share).wealth for share in (1.0, 0.0)]
    assert np.exp(outcomes).mean(axis=0) == pytest.approx(np.exp(before.wealth), rel=1e-12)
    assert before.after(first, second, 0.5).wealth == pytest.approx(before.wealth, abs=1e-12), "a tie is nobody's"


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(range(3), 2)))
def test_whoever_bets_against_the_better_one_expects_to_lose(first: int, second: int) -> None:
    """So a hypothesis that is true is never expected to fall, however much better its value is."""
    before = after(3, 20, seed=5)
    for chance in (0.6, 0.9):
        won, lost = (np.exp(before.after(first, second, share).wealth) for share in (1.0, 0.0))
        expected = chance * won + (1 - chance) * lost
        assert expected[first] <= np.exp(before.wealth)[first] * (1 + 1e-12)


def test_the_order_of_the_two_pictures_does_not_matter() -> None:
    before = after(4, 30, seed=1)
    one, other = before.after(2, 0, 1.0), before.after(0, 2, 0.0)
    assert one.wealth == pytest.approx(other.wealth)
    assert one.strengths.mean == pytest.approx(other.strengths.mean)


@pytest.mark.parametrize("seed", range(12))
def test_closed_testing_is_that_over_all_sets(seed: int) -> None:
    wealth = np.random.default_rng(seed).normal(2.5, 2, 5)
    won = np.exp(wealth)
    sets = [each for size in range(1, 6) for each in itertools.combinations(range(5), size)]
    expected = [
        all(won[list(each)].mean() >= 1 / ERROR for each in sets if hypothesis in each) for hypothesis in range(5)
    ]
    assert is_rejected(wealth).tolist() == expected


def test_the_strengths_of_two_are_those_of_the_exact_posterior() -> None:
    """Against the posterior on a grid, of the lead of one of two: its mean and spread to 0.03."""
    lead = np.linspace(-12, 12, 20_001)
    log_posterior = -(lead**2) / (4 * SPREAD**2)
    found = Strengths.unknown(2)
    for share in [1.0, 1.0, 0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 1.0, 0.5] * 4:
        found = found.after(0, 1, share)
        log_posterior += share * lead - np.logaddexp(0, lead)
    weights = np.exp(log_posterior - log_posterior.max())
    mean = np.average(lead, weights=weights)
    spread = math.sqrt(np.average((lead - mean) ** 2, weights=weights))
    said, variance = found.lead(0, 1)
    assert (said, math.sqrt(variance)) == pytest.approx((mean, spread), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("values", [2, 3, 8])
@pytest.mark.parametrize("asked", ["telling", "random"])
def test_in_sweeps_without_preference_nothing_is_claimed(values: int, asked: str) -> None:
    """100 sweeps of alike values, a look after each of 60 votes. At most 5 % may say that a value is out.

    Of 100 with a chance of 0.05 each, more than 12 are one chance in 600.
    """
    random = np.random.default_rng(values)
    wrong = 0
    for _ in range(100):
        found = Evidence.none(values)
        for _ in range(60):
            is_random = asked == "random" or random.random() < 0.2
            pair = random.choice(values, 2, replace=False) if is_random else next(telling_pairs(found, random))
            found = found.after(int(pair[0]), int(pair[1]), float(random.choice([0, 0.5, 1], p=[0.4, 0.2, 0.4])))
        wrong += bool(found.is_out.any())
    assert wrong <= 12


@pytest.mark.slow
def test_the_best_of_four_is_found() -> None:
    """10 sweeps whose strengths lie 0.8 apart, 400 votes each: no wrong answer, and nearly always one."""
    random = np.random.default_rng(2)
    right = 0
    for _ in range(10):
        truth = random.permutation(0.8 * np.arange(4))
        found = Evidence.none(4)
        for _ in range(400):
            first, second = next(telling_pairs(found, random))
            chance = win_chance(truth[first] - truth[second])
            found = found.after(first, second, float(random.random() < chance))
        assert not found.is_out[truth.argmax()]
        right += (~found.is_out).sum() == 1
    assert right >= 9


def test_bounds_of_a_share_are_those_of_their_definition() -> None:
    """At a bound, what mixing over all shifts has won is 1/α: by another sum than the code's."""
    shifts = np.linspace(-6, 6, 241)
    weights = np.exp(-(shifts**2) / 2) / np.exp(-(shifts**2) / 2).sum()
    for won, votes in ((31.5, 45), (12, 20), (60, 100)):
        for bound in share_bounds(won, votes, ERROR):
            owned = (weights * np.exp(shifts * won) / (1 - bound + bound * np.exp(shifts)) ** votes).sum()
            assert owned == pytest.approx(1 / ERROR, rel=1e-6)


def test_bounds_of_few_votes_say_little() -> None:
    assert share_bounds(0, 0, ERROR) == (0.0, 1.0)
    assert share_bounds(1, 1, ERROR) == (0.0, 1.0)
    low, high = share_bounds(6, 6, ERROR)
    assert 0.3 < low < 0.35
    assert high == 1.0
    assert share_bounds(0, 6, ERROR) == pytest.approx((0.0, 1 - low))


@pytest.mark.slow
@pytest.mark.parametrize("chances", [(0.5, 0.5), (0.6, 0.6), (0.2, 0.9)])
def test_bounds_hold_at_all_looks_together(chances: tuple[float, float]) -> None:
    """100 series of 144 votes whose chance goes to and fro: the mean of the chances so far, which the bounds hold.

    Of 100 with a chance of 0.05 to be missed once, more than 12 are one chance in 600.
    """
    random = np.random.default_rng(7)
    each = np.resize(chances, 144)
    truth = each.cumsum() / np.arange(1, 145)
    missed = 0
    for _ in range(100):
        won = (random.random(144) < each).cumsum()
        looks = {
            count: share_bounds(float(won[count - 1]), count, ERROR) for count in (1, 3, 5, 8, 13, 21, 34, 55, 144)
        }
        missed += any(not low <= truth[count - 1] <= high for count, (low, high) in looks.items())
    assert missed <= 12
