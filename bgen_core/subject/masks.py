"""The maths of masks: a person's edit applied to an automatic alpha, and the mask that diffusion gets.

Two masks, two purposes: compositing uses the alpha at the photo's size, diffusion a grown and feathered mask at the
model's size, so that it repaints what the old background left on the subject's edge.
"""

import math
from itertools import pairwise

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced

_DISC_RADIUS = 4  # a larger disc is this one applied several times
_SUBPIXEL_BITS = 4  # OpenCV draws at 1/16 of a pixel
_FRINGE = 0.6  # pixels by which OpenCV 5.0's antialiasing widens a shape on each side
_FAR = 30_000.0  # pixels: nothing that a stroke shows lies beyond, and OpenCV's fixed point overflows


def apply_edit(alpha: np.ndarray, edit: MaskEdit) -> np.ndarray:
    """Apply a person's changes to an alpha.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the size that the edit speaks of (see `MaskEdit.scaled`).

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1]; the same array where the edit changes nothing.
    """
    if edit.threshold != 0.5:
        alpha = shift_edge(alpha, edit.threshold)
    if edit.grow:
        alpha = grow(alpha, edit.grow)
    if edit.feather:
        alpha = feather(alpha, edit.feather)
    return paint(alpha, edit.strokes) if edit.strokes else alpha


def shift_edge(alpha: np.ndarray, threshold: float) -> np.ndarray:
    """Move the edge to where alpha is `threshold`: 0 stays 0 and 1 stays 1, and 0.5 changes nothing.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    threshold
        In (0, 1). The further from 0.5, the harder the edge: the slope is 1 / (2 · min(t, 1 − t)).
    """
    width = 2 * min(threshold, 1 - threshold)
    return np.clip((alpha - np.float32(threshold)) / np.float32(width) + np.float32(0.5), 0, 1)


def grow(alpha: np.ndarray, pixels: float) -> np.ndarray:
    """Grow the mask by a disc of `pixels` radius (shrink it below 0); its soft edge moves along.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    pixels
        Any number: between two whole radii the results are mixed.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], in steps of 1/255 mixed at most once.
    """
    whole, part = int(abs(pixels)), abs(pixels) % 1
    morph = cv2.dilate if pixels > 0 else cv2.erode
    border = 0 if pixels > 0 else 255  # neither grows in from outside the picture nor shrinks away from its frame
    steps = np.rint(alpha * 255).astype(np.uint8)
    for radius in [_DISC_RADIUS] * (whole // _DISC_RADIUS) + [whole % _DISC_RADIUS]:
        if radius:
            steps = morph(steps, _disc(radius), borderType=cv2.BORDER_CONSTANT, borderValue=border)
    moved = steps.astype(np.float32) / 255
    if part:
        further = morph(steps, _disc(1), borderType=cv2.BORDER_CONSTANT, borderValue=border)
        moved += np.float32(part) * (further.astype(np.float32) / 255 - moved)
    return moved


def feather(alpha: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; the picture is continued beyond its frame, so that a cut-off body stays whole there.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    sigma
        In pixels, above 0.
    """
    extent = Extent.of(alpha)
    factor = max(1, int(sigma / 6))  # a wide blur needs no full resolution, and costs its width
    if factor == 1:
        return _blurred(alpha, sigma)
    small = Extent(width=math.ceil(extent.width / factor), height=math.ceil(extent.height / factor))
    blurred = _blurred(reduced(alpha, small), sigma * small.width / extent.width)
    return np.clip(cv2.resize(blurred, (extent.width, extent.height), interpolation=cv2.INTER_LINEAR), 0, 1)


def paint(alpha: np.ndarray, strokes: tuple[Stroke, ...]) -> np.ndarray:
    """Replay brush strokes on an alpha, in their order.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    strokes
        In the alpha's own pixels.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], a new array.
    """
    painted = alpha.copy()
    extent = Extent.of(alpha)
    for stroke in strokes:
        reach = stroke.size / 2 + 2
        xs, ys = [x for x, _ in stroke.points], [y for _, y in stroke.points]
        left, right = _within(min(xs) - reach, extent.width), _within(max(xs) + reach + 1, extent.width)
        top, bottom = _within(min(ys) - reach, extent.height), _within(max(ys) + reach + 1, extent.height)
        if left >= right or top >= bottom:
            continue
        covered = _coverage(stroke, left, top, Extent(width=right - left, height=bottom - top))
        region = painted[top:bottom, left:right]
        if stroke.mode == "add":
            region += covered * (1 - region)
        else:
            region *= 1 - covered
    return painted


def repaint_mask(alpha: np.ndarray, extent: Extent, grow_percent: float, feather_percent: float) -> np.ndarray:
    """The mask that diffusion gets: what to repaint, at the model's size.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], 1 = keep, any size.
    extent
        The model's size.
    grow_percent
        How far the repainted region reaches into the subject, in percent of the model's shorter side.
    feather_percent
        Sigma of the Gaussian that rounds its outline (the engine cuts the mask at one half), in percent of the model's
        shorter side.

    Returns
    -------
    numpy.ndarray
        uint8, HW, 255 = repaint.
    """
    for name, value in (("grow", grow_percent), ("feather", feather_percent)):
        if not 0 <= value <= 50:
            raise UserInputError(f"A mask {name} of {value:g} % is not allowed: 0 to 50 % of the model's shorter side.")
    repainted = 1 - np.clip(reduced(alpha, extent), 0, 1)
    if grow_percent:
        kept = (repainted < 0.5).astype(np.uint8)
        # Framed by itself: a body that the frame cuts is not repainted along the frame
        framed = cv2.copyMakeBorder(kept, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        inside = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        radius = grow_percent / 100 * extent.shortest_side
        repainted = np.maximum(repainted, np.clip(radius + 1 - inside, 0, 1))
    if feather_percent:
        repainted = _blurred(repainted, feather_percent / 100 * extent.shortest_side)
    return np.rint(repainted * 255).astype(np.uint8)


def _disc(radius: int) -> np.ndarray:
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (xs * xs + ys * ys <= radius * radius + radius * 0.5).astype(np.uint8)


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), 0, 1)


def _within(position: float, limit: int) -> int:
    """A coordinate as a column or row of the picture."""
    return int(min(max(math.floor(position), 0), limit))


def _coverage(stroke: Stroke, left: int, top: int, extent: Extent) -> np.ndarray:
    """Share of each pixel that the stroke covers: float32, HW, in [0, 1], for a window of the picture.

    Drawn as discs and the rectangles between them: OpenCV 5.0's thick antialiased lines come out up to 2 px too wide,
    differently for odd and even widths, and without round ends where a line has no length.
    """
    drawn = np.zeros((extent.height, extent.width), np.uint8)
    radius = max(0.0, stroke.size / 2 - _FRINGE)
    # Coordinates count from the picture's corner, OpenCV's from the first pixel's centre.
    points = np.clip(np.array(stroke.points) - (left + 0.5, top + 0.5), -_FAR, _FAR)
    for x, y in _fixed(points):
        cv2.circle(drawn, (int(x), int(y)), int(_fixed(radius)), 255, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    for start, stop in pairwise(points):
        along = stop - start
        length = math.hypot(*along)
        if length > 0:
            aside = np.array([-along[1], along[0]]) * (radius / length)
            corners = np.array([start + aside, stop + aside, stop - aside, start - aside])
            cv2.fillConvexPoly(drawn, _fixed(corners), 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return drawn.astype(np.float32) / 255


def _fixed(values: np.ndarray | float) -> np.ndarray:
    return np.rint(np.asarray(values) * 2**_SUBPIXEL_BITS).astype(np.int32)
