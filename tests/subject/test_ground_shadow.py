"""The shadow on the ground: where it falls, how it fades, where there is none, and that it stays off the subject."""

import numpy as np
import pytest

from bgen_core.subject.pasting.compositing import CompositeOptions, composite
from bgen_core.subject.pasting.ground_shadow import ground_shadow
from bgen_core.subject.pasting.lighting import brighter_side

HEIGHT, WIDTH = 300, 400
MIDDLE, FEET = 200, 260


def figure(*, down: int = 0) -> np.ndarray:
    """A body on two legs in the picture's middle."""
    y, x = np.indices((HEIGHT, WIDTH))
    y = y - down
    body = (np.abs(x - MIDDLE) < 30) & (y >= 70) & (y < 190)
    legs = (np.abs(np.abs(x - MIDDLE) - 18) < 11) & (y >= 185) & (y < FEET)
    return (body | legs).astype(np.float32)


def wall(slope: float) -> np.ndarray:
    """Brighter to the right where the slope is above 0."""
    light = 150 + slope * 90 * (np.arange(WIDTH) - MIDDLE) / MIDDLE
    return np.repeat(np.broadcast_to(light, (HEIGHT, WIDTH))[..., None], 3, axis=2).astype(np.uint8)


def shadow_at_photo_size(alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """What is missing of a grey background, in parts of it."""
    photo = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    plain = composite(photo, alpha, behind).astype(float)
    dark = composite(photo, alpha, behind, options=CompositeOptions(ground_shadow=1.0))
    return 1 - (dark / plain)[..., 0]


@pytest.mark.parametrize("slope", [-0.9, -0.5, 0.5, 0.9])
def test_it_falls_away_from_the_brighter_side(slope: float) -> None:
    assert np.sign(brighter_side(figure(), wall(slope))) == np.sign(slope)
    fallen = shadow_at_photo_size(figure(), wall(slope))
    left, right = fallen[:, :150].sum(), fallen[:, 250:].sum()
    assert (left > 2 * right) if slope > 0 else (right > 2 * left)


def test_without_a_brighter_side_it_falls_to_neither() -> None:
    even = wall(0)
    assert abs(brighter_side(figure(), even)) < 1e-6
    fallen = shadow_at_photo_size(figure(), even)
    # The middle lies between two pixels of the figure's own columns: a column more on one side
    assert fallen[:, :200].sum() == pytest.approx(fallen[:, 200:].sum(), rel=0.1)
    turned = ground_shadow(figure()[:, ::-1], wall(0.7)[:, ::-1])
    assert np.abs(turned[:, ::-1] - ground_shadow(figure(), wall(0.7))).max() < 0.02


def test_it_is_darkest_where_the_feet_touch_and_softer_further_away() -> None:
    fallen = shadow_at_photo_size(figure(), wall(-0.9))
    touch = fallen[FEET - 3 : FEET + 8, 170:231].max()
    assert touch > 0.35
    assert touch == fallen.max()
    near = np.abs(np.diff(fallen[FEET - 2 : FEET + 25, 218])).max()
    far = np.abs(np.diff(fallen[200:FEET, 290])).max()
    assert far < near / 3
    assert fallen[:60].max() < 0.01, "nothing of it above the subject"


@pytest.mark.parametrize("down", [40, 80, 150])
def test_where_the_lower_frame_cuts_the_subject_there_is_none(down: int) -> None:
    assert not ground_shadow(figure(down=down), wall(0.7)).any()
    photo = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    options = CompositeOptions(ground_shadow=1.0)
    assert np.array_equal(
        composite(photo, figure(down=down), wall(0.7), options=options), composite(photo, figure(down=down), wall(0.7))
    )


def test_it_never_lies_on_the_subject_and_nothing_has_none() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    made = composite(photo, figure(), wall(0.9), options=CompositeOptions(ground_shadow=1.0, shadow=1.0))
    assert np.array_equal(made[figure() == 1], photo[figure() == 1])
    assert not ground_shadow(np.zeros((HEIGHT, WIDTH), np.float32), wall(0.9)).any()


def test_strength_is_a_way_between_and_both_shadows_go_together() -> None:
    photo = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    sums = [
        int(composite(photo, figure(), wall(0.5), options=CompositeOptions(**each)).sum())
        for each in (
            {},
            {"ground_shadow": 0.4},
            {"ground_shadow": 1.0},
            {"ground_shadow": 1.0, "shadow": 0.5},
        )
    ]
    assert sums == sorted(sums, reverse=True)
    assert len(set(sums)) == 4
