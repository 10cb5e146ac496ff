"""Pictures and maps at other sizes, as segmentation sees them."""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2

WORKING_SIDE = 1024


def reduced(image: np.ndarray, extent: Extent) -> np.ndarray:
    """Area average of a picture or map at a smaller size, linear interpolation at a larger one."""
    if Extent.of(image) == extent:
        return image
    smaller = extent.area < Extent.of(image).area
    return cv2.resize(
        image, (extent.width, extent.height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )


def enlarged(confidence: np.ndarray, extent: Extent) -> np.ndarray:
    """Cubic interpolation of a float32 HW map, kept in [0, 1]."""
    if Extent.of(confidence) == extent:
        return confidence
    larger = cv2.resize(confidence, (extent.width, extent.height), interpolation=cv2.INTER_CUBIC)
    return np.clip(larger, 0, 1, out=larger)


def working_picture(image: np.ndarray, side: int = WORKING_SIDE) -> np.ndarray:
    """A photo (uint8, HWC) whose longest side is `side` pixels at most, by area averages."""
    extent = Extent.of(image).scaled_to_longest_side(side)
    # OpenCV 5.0 averages 2 × 2 pixels many times faster than any other area; an odd last row is left out
    while min(image.shape[0] / extent.height, image.shape[1] / extent.width) >= 2:
        halved = Extent(width=image.shape[1] // 2, height=image.shape[0] // 2)
        image = reduced(image[: 2 * halved.height, : 2 * halved.width], halved)
    return reduced(image, extent)
