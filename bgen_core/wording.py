"""Numbers, lists and texts that are none, in words."""

import re
from collections.abc import Sequence

# What Python makes of a byte in a name or an argument that its encoding does not know (PEP 383).
_BYTES = re.compile("[\udc80-\udcff]")


def counted(number: int, noun: str) -> str:
    """ "1 run", "2,000 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


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
