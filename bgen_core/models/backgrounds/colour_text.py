"""Background colours as people write them: one, or several that run into each other from top to bottom."""

import re
from functools import lru_cache

from PIL import ImageColor

from bgen_core.errors import UserInputError
from bgen_core.wording import quoted

Rgb = tuple[int, int, int]
MOST_COLOURS = 8
_BETWEEN = re.compile(r"\s+to\s+", re.IGNORECASE)
_FORMS = "write a colour such as white, sky blue or #aabbcc, or several from top to bottom: white to sky blue"


@lru_cache(maxsize=1024)  # each cell of a sweep asks again
def read_colours(text: str) -> tuple[Rgb, ...]:
    """The colours of a text, from top to bottom, each in 0 to 255.

    The names are those of CSS, of which spaces are left out; "#abc", "rgb(…)" and "hsl(…)" are read too.

    Raises
    ------
    UserInputError
        One of them is no colour, or there are more than eight.

    Examples
    --------
    >>> read_colours("white to sky blue")
    ((255, 255, 255), (135, 206, 235))
    """
    pieces = _BETWEEN.split(text.strip())
    if len(pieces) > MOST_COLOURS:
        raise UserInputError(f"The background colour has {len(pieces)} colours: at most {MOST_COLOURS} are allowed.")
    return tuple(map(_read, pieces))


def write_colours(colours: tuple[Rgb, ...]) -> str:
    """The one way in which these colours are recorded: "#ffffff to #87ceeb"."""
    return " to ".join("#{:02x}{:02x}{:02x}".format(*each) for each in colours)


def _read(piece: str) -> Rgb:
    try:
        colour = ImageColor.getrgb("".join(piece.split()))
    except (ValueError, OverflowError):
        colour = None
    if colour is None or not all(0 <= level <= 255 for level in colour):
        raise UserInputError(f"background colour {quoted(piece, 40)} is not known: {_FORMS}.")
    if len(colour) == 4:
        raise UserInputError(f"background colour {quoted(piece, 40)} is translucent: give it without its last part.")
    return colour[:3]
