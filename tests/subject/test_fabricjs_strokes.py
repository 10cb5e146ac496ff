import math

import numpy as np
import pytest

from bgen_core.extent import Extent
from bgen_core.subject.edit import Stroke
from bgen_core.subject.fabricjs_strokes import COLOURS, strokes_of_drawing

CANVAS, PHOTO = Extent(width=600, height=450), Extent(width=4000, height=3000)
SCALE = 4000 / 600

# As the canvas sent it: a stroke of three mouse moves with a brush of 20, recorded in Chromium.
RECORDED = {
    "type": "Path",
    "originX": "center",
    "originY": "center",
    "left": 125,
    "top": 84.4063,
    "width": 150.04,
    "height": 70.04,
    "stroke": COLOURS["add"],
    "strokeWidth": 20,
    "scaleX": 1,
    "scaleY": 1,
    "angle": 0,
    "flipX": False,
    "flipY": False,
    "skewX": 0,
    "skewY": 0,
    "path": [
        ["M", 49.98, 49.38625],
        ["Q", 50, 49.40625, 62.5, 50.90625],
        ["Q", 75, 52.40625, 87.5, 53.40625],
        ["Q", 100, 54.40625, 112.5, 55.90625],
        ["Q", 125, 57.40625, 137.5, 58.40625],
        ["Q", 150, 59.40625, 156, 66.90625],
        ["Q", 162, 74.40625, 168.5, 81.90625],
        ["Q", 175, 89.40625, 187.5, 104.40625],
        ["L", 200.02, 119.42625],
    ],
}


def read(*objects: dict) -> tuple[Stroke, ...]:
    return strokes_of_drawing({"objects": list(objects)}, canvas=CANVAS, photo=PHOTO)


def line(**changes: object) -> dict:
    """A stroke from (100, 100) to (200, 100), with a transform."""
    plain = {"type": "Path", "left": 150, "top": 100, "stroke": COLOURS["erase"], "strokeWidth": 10}
    return plain | {"path": [["M", 100, 100], ["L", 200, 100]]} | changes


def test_a_recorded_stroke() -> None:
    (stroke,) = read(RECORDED)
    assert stroke.mode == "add"
    assert stroke.size == pytest.approx(20 * SCALE, abs=0.01)
    assert stroke.points[0] == pytest.approx((49.98 * SCALE, 49.386 * SCALE), abs=0.1)
    assert stroke.points[-1] == pytest.approx((200.02 * SCALE, 119.426 * SCALE), abs=0.1)
    steps = np.hypot(*np.diff(np.array(stroke.points), axis=0).T)
    assert steps[:-1].max() < 6 * SCALE  # curves; the last piece is one straight line
    assert all(round(x, 1) == x and round(y, 1) == y for x, y in stroke.points)


def test_a_click_is_one_stroke() -> None:
    (stroke,) = read(line(left=300, top=199.4063, path=[["M", 299.98, 199.40625], ["L", 300.02, 199.40625]]))
    assert stroke.points[0] == pytest.approx((2000, 1329.4), abs=0.3)


@pytest.mark.parametrize(
    ("changes", "ends", "size"),
    [
        ({}, ((100, 100), (200, 100)), 10),
        ({"left": 250, "top": 130}, ((200, 130), (300, 130)), 10),
        ({"angle": 90}, ((150, 50), (150, 150)), 10),
        ({"scaleX": 2, "scaleY": 2}, ((50, 100), (250, 100)), 20),
        ({"scaleX": 4, "scaleY": 1}, ((-50, 100), (350, 100)), 20),
        ({"flipX": True}, ((200, 100), (100, 100)), 10),
        ({"angle": 90, "scaleX": 2, "scaleY": 2}, ((150, 0), (150, 200)), 20),
        ({"skewY": 45}, ((100, 50), (200, 150)), 10),
    ],
)
def test_objects_that_were_moved(changes: dict, ends: tuple, size: float) -> None:
    (stroke,) = read(line(**changes))
    np.testing.assert_allclose(np.array([stroke.points[0], stroke.points[-1]]), np.array(ends) * SCALE, atol=0.1)
    assert stroke.size == pytest.approx(size * SCALE, abs=0.01)


def test_order_and_colours() -> None:
    modes = [stroke.mode for stroke in read(line(), RECORDED, line(stroke="#123456"), line())]
    assert modes == ["erase", "add", "erase"]


@pytest.mark.parametrize("drawing", [None, {}, {"objects": []}, {"objects": [line(path=[])]}, {"objects": [{}]}])
def test_nothing_drawn(drawing: dict | None) -> None:
    assert strokes_of_drawing(drawing, canvas=CANVAS, photo=PHOTO) == ()


def test_the_two_axes_have_their_own_scale() -> None:
    canvas, photo = Extent(width=600, height=24), Extent(width=8000, height=64)
    (stroke,) = strokes_of_drawing({"objects": [line()]}, canvas=canvas, photo=photo)
    assert stroke.points[-1] == pytest.approx((200 * 8000 / 600, 100 * 64 / 24), abs=0.1)
    assert stroke.size == pytest.approx(10 * math.sqrt(8000 / 600 * 64 / 24), abs=0.01)
