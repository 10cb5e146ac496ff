"""Numbers, lists, quoted values, and texts that are none, in words."""

import json
import re
from collections.abc import Sequence
from itertools import islice

_WRITTEN = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MOST_PIECES = 500  # of a list or an object: brackets, commas, texts
# What Python makes of a byte in a name or an argument that its encoding does not know (PEP 383).
_BYTES = re.compile("[\udc80-\udcff]")


def counted(number: int, noun: str) -> str:
    """ "1 run", "2,000 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sized(number: int) -> str:
    """Bytes as people say them: "2.13 GB", "340 MB"."""
    return f"{number / 1e9:.2f} GB" if number >= 1e9 else f"{max(1, round(number / 1e6))} MB"


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def quoted(value: object, most: int | None = None) -> str:
    r"""A value for a sentence, as the person who gave it wrote it and not as Python does.

    Parameters
    ----------
    value
        A text, or what YAML and JSON know.
    most
        So many letters of it are shown.

    Examples
    --------
    >>> print(quoted("C:\\it's\n"), quoted(True), quoted(None), quoted(0.1), quoted(["a", 1]))
    'C:\it's\n' true nothing 0.1 ["a", 1]
    """
    match value:
        case str():
            return f"'{shortened(printable(value), most)}'"
        case None:
            return "nothing"
        case float():
            return f"{value:.12g}"
        case _:
            try:
                # Piece by piece: ten lines of YAML can hold more than fits into memory
                pieces = json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value)
                text = "".join(islice(pieces, _MOST_PIECES))
                text += "…" * (next(pieces, None) is not None)
            except ValueError:  # Python writes no whole number of more than 4300 digits
                return "of thousands of digits"
            return shortened(printable(text), most)


def printable(text: str, most: int | None = None) -> str:
    """A text of somebody else as it may stand in a sentence and on a terminal: on one line, nothing invisible."""
    return "".join(
        letter if letter.isprintable() else _WRITTEN.get(letter, "\N{REPLACEMENT CHARACTER}")
        for letter in readable(text[:most])
    )


def shortened(text: str, most: int | None) -> str:
    """A text of so many letters at most, with an ellipsis for the rest."""
    return text if most is None or len(text) <= most else f"{text[:most]}…"


def readable(text: str) -> str:
    r"""A text that UTF-8 can hold: ``\xNN`` for a byte that was no UTF-8, ``\uNNNN`` for half a letter.

    >>> readable(b"caf\xe9".decode(errors="surrogateescape"))
    'caf\\xe9'
    """
    shown = _BYTES.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return shown.encode(errors="backslashreplace").decode()


def not_utf8(text: str) -> str:
    """The first part of a text that UTF-8 cannot hold, readable, with the letters around it; else nothing."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return readable(text[max(0, error.start - 20) : error.end + 10])
    return ""
