"""Several persons in a photo: which of them to keep, by a click on the canvas or by the numbers that it shows."""

from dataclasses import replace

import numpy as np
import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.previews import numbered
from bgen_core.subject.regions import Regions
from pages._ui.mask.mask_drawing import settle
from pages._ui.mask.mask_preview import Detail, Preview
from pages._ui.subject.subject_draft import Draft, change, keep


def several_persons(draft: Draft, preview: Preview) -> bool:
    """Whether there is anybody to choose."""
    return draft.base == "auto" and len(preview.found.regions.items) > 1


def person_choice(draft: Draft, preview: Preview) -> None:
    """Draw the numbers to choose from, where there is more than one region."""
    if not several_persons(draft, preview):
        return
    regions = preview.found.regions
    key = f"mask_kept_{draft.token}"
    # Set each time: undo and clicks on the canvas change it as well
    st.session_state[key] = sorted(regions.kept_by(draft.edit.kept_regions))
    st.pills(
        "Keep", [region.number for region in regions.items], selection_mode="multi", key=key, on_change=_choose,
        args=(key, regions), help="The numbers are those on the picture. People who touch count as one.",
    )  # fmt: skip


def with_numbers(picture: np.ndarray, draft: Draft, preview: Preview, detail: Detail) -> np.ndarray:
    """The picture (uint8, HWC) of a part of the photo with the regions' numbers on it, where there are several."""
    if not several_persons(draft, preview):
        return picture
    regions = preview.found.regions
    scale, kept = Extent.of(picture).width / detail.box.extent.width, regions.kept_by(draft.edit.kept_regions)
    places = [
        (region.number, ((region.centre[0] - detail.box.left) * scale, (region.centre[1] - detail.box.top) * scale))
        for region in regions.items
    ]
    return numbered(picture, [(number, place, number in kept) for number, place in places])


def _choose(key: str, regions: Regions) -> None:
    draft = settle()
    kept = regions.points_of(st.session_state[key])
    keep(change(draft, replace(draft.edit, kept_regions=kept)).settled)
