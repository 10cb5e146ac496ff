"""The numbers drawn for a seed of -1: the same ones while the page is redrawn, and others for the next sweep."""

import streamlit as st

from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.sweep.random_seeds import draw_seeds

_DRAWN = "drawn_seeds"  # what was typed, and what it became
_USED_BY = "drawn_seeds_used_by"


def seeds_drawn(text: str) -> str:
    """An axis of seeds with a number in the place of each -1."""
    if st.session_state.get(_DRAWN, ("", ""))[0] != text:
        st.session_state[_DRAWN] = (text, draw_seeds(text))
    return st.session_state[_DRAWN][1]


def note_seeds_used(sweep_id: SweepId) -> None:
    """Keep the numbers for a sweep that begins with them."""
    st.session_state[_USED_BY] = sweep_id


def draw_anew_after(sweep: SweepRecord) -> None:
    """Draw others where this sweep has used the numbers and is over: the next Run shall make other pictures."""
    if not sweep.is_active and st.session_state.get(_USED_BY) == sweep.id:
        st.session_state.pop(_DRAWN, None)
