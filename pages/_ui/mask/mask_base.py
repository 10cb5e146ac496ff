"""What an edit starts from, at the photo's full size: the automatic mask, or the one that came with the photo."""

import threading
from dataclasses import replace

import numpy as np
import streamlit as st

from bgen_core.subject.cutout import cut_out
from bgen_core.subject.edit import QUALITIES
from bgen_core.subject.fine import FINE_COST, refine_fine
from bgen_core.subject.segmentation import default_segmenter
from pages._ui.mask.fine_edge import fine_edges, watch_fine_edge
from pages._ui.subject.subject_draft import Draft, change, complain_text, draft_in_hand, photo_of

STANDARD = "standard"


def quality_in_use(draft: Draft) -> str:
    """The draft's quality; "standard" as long as a fine edge is not there."""
    if draft.quality == "fine" and fine_edges().look(draft.key) is None:
        return STANDARD
    return draft.quality


def full_base(draft: Draft, quality: str) -> np.ndarray:
    """float32, HW, in [0, 1], at the photo's size. Shared between visitors: never write to it."""
    alpha = photo_of(draft).alpha if draft.base == "given" else None
    if alpha is not None:
        return alpha
    if quality == "fine" and (fine := fine_edges().wait(draft.key)) is not None:
        return fine
    return _automatic(draft.key, STANDARD if quality == "fine" else quality, draft.edit.way, draft)


def with_quality(draft: Draft) -> Draft:
    """The draft with the quality that is chosen, whose control may be drawn later; begins what that needs."""
    key = _quality_key(draft)
    st.session_state.setdefault(key, draft.quality)
    if problem := fine_edges().problem(draft.key):
        complain_text(problem)
        st.session_state[key] = STANDARD
    draft = change(draft, replace(draft.edit, quality=st.session_state[key] or STANDARD))
    if draft.quality == "fine":
        fine_edges().start(draft.key, lambda cancelled: _fine(draft, cancelled))
    return draft


def quality_choice(draft: Draft) -> None:
    """Draw the choice of a quality; strokes stay whatever it is."""
    st.segmented_control(
        "Edge", QUALITIES, default=draft.quality, key=_quality_key(draft), required=True, format_func=str.capitalize,
        help="Fast: the network's own soft mask. Standard: it follows the photo's edges. "
        f"Fine: for hair and fur. {FINE_COST}",
    )  # fmt: skip


def show_progress(draft: Draft) -> None:
    """Say how far the fine edge is, where it is under way."""
    if draft.quality == "fine" and fine_edges().seconds(draft.key) is not None:
        watch_fine_edge(draft.key, _cancel)


def _quality_key(draft: Draft) -> str:
    return f"mask_quality_{draft.token}"


def _cancel() -> None:
    draft = draft_in_hand()
    fine_edges().forget(draft.key)
    st.session_state.pop(_quality_key(draft), None)  # drawn anew with the draft's value
    change(draft, replace(draft.edit, quality=STANDARD))


def _fine(draft: Draft, cancelled: threading.Event) -> np.ndarray:
    return refine_fine(
        photo_of(draft).image, _automatic(draft.key, STANDARD, draft.edit.way, draft), cancelled=cancelled
    )


@st.cache_resource(max_entries=3, show_spinner=False)
def _automatic(key: str, quality: str, way: int, _draft: Draft) -> np.ndarray:
    return cut_out(photo_of(_draft).image, quality, segmenter=default_segmenter(way))[0]
