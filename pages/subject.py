"""Subject: a photo goes in, its person is cut out, and the brush corrects what the network saw wrongly."""

from dataclasses import replace

import streamlit as st

from bgen_core.errors import BgenError, LostPictureError, UserInputError
from bgen_core.models.default_model import default_model
from pages._ui.app import page_files, resources
from pages._ui.app.faults import told
from pages._ui.app.status import show_status
from pages._ui.identity.viewers import LOOKS_ALONE, looks_alone
from pages._ui.mask.mask_base import quality_choice, show_progress, with_quality
from pages._ui.mask.mask_editor import mask_editor
from pages._ui.mask.mask_notes import base_choice, base_in_use, show_notes, show_warnings
from pages._ui.mask.mask_preview import preview_of
from pages._ui.mask.mask_purposes import mask_purposes
from pages._ui.shared.plain_text import plain
from pages._ui.shared.told_when_done import shown_last
from pages._ui.subject.batch_review import review_photos
from pages._ui.subject.first_subject import start_at_once
from pages._ui.subject.subject_choice import mask_upload, new_photo_popover
from pages._ui.subject.subject_draft import (
    complain,
    current_draft,
    draft_in_hand,
    forget_left,
    keep,
    show_problem,
)
from pages._ui.subject.subject_library import library_button, library_to_look_at
from pages._ui.subject.subject_saving import save, show_left, show_saved, tell_saved

problem, draft, preview = "", None, None
title_row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
with title_row:
    st.title("Subject", width="content", anchor=False)
if looks_alone(resources.store()):
    with title_row:
        st.space("stretch")
        with st.container(width="content"):
            show_status(default_model(resources.settings()), resources.executor(), resources.store())
    st.caption(LOOKS_ALONE)
    library_to_look_at()
    st.stop()
try:
    draft = current_draft()
    with st.skeleton(height=780):
        preview = preview_of(draft)
except (UserInputError, LostPictureError) as error:
    problem = told(error)

# From top to bottom, and known before it is drawn: nothing that is there is pushed away. What is chosen below the
# editor is read here, too.
name, pressed_save, pressed_use, pressed_first = "", False, False, False
with title_row:
    if draft and preview:
        name = st.text_input(
            "Name", value=draft.name, key=f"subject_name_{draft.token}", max_chars=80, persist_state="session",
            label_visibility="collapsed", width=116,
        )  # fmt: skip
        draft = replace(draft, base=base_in_use(draft, preview), name=name.strip() or draft.name)
        draft = keep(with_quality(draft) if draft.base == "auto" else draft)
        preview = preview_of(draft)
        show_notes(draft, preview)
    st.space("stretch")
    with st.container(width="content"):
        show_status(default_model(resources.settings()), resources.executor(), resources.store(), follows=shown_last())
    # Widths of their own: without them the row breaks in other places once the buttons' code has come
    new_photo_popover()
    library_button()
    if draft and preview:
        pressed_save = st.button("Save", width=64, help="Keeps photo, mask and strokes in the library.")
        is_first = not resources.store().subjects.all()
        pressed_use = st.button("Use in sweep →", type="secondary" if is_first else "primary", width=132)
        pressed_first = is_first and st.button(
            "Make a first picture", type="primary", width=156,
            help="Keeps this subject and paints the example prompt behind it.",
        )  # fmt: skip
problem_place = st.container()
show_saved()
show_left()
review_photos(draft)
if draft is None or preview is None:
    st.error(plain(problem))
    st.stop()

show_warnings(draft, preview)
mask_editor()
draft = draft_in_hand()
preview = preview_of(draft)
with st.container(horizontal=True, vertical_alignment="bottom"):
    base_choice(draft, preview)
    if draft.base == "auto":
        quality_choice(draft)
    mask_upload()
show_progress(draft)
mask_purposes(draft, preview)

with problem_place:
    if pressed_save or pressed_use or pressed_first:
        try:
            with st.spinner("Cutting out at full size and saving"):
                draft, sentence = save(draft, name)
                forget_left()
        except BgenError as error:
            complain(error)
        else:
            if pressed_first:
                start_at_once()
            if pressed_use or pressed_first:
                st.switch_page(page_files.SWEEP, query_params={"subject": draft.saved_id})
            tell_saved(sentence)
    show_problem()
