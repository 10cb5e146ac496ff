"""The subject's light moved towards that of a new background.

Source: Reinhard, Ashikhmin, Gooch, Shirley, "Color transfer between images", IEEE Computer Graphics and Applications
21(5), 2001: in a colour space whose channels hardly depend on each other, each channel gets the other picture's mean
and standard deviation. Here the space is CIE Lab (D65) in place of their lαβ, the statistics are those of the subject
alone and of what is seen of the background, and contrast changes by a factor of two at most: a plain wall would
otherwise make the subject flat.
"""

from dataclasses import dataclass

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced

_STATISTICS_SIDE = 256
_MOST_CONTRAST = 2.0
_LEAST_SHARE = 1e-3  # of the picture: a mean of less says nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Relighting:
    """A change of colours: Lab' = scale · Lab + offset.

    Attributes
    ----------
    scale, offset
        float32, 3: for L in [0, 100], a and b.
    """

    scale: np.ndarray
    offset: np.ndarray

    def apply(self, colours: np.ndarray) -> np.ndarray:
        """Change colours.

        Parameters
        ----------
        colours
            float32 or uint8, N × 3, RGB, in [0, 255].

        Returns
        -------
        numpy.ndarray
            float32, N × 3, RGB, in [0, 255]: what leaves sRGB is cut off.
        """
        if not len(colours):
            return colours.astype(np.float32)
        lab = _lab(colours[:, None])
        moved = (lab * self.scale + self.offset).astype(np.float32)
        return np.clip(cv2.cvtColor(moved, cv2.COLOR_Lab2RGB)[:, 0] * 255, 0, 255)


def fit_relighting(image: np.ndarray, alpha: np.ndarray, background: np.ndarray, strength: float) -> Relighting | None:
    """Fit the change that gives the subject the background's light.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size; what the subject will hide of it does not count.
    strength
        In [0, 1]: 0 changes nothing, 1 gives the subject the background's mean and standard deviation.

    Returns
    -------
    Relighting or None
        None where there is no subject or no background to be seen.
    """
    extent = Extent.of(image).scaled_to_longest_side(_STATISTICS_SIDE)
    share = reduced(alpha, extent)
    if not _LEAST_SHARE < share.mean() < 1 - _LEAST_SHARE:
        return None
    mean, deviation = _statistics(reduced(image, extent), share)
    mean_behind, deviation_behind = _statistics(reduced(background, extent), 1 - share)
    contrast = np.clip(deviation_behind / np.maximum(deviation, 1e-3), 1 / _MOST_CONTRAST, _MOST_CONTRAST)
    scale = 1 + strength * (contrast - 1)
    target = mean + strength * (mean_behind - mean)
    return Relighting(scale=scale.astype(np.float32), offset=(target - scale * mean).astype(np.float32))


def _statistics(image: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of L, a and b."""
    lab = _lab(image).reshape(-1, 3).astype(np.float64)
    mean = np.average(lab, axis=0, weights=weight.ravel())
    return mean, np.sqrt(np.average((lab - mean) ** 2, axis=0, weights=weight.ravel()))


def _lab(colours: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
