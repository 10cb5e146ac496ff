"""The drawing canvas: the only module that touches streamlit-drawable-canvas.

Facts about its version 0.13, each tried: strokes survive reruns and a changed background, but not a page change; the
drawing has no eraser, so Add and Erase are colours that are replayed in order; `initial_drawing` counts at mount alone.
"""

from typing import Any

import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.edit import Mode
from bgen_core.subject.fabric import COLOURS

LONGEST_SIDE = 600  # CSS pixels: the canvas does not scale with the page
_LEAST_SIDE = 24


def canvas_extent(photo: Extent) -> Extent:
    """Size of the canvas for a photo: its aspect, with the longest side fixed."""
    scale = LONGEST_SIDE / photo.longest_side
    return Extent(
        width=max(_LEAST_SIDE, round(photo.width * scale)), height=max(_LEAST_SIDE, round(photo.height * scale))
    )


def drawing(key: str) -> dict[str, Any] | None:
    """What is drawn on the canvas, known from the start of the run that a new stroke causes.

    None where the browser has sent nothing yet: at the first visit, and again after a page change.
    """
    state = st.session_state.get(key)
    return ((state or {}).get("drawing") or {}).get("raw")


def paint_canvas(
    background: bytes, extent: Extent, *, mode: Mode, brush_size: int, initial: dict[str, Any], key: str
) -> None:
    """Draw the canvas.

    Parameters
    ----------
    background
        JPEG, stretched over the canvas.
    brush_size
        In CSS pixels.
    initial
        What to begin with; must stay the same as long as the canvas is mounted.
    """
    # Imported here because the package registers its component when it is imported, which needs a running app.
    from streamlit_drawable_canvas import st_canvas

    st_canvas(
        stroke_width=brush_size,
        stroke_color=COLOURS[mode],
        background_image=background,
        width=extent.width,
        height=extent.height,
        initial_drawing=initial,
        key=key,
    )
