"""How a mask is shown to a person."""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.compositing import composite
from bgen_core.subject.matting import edge_colours

TINT = (229, 72, 77)
_OPACITY = 0.6
_LIGHT, _DARK = 244, 214
_SQUARES = 48  # along the longer side


def tinted(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo with everything that will be repainted under a red film.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1].
    """
    film = (np.float32(_OPACITY) * (1 - alpha))[..., None]
    return np.rint(image + film * (np.array(TINT, np.float32) - image)).astype(np.uint8)


def on_checkerboard(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The subject alone, on the checkerboard that stands for transparency."""
    extent = Extent.of(image)
    square = max(4, extent.longest_side // _SQUARES)
    rows, columns = np.ogrid[: extent.height, : extent.width]
    board = np.where((rows // square + columns // square) % 2, _DARK, _LIGHT).astype(np.uint8)
    # Half the resolution is enough to look at, and a quarter of the time.
    colours = edge_colours(image, alpha, side=512)
    return composite(image, alpha, np.repeat(board[..., None], 3, axis=2), colours=colours)


def as_grey(alpha: np.ndarray) -> np.ndarray:
    """The alpha itself: uint8, HW, white = keep."""
    return np.rint(alpha * 255).astype(np.uint8)
