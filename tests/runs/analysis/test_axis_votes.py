import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from bgen_core.runs.analysis.votes import AxisVotes, axis_votes
from bgen_core.store.opinions import Vote
from tests.runs.analysis.made_up_sweeps import SCHEDULER

RUNS = {"a1": "euler", "a2": "euler", "b1": "ddim", "b2": "ddim", "c1": "unipc"}


NUMBERS = itertools.count()


def vote(run_a: str, run_b: str, winner: str, voter: str = "") -> Vote:
    """Somebody else's vote, where nobody is named."""
    who = voter or f"voter {next(NUMBERS)}"
    return Vote(sweep_id="s", voter=who, run_a=run_a, run_b=run_b, winner=winner)  # pyright: ignore


def text(found: AxisVotes) -> str:
    return found.remark.text if found.remark else ""


def several(count: int, *given: Any) -> list[Vote]:
    return [vote(*given) for _ in range(count)]


def preferring(lead: float, count: int, random: np.random.Generator) -> list[Vote]:
    """Votes between euler and ddim, of which euler wins the share that its lead gives."""
    return [vote("a1", "b1", "a" if random.random() < win_chance(lead) else "b") for _ in range(count)]


def win_chance(lead: float) -> float:
    return 1 / (1 + math.exp(-lead))


def halves(count: int) -> np.ndarray:
    """Each value's half win and half loss, spread over the others: [i, j] = how often i beat j."""
    wins = np.full((count, count), 0.5 / (count - 1))
    np.fill_diagonal(wins, 0)
    return wins


def test_two_values_are_their_odds() -> None:
    two = {run: name for run, name in RUNS.items() if name != "unipc"}
    votes = [*several(6, "a1", "b1", "a"), *several(2, "b2", "a2", "a"), *several(3, "a1", "b2", "tie")]
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
    assert found.sentence == (
        "No clear preference between the values of Scheduler: euler wins 67 % of the pairs with ddim "
        "(95 % interval 23 to 98 %): 6 wins, 2 losses, 3 ties."
    )
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
    one, other = (axis_votes(each, RUNS, SCHEDULER).scores for each in (votes, turned))
    assert [score.value for score in one] == [score.value for score in other]
    for first, second in zip(one, other, strict=True):
        assert (first.score, first.low, first.share_high) == pytest.approx(
            (second.score, second.low, second.share_high)
        )


def test_votes_that_say_nothing_about_the_axis_are_left_out() -> None:
    votes = [vote("a1", "a2", "a"), vote("a1", "gone", "a"), vote("a1", "b1", "b", "grace")]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert found.votes == 1
    assert {score.value: score.votes for score in found.scores} == {"ddim": 1, "euler": 1, "unipc": 0}


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_handful_of_votes_is_no_certainty(count: int) -> None:
    found = axis_votes(several(count, "a1", "b1", "a"), RUNS, SCHEDULER)
    assert not found.is_clear
    assert found.sentence.startswith("No clear preference between the values of Scheduler: euler wins ")


def test_many_votes_for_one_value_are_clear() -> None:
    votes = [*several(12, "a1", "b1", "a"), *several(12, "c1", "a2", "b"), *several(4, "b1", "c1", "tie")]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert found.is_clear
    assert [score.is_out for score in found.scores] == [False, True, True]
    assert found.sentence.startswith("Scheduler euler is preferred: it wins ")
    assert found.sentence.endswith("%): 24 wins, 0 losses, 0 ties.")
    assert text(found) == (
        "You may stop: each other value loses to another one. The chance that this is wrong is at most 5 %, however "
        "often you looked."
    )
    assert found.more_votes == 0
    assert math.isfinite(found.scores[0].high)


def test_ties_alone_prefer_nothing() -> None:
    pairs = [("a1", "b1"), ("a1", "c1"), ("c1", "b2")] * 5
    found = axis_votes([vote(*pair, "tie") for pair in pairs], RUNS, SCHEDULER)
    assert not found.is_clear
    assert [score.score for score in found.scores] == pytest.approx([0, 0, 0], abs=1e-9)
    assert all(score.share == pytest.approx(0.5) for score in found.scores)
    assert found.sentence == "No clear preference between the values of Scheduler: each of them wins half of its pairs."


def test_two_that_lead_alike_are_both_named() -> None:
    pairs = [("a1", "c1", "a"), ("b1", "c1", "a"), ("a1", "b1", "tie")] * 4
    votes = [vote(*each) for each in pairs]
    sentence = axis_votes(votes, RUNS, SCHEDULER).sentence
    assert " euler and ddim win alike, " in sentence


def test_without_votes_there_are_no_scores() -> None:
    found = axis_votes([], RUNS, SCHEDULER)
    assert (found.scores, found.votes) == ((), 0)
    assert found.sentence == "No clear preference between the values of Scheduler: there are no votes yet."


def test_a_voters_second_answer_on_two_pictures_is_no_new_evidence() -> None:
    once = [vote("a1", "b1", "a", f"voter {number}") for number in range(6)]
    again = [vote("b1", "a1", "b", f"voter {number}") for number in range(6)]
    one, both = (axis_votes(votes, RUNS, SCHEDULER) for votes in (once, [*once, *again]))
    assert (both.votes, both.repeats) == (6, 6)
    assert both.scores == one.scores


@pytest.mark.parametrize("side", ["a", "b"])
def test_whoever_always_chooses_one_side_says_nothing(side: str) -> None:
    """Also where the better value stood there each time, so that their votes cannot be told from a preference."""
    runs = {f"{value}{seed}": value for value in ("euler", "ddim") for seed in range(30)}
    votes = [vote(f"euler{seed}", f"ddim{seed}", side, "ada") for seed in range(30)]
    found = axis_votes(votes, runs, SCHEDULER)
    assert not found.is_clear
    assert found.sentence.endswith("whoever voted chose the same side nearly always, whatever was there.")
    steady = [*votes, *(vote(f"ddim{seed}", f"euler{seed}", "ab"[seed % 7 == 0], "grace") for seed in range(30))]
    assert axis_votes(steady, runs, SCHEDULER).votes == 30


def test_voters_who_contradict_each_other_prefer_nothing() -> None:
    runs = {f"{value}{seed}": value for value in ("euler", "ddim") for seed in range(60)}
    votes: list[Vote] = []
    for seed in range(60):
        one, other = (f"euler{seed}", f"ddim{seed}") if seed % 2 else (f"ddim{seed}", f"euler{seed}")
        votes.append(vote(one, other, "ba"[seed % 2], "ada"))
        votes.append(vote(one, other, "ab"[seed % 2], "grace"))
    found = axis_votes(votes, runs, SCHEDULER)
    assert found.votes == 120
    assert not found.is_clear
    assert text(found) == (
        "You may stop: euler and ddim are alike. None wins more than 64 % of the votes against another, so take either."
    )
    assert found.remark is not None
    assert found.remark.blind.startswith("You may stop: both values are alike."), "who votes is told no names"


def test_in_a_circle_there_is_no_best_value() -> None:
    circle = [("a1", "b1"), ("b1", "c1"), ("c1", "a1")] * 60
    votes = [vote(*pair, "a") for pair in circle]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert not found.is_clear
    assert found.sentence == "No clear preference between the values of Scheduler: each of them wins half of its pairs."


def test_pictures_that_differ_in_more_than_the_axis_do_not_count() -> None:
    """An incomplete grid: each scheduler was painted with a guidance of its own, which decides the votes."""
    contexts = {"a1": 2.0, "a2": 2.0, "b1": 7.0, "b2": 7.0, "c1": 2.0}
    found = axis_votes(several(40, "b1", "a1", "b"), RUNS, SCHEDULER, contexts=contexts)
    assert (found.votes, found.confounded, found.is_clear) == (0, 40, False)
    assert found.sentence.endswith("no vote was on two pictures that differ in it alone.")


def test_on_one_seed_nothing_is_claimed_of_the_axis() -> None:
    two = {"a1": "euler", "b1": "ddim"}
    votes = [vote(*pair) for pair in [("a1", "b1", "a"), ("b1", "a1", "b")] * 8]
    one = axis_votes(votes, two, SCHEDULER, seeds={"a1": 1, "b1": 1})
    assert not one.is_clear
    assert one.sentence.startswith(
        "No clear preference between the values of Scheduler, for all pictures have one seed: of these pictures, euler "
    )
    assert text(one) == (
        "You may stop: more votes will not tell, since another seed may turn it round. Paint more seeds."
    )
    assert axis_votes(votes, two, SCHEDULER).is_clear, "where the pictures themselves are voted on"


def test_seeds_that_were_voted_on_are_named() -> None:
    runs = {f"{value}{seed}": value for value in ("euler", "ddim") for seed in range(3)}
    seeds = {run: run[-1] for run in runs}
    votes = [vote(f"euler{seed}", f"ddim{seed}", "a") for seed in range(3) for _ in range(6)]
    found = axis_votes(votes, runs, SCHEDULER, contexts=seeds, seeds=seeds)
    assert found.is_clear
    assert found.sentence.endswith("18 wins, 0 losses, 0 ties, on pictures of 3 seeds.")


def test_one_value_alone_has_no_scores() -> None:
    found = axis_votes(several(3, "a1", "a2", "a"), {"a1": "euler", "a2": "euler"}, SCHEDULER)
    assert (found.scores, found.is_clear) == ((), False)
    assert found.sentence == "No clear preference between the values of Scheduler: there is one value alone."


def test_what_is_out_is_said_before_all_is_settled() -> None:
    votes = [*several(14, "a1", "c1", "a"), *several(14, "c1", "b1", "b"), *several(2, "a1", "b1", "tie")]
    found = axis_votes(votes, RUNS, SCHEDULER)
    assert [score.value for score in found.scores if score.is_out] == ["unipc"]
    assert found.sentence.endswith("; unipc cannot be the best any more.")


def looks(votes: Sequence[Vote]) -> list[str]:
    two = {"a1": "euler", "b1": "ddim"}
    return [text(axis_votes(votes[:count], two, SCHEDULER)) for count in range(1, len(votes) + 1, 5)]


@pytest.mark.slow
def test_about_how_many_more_votes_are_needed_falls_until_one_may_stop() -> None:
    said = looks(preferring(1.4, 120, np.random.default_rng(4)))
    assert said[0] == "How many more votes settle this cannot be said yet."
    assert any(text.startswith("About ") and "give or take a factor of three" in text for text in said)
    assert said[-1].startswith("You may stop: each other value loses")


@pytest.mark.slow
def test_alike_is_said_only_within_its_bounds() -> None:
    said = looks(preferring(0.0, 200, np.random.default_rng(1)))
    first = next(place for place, text in enumerate(said) if "are alike" in text)
    assert first * 5 > 90, "a share of 65 % needs about a hundred votes to be excluded"


@pytest.mark.parametrize("count", [38, 42, 44, 100])
def test_votes_that_all_say_the_same_have_an_interval(count: int) -> None:
    two = {run: name for run, name in RUNS.items() if name != "unipc"}
    best = axis_votes(several(count, "a1", "b1", "a"), two, SCHEDULER).scores[0]
    assert best.value == "euler"
    assert -1 < best.low < best.score < best.high < 10
    assert best.share_low > 0.5
