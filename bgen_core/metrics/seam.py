"""How much the subject's outline stands out: the gradient on it against the gradients of both sides."""

import numpy as np

from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene, gradients
from bgen_core.subject.native import cv2

_REACH = 0.02  # of the longer side: how far the neighbourhood of an outline's pixel goes
_SMALLEST_REACH = 4  # pixels
_SIDE = 0.02  # alpha below it is background, above 1 − it subject: between lies the soft edge
_VISIBLE = 1.0  # levels per pixel: weaker gradients count as this


def seam(scene: Scene) -> float:
    """Mean of max(0, (B − S) / (B + S)) over the outline, in [0, 1]; 0 = no visible seam.

    Measured at a longest side of at most 1024 px. The outline is the pixels on both sides of alpha = 0.5. Around each
    of them, within 2 % of the longer side, B is the mean gradient on the outline, and S the mean of two means: the
    gradient inside the subject and that in the background, both without the soft edge. A gradient is the root of the
    mean over channels of the squared Sobel magnitude, in levels per pixel; S counts at least 1. The ratio does not
    depend on contrast: a step between two plain areas is near 1, an outline no stronger than its surroundings is 0.
    """
    alpha = scene.small_alpha
    outline = _outline(alpha)
    strength = np.sqrt(sum((part * part).mean(axis=2) for part in gradients(scene.small_picture)))
    reach = max(_SMALLEST_REACH, round(_REACH * max(alpha.shape)))
    on_outline, _ = _mean_around(strength, outline, reach)
    inside, sees_inside = _mean_around(strength, _without_edge(alpha > 1 - _SIDE), reach)
    outside, sees_outside = _mean_around(strength, _without_edge(alpha < _SIDE), reach)
    measured = outline & sees_inside & sees_outside
    if not measured.any():
        raise NotMeasuredError("The mask has no edge with subject on one side and background on the other.")
    sides = np.maximum((inside[measured] + outside[measured]) / 2, _VISIBLE)
    jump = on_outline[measured]
    return float(np.maximum(0, (jump - sides) / (jump + sides)).mean())


def _outline(alpha: np.ndarray) -> np.ndarray:
    kept = (alpha >= 0.5).astype(np.uint8)
    return cv2.morphologyEx(kept, cv2.MORPH_GRADIENT, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0


def _without_edge(side: np.ndarray) -> np.ndarray:
    """Pixels whose gradient is computed from this side alone."""
    framed = cv2.copyMakeBorder(side.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return cv2.erode(framed, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0


def _mean_around(strength: np.ndarray, where: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the pixels of `where` in the square around each pixel, and whether there are any."""
    size = (2 * reach + 1, 2 * reach + 1)

    def sums(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)

    count = np.rint(sums(where.astype(np.float32)))
    return sums(np.where(where, strength, 0)) / np.maximum(count, 1), count > 0
