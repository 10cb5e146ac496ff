"""Colours, masks and drawing on the unit square: the renderer's ground floor.

All pictures are ``float32`` arrays of shape (`SIZE`, `SIZE`, 3) in sRGB, 0 to 1. Positions are fractions of the side,
x to the right and y downwards, so that a scene's numbers read as proportions.
"""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[np.float32]
Point = tuple[float, float]

USUAL_SIDE = 256
SIDE_VARIABLE = "TRAINING_SIDE"
SIZE = int(os.environ.get(SIDE_VARIABLE, USUAL_SIDE))
"""Side of a rendered picture in pixels: one for all that a process draws, since the grids below are made once."""

SUPERSAMPLING = 2
"""Shapes are drawn this many times larger and averaged down, since Pillow's edges are not smoothed."""

Y: Array
X: Array
Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE


def rgb(red: int, green: int, blue: int) -> Array:
    """Colour from 8-bit sRGB values, as an array of shape (3,)."""
    return np.array([red, green, blue], np.float32) / 255


WHITE = rgb(255, 255, 255)
BLACK = rgb(0, 0, 0)


def mix(a: ArrayLike, b: ArrayLike, share: ArrayLike) -> Array:
    """Blend `a` into `b`; a two-dimensional `share` (0 to 1) counts for all colour channels."""
    t = np.asarray(share, np.float32)
    if t.ndim == 2:
        t = t[..., None]
    return np.asarray(a, np.float32) * (1 - t) + np.asarray(b, np.float32) * t


def smoothstep(low: ArrayLike, high: ArrayLike, x: ArrayLike) -> Array:
    """Cubic Hermite step from 0 at `low` to 1 at `high`, which may be the smaller one."""
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    span = high - low
    span = np.where(span == 0, 1e-6, span)
    t = np.clip((np.asarray(x, np.float32) - low) / span, 0, 1)
    return t * t * (3 - 2 * t)


def gradient(stops: Sequence[tuple[float, Array]], t: Array) -> Array:
    """Piecewise linear colours along `t`; the result has one more axis, of length 3."""
    places = [place for place, _ in stops]
    channels = [np.interp(t, places, [float(colour[c]) for _, colour in stops]) for c in range(3)]
    return np.stack(channels, -1).astype(np.float32)


def vertical(stops: Sequence[tuple[float, Array]]) -> Array:
    """Picture whose colours run from top to bottom."""
    return np.repeat(gradient(stops, Y[:, 0])[:, None], SIZE, 1)


def flat(colour: Array) -> Array:
    """Picture in one colour."""
    return np.broadcast_to(colour, (SIZE, SIZE, 3)).astype(np.float32)


def jitter(rng: np.random.Generator, colour: Array, amount: float = 0.03) -> Array:
    """Colour moved a little at random."""
    return np.clip(colour + rng.normal(0, amount, 3), 0, 1).astype(np.float32)


def to_bytes(picture: Array) -> NDArray[np.uint8]:
    """Picture or mask as 8-bit values."""
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def blur(picture: Array, radius: float) -> Array:
    """Gaussian blur of a picture or mask, `radius` in pixels."""
    if radius <= 0:
        return picture
    image = Image.fromarray(to_bytes(picture)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, np.float32) / 255


def paint(picture: Array, colour: Array, mask: Array) -> Array:
    """Lay a colour, or a whole picture, over `picture` where `mask` is 1."""
    return mix(picture, colour, mask)


def below(line: Array, softness: float = 0.004) -> Array:
    """Mask of everything below a height line with one y for each column."""
    return smoothstep(-softness, softness, Y - line[None, :])


def box(left: float, top: float, right: float, bottom: float) -> Array:
    """Mask of a rectangle."""
    inside = (left <= X) & (right > X) & (top <= Y) & (bottom > Y)
    return inside.astype(np.float32)


class Painter:
    """Draws shapes in unit coordinates on a supersampled copy of a picture, or as a mask.

    Parameters
    ----------
    picture : Array or None
        What to draw on; without one the painter makes a mask, black at first.
    """

    def __init__(self, picture: Array | None = None) -> None:
        self._side = SIZE * SUPERSAMPLING
        if picture is None:
            self._image = Image.new("L", (self._side, self._side), 0)
        else:
            image = Image.fromarray(to_bytes(picture))
            self._image = image.resize((self._side, self._side), Image.Resampling.BILINEAR)
        self._draw = ImageDraw.Draw(self._image)

    def _ink(self, colour: Array | float) -> int | tuple[int, ...]:
        values = to_bytes(np.asarray(colour, np.float32))
        return tuple(int(v) for v in values) if values.ndim else int(values)

    def _place(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._side, y * self._side) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Array | float = 1.0) -> None:
        """Filled polygon."""
        self._draw.polygon(self._place(points), fill=self._ink(colour))

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Array | float = 1.0) -> None:
        """Filled rectangle; nothing where it has no area."""
        if right > left and bottom > top:
            self._draw.rectangle(self._place([(left, top), (right, bottom)]), fill=self._ink(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Array | float = 1.0) -> None:
        """Filled ellipse about its centre."""
        self._draw.ellipse(self._place([(x - rx, y - ry), (x + rx, y + ry)]), fill=self._ink(colour))

    def line(self, points: Sequence[Point], width: float, colour: Array | float = 1.0) -> None:
        """Open line, `width` as a fraction of the side."""
        pixels = max(1, round(width * self._side))
        self._draw.line(self._place(points), fill=self._ink(colour), width=pixels, joint="curve")

    def result(self) -> Array:
        """The drawing at its own size, (256, 256) for a mask and (256, 256, 3) for a picture."""
        small = self._image.resize((SIZE, SIZE), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / 255
