"""A1111's grammar of prompts: weights multiplied out by hand after its documentation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgen_core.sweep.prompt_syntax import (
    has_more_than_weights,
    has_weights,
    may_read_differently,
    parse_weights,
    split_at_commas,
)


@pytest.mark.parametrize(
    ("prompt", "runs"),
    [
        ("a beach", [("a beach", 1)]),
        ("", []),
        ("a (beach)", [("a ", 1), ("beach", 1.1)]),
        ("a [beach]", [("a ", 1), ("beach", 1 / 1.1)]),
        ("((beach))", [("beach", 1.21)]),
        ("(red:1.5) sea", [("red", 1.5), (" sea", 1)]),
        ("(red : .5 ) sea", [("red ", 0.5), (" sea", 1)]),
        ("(red:-1)", [("red", -1)]),
        ("(a (red:1.5) sea:0.5)", [("a ", 0.5), ("red", 0.75), (" sea", 0.5)]),
        (
            "a (((house:1.3)) [on] hill",
            [("a ", 1), ("house", 1.573), (" ", 1.1), ("on", 1), (" hill", 1.1)],
        ),
        ("[red", [("red", 1 / 1.1)]),
        (r"a \(b\) \[c\] \\ d", [("a (b) [c] \\ d", 1)]),
        ("a\\b", [("ab", 1)]),  # A1111 drops such a backslash too
        ("a) b] c:1.2) d: e", [("a) b] c:1.2) d: e", 1)]),
        ("(a:b)", [("a:b", 1.1)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a:1.2) (b:1.2)", [("a", 1.2), (" ", 1), ("b", 1.2)]),
        ("()", []),
        ("海 (夕:1.2)", [("海 ", 1), ("夕", 1.2)]),
    ],
)
def test_weights(prompt: str, runs: list[tuple[str, float]]) -> None:
    (part,) = parse_weights(prompt)
    assert [(run.text, pytest.approx(run.weight)) for run in part] == runs


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a BREAK b", ["a", "b"]),
        ("a\nBREAK\n(b)", ["a", "b"]),
        ("BREAK a BREAK", ["", "a", ""]),
        ("a BREAK BREAK b", ["a", "", "b"]),
        ("(a BREAK b:1.5) c", ["a", "b c"]),
        ("BREAKFAST", ["BREAKFAST"]),
    ],
)
def test_breaks(prompt: str, parts: list[str]) -> None:
    assert ["".join(run.text for run in part) for part in parse_weights(prompt)] == parts


@given(st.text("ab()[]:\\1. ,BREAK"))
def test_any_text_is_read(prompt: str) -> None:
    assert parse_weights(prompt)


COMMA = 0


@pytest.mark.parametrize(
    ("tokens", "lengths"),
    [
        ([], [0]),
        ([1] * 75, [75]),
        ([1] * 76, [75, 1]),
        ([1] * 160, [75, 75, 10]),
        ([1] * 60 + [COMMA] + [1] * 30, [61, 30]),
        ([1] * 54 + [COMMA] + [1] * 30, [75, 10]),  # too far back
        ([1] * 55 + [COMMA] + [1] * 30, [56, 30]),
        ([1] * 74 + [COMMA] + [1] * 3, [75, 3]),
        ([1] * 60 + [COMMA] + [1] * 14 + [COMMA, 1], [75, 2]),  # the comma itself opens the next chunk
    ],
)
def test_a_long_text_is_parted_at_its_last_comma(tokens: list[int], lengths: list[int]) -> None:
    weighted = [(token, 1.0) for token in tokens]
    chunks = list(split_at_commas(weighted, window=75, comma=COMMA))
    assert list(map(len, chunks)) == lengths
    assert [each for chunk in chunks for each in chunk] == weighted


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a beach (in the evening)", (False, False, True)),
        ("a (beach:1.2)", (True, False, True)),
        ("a beach", (False, False, False)),
        ("a [red|blue] beach", (False, True, True)),
        ("a [red:blue:0.5] beach", (False, True, True)),
        ("a beach AND a city", (False, True, False)),
        ("a beach <lora:fur:1>", (False, True, False)),
        ("a beach " * 10, (False, False, True)),
    ],
)
def test_what_a_prompt_expects(prompt: str, found: Any) -> None:
    assert (has_weights(prompt), has_more_than_weights(prompt), may_read_differently(prompt)) == found
