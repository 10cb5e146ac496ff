"""A picture's canvas as people write it: the photo's own, an aspect such as 16:9, or a size such as 1920x1080."""

import re
from functools import lru_cache
from math import gcd

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.wording import quoted

OF_PHOTO = "photo"
CANVASES = (OF_PHOTO, "1:1", "4:5", "16:9", "9:16")
ANCHORS = (
    "bottom", "center", "top", "left", "right", "bottom-left", "bottom-right", "top-left", "top-right",
)  # fmt: skip
LEAST_SIDE, MOST_SIDE = 64, 16384
MOST_ELONGATED = 3  # a ratio; sizes are as they are given
_MEANT = {"": OF_PHOTO, "square": "1:1", "portrait": "4:5", "wide": "16:9", "story": "9:16"}
_RATIO = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_FORMS = "write photo, an aspect such as 16:9, or a size such as 1920x1080"


@lru_cache(maxsize=1024)  # each cell of a sweep asks again
def canvas_named(text: str) -> str:
    """The one way in which a canvas is recorded.

    Raises
    ------
    UserInputError
        It is none, or one that is too small, too large or too elongated.

    Examples
    --------
    >>> canvas_named("Story"), canvas_named("32 : 18"), canvas_named("1920 × 1080")
    ('9:16', '16:9', '1920x1080')
    """
    piece = "".join(text.lower().split()).replace("×", "x")
    piece = _MEANT.get(piece, piece)
    if piece == OF_PHOTO:
        return piece
    if match := _RATIO.fullmatch(piece):
        return _checked_ratio(text, *map(int, match.groups()))
    if match := _SIZE.fullmatch(piece):
        width, height = map(int, match.groups())
        if min(width, height) < LEAST_SIDE or max(width, height) > MOST_SIDE:
            raise UserInputError(
                f"canvas {quoted(text, 40)} is not allowed: its sides are {LEAST_SIDE} to {MOST_SIDE} px."
            )
        return f"{width}x{height}"
    raise UserInputError(f"canvas {quoted(text, 40)} is not known: {_FORMS}.")


def check_anchor(text: str) -> None:
    """Raise UserInputError for what is no anchor."""
    if text not in ANCHORS:
        raise UserInputError(f"anchor {quoted(text, 40)} is not known: choose {', '.join(ANCHORS)}.")


def anchor_named(text: str) -> str | None:
    """The anchor that a text means: "Top left" is "top-left"; None where it is none."""
    words = re.split(r"[\s_-]+", text.strip().lower().replace("centre", "center").replace("middle", "center"))
    for piece in ("-".join(words), "-".join(reversed(words))):
        if piece in ANCHORS:
            return piece
    without = [word for word in words if word != "center"]
    return without[0] if len(without) == 1 and without[0] in ANCHORS else None


def canvas_extent(text: str, photo: Extent) -> Extent:
    """The canvas' size for a photo: of an aspect, the smallest one that holds the whole photo at its own size."""
    canvas = canvas_named(text)
    if canvas == OF_PHOTO:
        return photo
    width, height = map(int, re.split("[:x]", canvas))
    if "x" in canvas:
        return Extent(width=width, height=height)
    return Extent(
        width=max(photo.width, -(-photo.height * width // height)),
        height=max(photo.height, -(-photo.width * height // width)),
    )


def _checked_ratio(text: str, width: int, height: int) -> str:
    if not width or not height or max(width, height) > MOST_ELONGATED * min(width, height):
        raise UserInputError(
            f"canvas {quoted(text, 40)} is not allowed: an aspect is 1:{MOST_ELONGATED} to {MOST_ELONGATED}:1."
        )
    shared = gcd(width, height)
    return f"{width // shared}:{height // shared}"
