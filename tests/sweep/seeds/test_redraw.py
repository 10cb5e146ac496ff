"""Which seeds follow a cell's own, and what a person may ask for."""

import pytest

from bgen_core.errors import UserInputError
from bgen_core.parameters import MAX_SEED
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import SEED_STEP, Redraw, redrawn_seed, typed_redraw


def test_the_seeds_of_attempts_are_the_same_from_wherever_one_counts() -> None:
    (cell,) = SweepPlan(subject_id="s", model="demo", base=InpaintParams(prompt="a", seed=7)).cells()
    third = cell.at_attempt(2)
    assert (third.params.seed, third.attempt) == (7 + 2 * SEED_STEP, 2)
    assert cell.at_attempt(1).at_attempt(2) == third
    assert third.at_attempt(0) == cell


def test_the_largest_seed_has_others_after_it() -> None:
    assert redrawn_seed(MAX_SEED, 1) == SEED_STEP - 1
    assert redrawn_seed(redrawn_seed(MAX_SEED, 3), -3) == MAX_SEED


@pytest.mark.parametrize(
    ("limit", "attempts", "expected"),
    [
        ("", "", None),
        ("  ", "9", None),
        ("3", "", Redraw(max_expansion=3, attempts=4)),
        (" 2,5 % ", "2", Redraw(max_expansion=2.5, attempts=2)),
        ("0", "16", Redraw(max_expansion=0, attempts=16)),
    ],
)
def test_two_fields_say_when_cells_are_drawn_again(limit: str, attempts: str, expected: Redraw | None) -> None:
    assert typed_redraw(limit, attempts) == expected


@pytest.mark.parametrize(
    ("limit", "attempts", "words"),
    [
        ("little", "", "'little' is not a number"),
        ("nan", "", "nan is not allowed"),
        ("1e999", "", "choose 0 to 100 %"),
        ("-1", "", "choose 0 to 100 %"),
        ("3", "1", "choose 2 to 16"),
        ("3", "four", "'four' is not a whole number"),
        ("3", "\u0663", "is not a whole number"),
        ("3", "9" * 5000, "is not a whole number"),
    ],
)
def test_what_is_no_limit_is_refused(limit: str, attempts: str, words: str) -> None:
    with pytest.raises(UserInputError, match=words):
        typed_redraw(limit, attempts)


@pytest.mark.parametrize("given", [float("nan"), float("inf"), -1.0, 100.5, 10**400])
def test_an_expansion_that_cannot_be_is_a_sentence(given: float) -> None:
    with pytest.raises(UserInputError, match=r"A largest expansion of \S{1,20} is not allowed: choose 0 to 100 %"):
        Redraw(max_expansion=given)
