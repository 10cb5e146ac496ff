"""A soft contact shadow: what ties a subject to the ground of a new background.

Nothing is known about the lamps of a painted background, so this is no cast shadow but what is there under any light:
the ground near a body gets less of the sky (ambient occlusion), most of all where the two touch. A narrow shadow hugs
the subject's lowest part, a wide one surrounds its lower half.
"""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced

_SIDE = 384  # longest side at which it is computed: all of it is blurred
_DARKEST = 0.65  # share of the light that the strongest shadow takes

# (share of the darkening, sigma and offset down in shares of the shorter side, share of the subject's height where it
# begins): wide and faint, narrow and dark
_LAYERS = ((0.45, 0.045, 0.02, 0.5), (0.75, 0.012, 0.008, 0.85))


def contact_shadow(alpha: np.ndarray) -> np.ndarray:
    """How much light the subject takes from what is behind and below it.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 0.65], at 384 px at most: 0 = no shadow. Strongest at the subject's lowest rows or, where
        the lower frame cuts it, at the frame. Stretched over the photo it is meant for the background alone.
    """
    share = reduced(alpha, Extent.of(alpha).scaled_to_longest_side(_SIDE))
    filled = np.flatnonzero((share > 0.5).any(axis=1))
    if not len(filled):
        return np.zeros_like(share)
    top, bottom = float(filled[0]), float(filled[-1] + 1)
    side = Extent.of(share).shortest_side
    light = np.ones_like(share)
    for strength, sigma, offset, begins in _LAYERS:
        height = (np.arange(share.shape[0], dtype=np.float32) + 0.5 - top) / max(1.0, bottom - top)
        low = np.clip((height - begins) / (1 - begins), 0, 1)[:, None]
        matrix = np.array([[1, 0, 0], [0, 1, offset * side]])
        # The picture goes on beyond its frame: a body that the frame cuts stands on something out of sight
        moved = cv2.warpAffine(share * low, matrix, (share.shape[1], share.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        light *= 1 - strength * cv2.GaussianBlur(moved, (0, 0), sigma * side, borderType=cv2.BORDER_REPLICATE)
    darkest = float((1 - light).max())
    return (1 - light) * np.float32(_DARKEST / darkest) if darkest > 0 else np.zeros_like(share)
