"""The mask editor: the canvas with its brush, the preview beside it, and what shapes the mask as a whole."""

from dataclasses import replace

import numpy as np
import streamlit as st

from bgen_core.subject.edit import MODES, THRESHOLD_RANGE, MaskEdit, Mode, Stroke
from bgen_core.subject.fabric import drawing_of_strokes, strokes_of_drawing
from bgen_core.subject.image_io import encode_jpeg
from bgen_core.subject.previews import as_grey, on_checkerboard, tinted
from pages._ui.canvas import canvas_extent, drawing, paint_canvas
from pages._ui.mask_preview import Preview, edited_alpha
from pages._ui.subject_draft import Draft, keep, start_afresh

VIEWS = ("Cut-out", "Overlay", "Alpha")
_INITIAL = "canvas_initial"
_MOST_STROKES = 50  # on one canvas: it sends its whole drawing with each new one
_DESCRIPTIONS = {
    "Cut-out": "The subject on a checkerboard",
    "Overlay": "The photo, with what will be repainted under a red film",
    "Alpha": "The mask: white is kept",
}


def mask_editor(draft: Draft, preview: Preview) -> Draft:
    """Draw the editor and return the draft as the visitor has it now."""
    picture_place, sliders_place = st.container(horizontal=True, gap="medium"), st.container()
    strokes = _strokes(draft, preview)
    with sliders_place:
        edit = _sliders(draft, preview, strokes)
    draft = keep(replace(draft, edit=edit))
    alpha = edited_alpha(preview, draft)
    canvas = canvas_extent(preview.photo)
    with picture_place:
        with st.container(width=canvas.width):
            mode, size = _brush()
            paint_canvas(
                encode_jpeg(tinted(preview.image, alpha), quality=85),
                canvas,
                mode=mode,
                brush_size=size,
                initial=st.session_state.get(_INITIAL, {"objects": []}),
                key=draft.canvas_key,
            )
        with st.container(width="stretch"):
            _view(preview.image, alpha, canvas.width)
    if len(draft.edit.strokes) - draft.baked >= _MOST_STROKES:
        start_afresh(draft, baked=len(draft.edit.strokes))
        st.rerun()
    return draft


def _strokes(draft: Draft, preview: Preview) -> tuple[Stroke, ...]:
    """All strokes: those that are part of the picture already, and those on the canvas."""
    canvas = canvas_extent(preview.photo)
    baked, live = draft.edit.strokes[: draft.baked], draft.edit.strokes[draft.baked :]
    sent = drawing(draft.canvas_key)
    if sent is not None:
        return baked + strokes_of_drawing(sent, canvas=canvas, photo=preview.photo)
    st.session_state[_INITIAL] = drawing_of_strokes(live, canvas=canvas, photo=preview.photo)
    return draft.edit.strokes


def _brush() -> tuple[Mode, int]:
    with st.container(horizontal=True):
        mode = st.segmented_control(
            "Brush",
            MODES,
            default="add",
            required=True,
            format_func=str.capitalize,
            key="brush_mode",
            persist_state="session",
            help="Add keeps what you paint over, Erase gives it to the background.",
        )
        size = st.slider(
            "Brush size",
            4,
            120,
            28,
            format="%d px",
            key="brush_size",
            persist_state="session",
            help="On the screen. Undo, redo and clear appear above the canvas when the pointer is on it.",
        )
    return mode or "add", size


def _view(image: np.ndarray, alpha: np.ndarray, width: int) -> None:
    view = st.segmented_control(
        "Preview", VIEWS, default=VIEWS[0], required=True, key="mask_view", persist_state="session"
    )
    if view == "Alpha":
        pixels = as_grey(alpha)
    else:
        pixels = tinted(image, alpha) if view == "Overlay" else on_checkerboard(image, alpha)
    st.image(encode_jpeg(pixels), width=width, alt=_DESCRIPTIONS[view or VIEWS[0]])


def _sliders(draft: Draft, preview: Preview, strokes: tuple[Stroke, ...]) -> MaskEdit:
    side = preview.photo.shortest_side
    reach = float(max(8, round(side * 0.02), abs(draft.edit.grow)))
    softness = float(max(4, round(side * 0.01), draft.edit.feather))
    step = 0.5 if side < 1500 else 1.0
    names = [f"mask_{part}_{draft.token}" for part in ("threshold", "grow", "feather")]
    for name, value in zip(names, (draft.edit.threshold, draft.edit.grow, draft.edit.feather), strict=True):
        st.session_state.setdefault(name, value)
    first, second, third, last = st.columns([3, 3, 3, 1], vertical_alignment="bottom")
    threshold = first.slider(
        "Threshold",
        *THRESHOLD_RANGE,
        step=0.02,
        key=names[0],
        help="Where the edge lies between background (0) and subject (1). Lower keeps more of what was unsure.",
    )
    grow = second.slider(
        "Grow",
        -reach,
        reach,
        step=step,
        format="%g px",
        key=names[1],
        help="In pixels of the photo. Below 0 the mask shrinks.",
    )
    feather = third.slider(
        "Feather",
        0.0,
        softness,
        step=step,
        format="%g px",
        key=names[2],
        help="Softens the edge: sigma of a Gaussian, in pixels of the photo.",
    )
    edit = MaskEdit(threshold=threshold, grow=grow, feather=feather, strokes=strokes)
    last.button(
        "Reset",
        help="Back to the mask as it was found: sliders and strokes.",
        disabled=edit.changes_nothing,
        on_click=start_afresh,
        args=(draft,),
        kwargs={"edit": MaskEdit(), "baked": 0},
        width="stretch",
    )
    return edit
