"""An object that a visitor points at: found in the whole photo, and what is said about it beside the tools."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.subject.edit import Mode, Points, Stroke
from bgen_core.subject.prompted.choice import prompted_segmenter, without_model
from bgen_core.subject.prompted.found_object import PromptedSegmenter, find_object
from bgen_core.subject.prompted.prompt import Prompt
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.subject.subject_draft import Draft, photo_of

_SAID = "object_said"


def object_stroke(draft: Draft, points: Points, mode: Mode) -> Stroke | None:
    """The object at a click (one point) or in a box (two corners); None where there is none, and then it is said."""
    segmenter, unusable = _segmenter()
    try:
        with st.spinner("Looking for the object"):
            found = find_object(photo_of(draft).image, Prompt(points=points), segmenter, mode=mode)
    except UserInputError as error:
        st.session_state[_SAID] = told(error)
        return None
    st.session_state[_SAID] = " ".join((*unusable, *found.remarks))
    return found.stroke


def said_of_object() -> str:
    """What there is to say about the object that was pointed at last; empty where there is nothing."""
    return st.session_state.get(_SAID, "")


def _segmenter() -> tuple[PromptedSegmenter, tuple[str, ...]]:
    """The deployment's model, or GrabCut with a sentence where that cannot be used."""
    try:
        return prompted_segmenter(resources.settings().prompted_model), ()
    except UserInputError as error:
        return without_model(), (told(error), "GrabCut found this in its place.")
