"""Where an automatic mask is in doubt and nobody has decided yet: what the mask page shows hatched."""

from dataclasses import replace

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.brush import paint
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.regions import keep_regions, scaled_box
from bgen_core.subject.segmentation import Segmentation, reduced


def undecided(found: Segmentation, edit: MaskEdit, box: Box, extent: Extent) -> np.ndarray:
    """What is unsure over more than an edge's width, belongs to a person who is kept, and is not painted over.

    Parameters
    ----------
    found
        The automatic mask.
    edit
        What was done to it, in pixels of the photo.
    box
        A part of the photo.
    extent
        Size at which it is shown.

    Returns
    -------
    numpy.ndarray
        bool, HW, of this extent.
    """
    unsure = found.unsure.astype(np.float32)
    if edit.kept_regions is not None:
        unsure = keep_regions(unsure, found.regions, found.regions.numbers_at(edit.kept_regions))
    part = unsure[scaled_box(box, found.extent, Extent.of(unsure)).slices]
    if not part.any():
        return np.zeros((extent.height, extent.width), bool)
    doubtful = reduced(part, extent) > 0.5
    covering = MaskEdit(strokes=tuple(replace(stroke, mode="add") for stroke in edit.strokes))
    here = covering.moved(-box.left, -box.top).scaled(extent.width / box.extent.width)
    return doubtful & (paint(np.zeros(doubtful.shape, np.float32), here.strokes) < 0.5)
