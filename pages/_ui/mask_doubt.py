"""Where the automatic mask is in doubt and nobody has decided yet."""

from dataclasses import replace

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.brush import paint
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.regions import keep_regions, scaled_box
from bgen_core.subject.segmentation import reduced
from pages._ui.mask_preview import Detail, Preview, moved
from pages._ui.subject_draft import Draft


def doubtful(draft: Draft, preview: Preview, detail: Detail) -> np.ndarray:
    """bool, HW, for a part of the photo: unsure over more than an edge's width, and not painted over."""
    extent = Extent.of(detail.alpha)
    nothing = np.zeros((extent.height, extent.width), np.float32)
    if draft.base == "given":
        return nothing > 0
    whole = preview.found.unsure.astype(np.float32)
    if (kept := draft.edit.kept_regions) is not None:
        regions = preview.found.regions
        whole = keep_regions(whole, regions, regions.numbers_at(kept))
    if not whole.any():
        return nothing > 0
    part = whole[scaled_box(detail.box, preview.photo, Extent.of(whole)).slices]
    found = reduced(part, extent) > 0.5
    if draft.edit.strokes and found.any():
        covering = tuple(replace(stroke, mode="add") for stroke in draft.edit.strokes)
        here = moved(MaskEdit(strokes=covering), -detail.box.left, -detail.box.top)
        found &= paint(nothing, here.scaled(extent.width / detail.box.extent.width).strokes) < 0.5
    return found
