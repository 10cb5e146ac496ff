"""Photo -> alpha: segmentation, the regions that belong to it, and edges that follow the photo's."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.edit import QUALITIES as QUALITIES
from bgen_core.subject.fine import refine_fine
from bgen_core.subject.matting import EdgeGuide, refine_edges
from bgen_core.subject.segmentation import Segmentation, Segmenter, default_segmenter, enlarged
from bgen_core.subject.subject import Subject
from bgen_core.wording import quoted


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

    Raises
    ------
    UserInputError
        The quality is not known, or "fine" failed or took too long.
    """
    if quality not in QUALITIES:
        raise UserInputError(f"The quality {quoted(quality)} is not known: allowed are {', '.join(QUALITIES)}.")
    segmenter = segmenter or default_segmenter()
    with ThreadPoolExecutor(1, thread_name_prefix="edges") as beside:
        guide = beside.submit(EdgeGuide, image) if quality != "fast" else None  # needs no mask yet
        segmentation = segmenter.segment(image)
        if segmentation.box is None:
            return np.zeros(image.shape[:2], np.float32), segmentation
        if guide is None:
            return enlarged(segmentation.kept_confidence, Extent.of(image)), segmentation
        alpha = refine_edges(image, segmentation.kept_confidence, guide.result())
    return refine_fine(image, alpha) if quality == "fine" else alpha, segmentation


def cut_out_subject(name: str, image: np.ndarray) -> Subject:
    """A photo with the person that segmentation finds, as a subject."""
    alpha, _ = cut_out(image)
    return Subject(name=name, image=image, alpha=alpha)
