"""From objects on the canvas to strokes on the photo, at any zoom and with every tool."""

import math

import numpy as np
import pytest

from bgen_core.extent import Box, Extent
from bgen_core.subject.brush import paint
from bgen_core.subject.drawn_strokes import Pen, box_drawn, point_drawn, strokes_on_box
from bgen_core.subject.edit import Stroke
from bgen_core.subject.fabricjs_strokes import COLOURS
from pages._ui.mask.viewport import Viewport

CANVAS, PHOTO = Extent(width=600, height=450), Extent(width=4000, height=3000)
WHOLE = Box(left=0, top=0, right=4000, bottom=3000)


def line(pen: Pen, *points: tuple[float, float], **changes: object) -> dict:
    """What the canvas sends for a line along these points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return {
        "type": "Path",
        "stroke": pen.colour,
        "strokeWidth": pen.line_width,
        "left": (min(xs) + max(xs)) / 2,
        "top": (min(ys) + max(ys)) / 2,
        "path": [["M", *points[0]], *(["L", *point] for point in points)],
        **changes,
    }


def rectangle(pen: Pen, **changes: object) -> dict:
    """What the canvas sends for a rectangle from (100, 100) to (200, 150)."""
    drawn = {"type": "Rect", "originX": "left", "originY": "top", "left": 100, "top": 100, "width": 100, "height": 50}
    return drawn | {"stroke": pen.colour, "fill": pen.colour, "strokeWidth": 2} | changes


@pytest.mark.parametrize("zoom", [1, 4, 16])
def test_a_stroke_lands_on_the_pixels_that_were_under_it(zoom: int) -> None:
    box = Viewport(zoom=zoom, across=0.3, down=0.8).box(PHOTO)
    (stroke,) = strokes_on_box([line(Pen(size=12), (60, 45), (300, 225))], canvas=CANVAS, box=box)
    scale, down = box.extent.width / CANVAS.width, box.extent.height / CANVAS.height
    expected = [(box.left + 60 * scale, box.top + 45 * down), (box.left + 300 * scale, box.top + 225 * down)]
    np.testing.assert_allclose(stroke.points, expected, atol=0.1)  # coordinates are kept to a tenth of a pixel
    assert stroke.size == pytest.approx(12 * scale, rel=0.002)  # the box's sides are whole pixels


def test_the_same_pixels_at_zoom_4_as_on_the_whole_photo() -> None:
    # Drawn at zoom 4 with a brush four times as wide, it is the same stroke
    box = Viewport(zoom=4, across=0.4, down=0.6).box(PHOTO)
    across = CANVAS.width / PHOTO.width
    photo_points = [(1500.0, 1600.0), (1700.0, 1750.0), (1900.0, 1500.0)]
    whole = line(Pen(size=10), *[(x * across, y * across) for x, y in photo_points])
    zoomed = line(Pen(size=40), *[((x - box.left) * across * 4, (y - box.top) * across * 4) for x, y in photo_points])
    (one,) = strokes_on_box([whole], canvas=CANVAS, box=WHOLE)
    (other,) = strokes_on_box([zoomed], canvas=CANVAS, box=box)
    empty = np.zeros((PHOTO.height, PHOTO.width), np.float32)
    np.testing.assert_allclose(one.points, other.points, atol=0.1)
    # Coordinates differ by a tenth of a pixel at most, so an edge pixel's coverage does
    np.testing.assert_allclose(paint(empty, (one,)), paint(empty, (other,)), atol=0.2)


@pytest.mark.parametrize("mode", ["add", "erase"])
@pytest.mark.parametrize("softness", [0.0, 0.35, 1.0])
def test_the_pen_comes_back_from_its_colour(mode, softness: float) -> None:
    pen = Pen(mode=mode, softness=softness, shape="brush")
    lasso = Pen(mode=mode, softness=softness, shape="lasso")
    drawn = [line(pen, (1, 1), (9, 9)), line(lasso, (10, 10), (90, 10), (50, 70)), rectangle(pen)]
    strokes = strokes_on_box(drawn, canvas=CANVAS, box=WHOLE)
    assert [stroke.mode for stroke in strokes] == [mode] * 3
    assert [stroke.shape for stroke in strokes] == ["brush", "lasso", "rectangle"]
    assert [stroke.softness for stroke in strokes] == [softness] * 3


def test_a_hard_brush_has_the_plain_colours() -> None:
    assert Pen(mode="add").colour == COLOURS["add"]
    assert Pen(mode="erase").colour == COLOURS["erase"]


@pytest.mark.parametrize(
    ("changes", "corners"),
    [
        ({}, ((100, 100), (200, 150))),
        ({"left": 120, "top": 90}, ((120, 90), (220, 140))),
        ({"scaleX": 2}, ((100, 100), (300, 150))),
        ({"originX": "center", "originY": "center", "left": 150, "top": 125}, ((100, 100), (200, 150))),
        ({"angle": 90}, ((50, 100), (100, 200))),
    ],
)
def test_rectangles_that_were_moved(changes: dict, corners: tuple) -> None:
    (stroke,) = strokes_on_box([rectangle(Pen(), **changes)], canvas=CANVAS, box=WHOLE)
    points = np.array(stroke.points)
    scale = PHOTO.width / CANVAS.width
    np.testing.assert_allclose(points.min(axis=0), np.array(corners[0]) * scale, atol=0.1)
    np.testing.assert_allclose(points.max(axis=0), np.array(corners[1]) * scale, atol=0.1)


def test_a_rectangle_turned_by_45_degrees() -> None:
    (stroke,) = strokes_on_box([rectangle(Pen(), angle=45, height=100)], canvas=CANVAS, box=WHOLE)
    middle = np.array(stroke.points).mean(axis=0) * CANVAS.width / PHOTO.width
    np.testing.assert_allclose(middle, (100, 100 + 50 * math.sqrt(2)), atol=0.1)


def test_a_click_with_the_lasso_is_nothing() -> None:
    assert strokes_on_box([line(Pen(shape="lasso"), (5, 5), (5, 5))], canvas=CANVAS, box=WHOLE) == ()


def test_other_colours_are_no_strokes() -> None:
    other = line(Pen(), (1, 1), (5, 5), stroke="#12345678")
    assert strokes_on_box([other, {}], canvas=CANVAS, box=WHOLE) == ()
    assert isinstance(strokes_on_box([line(Pen(), (1, 1))], canvas=CANVAS, box=WHOLE)[0], Stroke)


def test_a_box_to_look_at_is_cut_at_what_is_shown() -> None:
    shown = Viewport(zoom=4, across=0.0, down=0.0).box(PHOTO)
    seen = box_drawn(rectangle(Pen(), left=-50), canvas=CANVAS, box=shown)
    assert seen == Box(left=0, top=167, right=83, bottom=250)
    assert box_drawn(rectangle(Pen(), width=2, height=2), canvas=CANVAS, box=shown) is None
    assert box_drawn(line(Pen(), (1, 1), (200, 200)), canvas=CANVAS, box=shown) is None


@pytest.mark.parametrize("zoom", [1, 4, 16])
@pytest.mark.parametrize("line_width", [0, 6])
def test_a_click_hits_what_is_under_it(zoom: int, line_width: int) -> None:
    box = Viewport(zoom=zoom, across=0.3, down=0.8).box(PHOTO)
    # As the canvas draws a point at (60, 45): a circle with its left side and its middle row
    circle = {"type": "Circle", "originX": "left", "originY": "center", "radius": 3, "width": 6, "height": 6}
    clicked = circle | {"left": 60 - (3 + line_width / 2), "top": 45, "strokeWidth": line_width}
    point = point_drawn(clicked, canvas=CANVAS, box=box)
    scale = box.extent.width / CANVAS.width, box.extent.height / CANVAS.height
    assert point == pytest.approx((box.left + 60 * scale[0], box.top + 45 * scale[1]))
    assert point_drawn(line(Pen(), (1, 1), (9, 9)), canvas=CANVAS, box=box) is None
