"""What a terminal or a pipe can be told, and what was typed there: encodings at both ends of a command."""

import codecs
import io
import sys
from collections.abc import Iterable

from bgen_core.errors import UserInputError
from bgen_core.wording import not_utf8, readable

# Signs of this program's own sentences, for encodings that lack them.
_PLAIN = str.maketrans("–—−×≈✓…“”‘’·→≤≥", "---x~v.\"\"''.><>")


def write_every_letter() -> None:
    """Let no letter of a prompt or a name end a command: what an encoding lacks is written as a sign that it has."""
    codecs.register_error("bgen", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="bgen")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    as_far_as_known = readable(lacking).translate(_PLAIN).encode(error.encoding, "replace")
    return as_far_as_known.decode(error.encoding), error.end


def writes_utf8(stream: io.TextIOBase | object) -> bool:
    """Whether a stream's encoding knows every letter."""
    encoding = getattr(stream, "encoding", None)
    return bool(encoding) and codecs.lookup(encoding).name == "utf-8"


def check_words(words: Iterable[str]) -> None:
    """Refuse a command line with bytes that are no UTF-8, before anything runs.

    File names too: the subject of a photo and the folder of a model are called after them.

    Raises
    ------
    UserInputError
        Shows the bytes.
    """
    bad = next((found for word in words if (found := not_utf8(word))), "")
    if not bad:
        return
    encoding = sys.getfilesystemencoding()
    if codecs.lookup(encoding).name != "utf-8":
        raise UserInputError(
            f"{bad} cannot be read, since this terminal's locale is {encoding}: set LC_ALL=C.UTF-8, or PYTHONUTF8=1."
        )
    raise UserInputError(
        f"{bad} holds bytes that are no UTF-8: write texts in UTF-8, and give a file with such a name another one."
    )
