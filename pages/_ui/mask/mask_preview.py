"""Masks at the size in which they are looked at: what the mask page computes while somebody paints."""

import math
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from bgen_core.extent import Box, Extent
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.decoding.image_io import Photo
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.masks import apply_edit, edit_again, keep_chosen_regions
from bgen_core.subject.regions import scaled_box
from bgen_core.subject.segmentation import Segmentation, default_segmenter, reduced, working_picture
from pages._ui.mask.mask_base import full_base, quality_in_use
from pages._ui.subject.subject_draft import Draft, photo_of

_SEGMENTED_SIDE = 1024  # what the segmenter works at, so that the mask on the page is the one that is saved
_SHOWN_SIDE = 768  # a little above the largest canvas: each stroke is painted, coloured and sent at this size
_LAST = "edited_mask"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A photo and its unedited masks, at 768 px at most. Shared between visitors: never write to its arrays.

    Attributes
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1]: found automatically.
    given
        The same that came with the photo, or None.
    found
        Where the automatic mask comes from, and how far it can be believed; in pixels of the photo.
    """

    photo: Extent
    image: np.ndarray
    alpha: np.ndarray
    given: np.ndarray | None
    found: Segmentation


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A part of the photo with its masks, at 768 px at most.

    Attributes
    ----------
    box
        Which part.
    image
        uint8, HWC, RGB.
    before, alpha
        float32, HW, in [0, 1]: what the edit starts from, and what it makes of that.
    """

    box: Box
    image: np.ndarray
    before: np.ndarray
    alpha: np.ndarray


def preview_of(draft: Draft) -> Preview:
    """The draft's preview, computed once per photo and mask."""
    return _preview(draft.key, draft.mask_key, quality_in_use(draft), draft.edit.way, draft)


def edited_alpha(preview: Preview, draft: Draft) -> np.ndarray:
    """The draft's alpha at the preview's size."""
    return apply_edit(_base(preview, draft), draft.edit.scaled(Extent.of(preview.image).width / preview.photo.width))


def detail_of(draft: Draft, preview: Preview, box: Box) -> Detail:
    """A part of the photo as the draft has it; exactly what is saved where it is not reduced."""
    if box.extent == preview.photo:
        before = _base(preview, draft)
        edit = draft.edit.scaled(Extent.of(before).width / preview.photo.width)
        return Detail(box=box, image=preview.image, before=before, alpha=_edited(before, edit))
    around = box.grown(_reach(draft.edit), within=preview.photo)
    kept = draft.edit.kept_regions
    found_by = quality_in_use(draft), draft.edit.way
    image, base = _crop(draft.key, draft.mask_key, draft.base, found_by, kept, around, draft)
    scale = Extent.of(base).width / around.extent.width
    # A crop does not show the regions whole
    here = replace(draft.edit, kept_regions=None).moved(-around.left, -around.top)
    alpha = _edited(base, here.scaled(scale))
    left, top = round((box.left - around.left) * scale), round((box.top - around.top) * scale)
    width, height = max(1, round(box.extent.width * scale)), max(1, round(box.extent.height * scale))
    inside = Box(left=left, top=top, right=left + width, bottom=top + height).slices
    return Detail(box=box, image=image[inside], before=base[inside], alpha=alpha[inside])


def _reach(edit: MaskEdit) -> int:
    """Pixels of the photo from which grow and feather bring something into a crop."""
    return math.ceil(abs(edit.grow) + 4 * edit.feather) + 2


def _edited(base: np.ndarray, edit: MaskEdit) -> np.ndarray:
    """The edit applied; one more stroke costs one stroke."""
    mask = edit_again(base, edit, st.session_state.get(_LAST))
    st.session_state[_LAST] = mask
    return mask.alpha


def _base(preview: Preview, draft: Draft) -> np.ndarray:
    return preview.given if draft.base == "given" and preview.given is not None else preview.alpha


@st.cache_resource(max_entries=16, show_spinner=False)
def _preview(key: str, mask_key: str, quality: str, way: int, _draft: Draft) -> Preview:
    photo: Photo = photo_of(_draft)
    image = working_picture(photo.image, _SEGMENTED_SIDE)
    alpha, found = cut_out(image, "standard" if quality == "fine" else quality, segmenter=default_segmenter(way))
    box = None if found.box is None else scaled_box(found.box, found.extent, photo.extent)
    found = replace(found, extent=photo.extent, box=box)
    extent = photo.extent.scaled_to_longest_side(_SHOWN_SIDE)
    if quality == "fine":
        alpha = full_base(replace(_draft, base="auto"), quality)
    image, alpha = reduced(image, extent), reduced(alpha, extent)
    given = None if photo.alpha is None else reduced(photo.alpha, extent)
    return Preview(photo=photo.extent, image=image, alpha=alpha, given=given, found=found)


@st.cache_resource(max_entries=16, show_spinner=False)
def _crop(
    key: str,
    mask_key: str,
    base: str,
    found_by: tuple[str, int],
    kept: tuple[tuple[float, float], ...] | None,
    box: Box,
    _draft: Draft,
) -> tuple[np.ndarray, np.ndarray]:
    photo = photo_of(_draft)
    extent = box.extent.scaled_to_longest_side(_SHOWN_SIDE)
    alpha = full_base(_draft, found_by[0])
    if kept is not None:
        alpha = keep_chosen_regions(alpha, kept)
    return reduced(photo.image[box.slices], extent), reduced(alpha[box.slices], extent)
