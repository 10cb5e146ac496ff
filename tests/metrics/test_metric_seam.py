import numpy as np
import pytest

from tests.metrics.scenes import disc, measure, noise, plain

HEIGHT, WIDTH = 240, 320


def pasted(subject: np.ndarray, background: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None]
    return np.rint(share * subject + (1 - share) * background).astype(np.uint8)


def seam(picture: np.ndarray, alpha: np.ndarray) -> float:
    value = measure("seam", picture=picture, alpha=alpha)
    assert isinstance(value, float), value
    return value


@pytest.mark.parametrize("low", [0, 100])
def test_a_mask_on_one_texture_leaves_no_seam(low: int) -> None:
    """What the mean of positive parts makes of noise: with some 25 outline pixels in each mean it stays below 0.03."""
    assert seam(noise(HEIGHT, WIDTH, low=low), disc(HEIGHT, WIDTH, 70)) < 0.03


def test_a_plain_picture_has_no_seam() -> None:
    assert seam(plain(HEIGHT, WIDTH, (90, 90, 90)), disc(HEIGHT, WIDTH, 70)) == 0


def test_a_step_between_plain_areas_is_computed_by_hand() -> None:
    """A vertical step of 80 levels: both columns beside it have a Sobel / 8 of 40 per channel, the sides count 1."""
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[:, : WIDTH // 2] = 1
    picture = pasted(plain(HEIGHT, WIDTH, (150, 150, 150)), plain(HEIGHT, WIDTH, (70, 70, 70)), alpha)
    assert seam(picture, alpha) == pytest.approx((40 - 1) / (40 + 1), rel=1e-6)


def test_only_one_channel_counts_as_its_root_mean_square() -> None:
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[:, : WIDTH // 2] = 1
    picture = pasted(plain(HEIGHT, WIDTH, (70, 150, 70)), plain(HEIGHT, WIDTH, (70, 70, 70)), alpha)
    jump = 40 / np.sqrt(3)
    assert seam(picture, alpha) == pytest.approx((jump - 1) / (jump + 1), rel=1e-6)


def test_the_contrast_of_the_picture_does_not_matter() -> None:
    alpha = disc(HEIGHT, WIDTH, 70, softness=3)
    subject, background = noise(HEIGHT, WIDTH, low=40, high=100), noise(HEIGHT, WIDTH, seed=1, low=160, high=220)
    picture = pasted(subject, background, alpha)
    # Halving rounds by at most 0.25 on average of gradients of about 10: a few percent at most
    assert seam(picture // 2, alpha) == pytest.approx(seam(picture, alpha), rel=0.05)


def test_a_softer_edge_and_a_livelier_background_hide_it() -> None:
    subject = noise(HEIGHT, WIDTH, low=60, high=70)
    calm, lively = (noise(HEIGHT, WIDTH, seed=1, low=180 - spread, high=180 + spread) for spread in (5, 60))
    hard, soft = disc(HEIGHT, WIDTH, 70), disc(HEIGHT, WIDTH, 70, softness=8)
    assert seam(pasted(subject, calm, hard), hard) > seam(pasted(subject, calm, soft), soft) + 0.1
    assert seam(pasted(subject, calm, hard), hard) > seam(pasted(subject, lively, hard), hard) + 0.1


def test_the_size_of_the_photo_hardly_matters() -> None:
    """The same scene at 1× and 3× of the working size: reduced by area averages, it is the same scene again."""
    alpha = np.zeros((1024, 512), np.float32)
    alpha[:, :256] = 1
    picture = pasted(plain(1024, 512, (150, 60, 90)), plain(1024, 512, (70, 90, 200)), alpha)
    large, large_alpha = (array.repeat(3, axis=0).repeat(3, axis=1) for array in (picture, alpha))
    assert seam(large, large_alpha) == pytest.approx(seam(picture, alpha), rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_a_mask_without_an_edge_says_so(value: float) -> None:
    reason = measure("seam", picture=noise(50, 50), alpha=np.full((50, 50), value, np.float32))
    assert reason == "The mask has no edge with subject on one side and background on the other."
