import itertools

import pandas as pd
import pytest

from bgen_core.runs.analysis.ballot import next_pair
from bgen_core.store.opinions import Vote
from tests.runs.analysis.made_up_sweeps import GUIDANCE, SEAM, SEED, STEPS, sweep

AXES = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: [1, 2]}
FRAME = sweep(AXES, SEAM, lambda *_: 0.0)
BY_ID = FRAME.set_index("id").to_dict("index")


def all_pairs(voter: str, frame: pd.DataFrame = FRAME, others: tuple[Vote, ...] = ()) -> list[tuple[str, str]]:
    """What one voter is shown until there is nothing left."""
    votes, shown = list(others), []
    while (pair := next_pair(frame, STEPS, axes=list(AXES), votes=votes, voter=voter)) is not None:
        shown.append((pair.run_a, pair.run_b))
        votes.append(Vote(sweep_id="s", voter=voter, run_a=pair.run_a, run_b=pair.run_b, winner="tie"))
        assert len(shown) < 500
    return shown


def test_every_pair_that_differs_in_the_axis_comes_once() -> None:
    shown = all_pairs("ada")
    expected = {
        frozenset(pair)
        for pair in itertools.combinations(BY_ID, 2)
        if BY_ID[pair[0]]["num_inference_steps"] != BY_ID[pair[1]]["num_inference_steps"]
    }
    assert len(shown) == len(expected) == 48
    assert {frozenset(pair) for pair in shown} == expected


def test_pairs_that_agree_in_the_rest_come_first() -> None:
    agree = [
        all(BY_ID[one][axis] == BY_ID[other][axis] for axis in ("guidance_scale", "seed"))
        for one, other in all_pairs("ada")
    ]
    assert agree == [True] * 12 + [False] * 36


def test_a_voter_sees_the_same_pair_until_they_vote() -> None:
    first, again = (next_pair(FRAME, STEPS, axes=list(AXES), votes=[], voter="ada") for _ in range(2))
    assert first == again


@pytest.mark.slow
def test_each_voter_has_an_order_of_their_own() -> None:
    orders = [tuple(all_pairs(voter)[:12]) for voter in ("ada", "grace", "mary", "joan")]
    assert len(set(orders)) == 4


def test_the_side_says_nothing() -> None:
    """Of 48 pairs, the smaller value stands left in about half (σ = 3.5)."""
    left = [BY_ID[one]["num_inference_steps"] < BY_ID[other]["num_inference_steps"] for one, other in all_pairs("ada")]
    assert 13 < sum(left) < 35


def test_what_others_voted_is_still_to_be_seen() -> None:
    others = tuple(Vote(sweep_id="s", voter="grace", run_a=a, run_b=b, winner="a") for a, b in all_pairs("grace"))
    assert len(all_pairs("ada", others=others)) == 48


@pytest.mark.slow
def test_voters_together_cover_a_large_sweep() -> None:
    large = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: range(500)}
    frame = sweep(large, SEAM, lambda *_: 0.0)
    pairs = {
        frozenset((pair.run_a, pair.run_b))
        for number in range(60)
        if (pair := next_pair(frame, STEPS, axes=list(large), votes=[], voter=f"voter {number}")) is not None
    }
    assert len(pairs) > 55


def test_a_run_in_two_places_is_not_compared_with_itself() -> None:
    doubled = pd.concat([FRAME, FRAME])
    assert len(all_pairs("ada", doubled)) == 48


def test_nothing_to_compare_is_none() -> None:
    one_value = FRAME[FRAME["num_inference_steps"] == 10]
    assert next_pair(one_value, STEPS, axes=list(AXES), votes=[], voter="ada") is None
    assert next_pair(FRAME.iloc[:0], STEPS, axes=list(AXES), votes=[], voter="ada") is None


def test_without_other_axes_all_cells_are_one_group() -> None:
    frame = sweep({STEPS: [10, 20, 30]}, SEAM, lambda *_: 0.0)
    votes: list[Vote] = []
    for _ in range(3):
        pair = next_pair(frame, STEPS, axes=[STEPS], votes=votes, voter="ada")
        assert pair is not None
        votes.append(Vote(sweep_id="s", voter="ada", run_a=pair.run_b, run_b=pair.run_a, winner="b"))
    assert next_pair(frame, STEPS, axes=[STEPS], votes=votes, voter="ada") is None
