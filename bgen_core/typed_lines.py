r"""Texts that a person types one per line: what stands on a line, and how any text is written there.

A line break inside a text is written ``\n``, and a backslash that would be read as one ``\\``. Blanks around a line
are left out; one that belongs to the text is written ``\u0020``, and so is any other letter that could not stand there.
A backslash before anything else is itself: A1111's ``\(`` stays as it is.
"""

import re

_BREAK = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(?:(n)|(\\)|u((?![dD][89a-fA-F])[0-9a-fA-F]{4}))")
_TO_ESCAPE = re.compile(r"\\(?=[\\nu\s])|[\r\n]|\A\s|\s\Z")


def typed_lines(text: str) -> list[str]:
    """The lines of a text, without the blanks around them. Every browser's line breaks part lines, and nothing else."""
    return [line.strip() for line in _BREAK.split(text)]


def write_line(text: str) -> str:
    r"""Any text as one line, from which `read_line` reads the same text.

    >>> write_line("a beach\nat night")
    'a beach\\nat night'
    """
    return _TO_ESCAPE.sub(_escaped, text)


def read_line(line: str) -> str:
    """The text that a line stands for."""
    return _ESCAPE.sub(_meant, line)


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    return {"\n": r"\n", "\\": r"\\"}.get(letter, f"\\u{ord(letter):04x}")


def _meant(found: re.Match[str]) -> str:
    line_break, backslash, code = found.groups()
    return "\n" if line_break else backslash or chr(int(code, 16))
