import numpy as np
import pytest
from skimage.color import deltaE_cie76, rgb2gray, rgb2lab
from skimage.filters import sobel

from bgen_core.metrics import reduced_for_seed_mates, seed_key
from bgen_core.records.run import RunRecord
from tests.made_up import made_up_run
from tests.metrics.scenes import disc, measure, noise, plain

HEIGHT, WIDTH = 96, 128


def test_detail_is_the_sobel_magnitude_of_scikit_image_over_the_background() -> None:
    picture, alpha = noise(HEIGHT, WIDTH), disc(HEIGHT, WIDTH, 25)
    grey = 255 * rgb2gray(picture)
    # Its kernel is [1 2 1] / 4 by [1 0 -1]: the difference over two pixels
    magnitude = np.hypot(*(sobel(grey, axis=axis, mode="nearest") / 2 for axis in (0, 1)))
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    away = np.stack(
        [alpha[np.clip(ys + y, 0, HEIGHT - 1), np.clip(xs + x, 0, WIDTH - 1)] for y in (-1, 0, 1) for x in (-1, 0, 1)]
    )
    expected = magnitude[away.max(axis=0) == 0].mean()
    assert measure("detail", picture=picture, alpha=alpha) == pytest.approx(expected, rel=1e-5)  # float32


def test_a_ramp_of_three_levels_per_pixel_has_a_detail_of_three() -> None:
    ramp = np.arange(0, 3 * 60, 3, dtype=np.uint8)
    picture = np.broadcast_to(ramp[None, :, None], (40, 60, 3)).copy()
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, :3] = alpha[:, -3:] = 1  # the ends, where the continued frame halves the gradient
    assert measure("detail", picture=picture, alpha=alpha) == pytest.approx(3, rel=1e-5)


def test_the_subject_has_no_part_in_the_background() -> None:
    alpha = disc(HEIGHT, WIDTH, 25, softness=4)
    calm = plain(HEIGHT, WIDTH, (80, 80, 80))
    picture = np.where(alpha[..., None] > 0, noise(HEIGHT, WIDTH), calm)
    assert measure("detail", picture=picture, alpha=alpha) == pytest.approx(0, abs=1e-4)
    assert measure("colourfulness", picture=picture, alpha=alpha) == 0


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        # rg = R − G, yb = (R + G) / 2 − B; by hand from the paper's equation
        ((90, 90, 90), (10, 10, 10), 0.0),
        ((255, 0, 0), (255, 0, 0), 0.3 * np.hypot(255, 127.5)),
        ((255, 0, 0), (0, 0, 255), np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, -63.75)),
        ((255, 0, 0), (0, 255, 0), 255 + 0.3 * 127.5),
    ],
)
def test_colourfulness_is_the_papers_equation(
    left: tuple[int, int, int], right: tuple[int, int, int], expected: float
) -> None:
    picture = plain(HEIGHT, WIDTH, left)
    picture[:, WIDTH // 2 :] = right
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    assert measure("colourfulness", picture=picture, alpha=alpha) == pytest.approx(expected)


def test_the_difference_to_seed_mates_is_that_of_scikit_image() -> None:
    alpha = disc(HEIGHT, WIDTH, 25, softness=9)
    own, mates = noise(HEIGHT, WIDTH), [noise(HEIGHT, WIDTH, seed=seed, low=50) for seed in (1, 2)]
    expected = np.mean(
        [np.average(deltaE_cie76(rgb2lab(own), rgb2lab(mate)), weights=1.0 - alpha) for mate in mates]
    )  # fmt: skip
    measured = measure("seed_difference", picture=own, alpha=alpha, seed_mates=mates)
    assert measured == pytest.approx(expected, rel=1e-3)  # OpenCV's table for sRGB's curve


def test_seed_mates_may_be_thumbnails_of_any_size() -> None:
    """1000 × 667 becomes 128 × 85 at once, and 128 × 86 by way of 256 × 171."""
    alpha = np.zeros((667, 1000), np.float32)
    own = plain(667, 1000, (120, 30, 60))
    thumbnail = plain(171, 256, (120, 30, 60))
    assert reduced_for_seed_mates(own).shape[0] != reduced_for_seed_mates(thumbnail).shape[0]
    mates = [thumbnail, reduced_for_seed_mates(thumbnail), own]
    assert measure("seed_difference", picture=own, alpha=alpha, seed_mates=mates) == pytest.approx(0, abs=1e-3)


def test_without_seed_mates_it_says_so() -> None:
    alpha = np.zeros((8, 8), np.float32)
    reason = measure("seed_difference", picture=noise(8, 8), alpha=alpha)
    assert reason == "No other run differs from it in nothing but the seed."


@pytest.mark.parametrize("name", ["detail", "colourfulness", "seed_difference"])
def test_without_a_background_there_is_nothing_to_measure(name: str) -> None:
    picture = noise(20, 30)
    reason = measure(name, picture=picture, alpha=np.ones((20, 30), np.float32), seed_mates=[picture])
    assert reason == "The mask leaves no background to measure."


@pytest.mark.parametrize(
    ("other", "mates"),
    [
        (made_up_run(2), True),
        (made_up_run(2, owner="somebody else", seconds={"denoise": 9.0}, subject_name="Grace"), True),
        (made_up_run(2, params={"guidance_scale": 8}), False),
        (made_up_run(2, params={"prompt": "a forest"}), False),
        (made_up_run(2, params={"edge_softness": 1}), False),
        (made_up_run(2, subject_id="b" * 64), False),
        (made_up_run(2, model_revision="f" * 40), False),
        (made_up_run(2, dtype="float16"), False),
        (made_up_run(2, versions={"torch": "3.0"}), False),
    ],
)
def test_seed_mates_differ_in_the_seed_alone(other: RunRecord, mates: bool) -> None:
    assert (seed_key(made_up_run(1)) == seed_key(other)) is mates
