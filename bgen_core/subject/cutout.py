"""Photo -> alpha: segmentation, the regions that belong to it, and edges that follow the photo's."""

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.matting import refine_edges
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import Segmentation, Segmenter, default_segmenter, enlarged
from bgen_core.subject.subject import Subject

# fast: the network's own soft mask, enlarged. standard: with edges that follow the photo's.
QUALITIES = ("fast", "standard")

_KEPT_COMPONENT = 0.05  # of the largest region's area: a smaller region is a stray


def cut_out(
    image: np.ndarray, quality: str = "standard", *, segmenter: Segmenter | None = None
) -> tuple[np.ndarray, Segmentation]:
    """Cut the person out of a photo.

    Parameters
    ----------
    image
        uint8, HWC, RGB, upright.
    quality
        One of `QUALITIES`.
    segmenter
        Finds the person; the process's own selfie segmenter if none is given.

    Returns
    -------
    alpha
        float32, HW, in [0, 1], at the photo's size; 1 = keep.
    segmentation
        What was found and how far it can be believed. Also where no person was found there is an alpha: of what the
        networks took for one, or empty.
    """
    if quality not in QUALITIES:
        raise UserInputError(f"The quality {quality!r} is not known: allowed are {' and '.join(QUALITIES)}.")
    segmentation = (segmenter or default_segmenter()).segment(image)
    if segmentation.box is None:
        return np.zeros(image.shape[:2], np.float32), segmentation
    coarse = keep_main_regions(segmentation.working_confidence)
    if quality == "fast":
        return enlarged(coarse, Extent.of(image)), segmentation
    return refine_edges(image, coarse), segmentation


def keep_main_regions(confidence: np.ndarray) -> np.ndarray:
    """Remove strays: regions (above 0.1) whose sure part (above 0.5) is below 5 % of the largest one's.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1].
    """
    count, labels = cv2.connectedComponents((confidence > 0.1).astype(np.uint8))
    if count <= 2:  # the background and one region
        return confidence
    sure = np.bincount(labels[confidence > 0.5], minlength=count)
    sure[0] = 0
    kept = sure >= _KEPT_COMPONENT * sure.max()
    kept[0] = False
    return np.where(kept[labels], confidence, np.float32(0))


def cut_out_subject(name: str, image: np.ndarray) -> Subject:
    """A photo with the person that segmentation finds, as a subject."""
    alpha, _ = cut_out(image)
    return Subject(name=name, image=image, alpha=alpha)
