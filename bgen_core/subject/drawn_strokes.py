"""What was drawn on the canvas as strokes on the photo: shapes and their pens, on any box of the photo.

The canvas keeps of a pen only colour and width, so the pen's mode and softness are written into the colour.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.edit import Mode, Points, Shape, Stroke
from bgen_core.subject.fabricjs_strokes import COLOURS, strokes_of_drawing

SOFTNESS_STEP = 0.05

_LINE = 2  # canvas pixels: outline of a lasso and of a rectangle
_CLICK = 8  # canvas pixels: a smaller rectangle is a click, while which the hand moved a little
_LASSO_OPACITY = "d9"  # a thin outline has to be seen; its opacity also tells it from a brush
_COLOUR = re.compile(r"#([0-9a-f]{4})([0-9a-f]{2})([0-9a-f]{2})")


@dataclass(frozen=True, kw_only=True)
class Pen:
    """What the next stroke is drawn with.

    Attributes
    ----------
    mode
        "add" or "erase".
    shape
        "brush" paints along the line, "lasso" fills what the line goes around, "rectangle" its corners' box.
    size
        Width of the brush in pixels of the canvas.
    softness
        In [0, 1], as in `Stroke`.
    """

    mode: Mode = "add"
    shape: Shape = "brush"
    size: float = 28.0
    softness: float = 0.0

    @property
    def colour(self) -> str:
        """`#rrggbbaa`: blue carries the softness."""
        plain = COLOURS[self.mode]
        blue = int(plain[5:7], 16) + round(self.softness / SOFTNESS_STEP)
        return f"{plain[:5]}{blue:02x}{_LASSO_OPACITY if self.shape == 'lasso' else plain[7:]}"

    @property
    def line_width(self) -> float:
        """Width of the line on the canvas, in its pixels."""
        return self.size if self.shape == "brush" else _LINE


def strokes_on_box(objects: Sequence[Mapping[str, Any]], *, canvas: Extent, box: Box) -> tuple[Stroke, ...]:
    """Read the strokes among the objects of a canvas.

    Parameters
    ----------
    objects
        As the canvas sent them, moved, scaled and turned as they may be.
    canvas
        The canvas's size in its own pixels.
    box
        The part of the photo that lies stretched behind it.

    Returns
    -------
    tuple of Stroke
        In pixels of the photo, in the order in which they were drawn. Objects in other colours are no strokes.
    """
    strokes: list[Stroke] = []
    for item in objects:
        pen = _pen_of(item)
        if pen is None:
            continue
        path = {**_as_path(item), "stroke": COLOURS[pen.mode]}
        for stroke in strokes_of_drawing({"objects": [path]}, canvas=canvas, photo=box.extent):
            points = tuple((round(x + box.left, 1), round(y + box.top, 1)) for x, y in stroke.points)
            if pen.shape != "brush" and len(points) < 3:
                continue  # a click with the lasso goes around nothing
            strokes.append(replace(stroke, points=points, softness=pen.softness, shape=_shape(pen, item)))
    return tuple(strokes)


def box_drawn(item: Mapping[str, Any], *, canvas: Extent, box: Box) -> Box | None:
    """The part of the photo under a rectangle on the canvas, cut at what is shown; None where it is hardly one."""
    if str(item.get("type")).lower() != "rect":
        return None
    points = np.array(list(_corners(item))) * (box.extent.width / canvas.width, box.extent.height / canvas.height)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    left, right = max(0, round(left)), min(box.extent.width, round(right))
    top, bottom = max(0, round(top)), min(box.extent.height, round(bottom))
    if right - left < 8 or bottom - top < 8:
        return None
    return Box(left=box.left + left, top=box.top + top, right=box.left + right, bottom=box.top + bottom)


def point_drawn(item: Mapping[str, Any], *, canvas: Extent, box: Box) -> tuple[float, float] | None:
    """The (x, y) in pixels of the photo that was clicked on; None where the object is no point."""
    if str(item.get("type")).lower() != "circle":
        return None
    x, y = _middle(item, outline=item.get("strokeWidth", 0))
    return box.left + x * box.extent.width / canvas.width, box.top + y * box.extent.height / canvas.height


def prompt_drawn(item: Mapping[str, Any], *, canvas: Extent, box: Box) -> Points | None:
    """Where a rectangle on the canvas points at an object, in pixels of the photo; None where the object is none.

    Two corners, or, where nothing was dragged, the one (x, y) that was clicked on.
    """
    if str(item.get("type")).lower() != "rect":
        return None
    scale = np.array([box.extent.width / canvas.width, box.extent.height / canvas.height])
    corners = np.array(list(_corners(item)))
    low, high = corners.min(axis=0), corners.max(axis=0)
    ends = [low] if (high - low).max() <= _CLICK else [low, high]
    return tuple(
        (round(float(x), 1), round(float(y), 1)) for x, y in (end * scale + (box.left, box.top) for end in ends)
    )


def _pen_of(item: Mapping[str, Any]) -> Pen | None:
    named = _COLOUR.fullmatch(str(item.get("stroke")))
    if named is None:
        return None
    for mode, plain in COLOURS.items():
        steps = int(named[2], 16) - int(plain[5:7], 16)
        if named[1] == plain[1:5] and 0 <= steps * SOFTNESS_STEP <= 1:
            shape: Shape = "lasso" if named[3] == _LASSO_OPACITY else "brush"
            shape = "rectangle" if str(item.get("type")).lower() == "rect" else shape
            return Pen(mode=mode, shape=shape, softness=round(steps * SOFTNESS_STEP, 2))
    return None


def _shape(pen: Pen, item: Mapping[str, Any]) -> Shape:
    """A rectangle that was turned stands upright no longer: it is an area with four corners."""
    return "lasso" if pen.shape == "rectangle" and item.get("angle", 0) % 90 else pen.shape


def _as_path(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rectangle as the path along its corners, with its transform carried out."""
    if str(item.get("type")).lower() != "rect":
        return item
    corners = list(_corners(item))
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return {
        "type": "Path",
        "path": [["M", *corners[0]], *(["L", *corner] for corner in corners[1:])],
        "strokeWidth": item.get("strokeWidth", _LINE),
        "left": (min(xs) + max(xs)) / 2,
        "top": (min(ys) + max(ys)) / 2,
    }


def _corners(item: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Corners of a rectangle on the canvas."""
    half, middle = _half(item), _middle(item)
    turn = _turn(item)
    for signs in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = middle + turn @ (np.array(signs) * half)
        yield float(x), float(y)


def _middle(item: Mapping[str, Any], *, outline: float = 0) -> np.ndarray:
    """Fabric.js 7 keeps an object's middle, or, as drawn, a corner or the middle of a side, its outline included."""
    origin = (item.get("originX", "center"), item.get("originY", "center"))
    from_origin = np.array([{"left": 1.0, "top": 1.0, "right": -1.0, "bottom": -1.0}.get(name, 0.0) for name in origin])
    return np.array([item["left"], item["top"]]) + _turn(item) @ (from_origin * (_half(item) + outline / 2))


def _half(item: Mapping[str, Any]) -> np.ndarray:
    return np.array([item["width"] * item.get("scaleX", 1), item["height"] * item.get("scaleY", 1)]) / 2


def _turn(item: Mapping[str, Any]) -> np.ndarray:
    angle = math.radians(item.get("angle", 0))
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
