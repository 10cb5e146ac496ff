"""What shapes the mask as a whole: threshold, grow and feather. Known before they are drawn, below the canvas."""

from dataclasses import replace

import streamlit as st

from bgen_core.subject.edit import THRESHOLD_RANGE, MaskEdit
from pages._ui.mask.mask_preview import Preview
from pages._ui.subject.subject_draft import Draft

_PARTS = ("threshold", "grow", "feather")
_CHOSEN = ("quality",)  # set along, drawn elsewhere


def set_sliders(draft: Draft) -> None:
    """Let the sliders show the draft's edit; for callbacks, which run before the sliders are drawn."""
    for part in (*_PARTS, *_CHOSEN):
        st.session_state[_key(draft, part)] = getattr(draft.edit, part)


def slider_values(draft: Draft) -> MaskEdit:
    """The draft's edit with the sliders' values, which may be drawn later."""
    for part in _PARTS:
        st.session_state.setdefault(_key(draft, part), getattr(draft.edit, part))
    return replace(draft.edit, **{part: st.session_state[_key(draft, part)] for part in _PARTS})


def mask_sliders(draft: Draft, preview: Preview) -> None:
    """Draw the sliders."""
    side = preview.photo.shortest_side
    reach = float(max(8, round(side * 0.02), abs(draft.edit.grow)))
    softness = float(max(4, round(side * 0.01), draft.edit.feather))
    step = 0.5 if side < 1500 else 1.0
    first, second, third = st.columns(3)
    # With what they begin with: a browser that misses the run which set them would send back what they were made with
    first.slider(
        "Threshold", *THRESHOLD_RANGE, draft.edit.threshold, step=0.02, key=_key(draft, "threshold"),
        help="Where the edge lies between background (0) and subject (1). Lower keeps more of what was unsure.",
    )  # fmt: skip
    second.slider(
        "Grow", -reach, reach, float(draft.edit.grow), step=step, format="%g px", key=_key(draft, "grow"),
        help="In pixels of the photo. Below 0 the mask shrinks.",
    )  # fmt: skip
    third.slider(
        "Feather", 0.0, softness, float(draft.edit.feather), step=step, format="%g px", key=_key(draft, "feather"),
        help="Softens the edge: sigma of a Gaussian, in pixels of the photo.",
    )  # fmt: skip


def _key(draft: Draft, part: str) -> str:
    return f"mask_{part}_{draft.token}"
