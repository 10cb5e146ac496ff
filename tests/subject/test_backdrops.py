"""Backgrounds without a diffusion model: colours, a fitted picture, the photo out of focus, and the subject alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.backgrounds.colour_text import Gradient, read_gradient
from bgen_core.subject.pasting.backdrops import blurred_photo, colour_backdrop, fitted_picture
from bgen_core.subject.pasting.compositing import CompositeOptions, composite
from bgen_core.subject.pasting.cut_out import cut_out
from tests.made_up import picture

EXTENT = Extent(width=96, height=64)
THREE = Gradient(colours=((0, 0, 0), (255, 100, 0), (10, 20, 30)))


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("white", ((255, 255, 255),)),
        ("  Sky Blue ", ((135, 206, 235),)),
        ("#abc", ((170, 187, 204),)),
        ("rgb(1, 2, 3) TO black", ((1, 2, 3), (0, 0, 0))),
        ("red to tomato to #00000f", ((255, 0, 0), (255, 99, 71), (0, 0, 15))),
    ],
)
def test_colours_are_read_as_people_write_them(text: str, colours: tuple) -> None:
    assert read_gradient(text) == Gradient(colours=colours)
    assert read_gradient(read_gradient(text).text) == Gradient(colours=colours)


@pytest.mark.parametrize("text", ["", "whiteish", "white to", "rgb(300,0,0)", "#12345678", "to", "white, black", "\0"])
def test_what_is_no_colour_is_a_sentence_that_says_what_is(text: str) -> None:
    with pytest.raises(UserInputError, match="background colour"):
        read_gradient(text)


def test_more_colours_than_anybody_means_are_refused() -> None:
    with pytest.raises(UserInputError, match="has 9 colours: at most 8"):
        read_gradient(" to ".join(["red"] * 9))


def test_a_gradient_goes_from_top_to_bottom_and_touches_its_colours() -> None:
    shown = colour_backdrop(THREE, Extent(width=5, height=11))
    assert shown.shape == (11, 5, 3)
    assert (shown == shown[:, :1]).all()
    assert shown[[0, 5, 10], 0].tolist() == [[0, 0, 0], [255, 100, 0], [10, 20, 30]]
    assert shown[1:5, 0, 0].tolist() == [51, 102, 153, 204]
    assert (colour_backdrop(Gradient(colours=((7, 8, 9),), begin="center"), EXTENT) == (7, 8, 9)).all()


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("white to black from top", "#ffffff to #000000"),
        ("white to black FROM Top Left", "#ffffff to #000000 from top-left"),
        ("white to black from  middle", "#ffffff to #000000 from center"),
        ("white from left", "#ffffff"),
        ("from left", None),
        ("white to black from", None),
        ("white to black from here", None),
        ("white from left to black", None),
        ("white to black from left from right", None),
    ],
)
def test_a_gradient_begins_at_an_edge_a_corner_or_the_center(text: str, recorded: str | None) -> None:
    if recorded is None:
        with pytest.raises(UserInputError, match="background colour"):
            read_gradient(text)
    else:
        assert read_gradient(text).text == read_gradient(recorded).text == recorded


@pytest.mark.parametrize(
    ("begin", "turned"),
    [
        ("bottom", lambda shown: shown[::-1]),
        ("left", lambda shown: shown.swapaxes(0, 1)),
        ("right", lambda shown: shown.swapaxes(0, 1)[:, ::-1]),
    ],
)
def test_a_gradient_from_another_edge_is_the_one_from_the_top_turned(begin: str, turned: Any) -> None:
    square = Extent(width=21, height=21)
    shown = colour_backdrop(replace(THREE, begin=begin), square)
    np.testing.assert_array_equal(shown, turned(colour_backdrop(THREE, square)))


@pytest.mark.parametrize("begin", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_a_gradient_from_a_corner_has_its_middle_in_the_two_corners_beside(begin: str) -> None:
    shown = colour_backdrop(replace(THREE, begin=begin), Extent(width=31, height=2001))  # several strips of rows
    down, across = (-1 if "bottom" in begin else 0), (-1 if "right" in begin else 0)
    assert tuple(shown[down, across]) == (0, 0, 0)
    assert tuple(shown[-1 - down, -1 - across]) == (10, 20, 30)
    assert tuple(shown[down, -1 - across]) == tuple(shown[-1 - down, across]) == (255, 100, 0)


def test_a_gradient_from_the_center_ends_in_the_corners() -> None:
    shown = colour_backdrop(replace(THREE, begin="center"), Extent(width=31, height=61))
    assert tuple(shown[30, 15]) == (0, 0, 0)
    assert {tuple(shown[row, column]) for row in (0, -1) for column in (0, -1)} == {(10, 20, 30)}
    np.testing.assert_array_equal(shown, shown[::-1, ::-1])
    assert tuple(shown[30, 0]) == tuple(shown[0, 15])  # an ellipse


@pytest.mark.parametrize("begin", ["top", "left", "top-right", "center"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_a_gradient_of_a_single_row_or_column_is_a_picture(begin: str, size: tuple[int, int]) -> None:
    extent = Extent(width=size[0], height=size[1])
    assert Extent.of(colour_backdrop(replace(THREE, begin=begin), extent)) == extent


def test_a_picture_covers_the_photo_with_its_middle() -> None:
    wide = np.zeros((64, 256, 3), np.uint8)
    wide[:, 80:176] = 200
    assert (fitted_picture(wide, EXTENT) == 200).all(), "the middle, at its own size, and nothing beside it"
    small = picture(1, Extent(width=48, height=32))
    expected = Image.fromarray(small).resize((96, 64), Image.Resampling.LANCZOS)
    assert np.array_equal(fitted_picture(small, EXTENT), np.array(expected)), "of the same aspect nothing is cut"
    assert fitted_picture(picture(2, Extent(width=1, height=500)), EXTENT).shape == (64, 96, 3)


def test_blur_spreads_light_as_scipy_does() -> None:
    photo = picture(3, Extent(width=300, height=200))
    nothing = np.full((200, 300), 255, np.uint8)
    levels = photo / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    spread = gaussian_filter(light, sigma=(6, 6, 0), mode="mirror")
    expected = 255 * np.where(spread <= 0.0031308, spread * 12.92, 1.055 * spread ** (1 / 2.4) - 0.055)
    # Half a step of 4096 of light is at most 1.6 levels in the dark, and a level is rounded by half of one.
    assert np.abs(blurred_photo(photo, nothing, 3.0) - expected).max() <= 2.1


@pytest.mark.parametrize("percent", [1.0, 4.0, 20.0])
def test_nothing_of_the_subject_bleeds_into_the_blur(percent: float) -> None:
    photo = np.full((200, 300, 3), (40, 90, 160), np.uint8)
    behind = np.full((200, 300), 255, np.uint8)
    photo[50:, 100:220] = (255, 20, 20)
    behind[50:, 100:220] = 0
    photo[48:50, 100:220], behind[48:50, 100:220] = (150, 60, 90), 120
    off = np.abs(blurred_photo(photo, behind, percent).astype(int) - (40, 90, 160))
    assert off.max() <= 1, "also where the subject hides everything, further in than the blur reaches"


def test_a_blur_of_nothing_and_a_photo_without_background_are_pictures_too() -> None:
    photo = picture(4, EXTENT)
    assert np.array_equal(blurred_photo(photo, np.full((64, 96), 255, np.uint8), 0), photo)
    assert blurred_photo(photo, np.full((64, 96), 9, np.uint8), 5).shape == photo.shape


def soft_subject() -> tuple[np.ndarray, np.ndarray]:
    alpha = np.zeros((64, 96), np.float32)
    alpha[20:60, 30:70] = 1
    alpha[18:20, 30:70] = np.float32(100 / 255)
    return picture(5, EXTENT), alpha


def test_a_cut_out_has_the_photos_own_pixels_and_nothing_beside_them() -> None:
    photo, alpha = soft_subject()
    made = cut_out(photo, alpha)
    assert np.array_equal(made[alpha == 1][:, :3], photo[alpha == 1])
    assert np.array_equal(made[..., 3], np.rint(alpha * 255))
    assert (made[alpha == 0] == (255, 255, 255, 0)).all(), "nothing of the old background is left in it"


@pytest.mark.parametrize(
    "options", [{}, {"shadow": 0.8}, {"edge_softness": 3.0}, {"edge_softness": 2.0, "shadow": 1.0}], ids=str
)
def test_a_cut_out_on_a_background_is_the_picture_before_that_background(options: dict) -> None:
    photo, alpha = soft_subject()
    behind = picture(6, EXTENT)
    chosen = CompositeOptions(**options)
    made = cut_out(photo, alpha, options=chosen)
    share = made[..., 3:] / 255
    laid = made[..., :3] * share + behind * (1 - share)
    expected = composite(photo, alpha, behind, options=chosen)
    # The alpha is one of 255 steps (half a level), and colours, shadow and result are rounded by half a level each.
    assert np.abs(laid - expected).max() <= 2
