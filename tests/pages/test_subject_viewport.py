import pytest

from bgen_core.extent import Box, Extent
from pages._ui.mask.canvas_look import viewport_told
from pages._ui.mask.viewport import ZOOMS, Viewport, viewport_around

PHOTOS = (Extent(width=4000, height=3000), Extent(width=333, height=517), Extent(width=40, height=900))


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_the_box_lies_in_the_photo(photo: Extent, zoom: int, place: float) -> None:
    box = Viewport(zoom=zoom, across=place, down=1 - place).box(photo)
    assert 0 <= box.left < box.right <= photo.width
    assert 0 <= box.top < box.bottom <= photo.height
    assert box.extent.width >= photo.width / zoom - 0.5
    assert (zoom > 1) or box.extent == photo


@pytest.mark.parametrize("photo", PHOTOS[:2])
def test_a_box_that_was_drawn_is_seen_whole_and_in_the_middle(photo: Extent) -> None:
    drawn = Box(
        left=photo.width // 2, top=photo.height // 3, right=photo.width * 5 // 8, bottom=photo.height * 4 // 9
    )  # fmt: skip
    seen = viewport_around(drawn, photo).box(photo)
    assert seen.extent.width < photo.width / 2
    assert (seen.left, seen.top) <= (drawn.left, drawn.top)
    assert (seen.right, seen.bottom) >= (drawn.right, drawn.bottom)
    assert abs((seen.left + seen.right) - (drawn.left + drawn.right)) <= 2
    assert abs((seen.top + seen.bottom) - (drawn.top + drawn.bottom)) <= 2


def test_a_box_in_the_corner_stays_in_the_photo() -> None:
    photo = PHOTOS[0]
    assert viewport_around(Box(left=0, top=0, right=200, bottom=200), photo).box(photo).left == 0


def test_arrows_go_by_half_a_box_and_stop_at_the_frame() -> None:
    photo, viewport = PHOTOS[0], Viewport(zoom=4, across=0.0, down=0.0)
    assert viewport.moved(1, 0).box(photo).left == 500
    assert viewport.moved(-1, 0) == viewport
    steps = viewport
    for _ in range(7):
        steps = steps.moved(0, 1)
    assert steps.box(photo).bottom == photo.height
    assert Viewport().moved(1, 1) == Viewport()


@pytest.mark.parametrize("photo", PHOTOS[:2])
def test_the_wheel_keeps_what_is_under_the_pointer(photo: Extent) -> None:
    near = Viewport(zoom=2, across=0.4, down=0.7)
    told = {"steps": 2, "x": 0.3, "y": 0.6}
    closer = viewport_told(told, near, photo)
    assert closer is not None
    before, after = near.box(photo), closer.box(photo)
    assert closer.zoom == 8
    for share, start, length in ((0.3, "left", "width"), (0.6, "top", "height")):
        places = [getattr(box, start) + share * getattr(box.extent, length) for box in (before, after)]
        assert places[0] == pytest.approx(places[1], abs=1)
    assert viewport_told({"steps": -9, "x": 0.5, "y": 0.5}, closer, photo) == Viewport()


def test_a_drag_moves_by_what_it_says() -> None:
    photo, viewport = PHOTOS[0], Viewport(zoom=4)
    dragged = viewport_told({"right": 0.25, "down": -0.1}, viewport, photo)
    assert dragged is not None
    before, after = viewport.box(photo), dragged.box(photo)
    assert (after.left - before.left, after.top - before.top) == (250, -75)


@pytest.mark.parametrize(
    "told", [None, "in", {"steps": 1}, {"right": float("nan"), "down": 0}, {"steps": "1", "x": 0, "y": 0}]
)
def test_what_no_canvas_tells_moves_nothing(told: object) -> None:
    assert viewport_told(told, Viewport(), PHOTOS[0]) is None  # pyright: ignore[reportArgumentType]
