"""Lines of text as pixels, for pictures that are put together from bands."""

from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from bgen_core.reports.fonts import font_runs, main_font

PAPER = (255, 255, 255)
_ELLIPSIS = "…"


def length_of(text: str, size: int) -> float:
    """Width in pixels of a text as one line: Pillow lays out no line breaks."""
    return sum(font.getlength(part) for part, font in font_runs(" ".join(text.split()), size))


@lru_cache(maxsize=256)
def line_of_text(
    text: str, width: int, height: int, size: int, ink: tuple[int, int, int],
    align: Literal["start", "middle", "end"] = "start",
) -> np.ndarray:  # fmt: skip
    """One line of text, centred in height, cut with an ellipsis where it is too long.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB: `height` rows and `width` columns, at least one.
    """
    shown = text = " ".join(text.split())[:500]
    while shown and length_of(shown if shown == text else shown + _ELLIPSIS, size) > width:
        shown = shown[:-1]
    if shown != text:
        shown += _ELLIPSIS
    drawing = Image.new("RGB", (max(1, width), height), PAPER)
    draw, length = ImageDraw.Draw(drawing), length_of(shown, size)
    left = {"start": 0.0, "middle": (width - length) / 2, "end": width - length}[align]
    ascent, descent = main_font(size).getmetrics()
    baseline = (height + ascent - descent) / 2  # of all fonts in the line
    for part, font in font_runs(shown, size):
        draw.text((left, baseline), part, font=font, fill=ink, anchor="ls")
        left += font.getlength(part)
    return np.asarray(drawing)
