"""What a ControlNet is shown: a picture made from the subject, at the model's size."""

from collections.abc import Callable

import cv2
import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.sweep.events import Canvas
from bgen_core.sweep.steering.depth import nearness
from bgen_core.wording import quoted

# Thresholds of the gradient that OpenCV's own examples and the edge ControlNets' authors take.
_WEAK, _STRONG = 100, 200


def control_picture(canvas: Canvas, kind: str, depth: DepthModel | None = None) -> np.ndarray:
    """uint8, HWC, RGB.

    Parameters
    ----------
    kind
        One of `CONTROLS`.
    depth
        What reads "depth".

    Raises
    ------
    UserInputError
        There is no such picture: a run from elsewhere may name any.
    """
    if kind not in _MAKERS:
        raise UserInputError(f"control {quoted(kind, 40)} is not known: choose {', '.join(_MAKERS)}.")
    return np.repeat(_MAKERS[kind](canvas, depth)[..., None], 3, axis=2)


def _mask(canvas: Canvas, depth: DepthModel | None) -> np.ndarray:
    """White where the background is painted: what Yahoo's ControlNet for backgrounds was trained with."""
    del depth
    return canvas.mask_image


def _edges(canvas: Canvas, depth: DepthModel | None) -> np.ndarray:
    """Canny's edges of the subject alone: those of the old background would come back in the new one."""
    del depth
    grey = cv2.cvtColor(canvas.init_image, cv2.COLOR_RGB2GRAY)
    return np.where(canvas.mask_image < 128, cv2.Canny(grey, _WEAK, _STRONG), 0).astype(np.uint8)


def _depth(canvas: Canvas, depth: DepthModel | None) -> np.ndarray:
    """How near the subject is within the photo; behind it is far away, or the old background would come back."""
    if depth is None:
        raise RuntimeError("a cell that shows depth has no model for it")
    return np.where(canvas.mask_image < 128, nearness(canvas, depth), 0).astype(np.uint8)


_MAKERS: dict[str, Callable[[Canvas, DepthModel | None], np.ndarray]] = {
    "mask": _mask,
    "edges": _edges,
    "depth": _depth,
}
