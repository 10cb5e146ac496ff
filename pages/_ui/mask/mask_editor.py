"""The mask editor: the canvas with its brush, the preview beside it, and what shapes the mask as a whole."""

import numpy as np
import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import encode_jpeg
from bgen_core.subject.previews import hatched
from bgen_core.subject.segmentation import reduced
from bgen_core.subject.unsure_regions import undecided
from pages._ui.mask.brush_bar import brush_bar
from pages._ui.mask.canvas import canvas_extent, side_choice
from pages._ui.mask.canvas_look import CANVAS_PLACE, fit_canvas, sized_place
from pages._ui.mask.mask_drawing import draw_on, settle, take_drawing
from pages._ui.mask.mask_preview import Detail, Preview, detail_of, preview_of
from pages._ui.mask.mask_sliders import mask_sliders, slider_values
from pages._ui.mask.mask_view import Film, film_controls, film_in_use, show_view, view_choice
from pages._ui.mask.person_choice import person_choice, several_persons, with_numbers
from pages._ui.mask.viewport import current_viewport
from pages._ui.mask.zoom_bar import zoom_bar
from pages._ui.subject.subject_draft import Draft, change, draft_in_hand, keep_address

_BAR = 600  # CSS pixels that the controls above and below the canvas need
_AROUND = "around_editor"


def mask_editor() -> None:
    """Draw the editor for the draft in hand; afterwards the draft in hand is as the visitor has it now.

    A stroke runs the editor alone, and the rest of the page only where it shows something else then.
    """
    st.session_state[_AROUND] = None
    _editor()
    st.session_state[_AROUND] = _shown_around(draft_in_hand())


@st.fragment
def _editor() -> None:
    draft = take_drawing(draft_in_hand())
    if st.session_state[_AROUND] not in (None, _shown_around(draft)):
        st.rerun()
    preview = preview_of(draft)
    canvas = canvas_extent(preview.photo)
    draft = change(draft, slider_values(draft))
    box, film = current_viewport().box(preview.photo), film_in_use()
    # Everything is known before the first control is drawn, from top to bottom: nothing that is there is pushed away
    detail = detail_of(draft, preview, box)
    background = encode_jpeg(_behind(draft, preview, detail, film, canvas), quality=85)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=max(_BAR, canvas.width)):
            hand = brush_bar(draft, choosing=several_persons(draft, preview))
            with sized_place(CANVAS_PLACE, canvas):
                draw_on(background, draft, hand, canvas=canvas, photo=preview.photo, box=box)
            _below(preview)
            person_choice(draft, preview)
            fit_canvas(canvas, preview.photo)
        with st.container(width="stretch"):
            show_view(view_choice(), detail, film, canvas=canvas)
    mask_sliders(draft, preview)
    keep_address()


def _shown_around(draft: Draft) -> tuple[object, ...]:
    """What the rest of the page shows of a draft."""
    edit = draft.edit if st.session_state.get("purposes") else None
    return draft.token, draft.base, draft.quality, draft.edit.kept_regions is None, edit


def _behind(draft: Draft, preview: Preview, detail: Detail, film: Film, canvas: Extent) -> np.ndarray:
    """What lies behind the strokes: no larger than the canvas, which has no more pixels on any screen."""
    extent = Extent.of(detail.image).scaled_to_longest_side(canvas.longest_side)
    picture = film.over(reduced(detail.image, extent), reduced(detail.alpha, extent))
    if film.hatch and draft.base == "auto":
        picture = hatched(picture, undecided(preview.found, draft.edit, detail.box, extent))
    return with_numbers(picture, draft, preview, detail)


def _below(preview: Preview) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        zoom_bar(preview.photo)
        st.space("stretch")
        with st.popover("Look", icon=":material/palette:", help="How the canvas looks"):
            film_controls()
            side_choice(on_change=settle)
