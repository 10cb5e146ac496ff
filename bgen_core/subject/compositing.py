"""The subject in front of a new background, at the photo's own resolution."""

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.matting import edge_colours, strips, subject_colours
from bgen_core.subject.native import cv2


def composite(
    image: np.ndarray, alpha: np.ndarray, background: np.ndarray, *, colours: np.ndarray | None = None
) -> np.ndarray:
    """Put the subject in front of a background.

    Where alpha is 1 the result is the photo bit for bit, where it is 0 it is the enlarged background. In the edge band
    between, the subject's estimated own colours are mixed with the background in sRGB, so that nothing of the old
    background comes along.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size: what the model made; stretched over the photo.
    colours
        From `matting.edge_colours`, where one subject meets many backgrounds; estimated if not given.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB, at the photo's size.
    """
    if alpha.shape != image.shape[:2]:
        raise UserInputError(
            f"The alpha is {Extent.of(alpha)} pixels, but the photo is {Extent.of(image)}: "
            "both must have the same size."
        )
    result = stretched(background, Extent.of(image))
    for rows in strips(image.shape[0]):
        share = alpha[rows]
        band = (share > 0) & (share < 1)
        if band.any():
            if colours is None:
                colours = edge_colours(image, alpha)
            behind = result[rows][band].astype(np.float32)
            foreground = subject_colours(image, alpha, colours, rows, band)
            result[rows][band] = np.rint(behind + share[band][:, None] * (foreground - behind)).astype(np.uint8)
        result[rows] = cv2.copyTo(image[rows], (share >= 1).astype(np.uint8), result[rows])
    return result


def stretched(background: np.ndarray, extent: Extent) -> np.ndarray:
    """A background (uint8, HWC) at another size, as a new array: cubic where it grows, else area average."""
    if Extent.of(background) == extent:
        return background.copy()
    grows = extent.area > Extent.of(background).area
    return cv2.resize(
        background, (extent.width, extent.height), interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    )


def cut_out_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo with the subject's own colours in the edge band: what a transparent picture of it should hold.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1].

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB; equal to the photo wherever alpha is 0 or 1.
    """
    result = image.copy()
    colours = edge_colours(image, alpha)
    for rows in strips(image.shape[0]):
        band = (alpha[rows] > 0) & (alpha[rows] < 1)
        if band.any():
            foreground = subject_colours(image, alpha, colours, rows, band)
            result[rows][band] = np.rint(np.clip(foreground, 0, 255)).astype(np.uint8)
    return result
