import itertools

import pandas as pd
import pytest

from bgen_core.runs.analysis.ballot import BallotPair, VotedCells, next_pair
from bgen_core.store.opinions import Vote
from tests.runs.analysis.made_up_sweeps import GUIDANCE, SEAM, SEED, STEPS, sweep

AGREEING = 12  # pairs of different steps, of the same guidance and seed

AXES = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: [1, 2]}
FRAME = sweep(AXES, SEAM, lambda *_: 0.0)
BY_ID = FRAME.set_index("id").to_dict("index")


CELLS = VotedCells.of(FRAME, STEPS, list(AXES))


def all_shown(
    voter: str, cells: VotedCells = CELLS, others: tuple[Vote, ...] = (), winner: str = "tie"
) -> list[BallotPair]:
    """What one voter is shown until there is nothing left."""
    votes, shown = list(others), []
    while (pair := next_pair(cells, axis=STEPS, votes=votes, voter=voter)) is not None:
        shown.append(pair)
        votes.append(given(pair, voter, winner))
        assert len(shown) < 500
    return shown


def given(pair: BallotPair, voter: str, winner: str = "tie") -> Vote:
    return Vote(sweep_id="s", voter=voter, run_a=pair.run_a, run_b=pair.run_b, winner=winner, drawn=pair.drawn)  # pyright: ignore


def new(shown: list[BallotPair]) -> list[frozenset[str]]:
    return [frozenset((pair.run_a, pair.run_b)) for pair in shown if pair.drawn != "repeat"]


def test_every_pair_that_differs_in_the_axis_alone_comes_once() -> None:
    shown = new(all_shown("ada"))
    expected = {
        frozenset(pair)
        for pair in itertools.combinations(BY_ID, 2)
        if BY_ID[pair[0]]["num_inference_steps"] != BY_ID[pair[1]]["num_inference_steps"]
        and all(BY_ID[pair[0]][name] == BY_ID[pair[1]][name] for name in ("guidance_scale", "seed"))
    }
    assert len(shown) == len(expected) == AGREEING
    assert set(shown) == expected


def test_a_voter_sees_the_same_pair_until_they_vote() -> None:
    first, again = (next_pair(CELLS, axis=STEPS, votes=[], voter="ada") for _ in range(2))
    assert first == again


def test_what_others_vote_meanwhile_changes_nothing_under_a_voters_eyes() -> None:
    shown = all_shown("ada")[:5]
    mine = [given(pair, "ada") for pair in shown[:4]]
    theirs = [given(pair, "grace", "a") for pair in all_shown("grace")[:6]]
    assert next_pair(CELLS, axis=STEPS, votes=[*mine, *theirs], voter="ada") == shown[4]


@pytest.mark.slow
def test_each_voter_has_an_order_of_their_own() -> None:
    orders = [tuple(all_shown(voter)) for voter in ("ada", "grace", "mary", "joan")]
    assert len(set(orders)) == 4


LARGE = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: range(60)}
LARGE_CELLS = VotedCells.of(sweep(LARGE, SEAM, lambda *_: 0.0), STEPS, list(LARGE))


def left_more_steps(pair: BallotPair) -> bool:
    return LARGE_CELLS.values[pair.run_a] > LARGE_CELLS.values[pair.run_b]  # pyright: ignore


@pytest.fixture(scope="module")
def long_ballot() -> list[BallotPair]:
    """300 pairs of a voter who prefers more steps in any case."""
    votes: list[Vote] = []
    shown: list[BallotPair] = []
    for _ in range(300):
        pair = next_pair(LARGE_CELLS, axis=STEPS, votes=votes, voter="ada")
        assert pair is not None
        shown.append(pair)
        votes.append(given(pair, "ada", "a" if left_more_steps(pair) else "b"))
    return shown


def test_the_side_says_nothing(long_ballot: list[BallotPair]) -> None:
    """Of about 270 pairs, the larger value stands left in about half (σ = 8)."""
    left = [left_more_steps(pair) for pair in long_ballot if pair.drawn != "repeat"]
    assert abs(sum(left) - len(left) / 2) < 30


def test_a_tenth_are_repeats_with_the_sides_changed(long_ballot: list[BallotPair]) -> None:
    """30 of 300 on average (σ = 5.2), each of another pair, six votes or more after it."""
    first: dict[frozenset[str], int] = {}
    repeated: list[frozenset[str]] = []
    for place, pair in enumerate(long_ballot):
        both = frozenset((pair.run_a, pair.run_b))
        if pair.drawn == "repeat":
            repeated.append(both)
            assert place - first[both] > 6
            before = long_ballot[first[both]]
            assert (pair.run_a, pair.run_b) == (before.run_b, before.run_a)
        else:
            assert both not in first
            first[both] = place
    assert len(set(repeated)) == len(repeated)
    assert 13 <= len(repeated) <= 47


def test_most_are_of_the_values_that_may_be_best_and_some_at_random(long_ballot: list[BallotPair]) -> None:
    """A fifth of some 270 are drawn at random (σ = 6.6); of the others, after fifty votes, all hold the best value."""
    kinds = [pair.drawn for pair in long_ballot]
    assert 28 <= kinds.count("random") <= 80
    later = [pair for pair in long_ballot[50:] if pair.drawn == "telling"]
    assert all(30 in (LARGE_CELLS.values[pair.run_a], LARGE_CELLS.values[pair.run_b]) for pair in later)


def test_what_others_voted_is_still_to_be_seen() -> None:
    others = tuple(given(pair, "grace", "a") for pair in all_shown("grace"))
    assert len(new(all_shown("ada", others=others))) == AGREEING


@pytest.mark.slow
def test_voters_together_cover_a_large_sweep() -> None:
    large = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: range(500)}
    cells = VotedCells.of(sweep(large, SEAM, lambda *_: 0.0), STEPS, list(large))
    pairs = {
        frozenset((pair.run_a, pair.run_b))
        for number in range(60)
        if (pair := next_pair(cells, axis=STEPS, votes=[], voter=f"voter {number}")) is not None
    }
    assert len(pairs) > 55


def test_two_who_vote_by_turns_are_both_asked_until_the_end() -> None:
    votes: list[Vote] = []
    asked = {"ada": 0, "grace": 0}
    for voter in ["ada", "grace"] * 30:
        pair = next_pair(CELLS, axis=STEPS, votes=votes, voter=voter)
        if pair is not None:
            votes.append(given(pair, voter, "b"))
            asked[voter] += pair.drawn != "repeat"
    assert asked == {"ada": AGREEING, "grace": AGREEING}


def test_a_run_in_two_places_is_not_compared_with_itself() -> None:
    doubled = VotedCells.of(pd.concat([FRAME, FRAME]), STEPS, list(AXES))
    assert len(new(all_shown("ada", doubled))) == AGREEING


def test_a_run_that_was_deleted_is_asked_about_no_more() -> None:
    shown = all_shown("ada")
    votes = [given(pair, "ada") for pair in shown[:8]]
    gone = shown[8].run_a
    left = VotedCells.of(FRAME[FRAME["id"] != gone], STEPS, list(AXES))
    for _ in range(20):
        pair = next_pair(left, axis=STEPS, votes=votes, voter="ada")
        if pair is None:
            break
        assert gone not in (pair.run_a, pair.run_b)
        votes.append(given(pair, "ada"))
    else:
        raise AssertionError("never done")


def test_nothing_to_compare_is_none() -> None:
    axes = list(AXES)
    one_value = VotedCells.of(FRAME[FRAME["num_inference_steps"] == 10], STEPS, axes)
    assert next_pair(one_value, axis=STEPS, votes=[], voter="ada") is None
    assert next_pair(VotedCells.of(FRAME.iloc[:0], STEPS, axes), axis=STEPS, votes=[], voter="ada") is None
    crossed = FRAME[(FRAME["num_inference_steps"] == 10) == (FRAME["guidance_scale"] == 2.0)]
    apart = VotedCells.of(crossed[crossed["num_inference_steps"] < 30], STEPS, axes)
    assert next_pair(apart, axis=STEPS, votes=[], voter="ada") is None, "no two differ in the steps alone"


def test_without_other_axes_all_cells_are_one_group() -> None:
    cells = VotedCells.of(sweep({STEPS: [10, 20, 30]}, SEAM, lambda *_: 0.0), STEPS, [STEPS])
    assert len(new(all_shown("ada", cells, winner="b"))) == 3
    assert set(cells.seeds or {}) == set(cells.values), "all have the one seed that was painted"


def test_seeds_are_known_where_they_are_not_what_is_asked() -> None:
    assert set((CELLS.seeds or {}).values()) == {1, 2}
    assert VotedCells.of(FRAME, SEED, list(AXES)).seeds is None
