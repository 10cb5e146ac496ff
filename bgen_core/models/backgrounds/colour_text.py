"""Background colours as people write them: one, or several that run into each other in some direction."""

import re
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageColor

from bgen_core.errors import UserInputError
from bgen_core.models.backgrounds.canvas_text import ANCHORS, anchor_named
from bgen_core.wording import listed, quoted

Rgb = tuple[int, int, int]
MOST_COLOURS = 8
USUAL_BEGIN = "top"  # unwritten, as it was before there were others
_BETWEEN = re.compile(r"\s+to\s+", re.IGNORECASE)
_BEGIN = re.compile(r"(.*\S)\s+from\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_FORMS = "write a colour such as white, sky blue or #aabbcc, or several: white to sky blue, navy to white from left"


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Colours that run into each other; one is a plain colour.

    Attributes
    ----------
    colours
        Each in 0 to 255.
    begin
        Where the first one lies: at an edge or a corner, the last one at the opposite; or in the "center", the last one
        in the corners.
    """

    colours: tuple[Rgb, ...]
    begin: str = USUAL_BEGIN

    @property
    def text(self) -> str:
        """The one way in which it is recorded: "#ffffff to #87ceeb from left"."""
        colours = " to ".join("#{:02x}{:02x}{:02x}".format(*each) for each in self.colours)
        is_usual = self.begin == USUAL_BEGIN or len(self.colours) == 1
        return colours if is_usual else f"{colours} from {self.begin}"


@lru_cache(maxsize=1024)  # each cell of a sweep asks again
def read_gradient(text: str) -> Gradient:
    """The colours of a text, and where the first one lies.

    The names are those of CSS, of which spaces are left out; "#abc", "rgb(…)" and "hsl(…)" are read too.

    Raises
    ------
    UserInputError
        One of them is no colour, there are more than eight, or they begin nowhere.

    Examples
    --------
    >>> read_gradient("white to sky blue from Left")
    Gradient(colours=((255, 255, 255), (135, 206, 235)), begin='left')
    """
    match = _BEGIN.fullmatch(text.strip())
    colours, begin = match.groups() if match else (text, USUAL_BEGIN)
    pieces = _BETWEEN.split(colours.strip())
    if len(pieces) > MOST_COLOURS:
        raise UserInputError(f"The background colour has {len(pieces)} colours: at most {MOST_COLOURS} are allowed.")
    named = anchor_named(begin)
    if named is None:
        raise UserInputError(
            f"background colours from {quoted(begin, 40)} are not known: they begin from {listed(list(ANCHORS))}."
        )
    return Gradient(colours=tuple(map(_read, pieces)), begin=named)


def _read(piece: str) -> Rgb:
    try:
        colour = ImageColor.getrgb("".join(piece.split()))
    except (ValueError, OverflowError):
        colour = None
    if colour is None or not all(0 <= level <= 255 for level in colour):
        several = " Several for an axis stand on a line each, or with the option given again." if "," in piece else ""
        raise UserInputError(f"background colour {quoted(piece, 40)} is not known: {_FORMS}.{several}")
    if len(colour) == 4:
        raise UserInputError(f"background colour {quoted(piece, 40)} is translucent: give it without its last part.")
    return colour[:3]
