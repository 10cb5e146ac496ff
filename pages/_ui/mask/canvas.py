# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false
"""The drawing canvas: the only module that touches streamlit-drawable-canvas.

Facts about its version 0.13, each tried: strokes survive reruns and a changed background, but not a page change; it has
no eraser, so Add and Erase are colours; a changed `initial_drawing` replaces what is drawn, and loses a stroke that is
being drawn at that moment. So what is drawn stays on it until the visitor touches another control. It sends its
whole drawing each time, 200 ms after the last change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import streamlit as st

from bgen_core.extent import Extent

SIDES = {"Small": 352, "Medium": 600, "Large": 704}  # CSS pixels, in a column that is as wide: else it is scaled down
_USUAL = "Medium"
_LEAST_SIDE = 24
_CLEARED = "canvas_cleared"

_SIDE = "canvas_side"

DrawingMode = Literal["freedraw", "rect", "point"]


class _Drawn(TypedDict, total=False):
    """What the canvas sends, as far as it is read."""

    objects: list[dict[str, Any]] | None
    overlay: str


@dataclass(frozen=True, kw_only=True)
class _Cleared:
    """How often a canvas was cleared."""

    key: str = ""
    times: int = 0

    @property
    def mark(self) -> str:
        """A colour that cannot be seen, over the whole drawing: it comes back with every drawing made since."""
        return f"#{self.times % 2**24:06x}00"


def side_choice(on_change: Callable[[], Any]) -> None:
    """Draw the choice of a size; the callback is called before it changes."""
    st.segmented_control(
        "Canvas", list(SIDES), default=_USUAL, required=True, key=_SIDE, persist_state="session",
        on_change=on_change,
    )  # fmt: skip


def canvas_extent(photo: Extent) -> Extent:
    """Size of the canvas for a photo: its aspect, with the longest side as it was chosen."""
    scale = SIDES[st.session_state.get(_SIDE) or _USUAL] / photo.longest_side
    return Extent(
        width=max(_LEAST_SIDE, round(photo.width * scale)), height=max(_LEAST_SIDE, round(photo.height * scale))
    )


def drawn_objects(key: str) -> list[dict[str, Any]] | None:
    """What is drawn on the canvas since it was cleared, known from the start of the run that a new stroke causes.

    None where the browser has sent nothing yet: at the first visit, and again after a page change.
    """
    state: dict[str, Any] = st.session_state.get(key) or {}
    drawing: dict[str, Any] = state.get("drawing") or {}
    drawn: _Drawn | None = drawing.get("raw")
    if drawn is None:
        return None
    # It goes on saying what was on it before for a moment
    return list(drawn.get("objects") or ()) if drawn.get("overlay") == _cleared(key).mark else []


def clear_canvas(key: str) -> None:
    """Empty the canvas with the next run. Not while somebody draws: call it when another control is touched."""
    if drawn_objects(key):
        st.session_state[_CLEARED] = _Cleared(key=key, times=_cleared(key).times + 1)


def paint_canvas(
    background: bytes, extent: Extent, *, drawing_mode: DrawingMode, colour: str, line_width: float, key: str
) -> None:
    """Draw the canvas.

    Parameters
    ----------
    background
        JPEG, stretched over the canvas.
    line_width
        In CSS pixels.
    """
    # Imported here because the package registers its component when it is imported, which needs a running app.
    from streamlit_drawable_canvas import st_canvas

    st_canvas(
        stroke_width=round(line_width),
        stroke_color=colour,
        fill_color=colour,
        background_image=background,
        width=extent.width,
        height=extent.height,
        drawing_mode=drawing_mode,
        # The mark alone makes it another drawing, which is what empties the canvas.
        initial_drawing={"objects": [], "overlay": _cleared(key).mark},
        point_display_radius=1,
        key=key,
    )


def _cleared(key: str) -> _Cleared:
    cleared: _Cleared = st.session_state.get(_CLEARED, _Cleared())
    return cleared if cleared.key == key else _Cleared(key=key)
