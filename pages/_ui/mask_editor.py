"""The mask editor: the canvas with its brush, the preview beside it, and what shapes the mask as a whole."""

import streamlit as st

from bgen_core.extent import Box
from bgen_core.subject.image_io import encode_jpeg
from bgen_core.subject.previews import hatched
from pages._ui.brush_bar import brush_bar
from pages._ui.canvas import SIDES, canvas_extent
from pages._ui.mask_doubt import doubtful
from pages._ui.mask_drawing import draw_on, settle, take_drawing
from pages._ui.mask_preview import Preview, detail_of
from pages._ui.mask_sliders import mask_sliders
from pages._ui.mask_view import Film, film_controls, show_view, view_choice
from pages._ui.person_choice import with_numbers
from pages._ui.subject_draft import Draft, change
from pages._ui.viewport import current_viewport
from pages._ui.zoom_bar import zoom_bar

_BAR = 600  # CSS pixels that the controls above and below the canvas need


def mask_editor(draft: Draft, preview: Preview) -> Draft:
    """Draw the editor and return the draft as the visitor has it now."""
    draft = take_drawing(draft)
    canvas = canvas_extent(preview.photo, SIDES[st.session_state.get("canvas_side", "Medium")])
    picture_place, sliders_place = st.container(horizontal=True, gap="medium"), st.container()
    with sliders_place:
        draft = change(draft, mask_sliders(draft, preview))
    detail = detail_of(draft, preview, current_viewport().box(preview.photo))
    with picture_place:
        with st.container(width=max(_BAR, canvas.width)):
            pen = brush_bar(draft)
            canvas_place = st.container()
            film = _below(detail.box, preview)
            with canvas_place:
                picture = film.over(detail.image, detail.alpha)
                if film.hatch:
                    picture = hatched(picture, doubtful(draft, preview, detail))
                picture = with_numbers(picture, draft, preview, detail)
                draw_on(
                    encode_jpeg(picture, quality=85), draft, pen, canvas=canvas, photo=preview.photo, box=detail.box
                )
        with st.container(width="stretch"):
            show_view(view_choice(), detail, film, width=canvas.width)
    return draft


def _below(box: Box, preview: Preview) -> Film:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        zoom_bar(preview.photo)
        st.space("stretch")
        with st.popover("", icon=":material/palette:", help="How the canvas looks"):
            film = film_controls()
            st.segmented_control(
                "Canvas", list(SIDES), default="Medium", required=True, key="canvas_side", persist_state="session",
                on_change=settle,
            )  # fmt: skip
    return film
