"""Strokes drawn on an alpha, with soft or antialiased edges, at any size."""

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.edit import Stroke
from bgen_core.subject.native import cv2

_SUBPIXEL_BITS = 4  # OpenCV draws at 1/16 of a pixel
_FRINGE = 0.6  # pixels by which OpenCV 5.0's antialiasing widens a shape on each side
_FAR = 30_000.0  # pixels: nothing that a stroke shows lies beyond, and OpenCV's fixed point overflows
_TILE = 256
_SOFT_STEPS = 8  # pixels that a soft edge needs: wider ones are made at a smaller size
_SOFT_SIDE = 1024
_SIGMAS = 3  # of the Gaussian in what the edge of an object is said to fade over
_LEAST_SIGMA = 0.3  # pixels


def paint(alpha: np.ndarray, strokes: Iterable[Stroke]) -> np.ndarray:
    """Replay strokes on an alpha, in their order.

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
        window = _window(stroke, extent)
        if window is None:
            continue
        covered = coverage(stroke, window)
        for tile in _tiles(window.extent):
            share = covered[tile]
            if cv2.countNonZero(share):  # most of a long stroke's window is empty
                region = painted[window.slices][tile]
                _mix(region, share.astype(np.float32) / 255, stroke)
    return painted


def coverage(stroke: Stroke, window: Box) -> np.ndarray:
    """How far a stroke covers each pixel of a window of the picture: uint8, HW, 255 = fully."""
    extent = window.extent
    if stroke.shape == "object":
        return _object(stroke, window)
    if not stroke.softness:
        return _drawn(stroke, window.left, window.top, 1.0, extent)
    factor = max(1, math.ceil(extent.longest_side / _SOFT_SIDE))
    if stroke.shape == "brush":
        factor = max(1, int(stroke.softness * stroke.size / 2 / _SOFT_STEPS))
    soft = _softened(stroke, window, factor)
    if soft is None:  # an edge this narrow is seen at full size alone
        soft = _softened(stroke, window, 1)
    return _drawn(stroke, window.left, window.top, 1.0, extent) if soft is None else soft


def _window(stroke: Stroke, extent: Extent) -> Box | None:
    """The part of the picture that a stroke can reach."""
    reach = {"brush": stroke.size / 2, "object": stroke.size}.get(stroke.shape, 0) + 2
    lines = stroke.outlines or (stroke.points,)
    xs, ys = [x for line in lines for x, _ in line], [y for line in lines for _, y in line]
    box = Box(
        left=_within(min(xs) - reach, extent.width),
        top=_within(min(ys) - reach, extent.height),
        right=_within(max(xs) + reach + 1, extent.width),
        bottom=_within(max(ys) + reach + 1, extent.height),
    )
    return box if box.left < box.right and box.top < box.bottom else None


def _within(position: float, limit: int) -> int:
    """A coordinate as a column or row of the picture."""
    return int(min(max(math.floor(position), 0), limit))


def _tiles(extent: Extent) -> Iterable[tuple[slice, slice]]:
    for top in range(0, extent.height, _TILE):
        for left in range(0, extent.width, _TILE):
            yield slice(top, top + _TILE), slice(left, left + _TILE)


def _mix(region: np.ndarray, share: np.ndarray, stroke: Stroke) -> None:
    if stroke.mode == "add":
        region += share * (1 - region)
    else:
        region *= 1 - share


def _softened(stroke: Stroke, window: Box, factor: int) -> np.ndarray | None:
    """The stroke, falling smoothly to nothing towards its edge; None where the fall would be below two pixels.

    The fall takes `softness` of the shape's own radius, which is that of the largest disc within it.
    """
    extent = window.extent
    small = Extent(width=math.ceil(extent.width / factor), height=math.ceil(extent.height / factor))
    # Where the window ends, the picture does: its frame is no edge of the shape
    hard = _drawn(stroke, window.left, window.top, 1 / factor, small)
    depth = cv2.distanceTransform((hard > 127).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    radius = stroke.size / 2 / factor if stroke.shape == "brush" else float(depth.max())
    fall = stroke.softness * radius
    if fall < 2:
        return None
    share = np.clip((depth - 0.5) / fall, 0, 1)
    soft = np.rint(share * share * (3 - 2 * share) * 255).astype(np.uint8)
    if factor == 1:
        return soft
    whole = cv2.resize(soft, (small.width * factor, small.height * factor), interpolation=cv2.INTER_LINEAR)
    return whole[: extent.height, : extent.width]


def _drawn(stroke: Stroke, left: float, top: float, scale: float, extent: Extent) -> np.ndarray:
    """The stroke with a hard, antialiased edge: uint8, HW, 255 = covered, for a window at `scale` of its size."""
    canvas = np.zeros((extent.height, extent.width), np.uint8)
    points = (np.array(stroke.points) - (left, top)) * scale
    if stroke.shape == "rectangle":
        return _rectangle(points, extent)
    # Coordinates count from the picture's corner, OpenCV's from the first pixel's centre.
    points = np.clip(points - 0.5, -_FAR, _FAR)
    if stroke.shape == "lasso":
        return _lasso(points, canvas)
    return _brush(points, max(0.0, stroke.size * scale / 2 - _FRINGE), canvas)


def _brush(points: np.ndarray, radius: float, canvas: np.ndarray) -> np.ndarray:
    """Discs and the rectangles between them.

    OpenCV 5.0's thick antialiased lines come out up to 2 px too wide, differently for odd and even widths, and without
    round ends where a line has no length.
    """
    for x, y in _fixed(points):
        cv2.circle(canvas, (int(x), int(y)), int(_fixed(radius)), 255, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    for start, stop in pairwise(points):
        along = stop - start
        length = math.hypot(*along)
        if length > 0:
            aside = np.array([-along[1], along[0]]) * (radius / length)
            corners = np.array([start + aside, stop + aside, stop - aside, start - aside])
            cv2.fillConvexPoly(canvas, _fixed(corners), 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def _lasso(points: np.ndarray, canvas: np.ndarray) -> np.ndarray:
    """Everything that the closed line goes around, also where it crosses itself."""
    if len(points) < 3:
        return canvas
    cv2.fillPoly(canvas, [_fixed(points)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    # fillPoly leaves out what is gone around twice
    outlines, _ = cv2.findContours(canvas, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(canvas), outlines, -1, 255, cv2.FILLED)
    inner = cv2.erode(filled, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return np.maximum(canvas, inner)


def _object(stroke: Stroke, window: Box) -> np.ndarray:
    """What its outlines go around, without the holes in it, with an edge that fades over the stroke's size."""
    extent = window.extent
    canvas = np.zeros((extent.height, extent.width), np.uint8)
    lines = [np.array(line) - (window.left, window.top) - 0.5 for line in stroke.outlines]
    lines = [_fixed(np.clip(line, -_FAR, _FAR)) for line in lines]
    cv2.fillPoly(canvas, lines, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    sigma = stroke.size / _SIGMAS
    if sigma < _LEAST_SIGMA:  # the antialiased line fades as far by itself
        return canvas
    return cv2.GaussianBlur(canvas, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _rectangle(points: np.ndarray, extent: Extent) -> np.ndarray:
    """The box of all points, each pixel covered by as much as lies in it."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    columns, rows = np.arange(extent.width), np.arange(extent.height)
    across = np.clip(np.minimum(columns + 1, right) - np.maximum(columns, left), 0, 1)
    down = np.clip(np.minimum(rows + 1, bottom) - np.maximum(rows, top), 0, 1)
    return np.rint(down[:, None] * across * 255).astype(np.uint8)


def _fixed(values: np.ndarray | float) -> np.ndarray:
    return np.rint(np.asarray(values) * 2**_SUBPIXEL_BITS).astype(np.int32)
