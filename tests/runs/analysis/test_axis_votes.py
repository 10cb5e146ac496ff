import math

import numpy as np
import pytest
from scipy import optimize

from bgen_core.runs.analysis.votes import axis_votes
from bgen_core.store.opinions import Vote
from tests.runs.analysis.made_up_sweeps import SCHEDULER

RUNS = {"a1": "euler", "a2": "euler", "b1": "ddim", "b2": "ddim", "c1": "unipc"}


def vote(run_a: str, run_b: str, winner: str, voter: str = "ada") -> Vote:
    return Vote(sweep_id="s", voter=voter, run_a=run_a, run_b=run_b, winner=winner)  # pyright: ignore


def win_chance(lead: float) -> float:
    return 1 / (1 + math.exp(-lead))


def halves(count: int) -> np.ndarray:
    """Each value's half win and half loss, spread over the others: [i, j] = how often i beat j."""
    wins = np.full((count, count), 0.5 / (count - 1))
    np.fill_diagonal(wins, 0)
    return wins


def test_two_values_are_their_odds() -> None:
    two = {run: name for run, name in RUNS.items() if name != "unipc"}
    votes = [*[vote("a1", "b1", "a")] * 6, *[vote("b2", "a2", "a")] * 2, *[vote("a1", "b2", "tie")] * 3]
    found = axis_votes(votes, two, SCHEDULER)
    odds = (6 + 1.5 + 0.5) / (2 + 1.5 + 0.5)
    first, second = found.scores
    assert (first.value, second.value) == ("euler", "ddim")
    assert first.score - second.score == pytest.approx(math.log(odds), abs=1e-6)
    assert first.score + second.score == pytest.approx(0, abs=1e-9)
    assert (first.wins, first.losses, first.ties, first.votes) == (6, 2, 3, 11)
    assert (second.wins, second.losses, second.ties) == (2, 6, 3)
    assert (first.share, second.share) == pytest.approx((8 / 12, 4 / 12), abs=1e-6)
    assert first.share_low < first.share < first.share_high
    assert "ddim (95 % interval" in found.sentence
    assert found.sentence.startswith(
        "No clear preference between the values of Scheduler: euler wins 67 % of the pairs"
    )
    assert found.sentence.endswith("%): 6 wins, 2 losses, 3 ties.")
    assert found.votes == 11


@pytest.mark.slow
def test_three_values_are_the_maximum_of_the_likelihood() -> None:
    """Against scipy's own optimiser on the Bradley–Terry log-likelihood."""
    random = np.random.default_rng(3)
    names = ["a1", "b1", "c1"]
    votes = []
    for _ in range(60):
        one, other = random.choice(3, 2, replace=False)
        votes.append(vote(names[one], names[other], str(random.choice(["a", "b", "tie"], p=[0.5, 0.3, 0.2]))))
    wins = halves(3)
    for each in votes:
        one, other = names.index(each.run_a), names.index(each.run_b)
        share = {"a": 1.0, "b": 0.0, "tie": 0.5}[each.winner]
        wins[one, other] += share
        wins[other, one] += 1 - share

    def loss(scores: np.ndarray) -> float:
        return float((wins * np.logaddexp(0, scores[None, :] - scores[:, None])).sum() + scores.sum() ** 2)

    best = optimize.minimize(loss, np.zeros(3), tol=1e-12).x
    found = {score.value: score.score for score in axis_votes(votes, RUNS, SCHEDULER).scores}
    assert [found[RUNS[name]] for name in names] == pytest.approx(best - best.mean(), abs=1e-4)
    for score in axis_votes(votes, RUNS, SCHEDULER).scores:
        own = best[names.index(next(name for name in names if RUNS[name] == score.value))]
        others = [win_chance(own - other) for other in best if other != own]
        assert score.share == pytest.approx(sum(others) / 2, abs=1e-4)
        results = [each for each in votes if score.value in (RUNS[each.run_a], RUNS[each.run_b])]
        own_side = ["a" if RUNS[each.run_a] == score.value else "b" for each in results]
        won = sum(each.winner == side for each, side in zip(results, own_side, strict=True))
        ties = sum(each.winner == "tie" for each in results)
        assert (score.wins, score.ties, score.losses) == (won, ties, len(results) - won - ties)


@pytest.mark.slow
def test_the_intervals_hold_the_truth() -> None:
    """8 elections over 4 values: 30 of 32 intervals on average (σ = 1.2); half a win and loss each pull a little."""
    random = np.random.default_rng(8)
    truth = np.array([-1.0, -0.3, 0.3, 1.0])
    values = {f"r{index}": index for index in range(4)}
    held = 0
    for _ in range(8):
        votes = []
        for _ in range(80):
            one, other = random.choice(4, 2, replace=False)
            wins = random.random() < win_chance(truth[one] - truth[other])
            votes.append(vote(f"r{one}", f"r{other}", "a" if wins else "b"))
        for score in axis_votes(votes, values, SCHEDULER).scores:
            held += score.low <= truth[values[f"r{score.value}"]] <= score.high
    assert held >= 27


@pytest.mark.slow
def test_the_order_of_left_and_right_does_not_matter() -> None:
    votes = [vote("a1", "b1", "a"), vote("b1", "c1", "tie"), vote("c1", "a2", "b")]
    turned = [
        vote(each.run_b, each.run_a, {"a": "b", "b": "a", "tie": "tie"}[each.winner]) for each in votes
    ]  # fmt: skip
    assert axis_votes(votes, RUNS, SCHEDULER).scores == axis_votes(turned, RUNS, SCHEDULER).scores


def test_votes_that_say_nothing_about_the_axis_are_left_out() -> None:
    votes = [vote("a1", "a2", "a"), vote("a1", "gone", "a"), vote("a1", "b1", "b", "grace")]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert found.votes == 1
    assert {score.value: score.votes for score in found.scores} == {"ddim": 1, "euler": 1, "unipc": 0}


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_handful_of_votes_is_no_certainty(count: int) -> None:
    found = axis_votes([vote("a1", "b1", "a")] * count, RUNS, SCHEDULER)
    assert not found.is_clear
    assert found.sentence.startswith("No clear preference between the values of Scheduler: euler wins ")


def test_many_votes_for_one_value_are_clear() -> None:
    votes = [*[vote("a1", "b1", "a")] * 9, *[vote("a2", "c1", "a")] * 9, *[vote("b1", "c1", "tie")] * 4]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert found.is_clear
    assert found.sentence.startswith("Scheduler euler is preferred: it wins ")
    assert found.sentence.endswith("%): 18 wins, 0 losses, 0 ties.")
    assert math.isfinite(found.scores[0].high)


def test_ties_alone_prefer_nothing() -> None:
    found = axis_votes([vote("a1", "b1", "tie"), vote("a1", "c1", "tie"), vote("c1", "b2", "tie")] * 5, RUNS, SCHEDULER)
    assert not found.is_clear
    assert [score.score for score in found.scores] == pytest.approx([0, 0, 0], abs=1e-9)
    assert all(score.share == pytest.approx(0.5) for score in found.scores)
    assert found.sentence == "No clear preference between the values of Scheduler: each of them wins half of its pairs."


def test_two_that_lead_alike_are_both_named() -> None:
    votes = [vote("a1", "c1", "a"), vote("b1", "c1", "a"), vote("a1", "b1", "tie")] * 4
    sentence = axis_votes(votes, RUNS, SCHEDULER).sentence
    assert " euler and ddim win alike, " in sentence


def test_without_votes_there_are_no_scores() -> None:
    found = axis_votes([], RUNS, SCHEDULER)
    assert (found.scores, found.votes) == ((), 0)
    assert found.sentence == "No clear preference between the values of Scheduler: there are no votes yet."
