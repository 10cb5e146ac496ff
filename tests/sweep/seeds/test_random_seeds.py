import re

import pytest

from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.seeds.random_seeds import draw_seeds, names_seeds, write_seeds


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("vary", "1"),
        ("7, vary 3", "7, 8, 9, 10"),
        ("7, vary x2, 20, vary", "7, 8, 9, 20, 21"),
        ("1..3", "1..3"),
        ("-1", "-1"),
        ("random 0", "random 0"),
        ("random 5000", "random 5000"),
    ],
)
def test_words_become_numbers(text: str, written: str) -> None:
    assert write_seeds(text) == written


@pytest.mark.parametrize("text", ["random 0", "random 5000", "random 20000", "vary four"])
def test_a_number_of_seeds_that_is_not_drawn_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(
        UserInputError, match=rf"seed '{text}' is not a number or a range: .* or random 4 \(1,000 at most"
    ):
        parse_axis("seed", draw_seeds(text))


def test_random_seeds_are_numbers_apart_and_stay_once_they_are_written() -> None:
    written = write_seeds("3, random 4")
    assert re.fullmatch(r"3(, \d{1,10}){4}", written)
    assert len(set(written.split(", "))) == 5
    assert write_seeds(written) == written
    assert not names_seeds(written)
    assert re.fullmatch(r"\d+, \d+", draw_seeds("random 2"))
