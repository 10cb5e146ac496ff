"""The soft edge: an alpha that follows the photo's own edges, and the colours that the subject has there.

Sources
-------
Guided filter: He, Sun, Tang, "Guided image filtering", ECCV 2010, and "Fast guided filter", arXiv:1505.00996.
Foreground colours: Forte, "Approximate fast foreground colour estimation", ICIP 2021 ("blur fusion", two passes).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced, working_picture

_GUIDE_SIDE = 512
_RADIUS = 0.01  # of the guide's longer side
_EPSILON = 1e-4
_HAZE = 0.15  # the filter leaves a haze of this strength on both ends

_ENLARGING_RADIUS = 2  # pixels of the smaller picture

_WIDE_BLUR = 90 / 1080  # of the longer side
_NARROW_BLUR = 6  # pixels
_PURE_FROM = 0.9  # above this alpha the photo's own colour fades in

STRIP_ROWS = 256
_TILE_COLUMNS = 256
_TILES_AT_ONCE = 2  # each needs a few megabytes


_One = TypeVar("_One")
_Made = TypeVar("_Made")


class EdgeGuide:
    """What `refine_edges` needs of a photo alone: it can be prepared while the mask is looked for.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.picture = working_picture(image, _GUIDE_SIDE).astype(np.float32) / 255
        self.radius = max(1, int(_RADIUS * Extent.of(self.picture).longest_side))
        self.filter = _GuidedFilter(self.picture, self.radius)


def refine_edges(image: np.ndarray, coarse: np.ndarray, guide: EdgeGuide | None = None) -> np.ndarray:
    """Fit a coarse mask to the edges in the photo.

    A guided filter is applied twice, each time followed by the levels clip((alpha − 0.15) / 0.7), which remove its
    haze: the second time sharpens what the first one found. Its coefficients are computed at 512 px and applied at the
    photo's size, in tiles and only where an edge is near: 12 megapixels need little more memory than the alpha itself.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    coarse
        float32, HW, in [0, 1], any size: stretched over the photo.
    guide
        Of this photo, where it was prepared.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], at the photo's size.
    """
    guide = guide or EdgeGuide(image)
    extent, small = Extent.of(image), Extent.of(guide.picture)
    alpha = np.zeros((extent.height, extent.width), np.float32)
    target = reduced(coarse, small)
    if not target.any():
        return alpha
    with ThreadPoolExecutor(_TILES_AT_ONCE) as pool:
        return _refined(image, target, guide, alpha, pool)


def _refined(
    image: np.ndarray, target: np.ndarray, guide: EdgeGuide, alpha: np.ndarray, pool: ThreadPoolExecutor
) -> np.ndarray:
    extent, small = Extent.of(image), Extent.of(guide.picture)
    found = without_haze(guide.filter.filtered(target, pool), _HAZE)
    slope, offset = guide.filter.coefficients(found, pool)
    slope /= 255 * (1 - 2 * _HAZE)
    offset = (offset - _HAZE) / (1 - 2 * _HAZE)

    def fill(boxes: tuple[Box, Box]) -> None:
        tile, near = boxes
        within = found[near.slices]
        if within.min() == within.max() and within.flat[0] in (0, 1):
            alpha[tile.slices] = within.flat[0]
        else:
            np.clip(_mixed(image, slope, offset, tile), 0, 1, out=alpha[tile.slices])

    deque(pool.map(fill, tiles(extent, small, reach=2 * guide.radius + 1)), maxlen=0)
    return alpha


class GuidedEnlargement:
    """A small alpha brought to the photo's size along the photo's own edges ("Fast guided filter").

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    small
        The same, reduced to the alpha's size.
    alpha
        float32, HW, in [0, 1].
    """

    def __init__(self, image: np.ndarray, small: np.ndarray, alpha: np.ndarray) -> None:
        self._image = image
        slope, self._offset = _GuidedFilter(small.astype(np.float32) / 255, _ENLARGING_RADIUS).coefficients(alpha)
        self._slope = slope / 255

    def tile(self, box: Box) -> np.ndarray:
        """The alpha in a box of the photo: float32, HW, in [0, 1]."""
        return np.clip(_mixed(self._image, self._slope, self._offset, box), 0, 1)


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
    # OpenCV's arithmetic: bit for bit what numpy gives, which takes twice as long with three interleaved channels
    mixed = reduced(image, extent).astype(np.float32)
    share_plane = reduced(alpha, extent)
    share, rest = _thrice(share_plane), _thrice(1 - share_plane)
    foreground, background = mixed, mixed
    for size in (max(3, int(_WIDE_BLUR * extent.longest_side)), _NARROW_BLUR):
        around = _blurred(share_plane, size)
        foreground_around = cv2.divide(_blurred(cv2.multiply(foreground, share), size), _thrice(around + 1e-5))
        background = cv2.divide(_blurred(cv2.multiply(background, rest), size), _thrice(1 - around + 1e-5))
        explained = cv2.multiply(share, foreground_around)
        unexplained = cv2.subtract(cv2.subtract(mixed, explained), cv2.multiply(rest, background))
        foreground = np.clip(cv2.add(foreground_around, cv2.multiply(share, unexplained)), 0, 255)
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
    return enlarged_box(pixels, extent, Box(left=0, top=rows.start, right=extent.width, bottom=rows.stop))


def enlarged_box(pixels: np.ndarray, extent: Extent, box: Box) -> np.ndarray:
    """A box of `pixels` (float32, HW or HWC) enlarged linearly to `extent`, without the rest."""
    height, width = pixels.shape[:2]
    across, down = width / extent.width, height / extent.height
    # Pixel centres: source = (target + 0.5) × scale − 0.5
    matrix = np.array([[across, 0, (box.left + 0.5) * across - 0.5], [0, down, (box.top + 0.5) * down - 0.5]])
    return cv2.warpAffine(
        pixels,
        matrix,
        (box.extent.width, box.extent.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def tiles(extent: Extent, guide: Extent, *, reach: int) -> Iterator[tuple[Box, Box]]:
    """Tiles of the photo, each with the box of the guide that can change anything in it."""
    across, down = guide.width / extent.width, guide.height / extent.height
    for rows in strips(extent.height):
        for left in range(0, extent.width, _TILE_COLUMNS):
            right = min(extent.width, left + _TILE_COLUMNS)
            near = Box(
                left=int(left * across),
                top=int(rows.start * down),
                right=min(guide.width, int(np.ceil(right * across))),
                bottom=min(guide.height, int(np.ceil(rows.stop * down))),
            )
            yield (
                Box(left=left, top=rows.start, right=right, bottom=rows.stop),
                near.grown(reach, within=guide),
            )


def _mixed(image: np.ndarray, slope: np.ndarray, offset: np.ndarray, box: Box) -> np.ndarray:
    """slope · image + offset in a box of the photo, from coefficients at a smaller size."""
    extent = Extent.of(image)
    weighted = cv2.multiply(image[box.slices], enlarged_box(slope, extent, box), dtype=cv2.CV_32F)
    return cv2.transform(weighted, np.ones((1, 3), np.float32)) + enlarged_box(offset, extent, box)


def without_haze(alpha: np.ndarray, haze: float) -> np.ndarray:
    """The alpha stretched so that what a method leaves of `haze` on both ends becomes 0 and 1."""
    return np.clip((alpha - haze) / (1 - 2 * haze), 0, 1)


class _GuidedFilter:
    """Colour guided filter for one guide: what depends on the guide alone is computed once.

    Parameters
    ----------
    guide
        float32, HWC, RGB, in [0, 1].
    radius
        Of the window, in pixels: it has 2 · radius + 1 to a side.
    """

    def __init__(self, guide: np.ndarray, radius: int) -> None:
        # In planes: numpy takes three times as long for arrays with three interleaved channels
        self._window = (2 * radius + 1, 2 * radius + 1)
        self._planes = red, green, blue = cv2.split(guide)
        self._means = red_mean, green_mean, blue_mean = tuple(self._mean(plane) for plane in self._planes)
        rr = self._mean(red * red) - red_mean * red_mean + _EPSILON
        rg = self._mean(red * green) - red_mean * green_mean
        rb = self._mean(red * blue) - red_mean * blue_mean
        gg = self._mean(green * green) - green_mean * green_mean + _EPSILON
        gb = self._mean(green * blue) - green_mean * blue_mean
        bb = self._mean(blue * blue) - blue_mean * blue_mean + _EPSILON
        # Cramer's rule for the symmetric 3 × 3 system: a matrix product per pixel takes numpy four times as long
        inverse_rr, inverse_rg, inverse_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
        inverse_gg, inverse_gb, inverse_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        self._determinant = np.maximum(rr * inverse_rr + rg * inverse_rg + rb * inverse_rb, 1e-12)
        self._inverse = (
            (inverse_rr, inverse_rg, inverse_rb),
            (inverse_rg, inverse_gg, inverse_gb),
            (inverse_rb, inverse_gb, inverse_bb),
        )

    def coefficients(self, target: np.ndarray, pool: ThreadPoolExecutor | None = None) -> tuple[np.ndarray, np.ndarray]:
        """a (float32 HWC) and b (HW) of the local model target = a · guide + b, averaged over the windows.

        Parameters
        ----------
        pool
            Works beside this thread, where somebody waits for it: the channels are apart for the most part.
        """
        slopes, offset = self._planar(target, pool)
        return cv2.merge(slopes), offset

    def filtered(self, target: np.ndarray, pool: ThreadPoolExecutor | None = None) -> np.ndarray:
        """a · guide + b (float32, HW) at the guide's own size; see `coefficients`."""
        (red, green, blue), offset = self._planar(target, pool)
        red *= self._planes[0]
        for slope, plane in ((green, self._planes[1]), (blue, self._planes[2])):
            slope *= plane
            red += slope
        red += offset
        return red

    def _planar(self, target: np.ndarray, pool: ThreadPoolExecutor | None) -> tuple[list[np.ndarray], np.ndarray]:
        target_mean = self._mean(target)

        # In place: a new array takes as long as its numbers
        def covariance(plane: np.ndarray, mean: np.ndarray) -> np.ndarray:
            found = self._mean(plane * target)
            found -= mean * target_mean
            found /= self._determinant
            return found

        red, green, blue = _all_of(covariance, self._planes, self._means, pool)

        def slope_of(row: tuple[np.ndarray, ...], mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            slope, part = row[0] * red, row[1] * green
            slope += part
            slope += np.multiply(row[2], blue, out=part)
            return self._mean(slope), np.multiply(slope, mean, out=part)

        offset, slopes = target_mean, list[np.ndarray]()
        for slope, part in _all_of(slope_of, self._inverse, self._means, pool):
            slopes.append(slope)
            offset = np.subtract(offset, part, out=part)
        return slopes, self._mean(offset)

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, self._window, borderType=cv2.BORDER_REFLECT)


def _all_of(
    work: Callable[[_One, np.ndarray], _Made],
    ones: Iterable[_One],
    others: Iterable[np.ndarray],
    pool: ThreadPoolExecutor | None,
) -> list[_Made]:
    return list(map(work, ones, others) if pool is None else pool.map(work, ones, others))


def _thrice(plane: np.ndarray) -> np.ndarray:
    return cv2.merge([plane, plane, plane])


def _blurred(values: np.ndarray, size: int) -> np.ndarray:
    return cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT)
