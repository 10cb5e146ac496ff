"""How close a mask is to a true one: the four figures of the cut-out benchmark."""

from dataclasses import dataclass

import numpy as np

from bgen_core.subject.native import cv2

BOUNDARY_TOLERANCE = 0.005  # of the diagonal
EDGE_BAND = 0.01  # of the diagonal, on both sides of the true outline


@dataclass(frozen=True, kw_only=True)
class MaskScores:
    """A mask against the true one.

    Attributes
    ----------
    iou
        Intersection over union of the pixels above one half, in [0, 1]. Higher is better.
    boundary_f
        Harmonic mean of the shares of either outline that lie within 0.5 % of the diagonal of the other, in [0, 1]
        (Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation", CVPR 2016;
        there 0.8 %). Higher is better.
    mae
        Mean absolute error over the photo, in [0, 1]. Lower is better.
    edge_error
        The same over the edge band: within 1 % of the diagonal of the true outline, and wherever the true mask is
        soft. Lower is better.
    """

    iou: float
    boundary_f: float
    mae: float
    edge_error: float


def score_mask(alpha: np.ndarray, truth: np.ndarray) -> MaskScores:
    """Compare a mask with the true one.

    Parameters
    ----------
    alpha, truth
        float32, HW, in [0, 1], of the same size.
    """
    found, true = alpha > 0.5, truth > 0.5
    union = np.count_nonzero(found | true)
    diagonal = float(np.hypot(*truth.shape))
    from_found, from_true = _distances(_outline(found)), _distances(_outline(true))
    error = np.abs(alpha - truth)
    band = (from_true <= EDGE_BAND * diagonal) | ((truth > 0) & (truth < 1))
    return MaskScores(
        iou=float(np.count_nonzero(found & true) / union) if union else 1.0,
        boundary_f=_boundary_f(from_found, from_true, BOUNDARY_TOLERANCE * diagonal),
        mae=float(error.mean()),
        edge_error=float(error[band].mean()) if band.any() else 0.0,
    )


def _outline(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask (bool, HW) that have a neighbour outside of it; the picture's frame is no outline."""
    filled = mask.astype(np.uint8)
    return (filled - cv2.erode(filled, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)) > 0


def _distances(outline: np.ndarray) -> np.ndarray:
    """Distance of every pixel to an outline, in pixels; infinite where there is none."""
    if not outline.any():
        return np.full(outline.shape, np.inf)
    return cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _boundary_f(from_found: np.ndarray, from_true: np.ndarray, tolerance: float) -> float:
    found, true = from_found == 0, from_true == 0
    if not found.any() or not true.any():
        return float(found.any() == true.any())
    precision, recall = float((from_true[found] <= tolerance).mean()), float((from_found[true] <= tolerance).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
