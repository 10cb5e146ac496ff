"""From the canvas to the draft: what was drawn becomes strokes, or a look at a part of the photo."""

from dataclasses import dataclass, replace

import streamlit as st

from bgen_core.extent import Box, Extent
from bgen_core.subject.drawn_strokes import Pen, box_drawn, strokes_on_box
from pages._ui.canvas import clear_canvas, drawn_objects, paint_canvas
from pages._ui.subject_draft import Draft, change, draft_in_hand, keep
from pages._ui.viewport import look_at, viewport_around

_SHOWN = "canvas_shown"
_ZOOM_COLOUR = "#2f6f6266"
_MOST_OBJECTS = 60  # on one canvas: it sends its whole drawing with each new one


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What the canvas looked like when it was drawn on: controls may have other values by now."""

    key: str
    canvas: Extent
    photo: Extent
    box: Box


def draw_on(background: bytes, draft: Draft, pen: Pen | None, *, canvas: Extent, photo: Extent, box: Box) -> None:
    """Draw the canvas with a part of the photo behind it; without a pen, a box drawn on it is a part to look at."""
    st.session_state[_SHOWN] = _Shown(key=draft.canvas_key, canvas=canvas, photo=photo, box=box)
    paint_canvas(
        background,
        canvas,
        drawing_mode="rect" if pen is None or pen.shape == "rectangle" else "freedraw",
        colour=_ZOOM_COLOUR if pen is None else pen.colour,
        line_width=2 if pen is None else pen.line_width,
        key=draft.canvas_key,
    )


def take_drawing(draft: Draft) -> Draft:
    """The draft with what has been drawn since the canvas was cleared."""
    objects, shown = drawn_objects(draft.canvas_key), st.session_state.get(_SHOWN)
    if objects is None or shown is None or shown.key != draft.canvas_key:
        return keep(replace(draft, baked=len(draft.edit.strokes)))
    boxes = [item for item in objects if item.get("stroke") == _ZOOM_COLOUR]
    strokes = strokes_on_box(objects, canvas=shown.canvas, box=shown.box)
    draft = change(draft, replace(draft.edit, strokes=draft.edit.strokes[: draft.baked] + strokes))
    if boxes:
        seen = box_drawn(boxes[-1], canvas=shown.canvas, box=shown.box)
        look_at(viewport_around(seen, shown.photo) if seen else viewport_around(shown.box, shown.photo))
    return _settled(draft) if boxes or len(objects) >= _MOST_OBJECTS else draft


def settle() -> Draft:
    """Make what is on the canvas part of the picture behind it. A callback of what changes that picture.

    Not of the pen's controls: on a slow line somebody draws again before the canvas is told, and would lose the stroke.
    """
    return _settled(take_drawing(draft_in_hand()))


def _settled(draft: Draft) -> Draft:
    clear_canvas(draft.canvas_key)
    return keep(replace(draft, baked=len(draft.edit.strokes)))
