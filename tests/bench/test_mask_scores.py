import numpy as np
import pytest
from scipy import ndimage

from bgen_core.bench.mask_scores import MaskScores, score_mask


def square(left: int, top: int, side: int, size: int = 200) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


def boundary_f_by_definition(found: np.ndarray, true: np.ndarray, tolerance: float) -> float:
    """Each outline pixel looks for the nearest of the other outline, one by one."""
    outlines = [mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), border_value=1) for mask in (found, true)]
    points = [np.argwhere(outline) for outline in outlines]
    shares = []
    for one, other in (points, points[::-1]):
        nearest = np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2)).min(axis=1)
        shares.append((nearest <= tolerance).mean())
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


@pytest.mark.parametrize("shift", [0, 1, 2, 5, 40, 100])
def test_equals_the_definitions(shift: int) -> None:
    truth, found = square(30, 50, 80), square(30 + shift, 50, 80)
    scores = score_mask(found, truth)
    overlap = 80 * max(0, 80 - shift)
    assert scores.iou == pytest.approx(overlap / (2 * 80 * 80 - overlap))
    assert scores.mae == pytest.approx(np.abs(found - truth).mean())
    expected = boundary_f_by_definition(found > 0.5, truth > 0.5, 0.005 * np.hypot(200, 200))
    assert scores.boundary_f == pytest.approx(expected)


def test_the_edge_band_is_what_it_says() -> None:
    """Everything within 1 % of the diagonal of the true outline: 2.8 pixels here."""
    truth = square(60, 60, 80)
    far, near = truth.copy(), truth.copy()
    far[80:120, 80:120] = 0
    near[60:140, 58:60] = 1
    outline = (truth > 0) & ~ndimage.binary_erosion(truth > 0, np.ones((3, 3)))
    band = ndimage.distance_transform_edt(~outline) <= 0.01 * np.hypot(200, 200)
    assert score_mask(far, truth).edge_error == 0
    assert score_mask(near, truth).edge_error == pytest.approx(2 * 80 / band.sum())


def test_soft_truth_counts_wherever_it_is_soft() -> None:
    truth = square(60, 60, 80)
    truth[10:20, 10:20] = 0.3
    assert score_mask(square(60, 60, 80), truth).edge_error > 0
    assert score_mask(truth, truth) == MaskScores(iou=1, boundary_f=1, mae=0, edge_error=0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_masks_without_an_outline(value: float) -> None:
    truth = np.full((50, 60), value, np.float32)
    assert score_mask(truth, truth) == MaskScores(iou=1, boundary_f=1, mae=0, edge_error=0)
    assert score_mask(square(10, 10, 20, 60)[:50], truth).boundary_f == 0
