"""The controls of what the canvas shows: how large, and which part."""

from dataclasses import replace

import streamlit as st

from bgen_core.extent import Extent
from pages._ui.mask.mask_drawing import settle
from pages._ui.mask.viewport import ZOOMS, Viewport, current_viewport, look_at

_ARROWS = (
    ("left", ":material/arrow_back:", -1, 0),
    ("right", ":material/arrow_forward:", 1, 0),
    ("up", ":material/arrow_upward:", 0, -1),
    ("down", ":material/arrow_downward:", 0, 1),
)


def zoom_bar(photo: Extent) -> None:
    """Draw the zoom, and arrows where there is something beyond the frame."""
    viewport = current_viewport()
    # Set each time: a box drawn with the zoom tool changes it as well
    st.session_state["zoom_level"] = viewport.zoom
    st.segmented_control(
        "Zoom level", ZOOMS, key="zoom_level", required=True, format_func=lambda zoom: f"{zoom}×", on_change=_zoom,
        label_visibility="collapsed",
        help="How large the photo is shown, for work on details. Ctrl with the wheel does that too, and once it is "
        "zoomed the wheel alone. The middle button drags it, or the left one with the space bar held.",
    )  # fmt: skip
    if viewport.zoom > 1:
        for name, icon, columns, rows in _ARROWS:
            st.button(
                "", icon=icon, key=f"zoom_{name}", help=f"Further {name}", type="tertiary",
                on_click=_go, args=(viewport.moved(columns, rows),), disabled=viewport.moved(columns, rows) == viewport,
            )  # fmt: skip


def _zoom() -> None:
    _go(replace(current_viewport(), zoom=st.session_state["zoom_level"] or 1))


def _go(viewport: Viewport) -> None:
    settle()
    look_at(viewport)
