"""The soft edge: an alpha that follows the photo's own edges, and the colours that the subject has there.

Sources
-------
Guided filter: He, Sun, Tang, "Guided image filtering", ECCV 2010, and "Fast guided filter", arXiv:1505.00996.
Foreground colours: Forte, "Approximate fast foreground colour estimation", ICIP 2021 ("blur fusion", two passes).
"""

from collections.abc import Iterator

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced

_GUIDE_SIDE = 512
_RADIUS = 0.015  # of the guide's longer side
_EPSILON = 1e-4
_LEVELS = 0.15  # the filter leaves a haze of this strength on both ends

_WIDE_BLUR = 90 / 1080  # of the longer side
_NARROW_BLUR = 6  # pixels
_PURE_FROM = 0.9  # above this alpha the photo's own colour fades in

STRIP_ROWS = 256


def refine_edges(image: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Fit a coarse mask to the edges in the photo.

    The filter's coefficients are computed at 512 px and applied at the photo's size in strips, so 12 megapixels need
    little more memory than the alpha itself. The levels clip((alpha − 0.15) / 0.7) then remove the haze.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    coarse
        float32, HW, in [0, 1], any size: stretched over the photo.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], at the photo's size.
    """
    extent = Extent.of(image)
    alpha = np.zeros((extent.height, extent.width), np.float32)
    guide_extent = extent.scaled_to_longest_side(_GUIDE_SIDE)
    target = reduced(coarse, guide_extent)
    if not target.any():
        return alpha
    radius = max(1, int(_RADIUS * guide_extent.longest_side))
    slope, offset = _guided_coefficients(reduced(image, guide_extent).astype(np.float32) / 255, target, radius=radius)
    slope /= 255 * (1 - 2 * _LEVELS)
    offset = (offset - _LEVELS) / (1 - 2 * _LEVELS)
    first, last = _reached_rows(target, 2 * radius + 1, extent)
    for rows in strips(extent.height):
        if rows.stop <= first or rows.start >= last:
            continue
        weighted = cv2.multiply(image[rows], enlarged_rows(slope, extent, rows), dtype=cv2.CV_32F)
        strip = cv2.transform(weighted, np.ones((1, 3), np.float32))
        strip += enlarged_rows(offset, extent, rows)
        np.clip(strip, 0, 1, out=alpha[rows])
    return alpha


def edge_colours(image: np.ndarray, alpha: np.ndarray, *, side: int = 1024) -> np.ndarray:
    """Colours of the subject without the background that shines through.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1].
    side
        Longest side at which they are estimated, in pixels.

    Returns
    -------
    numpy.ndarray
        float32, HWC, RGB, in [0, 255]; stretched over the photo it is meant for pixels with alpha < 1 alone.
    """
    extent = Extent.of(image).scaled_to_longest_side(side)
    mixed = reduced(image, extent).astype(np.float32)
    share = reduced(alpha, extent)[..., None]
    foreground, background = mixed, mixed
    for size in (max(3, int(_WIDE_BLUR * extent.longest_side)), _NARROW_BLUR):
        share_around = _blurred(share, size)[..., None]
        foreground_around = _blurred(foreground * share, size) / (share_around + 1e-5)
        background = _blurred(background * (1 - share), size) / (1 - share_around + 1e-5)
        unexplained = mixed - share * foreground_around - (1 - share) * background
        foreground = np.clip(foreground_around + share * unexplained, 0, 255)
    return foreground


def subject_colours(
    image: np.ndarray, alpha: np.ndarray, colours: np.ndarray, rows: slice, band: np.ndarray
) -> np.ndarray:
    """The subject's own colours in the edge band: estimated, and the photo's again from alpha 0.9 to 1.

    Parameters
    ----------
    image, alpha
        The photo and its alpha, at full size.
    colours
        From `edge_colours`.
    rows
        Which rows of the photo.
    band
        bool, HW: which N pixels of those rows.

    Returns
    -------
    numpy.ndarray
        float32, N × 3, RGB, in [0, 255].
    """
    estimated = enlarged_rows(colours, Extent.of(image), rows)[band]
    pure = np.clip((alpha[rows][band] - _PURE_FROM) / (1 - _PURE_FROM), 0, 1)[:, None]
    return estimated + pure * (image[rows][band] - estimated)


def strips(height: int) -> Iterator[slice]:
    """The rows of a picture in strips, so that intermediate results stay small."""
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(height, top + STRIP_ROWS))


def enlarged_rows(pixels: np.ndarray, extent: Extent, rows: slice) -> np.ndarray:
    """Some rows of `pixels` (float32, HW or HWC) enlarged linearly to `extent`, without the rest."""
    height, width = pixels.shape[:2]
    across, down = width / extent.width, height / extent.height
    # Pixel centres: source = (target + 0.5) × scale − 0.5
    matrix = np.array([[across, 0, 0.5 * across - 0.5], [0, down, (rows.start + 0.5) * down - 0.5]])
    return cv2.warpAffine(
        pixels,
        matrix,
        (extent.width, rows.stop - rows.start),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _reached_rows(target: np.ndarray, reach: int, extent: Extent) -> tuple[int, int]:
    """First row and the one after the last that the filter can change, in rows of `extent`."""
    height = target.shape[0]
    filled = np.flatnonzero(target.any(axis=1))
    first, last = max(0, filled[0] - reach), min(height, filled[-1] + 1 + reach)
    return int(first * extent.height / height), int(np.ceil(last * extent.height / height))


def _guided_coefficients(guide: np.ndarray, target: np.ndarray, *, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour guided filter: a (float32 HWC) and b (HW) of the local model target = a · guide + b, window averages."""

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    guide_mean, target_mean = mean(guide), mean(target)
    red, green, blue = (guide[..., channel] for channel in range(3))
    products = mean(np.dstack([red * red, red * green, red * blue, green * green, green * blue]))
    means = np.moveaxis(guide_mean, -1, 0)
    rr = products[..., 0] - means[0] * means[0] + _EPSILON
    rg = products[..., 1] - means[0] * means[1]
    rb = products[..., 2] - means[0] * means[2]
    gg = products[..., 3] - means[1] * means[1] + _EPSILON
    gb = products[..., 4] - means[1] * means[2]
    bb = mean(blue * blue) - means[2] * means[2] + _EPSILON
    covariance = mean(guide * target[..., None]) - guide_mean * target_mean[..., None]
    red, green, blue = (covariance[..., channel] for channel in range(3))
    # Cramer's rule for the symmetric 3 × 3 system: a matrix product per pixel takes numpy four times as long
    inverse_rr, inverse_rg, inverse_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    inverse_gg, inverse_gb, inverse_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * inverse_rr + rg * inverse_rg + rb * inverse_rb, 1e-12)
    slope = np.dstack(
        [
            (inverse_rr * red + inverse_rg * green + inverse_rb * blue) / determinant,
            (inverse_rg * red + inverse_gg * green + inverse_gb * blue) / determinant,
            (inverse_rb * red + inverse_gb * green + inverse_bb * blue) / determinant,
        ]
    )
    offset = target_mean - (slope * guide_mean).sum(axis=2)
    return mean(slope), mean(offset)


def _blurred(values: np.ndarray, size: int) -> np.ndarray:
    return cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT)
