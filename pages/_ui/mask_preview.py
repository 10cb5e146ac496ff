"""Masks at the size in which they are looked at: what the mask page computes while somebody paints."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.image_io import Photo
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.segmentation import Segmentation, reduced
from pages._ui.subject_draft import Draft, photo_of

# What the segmenter works at, so that the mask on the page is the one that is saved.
_LONGEST_SIDE = 1024


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A photo and its unedited masks, at 1024 px at most. Shared between visitors: never write to its arrays.

    Attributes
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1]: found automatically.
    given
        The same that came with the photo, or None.
    found
        How far the automatic mask can be believed.
    """

    photo: Extent
    image: np.ndarray
    alpha: np.ndarray
    given: np.ndarray | None
    found: Segmentation


def preview_of(draft: Draft) -> Preview:
    """The draft's preview, computed once per photo."""
    return _preview(draft.key, draft)


def edited_alpha(preview: Preview, draft: Draft) -> np.ndarray:
    """The draft's alpha at the preview's size."""
    base = preview.given if draft.base == "given" and preview.given is not None else preview.alpha
    return apply_edit(base, draft.edit.scaled(Extent.of(preview.image).width / preview.photo.width))


@st.cache_resource(max_entries=16, show_spinner=False)
def _preview(key: str, _draft: Draft) -> Preview:
    photo: Photo = photo_of(_draft)
    extent = photo.extent.scaled_to_longest_side(_LONGEST_SIDE)
    image = reduced(photo.image, extent)
    alpha, found = cut_out(image)
    given = None if photo.alpha is None else reduced(photo.alpha, extent)
    return Preview(photo=photo.extent, image=image, alpha=alpha, given=given, found=found)
