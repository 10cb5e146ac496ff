"""What is said to a person holds values as they wrote them, not as Python spells them."""

import ast
from pathlib import Path

import pytest

from bgen_core import wording
from bgen_core.wording import printable, quoted

PROJECT = Path(wording.__file__).parents[1]
MODULES = sorted([*PROJECT.glob("bgen_core/**/*.py"), *PROJECT.glob("pages/**/*.py")])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("red", "'red'"),
        ("it's", "'it's'"),
        (r"C:\photos", r"'C:\photos'"),
        ("two\nlines", r"'two\nlines'"),
        ("日本 ü", "'日本 ü'"),
        ("\x1b[31m\u202e", "'�[31m�'"),
        (True, "true"),
        (None, "nothing"),
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (["a", 1, None], '["a", 1, null]'),
        ({"a": "ü"}, '{"a": "ü"}'),
        pytest.param(10**5000, "of thousands of digits", id="a huge number"),
    ],
)
def test_a_value_is_said_as_its_giver_wrote_it(value: object, said: str) -> None:
    assert quoted(value) == said


def test_no_more_of_a_value_is_said_than_can_be_read() -> None:
    assert quoted("x" * 41, 40) == f"'{'x' * 40}…'"
    assert quoted("x" * 40, 40) == f"'{'x' * 40}'"
    assert printable("x" * 41, 40) == "x" * 40


def test_no_sentence_spells_a_value_as_python_does() -> None:
    as_python = [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in MODULES
        if "!r" in (source := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r")
    ]
    assert as_python == [], "write quoted(value) in place of value!r"
