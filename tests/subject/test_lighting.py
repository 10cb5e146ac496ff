"""The background's light on the subject: what is found in a scene with known light, its limits, and where it is off."""

import numpy as np
import pytest

from bgen_core.extent import Extent
from bgen_core.subject.pasting.compositing import CompositeOptions, composite
from bgen_core.subject.pasting.light_map import fit_light_map, light_for
from bgen_core.subject.pasting.light_scale import levels_of, light_of
from bgen_core.subject.pasting.lighting import MOST_COLOUR, MOST_GAIN, MOST_SLOPE, Light, fit_light, is_black, lit

EXTENT = Extent(width=240, height=180)
BOX = np.s_[60:150, 80:170]  # of the ball, so that u and v run from -1 to 1 in it
# The slope is held back by 2 % of its weight, light is smoothed and mirrored at the frame, and the walls are rough.
SHARE, LEAST = 0.12, 0.012


def bright(light: np.ndarray) -> np.ndarray:
    return np.rint(levels_of(light.astype(np.float32))).astype(np.uint8)


def places() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.indices((EXTENT.height, EXTENT.width)) + 0.5
    return (x - 125) / 45, (y - 105) / 45


def ball() -> np.ndarray:
    u, v = places()
    return (u * u + v * v <= 1).astype(np.float32)


def lamp(mean: float = 0.0, across: float = 0.0, down: float = 0.0, tint: tuple = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Light over the picture, whose logarithm is even."""
    u, v = places()
    return np.exp((mean + across * u + down * v)[..., None] + np.array(tint))


def rendered(light: np.ndarray, seed: int) -> np.ndarray:
    """A rough wall, and a matt ball before it that is lit from above: both in that light."""
    u, v = places()
    wall = 0.25 + 0.1 * np.random.default_rng(seed).uniform(-1, 1, (EXTENT.height, EXTENT.width, 1))
    up = np.sqrt(np.clip(1 - u * u - v * v, 0, 1)) * 0.6 - v * 0.4
    skin = (np.array([0.45, 0.3, 0.22]) * np.clip(0.3 + 0.7 * up, 0.05, 1)[..., None]) * ball()[..., None]
    return bright(np.where(ball()[..., None] > 0, skin, wall) * light)


LAMPS = [
    {},
    {"mean": 0.3},
    {"mean": -0.4},
    {"across": 0.2},
    {"across": -0.25, "mean": -0.3},
    {"down": 0.2},
    {"tint": (0.08, 0.0, -0.09), "mean": -0.2, "across": 0.15, "down": -0.1},
]


@pytest.mark.parametrize("known", LAMPS, ids=str)
def test_known_light_is_found_in_sign_and_size(known: dict) -> None:
    photo, behind = rendered(lamp(), 1), rendered(lamp(**known), 2)
    found = fit_light(photo, ball(), behind)
    assert found is not None
    expected = {"mean": 0.0, "across": 0.0, "down": 0.0, "tint": (0.0, 0.0, 0.0), **known}
    truth = [expected["across"], expected["down"], *(np.array(expected["tint"]) + expected["mean"])]
    for value, true in zip([found.across, found.down, *found.mean], truth, strict=True):
        assert abs(value - true) <= max(LEAST, SHARE * abs(true))


@pytest.mark.parametrize("known", [{"mean": -0.4}, {"across": -0.25, "mean": -0.35}, LAMPS[-1]], ids=str)
def test_the_subject_looks_as_if_it_had_been_rendered_in_that_light(known: dict) -> None:
    photo, behind, truth = rendered(lamp(), 1), rendered(lamp(**known), 2), rendered(lamp(**known), 1)
    inside = ball() > 0
    made = composite(photo, ball(), behind, options=CompositeOptions(light=1.0))
    off = np.abs(made[inside].astype(int) - truth[inside])
    before = np.abs(photo[inside].astype(int) - truth[inside])
    # 12 % of a gain of e^-0.7 at most is 8 % of light, which is 4 % of a level: 5 of the brightest here, 150.
    assert off.max() <= 6
    assert off.mean() < before.mean() / 4


def test_before_its_own_background_nothing_changes() -> None:
    photo = rendered(lamp(across=0.3), 1)
    made = composite(photo, ball(), photo, options=CompositeOptions(light=1.0))
    assert np.array_equal(made, photo)


def test_off_is_the_photo_bit_for_bit_and_strength_is_a_way_between() -> None:
    photo, behind = rendered(lamp(), 1), rendered(lamp(mean=-0.4, across=0.2), 2)
    inside = ball() > 0
    made = [
        composite(photo, ball(), behind, options=CompositeOptions(light=strength))[inside].mean()
        for strength in (0, 0.3, 0.6, 1)
    ]
    plain = composite(photo, ball(), behind)
    assert np.array_equal(composite(photo, ball(), behind, options=CompositeOptions(light=0)), plain)
    assert np.array_equal(plain[inside], photo[inside])
    assert made == sorted(made, reverse=True)
    assert made[0] - made[3] > 15


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 180, 0)], ids=str)
def test_skin_stays_skin_before_any_background(colour: tuple[int, int, int]) -> None:
    photo = rendered(lamp(), 1)
    light = light_for(photo, ball(), np.full_like(photo, colour), 1.0)
    assert light is not None
    gain = light.gain(EXTENT, slice(0, EXTENT.height))
    assert np.isfinite(gain).all()
    assert gain.max() <= np.exp(MOST_GAIN + 2 * MOST_SLOPE + MOST_COLOUR) * 1.001
    assert gain.min() >= np.exp(-MOST_GAIN - 2 * MOST_SLOPE - MOST_COLOUR) * 0.999
    assert (gain.max(axis=2) / gain.min(axis=2)).max() <= np.exp(2 * MOST_COLOUR) * 1.001


def test_a_black_photo_stays_black_and_white_stays_white() -> None:
    black = np.zeros((EXTENT.height, EXTENT.width, 3), np.uint8)
    behind = rendered(lamp(mean=0.5), 2)
    made = composite(black, ball(), behind, options=CompositeOptions(light=1.0))
    assert not made[ball() > 0].any()
    levels = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    for gain in (0.5, 1.6):
        changed = lit(levels, np.full((2, 3), gain, np.float32))
        assert changed[0].tolist() == [0, 0, 0]
        assert (changed[1] == 255).all() == (gain > 1)


@pytest.mark.parametrize("around", [0, 1])
def test_a_subject_with_nothing_around_keeps_its_light(around: int) -> None:
    alpha = np.ones((EXTENT.height, EXTENT.width), np.float32)
    alpha[:around, :6] = 0
    photo, behind = rendered(lamp(), 1), rendered(lamp(mean=-0.4), 2)
    assert fit_light(photo, alpha, behind) is None
    made = composite(photo, alpha, behind, options=CompositeOptions(light=1.0))
    assert np.array_equal(made[alpha == 1], photo[alpha == 1])


def test_left_and_right_are_told_apart() -> None:
    photo, behind = rendered(lamp(), 1), rendered(lamp(across=0.25), 2)
    one, other = fit_light(photo, ball(), behind), fit_light(photo[:, ::-1], ball()[:, ::-1], behind[:, ::-1])
    assert one is not None
    assert other is not None
    assert one.across == pytest.approx(-other.across, abs=1e-6)
    assert one.across > 0


def test_every_level_comes_back_from_its_light() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(np.rint(levels_of(light_of(levels))), levels)
    assert np.array_equal(np.rint(levels_of(light_of(levels.astype(np.float32)))), levels)


def test_the_receipt_says_what_was_done() -> None:
    light = Light(mean=np.log([1.03, 1.0, 0.95]), across=0.1, down=0.0, middle=(0.5, 0.5), half=(0.5, 0.5))
    assert light.receipt == "0.91 to 1.11 times the light, red +3 %, blue -5 %"


def relit(known: dict) -> np.ndarray:
    """What a model paints of the ball before a wall in that light: another wall, and finer detail than it was given."""
    noise = np.random.default_rng(3).uniform(0.9, 1.1, (EXTENT.height, EXTENT.width, 1))
    return rendered(lamp(**known) * np.where(ball()[..., None] > 0, noise, 3), 4)


@pytest.mark.parametrize("known", [LAMPS[2], LAMPS[3], LAMPS[5], LAMPS[6]], ids=str)
def test_of_a_relit_picture_the_light_is_kept_and_no_detail(known: dict) -> None:
    photo, truth = rendered(lamp(), 1), rendered(lamp(**known), 1)
    inside, behind = ball() > 0, np.zeros((8, 8, 3), np.uint8)
    told = fit_light_map(photo, ball(), relit(known))
    made = composite(photo, ball(), behind, options=CompositeOptions(light=1.0), relit=told)
    off = np.abs(made[inside].astype(int) - truth[inside])
    before = np.abs(photo[inside].astype(int) - truth[inside])
    # The blur is 6 % of the picture's longer side, over which the light here changes by a twentieth.
    assert off.mean() < before.mean() / 3
    assert np.array_equal(made[~inside], composite(photo, ball(), behind)[~inside])


def test_a_picture_that_was_not_relit_and_a_strength_of_0_leave_the_photo() -> None:
    photo, behind = rendered(lamp(), 1), rendered(lamp(mean=-0.4), 2)
    plain = composite(photo, ball(), behind)
    for strength, shown in ((1.0, photo), (0.0, np.full_like(photo, 255))):
        told = fit_light_map(photo, ball(), shown)
        made = composite(photo, ball(), behind, options=CompositeOptions(light=strength), relit=told)
        assert np.array_equal(made, plain)
    assert fit_light_map(photo, np.zeros_like(ball()), photo) is None


@pytest.mark.parametrize("colour", [(255, 0, 0), (255, 255, 255), (0, 0, 0), (0, 40, 255)], ids=str)
def test_what_a_model_paints_stays_within_the_limits(colour: tuple[int, int, int]) -> None:
    photo = rendered(lamp(), 1)
    painted = np.full_like(photo, colour)
    painted[:, :125] = 255 - painted[:, :125]
    light = light_for(photo, ball(), photo, 1.0, fit_light_map(photo, ball(), painted))
    assert light is not None
    gain = light.gain(EXTENT, slice(0, EXTENT.height))
    assert np.isfinite(gain).all()
    assert np.abs(np.log(gain)).max() <= (MOST_GAIN + MOST_SLOPE + MOST_COLOUR) * 1.001
    assert (gain.max(axis=2) / gain.min(axis=2)).max() <= np.exp(2 * MOST_COLOUR) * 1.001
    rows, columns = np.nonzero(ball() > 0)
    assert np.allclose(light.gain_at(EXTENT, rows, columns), gain[rows, columns], atol=1e-5)


def test_a_subject_without_light_is_told() -> None:
    photo = rendered(lamp(), 1)
    assert not is_black(photo, ball())
    assert is_black(np.where(ball()[..., None] > 0, 0, photo).astype(np.uint8), ball())
    assert not is_black(np.zeros_like(photo), np.zeros_like(ball()))
