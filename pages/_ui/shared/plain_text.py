"""What people wrote, as Streamlit's Markdown fields show it: letter by letter."""

import re

# A backslash keeps these from being read as Markdown, HTML, formulas, directives or icon codes.
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit 1.67 looks for the rest after that, in the finished text: symbols of two signs, its logo, icons by their
# inner name, and links without brackets. A word joiner, which has no width, keeps the two parts of each apart.
_FIRST_PART = re.compile(
    r"(?<!\S)(<-|[-<>~])(?=[->=](?!\S))|:(?=streamlit:|material_\w+:|//)|www(?=\.)|@(?=[\w-]+\.)", re.IGNORECASE
)
_WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """Markdown that shows a text as it was written, on one line: no formatting, no directives, no links."""
    apart = _FIRST_PART.sub(lambda found: found[0] + _WORD_JOINER, " ".join(text.split()))
    return _MARKS.sub(r"\\\1", apart)
