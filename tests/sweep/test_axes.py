"""The axis parser: one table of what people write, one of what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import parse_axis, write_replacement


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("steps", "10,20,30", (10, 20, 30)),
        ("steps", " 10 , 20,30 ", (10, 20, 30)),
        ("steps", "10..30:10", (10, 20, 30)),
        ("steps", "10..29:10", (10, 20)),  # never past the stop
        ("steps", "3..5", (3, 4, 5)),
        ("steps", "1..3, 10", (1, 2, 3, 10)),
        ("steps", "20", (20,)),
        ("steps", "20,20", (20,)),  # the same cell twice is one cell
        ("guidance", "7,7.0", (7.0,)),
        ("guidance", "1..9/5", (1.0, 3.0, 5.0, 7.0, 9.0)),
        ("seed", f"0..{10**40}/3", (0, 5 * 10**39, 10**40)),  # beyond the digits that decimals keep by themselves
        ("guidance", "1-9 (+2)", (1.0, 3.0, 5.0, 7.0, 9.0)),
        ("guidance", "1-9(+2)", (1.0, 3.0, 5.0, 7.0, 9.0)),
        ("guidance", "1-9 [5]", (1.0, 3.0, 5.0, 7.0, 9.0)),
        ("guidance", "0.1..0.9:0.1", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),  # exact, not 0.30000000000000004
        ("guidance", "1..2/1", (1.0,)),
        ("guidance", ".5", (0.5,)),
        ("seed", "1-3", (1, 2, 3)),
        ("seed", "0..9223372036854775807:9223372036854775807", (0, 2**63 - 1)),
        ("steps", "1-10 [5]", (1, 3, 5, 7, 10)),  # A1111 cuts 3.25, 5.5, 7.75
        ("steps", "10,20,", (10, 20)),
        ("scheduler", "ddim,", ("ddim",)),
        ("steps", "30..10:10", (30, 20, 10)),
        ("steps", "30..10:-10", (30, 20, 10)),
        ("steps", "3..1", (3, 2, 1)),
        ("steps", "30-10 (-10)", (30, 20, 10)),
        ("steps", "30-15 (+10)", (30, 20)),  # never past the stop
        ("guidance", "9..1/5", (9.0, 7.0, 5.0, 3.0, 1.0)),
        ("guidance", "9-1 [5]", (9.0, 7.0, 5.0, 3.0, 1.0)),
        ("steps", "1–3", (1, 2, 3)),
        ("steps", "10−8 (−1)", (10, 9, 8)),
        ("guidance", "−1", (-1.0,)),  # which no picture has: refused where a plan is built
        ("scheduler", "ddim, euler_a", ("ddim", "euler_a")),
        ("scheduler", "Euler a, DPM++ 2M Karras, k_euler", ("euler_a", "dpmpp_2m_karras", "euler")),
        ("prompt", "a beach, at sunset | a forest", ("a beach, at sunset | a forest",)),  # [red|blue] is one prompt too
        ("prompt", "a beach\na forest\n", ("a beach", "a forest")),
        ("prompt", " a beach \r\na forest", ("a beach", "a forest")),
        ("prompt", r"a beach\nat night", ("a beach\nat night",)),
        ("prompt", r"a \(red\) barn \\nearby", (r"a \(red\) barn \nearby",)),
        ("negative-prompt", "\ndog", ("", "dog")),
    ],
)
def test_reads_what_people_write(name: str, text: str, values: tuple[object, ...]):
    axis = parse_axis(name, text)
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("steps", "", ["steps", "no values"]),
        ("steps", "10,,20", ["steps", "'10,,20'", "empty piece"]),
        ("steps", "abc", ["steps", "'abc'", "10..30:10"]),
        ("steps", "10,x,20", ["steps", "'x'"]),
        ("steps", "1.5", ["steps", "'1.5'", "whole numbers"]),
        ("steps", "1..2:0.5", ["steps", "1.5", "whole numbers"]),
        ("steps", "10,20,,", ["steps", "'10,20,,'", "empty piece"]),
        ("steps", ",", ["steps", "empty piece"]),
        ("steps", "30..10:0", ["steps", "step 0", "above 0"]),
        ("guidance", "1..9:0", ["guidance", "step 0", "above 0"]),
        ("guidance", "1..9:-1", ["guidance", "step -1", "above 0"]),
        ("guidance", "1..9/0", ["guidance", "0 values"]),
        ("guidance", "1..2:0.00001", ["guidance", "100,001", "10,000"]),
        ("guidance", "nan", ["guidance", "'nan'"]),
        ("guidance", "1e3", ["guidance", "'1e3'"]),
        ("seed", "0..1000000000", ["seed", "1,000,000,001", "10,000"]),
        ("seed", "9" * 5000, ["seed", "too long"]),
        ("scheduler", "dimm", ["scheduler", "'dimm'", "ddim"]),
        ("scheduler", "", ["scheduler", "no values"]),
        ("colour", "1", ["'colour'", "steps"]),
    ],
)
def test_refuses_with_axis_piece_and_what_is_allowed(name: str, text: str, words: list[str]):
    with pytest.raises(UserInputError) as refusal:
        parse_axis(name, text)
    for word in words:
        assert word in str(refusal.value)


@given(low=st.integers(0, 500), width=st.integers(1, 50), count=st.integers(1, 40), overhang=st.integers(0, 49))
def test_a_range_equals_its_list(low: int, width: int, count: int, overhang: int):
    expected = [low + index * width for index in range(count)]
    stop = expected[-1] + min(overhang, width - 1)
    assert parse_axis("seed", f"{low}..{stop}:{width}").values == tuple(expected)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_sentence(text: str):
    for name in ("steps", "guidance", "scheduler"):
        try:
            assert parse_axis(name, text).values
        except UserInputError as refusal:
            assert "Traceback" not in str(refusal)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("red, blue,green", ("red", "blue", "green")),
        ('"red, old", "green, new"', ("red, old", "green, new")),
        ("red, ,", ("red", "")),
        ("日没, night", ("日没", "night")),
        (r"a\nb, c", ("a\nb", "c")),
    ],
)
def test_replacements_are_read_as_in_a1111_and_written_back(text: str, values: tuple[str, ...]):
    axis = parse_axis("replace", text)
    assert axis.values == values
    assert parse_axis("replace", write_replacement(axis)) == axis


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no values"),
        (", red", "nothing to look for"),
        ("red", "nothing to put"),
        ('"red, blue', "cannot be"),
    ],
)
def test_half_a_replacement_is_refused(text: str, words: str):
    with pytest.raises(UserInputError, match=words):
        parse_axis("replace", text)


def test_models_stand_one_per_line_since_folders_may_hold_commas():
    assert parse_axis("model", "demo\n/models/a, b\n").values == ("demo", "/models/a, b")


@pytest.mark.parametrize(
    ("name", "text", "labels", "is_scale"),
    [
        ("side", "0,128", ("the model's own", "128"), False),
        ("side", "64,128", ("64", "128"), True),
        ("flow-shift", "0,3", ("the model's own", "3"), False),
        ("guidance", "0,7.0", ("0", "7"), True),
        ("lora-weight", "0,0.5", ("0", "0.5"), True),
        ("scheduler", "default,euler", ("default", "euler"), False),
    ],
)
def test_a_0_that_stands_for_something_is_told_in_words(
    name: str, text: str, labels: tuple[str, ...], is_scale: bool
) -> None:
    axis = parse_axis(name, text)
    assert (axis.labels, axis.is_scale) == (labels, is_scale)
