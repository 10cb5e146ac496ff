import numpy as np
import pytest

from bgen_core.metrics import MetricInput, compute_metrics
from bgen_core.metrics.expansion import measure_expansion
from bgen_core.subject.pasting.compositing import composite
from bgen_core.subject.segmentation import Segmentation
from tests.made_up import made_up_run
from tests.metrics.scenes import disc, measure, noise, plain

# Taller than two strips of 256 rows, so that no strip's border is left out.
HEIGHT, WIDTH = 600, 90
PHOTO = noise(HEIGHT, WIDTH, low=60, high=200)


def test_a_composited_picture_keeps_its_core() -> None:
    alpha = disc(HEIGHT, WIDTH, 40, softness=6)
    picture = composite(PHOTO, alpha, noise(30, 40, seed=1))
    assert measure("core_changed", photo=PHOTO, alpha=alpha, picture=picture) == 0


@pytest.mark.parametrize("rows", [(0,), (255, 256), (511, 512, 599)])
def test_every_changed_core_pixel_is_counted_once(rows: tuple[int, ...]) -> None:
    alpha = np.ones((HEIGHT, WIDTH), np.float32)
    picture = PHOTO.copy()
    for row in rows:
        picture[row, 7] += 1  # all channels: still one pixel
        picture[row, 8, 2] += 1
    assert measure("core_changed", photo=PHOTO, alpha=alpha, picture=picture) == 2 * len(rows)


def test_only_the_core_counts() -> None:
    alpha = np.full((HEIGHT, WIDTH), 254 / 255, np.float32)
    alpha[:10] = 0
    alpha[300] = 1
    assert measure("core_changed", photo=PHOTO, alpha=alpha, picture=255 - PHOTO) == WIDTH


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (255, 0, 90)])
def test_a_true_mix_is_no_change_of_the_edge(background: tuple[int, int, int]) -> None:
    """The subject is plain, so that its colours in the edge are known: the mix is computed in double precision."""
    alpha = disc(HEIGHT, WIDTH, 40, softness=9)
    share = alpha[..., None].astype(float)
    subject = plain(HEIGHT, WIDTH, (120, 80, 200))
    mixed = np.rint(share * subject + (1 - share) * np.array(background)).astype(np.uint8)
    photo = np.rint(share * subject + (1 - share) * np.array((30, 200, 10))).astype(np.uint8)
    # Two pictures rounded to whole levels can differ by one more than what they are mixed from
    assert measure("edge_change", photo=photo, alpha=alpha, picture=mixed) <= 1


def test_the_edge_change_is_what_no_background_explains() -> None:
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[100, 10], alpha[400, 20] = 204 / 255, 51 / 255
    photo = plain(HEIGHT, WIDTH, (100, 100, 100))
    picture = photo.copy()
    picture[100, 10] = (100, 190, 100)  # 90 levels, of which 51 may be background
    picture[400, 20] = (250, 100, 100)  # 150 levels, of which 204 may be
    picture[0] = 255  # not in the band
    assert measure("edge_change", photo=photo, alpha=alpha, picture=picture) == 39


def test_a_hard_mask_has_no_edge_to_change() -> None:
    assert measure("edge_change", photo=PHOTO, alpha=disc(HEIGHT, WIDTH, 30), picture=255 - PHOTO) == 0


class Finds:
    """A segmenter that always finds the same."""

    def __init__(self, confidence: np.ndarray, agreement: float) -> None:
        self.confidence, self.agreement = confidence, agreement

    def segment(self, image: np.ndarray) -> Segmentation:
        from bgen_core.extent import Box, Extent

        return Segmentation(
            extent=Extent.of(image),
            working_confidence=self.confidence,
            agreement=self.agreement,
            unsure_share=0.0,
            box=Box(left=0, top=0, right=image.shape[1], bottom=image.shape[0]),
            persons=1,
        )


@pytest.mark.parametrize(
    ("agreement", "note"), [(0.99, ""), (0.5, "It is not sure that the raw picture shows a person.")]
)
def test_expansion_is_a_share_in_percent(agreement: float, note: str) -> None:
    alpha, raw = disc(64, 96, 15), noise(64, 96)
    segmenter = Finds(disc(64, 96, 25), agreement)
    inputs = MetricInput(record=made_up_run(), alpha=alpha, raw_image=raw, segmenter=segmenter)
    of_image, of_subject = compute_metrics(inputs, names=["expansion", "expansion_of_subject"])
    measured = measure_expansion(raw, alpha, segmenter=segmenter)
    assert of_image.value == pytest.approx(100 * measured.image_share)
    assert of_subject.value == pytest.approx(100 * measured.subject_share)
    assert 0 < of_image.value < of_subject.value
    assert (of_image.reason, of_subject.reason) == (note, note)


def test_expansion_without_a_subject_says_why() -> None:
    reason = measure("expansion", alpha=np.zeros((20, 20), np.float32), raw_image=noise(20, 20))
    assert isinstance(reason, str)
    assert "keeps nothing" in reason
