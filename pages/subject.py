"""Subject: a photo goes in, its person is cut out, and the brush corrects what the network saw wrongly."""

from dataclasses import replace

import streamlit as st

from bgen_core.errors import BgenError, UserInputError
from bgen_core.models.default_model import default_model
from pages._ui.app import page_files, resources
from pages._ui.app.faults import told
from pages._ui.app.status import show_status
from pages._ui.mask.mask_base import quality_choice, show_progress
from pages._ui.mask.mask_editor import mask_editor
from pages._ui.mask.mask_notes import base_choice, show_note
from pages._ui.mask.mask_preview import preview_of
from pages._ui.mask.mask_purposes import mask_purposes
from pages._ui.shared.plain_text import plain
from pages._ui.shared.told_when_done import shown_last
from pages._ui.subject.first_subject import start_at_once
from pages._ui.subject.subject_choice import mask_upload, new_photo_popover
from pages._ui.subject.subject_draft import complain, current_draft, draft_in_hand, keep, show_problem
from pages._ui.subject.subject_library import library_button
from pages._ui.subject.subject_saving import save

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Subject", width="content")
    st.space("stretch")
    status_place = st.container(width="content")
    first_place = st.container(width="content")
    new_place = st.container(width="content")
    library_place = st.container(width="content")
problem_place = st.container()
with status_place:
    show_status(default_model(resources.settings()), resources.executor(), resources.store(), follows=shown_last())
with new_place:
    new_photo_popover()
try:
    draft = current_draft()
    with st.skeleton(height=480):
        preview = preview_of(draft)
except UserInputError as error:
    with library_place:
        library_button()
    st.error(plain(told(error)))
    st.stop()

editor_place, base_place = st.container(), st.container(horizontal=True, vertical_alignment="bottom")
with base_place:
    draft = replace(draft, base=base_choice(draft, preview))
    if draft.base == "auto":
        draft = quality_choice(draft)
    mask_upload()
keep(draft)
with editor_place:
    mask_editor()
draft = draft_in_hand()
# The choice of an edge may have been made a moment ago
preview = preview_of(draft)
show_progress(draft)
show_note(draft, preview)
mask_purposes(draft, preview)

name_place, save_place, use_place = st.columns([4, 1, 1], vertical_alignment="bottom")
name = name_place.text_input(
    "Name", value=draft.name, key=f"subject_name_{draft.key}", max_chars=80, persist_state="session"
)
pressed_save = save_place.button("Save", width="stretch", help="Keeps photo, mask and strokes in the library.")
pressed_use = use_place.button("Use in sweep →", type="primary", width="stretch")
pressed_first = not resources.store().subjects.all() and first_place.button(
    "Make a first picture", type="primary", help="Keeps this subject and paints the example prompt behind it."
)
if pressed_save or pressed_use or pressed_first:
    try:
        with st.spinner("Cutting out at full size and saving"):
            draft, sentence = save(draft, name)
    except BgenError as error:
        complain(error)
    else:
        if pressed_first:
            start_at_once()
        if pressed_use or pressed_first:
            st.switch_page(page_files.SWEEP, query_params={"subject": draft.saved_id})
        st.toast(sentence)

# Last, because they show what happened above.
with library_place:
    library_button()
with problem_place:
    show_problem()
