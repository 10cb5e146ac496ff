"""Brush strokes <-> the drawing of a Fabric.js 7 canvas, which is how the mask page's brush speaks.

A drawing is {"objects": [{"type": "Path", "path": [["M", x, y], ["Q", x1, y1, x, y], …, ["L", x, y]], "stroke": colour,
"strokeWidth": …, "left", "top", "scaleX", "scaleY", "angle", …}]} in canvas pixels. Objects that were moved, scaled or
turned keep their path and change their transform only. Every object keeps its colour, which tells Add from Erase.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.edit import Mode, Stroke

COLOURS: Mapping[Mode, str] = {"add": "#30a46c59", "erase": "#e5484d59"}
_MODES: Mapping[Any, Mode] = {colour: mode for mode, colour in COLOURS.items()}

_SEGMENT = 4.0  # canvas pixels: curves become lines of about this length
_DIGITS = 1  # of a coordinate in pixels of the photo


def strokes_of_drawing(drawing: Mapping[str, Any] | None, *, canvas: Extent, photo: Extent) -> tuple[Stroke, ...]:
    """Read the strokes of a drawing.

    Parameters
    ----------
    drawing
        What the canvas sent; None before it has sent anything.
    canvas
        The canvas's size in its own pixels.
    photo
        Size of the photo that lies stretched behind it.

    Returns
    -------
    tuple of Stroke
        In pixels of the photo, in the order in which they were drawn. Objects in other colours are no strokes.
    """
    scale = np.array([photo.width / canvas.width, photo.height / canvas.height])
    strokes: list[Stroke] = []
    for item in (drawing or {}).get("objects", []):
        mode = _MODES.get(item.get("stroke"))
        if mode is None or str(item.get("type")).lower() != "path":
            continue
        line = np.array(list(_flattened(item["path"])))
        if len(line) == 0:
            continue
        matrix, shift = _transform(item, line)
        points = np.round((line @ matrix.T + shift) * scale, _DIGITS)
        width = item["strokeWidth"] * math.sqrt(abs(np.linalg.det(matrix))) * math.sqrt(scale[0] * scale[1])
        if width > 0 and np.isfinite(points).all():
            strokes.append(Stroke(mode=mode, size=round(float(width), 2), points=_without_repeats(points)))
    return tuple(strokes)


def _flattened(path: Sequence[Sequence[Any]]) -> Iterator[tuple[float, float]]:
    """Points along a path of moves, lines and quadratic curves."""
    x, y = 0.0, 0.0
    for command, *numbers in path:
        if command in ("M", "L"):
            x, y = numbers
            yield x, y
        elif command == "Q":
            control_x, control_y, end_x, end_y = numbers
            length = math.hypot(control_x - x, control_y - y) + math.hypot(end_x - control_x, end_y - control_y)
            steps = max(1, math.ceil(length / _SEGMENT))
            for step in range(1, steps + 1):
                t = step / steps
                yield (
                    (1 - t) ** 2 * x + 2 * t * (1 - t) * control_x + t * t * end_x,
                    (1 - t) ** 2 * y + 2 * t * (1 - t) * control_y + t * t * end_y,
                )
            x, y = end_x, end_y


def _transform(item: Mapping[str, Any], line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The object's transform as a 2 × 2 matrix and a shift: canvas point = matrix · path point + shift."""
    angle = math.radians(item.get("angle", 0))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    stretch = np.diag(
        [
            item.get("scaleX", 1) * (-1 if item.get("flipX") else 1),
            item.get("scaleY", 1) * (-1 if item.get("flipY") else 1),
        ]
    )
    skew_x = np.array([[1, math.tan(math.radians(item.get("skewX", 0)))], [0, 1]])
    skew_y = np.array([[1, 0], [math.tan(math.radians(item.get("skewY", 0))), 1]])
    matrix = turn @ stretch @ skew_x @ skew_y
    if np.array_equal(matrix, np.eye(2)):
        # Drawn and perhaps moved: the path's own middle, computed from flattened curves, would cost precision.
        moved = np.array([item["left"], item["top"]]) - _middle(line)
        return matrix, np.where(np.abs(moved) < 1, 0, moved)
    return matrix, np.array([item["left"], item["top"]]) - matrix @ _middle(line)


def _middle(line: np.ndarray) -> np.ndarray:
    return (line.min(axis=0) + line.max(axis=0)) / 2


def _without_repeats(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    kept: list[tuple[float, float]] = []
    for x, y in points.tolist():
        if not kept or kept[-1] != (x, y):
            kept.append((x, y))
    return tuple(kept)
