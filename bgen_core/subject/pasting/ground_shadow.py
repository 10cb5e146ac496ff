"""A shadow on the ground: from the line on which the subject stands, away from the background's light.

The subject is laid on the ground: what is higher falls further away from the light's side, flat as ground is seen from
standing height, and softer, since lamps and skies are wide. Where its feet touch, a narrow dark line holds it. How high
the light stands nobody knows; it is taken to stand somewhat higher than it is far to the side.
"""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.lighting import brighter_side
from bgen_core.subject.segmentation import reduced

_SIDE = 384  # longest side at which it is computed: all of it is blurred
_DARKEST = 0.65  # share of the light that the strongest shadow takes
_LEAN = 0.6  # how far the shadow of a point falls to the side in full side light, in parts of its height
_FLAT = 0.18  # how far it goes up the picture, in parts of its height
_FEET = 0.1  # of the subject's height: what is no higher than this above its lowest point stands on the ground
_TOUCH = 0.012  # of the shorter side: height of the line of touch
# (heights in parts of the subject's, darkness, sigma in shares of the shorter side): further is fainter and softer
_SLICES = (((0.0, 0.15), 0.6, 0.012), ((0.15, 0.45), 0.45, 0.03), ((0.45, 1.0), 0.3, 0.06))
_TOUCH_DARKNESS, _TOUCH_SIGMA = 0.85, 0.008


def ground_shadow(alpha: np.ndarray, background: np.ndarray | None) -> np.ndarray:
    """How much light a subject takes from the ground that it stands on.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size; None where nothing tells of the light, which then comes from above.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 0.65], at 384 px at most: 0 = no shadow, meant for the background alone. All 0 where the
        frame's lower edge cuts the subject: what it stands on is out of sight.
    """
    share = reduced(alpha, Extent.of(alpha).scaled_to_longest_side(_SIDE))
    solid = share > 0.5
    filled = np.flatnonzero(solid.any(axis=1))
    if not len(filled) or solid[-1].any():
        return np.zeros_like(share)
    side = Extent.of(share).shortest_side
    top, ground = float(filled[0]), float(filled[-1] + 1)
    lean = -_LEAN * brighter_side(alpha, background) if background is not None else 0.0
    height = (ground - np.arange(share.shape[0], dtype=np.float32) - 0.5) / (ground - top)
    light = 1 - _TOUCH_DARKNESS * _soft(_line_of_touch(solid, height, side), _TOUCH_SIGMA * side)
    laid = np.array([[1, -lean, lean * ground], [0, _FLAT, (1 - _FLAT) * ground]])
    for (low, high), darkness, sigma in _SLICES:
        part = share * ((height >= low) & (height < high))[:, None]
        fallen = cv2.warpAffine(part, laid, (share.shape[1], share.shape[0]))
        light *= 1 - darkness * _soft(fallen, sigma * side)
    return (1 - light) * np.float32(_DARKEST)


def _line_of_touch(solid: np.ndarray, height: np.ndarray, side: int) -> np.ndarray:
    """float32, HW: 1 along the lower ends of those columns that stand on the ground, and just below them."""
    rows = len(solid)
    lowest = rows - 1 - solid[::-1].argmax(axis=0)
    stands = solid.any(axis=0) & (height[lowest] <= _FEET)
    below = np.subtract.outer(np.arange(rows), lowest)
    reach = max(1.0, _TOUCH * side)
    return (stands[None, :] & (np.abs(below) <= reach)).astype(np.float32)


def _soft(layer: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(layer, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
