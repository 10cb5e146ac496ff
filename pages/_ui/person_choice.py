"""Several persons in a photo: which of them to keep, by the numbers that the canvas shows on them."""

from dataclasses import replace

import numpy as np
import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.previews import numbered
from bgen_core.subject.regions import Regions
from pages._ui.mask_drawing import settle
from pages._ui.mask_preview import Detail, Preview
from pages._ui.subject_draft import Draft, change


def person_choice(draft: Draft, preview: Preview) -> None:
    """Draw the numbers to choose from, where there is more than one region."""
    regions = preview.found.regions
    if draft.base == "given" or len(regions.items) < 2:
        return
    key = f"mask_kept_{draft.token}"
    # Set each time: undo changes it as well
    st.session_state[key] = sorted(_kept(draft, regions))
    st.pills(
        "Keep", [region.number for region in regions.items], selection_mode="multi", key=key, on_change=_choose,
        args=(key, regions), help="The numbers are those on the picture. People who touch count as one.",
    )  # fmt: skip


def with_numbers(picture: np.ndarray, draft: Draft, preview: Preview, detail: Detail) -> np.ndarray:
    """The picture (uint8, HWC) of a part of the photo with the regions' numbers on it, where there are several."""
    regions = preview.found.regions
    if draft.base == "given" or len(regions.items) < 2:
        return picture
    scale, kept = Extent.of(picture).width / detail.box.extent.width, _kept(draft, regions)
    places = [
        (region.number, ((region.centre[0] - detail.box.left) * scale, (region.centre[1] - detail.box.top) * scale))
        for region in regions.items
    ]
    return numbered(picture, [(number, place, number in kept) for number, place in places])


def _kept(draft: Draft, regions: Regions) -> frozenset[int]:
    kept = draft.edit.kept_regions
    return frozenset(region.number for region in regions.items) if kept is None else regions.numbers_at(kept)


def _choose(key: str, regions: Regions) -> None:
    chosen = set(st.session_state[key])
    kept = tuple(region.centre for region in regions.items if region.number in chosen)
    draft = settle()
    change(draft, replace(draft.edit, kept_regions=None if len(kept) == len(regions.items) else kept))
