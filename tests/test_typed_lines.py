"""Any text stands on one line, and is the same text when it is read from there."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bgen_core.typed_lines import read_line, typed_lines, write_line


@settings(max_examples=50)
@given(st.lists(st.text(), min_size=1))
@example([" a ", "\\", "\\\\n", "\\\n", "\u2028\x85", "\\u0041", "\ta\u3000", "\r\n", "\\ ", "[a|b] | c"])
def test_any_texts_stand_one_per_line(texts: list[str]) -> None:
    lines = typed_lines("\n".join(map(write_line, texts)))
    assert [read_line(line) for line in lines] == texts


@pytest.mark.parametrize("text", [r"a \(red\) barn", r"C:\photos", "50\\", "a, b: (c:1.2) [d|e]", r"\ud800"])
def test_what_is_no_escape_is_read_as_it_is_typed(text: str) -> None:
    assert read_line(text) == text


@pytest.mark.parametrize("text", [r"a \(red\) barn", "a, b: (c:1.2) [d|e]", "夕暮れ", '"quoted"'])
def test_a_plain_text_is_written_as_it_is(text: str) -> None:
    assert write_line(text) == text
