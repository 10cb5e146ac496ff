"""How a mask is shown to a person: films, backdrops and signs on the photo."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import Photo
from bgen_core.subject.matting import edge_colours
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.compositing import composite

BACKDROPS: dict[str, tuple[int, int, int]] = {"white": (255, 255, 255), "black": (0, 0, 0), "green": (0, 177, 64)}
FILMS: dict[str, tuple[int, int, int]] = {
    "Red": (229, 72, 77),
    "Green": (48, 164, 108),
    "Blue": (0, 116, 224),
    "Black": (0, 0, 0),
    "White": (255, 255, 255),
}
_SIGN = (47, 111, 98)
_HATCHES = 90  # lines along the longer side
_COLOURS_SIDE = 384  # half the resolution is enough to look at, and a quarter of the time
_LIGHT, _DARK = 244, 214
_SQUARES = 48  # of the checkerboard, along the longer side


def under_film(image: np.ndarray, alpha: np.ndarray, *, colour: tuple[int, int, int], opacity: float) -> np.ndarray:
    """The photo (uint8, HWC) with everything that alpha (float32, HW, 1 = keep) gives away under a coloured film."""
    film = np.float32(opacity) * (1 - alpha)
    # In planes: numpy takes four times as long for arrays with three interleaved channels
    planes = [plane + film * (np.float32(value) - plane) for plane, value in zip(cv2.split(image), colour, strict=True)]
    return cv2.merge([np.rint(plane).astype(np.uint8) for plane in planes])


def on_backdrop(image: np.ndarray, alpha: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The subject alone on one colour: uint8, HWC."""
    backdrop = np.full(image.shape, colour, np.uint8)
    return composite(image, alpha, backdrop, colours=edge_colours(image, alpha, side=_COLOURS_SIDE))


def hatched(picture: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """A picture (uint8, HWC) with diagonal lines, light and dark, where `doubtful` (bool, HW) is true."""
    if not doubtful.any():
        return picture
    extent = Extent.of(picture)
    period = max(6, extent.longest_side // _HATCHES)
    rows, columns = np.ogrid[: extent.height, : extent.width]
    phase = (rows + columns) % period
    line = max(1, period // 5)
    result = picture.copy()
    result[doubtful & (phase < line)] = 255
    result[doubtful & (phase >= line) & (phase < 2 * line)] = 40
    return result


def numbered(picture: np.ndarray, signs: Sequence[tuple[int, tuple[float, float], bool]]) -> np.ndarray:
    """A picture (uint8, HWC) with a number in a disc at each place: (number, (x, y) in its pixels, kept or not)."""
    drawn = Image.fromarray(picture)
    radius = max(12, Extent.of(picture).longest_side // 45)
    font = ImageFont.load_default(size=radius * 1.3)
    pen = ImageDraw.Draw(drawn)
    for number, (x, y), kept in signs:
        place = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(place, fill=_SIGN if kept else (110, 110, 110), outline=(255, 255, 255), width=max(2, radius // 7))
        pen.text((x, y), str(number), fill=(255, 255, 255), font=font, anchor="mm")
    return np.asarray(drawn)


def side_by_side(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """One picture: `before` (uint8, HWC) left of the line at `share` of its width, `after` right of it."""
    column = round(share * before.shape[1])
    result = after.copy()
    result[:, :column] = before[:, :column]
    result[:, max(0, column - 1) : column + 1] = 255
    return result


def on_checkerboard(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The subject alone, on the checkerboard that stands for transparency."""
    colours = edge_colours(image, alpha, side=_COLOURS_SIDE)
    return composite(image, alpha, _checkerboard(Extent.of(image)), colours=colours)


def as_shown(photo: Photo) -> np.ndarray:
    """A stored picture as it is drawn small: on the checkerboard where it is transparent. uint8, HWC, RGB."""
    return photo.image if photo.alpha is None else photo.before(_checkerboard(photo.extent))


def as_grey(alpha: np.ndarray) -> np.ndarray:
    """The alpha itself: uint8, HW, white = keep."""
    return np.rint(alpha * 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _checkerboard(extent: Extent) -> np.ndarray:
    """Shared: never write to it."""
    square = max(4, extent.longest_side // _SQUARES)
    rows, columns = np.ogrid[: extent.height, : extent.width]
    board = np.where((rows // square + columns // square) % 2, _DARK, _LIGHT).astype(np.uint8)
    return np.repeat(board[..., None], 3, axis=2)
