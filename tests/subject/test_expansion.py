import cv2
import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.metrics.expansion import measure_expansion
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.segmentation import Segmentation


class Says:
    """A segmenter that gives a fixed mask, in front of a flat picture whose edges follow it."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask = mask

    def segment(self, image: np.ndarray) -> Segmentation:
        extent = Extent.of(image)
        return Segmentation(
            extent=extent,
            working_confidence=self.mask.astype(np.float32),
            agreement=0.95 if self.mask.any() else 0.0,
            unsure_share=0.1,
            box=Box(left=0, top=0, right=extent.width, bottom=extent.height) if self.mask.any() else None,
            persons=int(self.mask.any()),
        )


def rectangle(left: int, top: int, right: int, bottom: int, side: int = 200) -> np.ndarray:
    mask = np.zeros((side, side), np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def picture_of(mask: np.ndarray) -> np.ndarray:
    """Two colours that meet where the mask has its edge, so that edge refinement leaves it where it is."""
    return np.where(mask[..., None] > 0, (200, 90, 60), (40, 90, 160)).astype(np.uint8)


KEPT = rectangle(60, 60, 140, 160)


@pytest.mark.parametrize(
    ("painted", "grown"),
    [
        (KEPT, 0),
        (rectangle(60, 60, 160, 160), 20 * 100),
        (rectangle(70, 70, 130, 150), 0),  # smaller: no growth
        (rectangle(90, 60, 170, 160), 30 * 100),  # moved: the signed difference would be 0
        (rectangle(0, 0, 0, 0), 0),  # nothing found
    ],
)
def test_equals_the_definition(painted: np.ndarray, grown: int) -> None:
    """area(out ∪ in) − area(in), counted by hand; edge refinement may move each edge by half a pixel at the corners."""
    result = measure_expansion(picture_of(painted), KEPT, segmenter=Says(painted))
    union = int(((painted > 0) | (KEPT > 0)).sum()) - int(KEPT.sum())
    assert union == grown
    assert result.image_share * 200 * 200 == pytest.approx(grown, abs=60)
    assert result.subject_share == pytest.approx(result.image_share * 200 * 200 / KEPT.sum())
    assert result.person_found == bool(painted.any())


@pytest.mark.parametrize("side", [256, 512])
def test_an_unchanged_picture_has_none(side: int, astronaut: np.ndarray) -> None:
    alpha, _ = cut_out(astronaut)
    raw = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
    result = measure_expansion(raw, alpha)
    assert result.subject_share < 0.005
    assert result.person_found


def test_a_grown_person_is_seen(astronaut: np.ndarray) -> None:
    """The astronaut, painted again 20 % larger about her middle at the lower frame."""
    alpha, _ = cut_out(astronaut)
    matrix = np.array([[1.2, 0, -0.2 * 220], [0, 1.2, -0.2 * 512]])
    raw = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    larger = cv2.warpAffine(alpha, matrix, (512, 512))
    truth = ((larger > 0.5) & ~(alpha > 0.5)).sum() / (alpha > 0.5).sum()
    result = measure_expansion(raw, alpha)
    assert truth > 0.1
    assert result.subject_share > 0.1
    assert result.subject_share == pytest.approx(truth, rel=0.25)  # of 29 %; part of her helmet is not seen


def test_an_empty_alpha_is_refused() -> None:
    with pytest.raises(UserInputError, match="keeps nothing at 200 × 200 pixels"):
        measure_expansion(picture_of(KEPT), np.zeros((50, 50), np.float32), segmenter=Says(KEPT))
