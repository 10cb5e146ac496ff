"""Where a subject comes from: a file, the camera, a sample, or the library of saved ones."""

import math
from html import escape

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.runs.links import thumbnail_url
from bgen_core.runs.store import SubjectEntry
from bgen_core.subject.image_io import PHOTO_EXTENSIONS
from bgen_core.subject.samples.samples import SAMPLES, Sample
from pages._ui import resources
from pages._ui.subject_draft import complain, open_photo, open_sample, open_saved, show_problem

_LISTED = 30


def new_photo_popover() -> None:
    """Draw the popover in which a new photo is chosen."""
    with st.popover("New photo", width="content"):
        origin = st.segmented_control(
            "Where from",
            ["File", "Camera", "Sample"],
            default="File",
            required=True,
            key="photo_origin",
            label_visibility="collapsed",
        )
        settings = resources.settings()
        if origin == "File":
            st.file_uploader(
                f"A photo of a person, up to {settings.max_upload_mb:g} MB and {settings.max_megapixels:g} megapixels",
                type=PHOTO_EXTENSIONS,
                max_upload_size=math.ceil(settings.max_upload_mb),
                key="photo_upload",
                on_change=_take,
                args=("photo_upload", ""),
            )
        elif origin == "Camera":
            st.camera_input(
                "A picture from this device's camera",
                key="photo_camera",
                on_change=_take,
                args=("photo_camera", "Camera.jpg"),
            )
        else:
            for sample in SAMPLES:
                st.button(sample.name, help=sample.source, on_click=_open_sample, args=(sample,), width="stretch")
        show_problem(beside="photo")


def library_popover() -> None:
    """Draw the popover with the saved subjects."""
    try:
        entries = resources.store().list_subjects()
    except UserInputError as error:
        complain(error)
        return
    with st.popover(f"Library · {len(entries)}", disabled=not entries, width="content"):
        with st.container(height=min(420, 96 * len(entries) + 32), border=False):
            for entry in entries[:_LISTED]:
                _entry_row(entry)
        if len(entries) > _LISTED:
            st.caption(f"The newest {_LISTED} of {len(entries)}.")


def _entry_row(entry: SubjectEntry) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<img src="{escape(thumbnail_url(entry.photo, 96))}" alt="{escape(entry.name)}" loading="lazy" '
            'width="56" height="56" style="object-fit:cover;border-radius:4px">',
            width="content",
        )
        with st.container(width="stretch", gap=None):
            st.text(entry.name)
            st.caption(f"{entry.extent} · {entry.created.astimezone():%Y-%m-%d %H:%M}")
        st.button("Open", key=f"open_{entry.id}", on_click=_open_saved, args=(entry.id,))
        st.button("Delete", key=f"delete_{entry.id}", type="tertiary", on_click=_confirm_deletion, args=(entry,))


@st.dialog("Delete this subject?")
def _confirm_deletion(entry: SubjectEntry) -> None:
    st.text(entry.name)
    st.caption("Its photo, mask and strokes go. Pictures that were made with it stay in the table.")
    if st.button("Delete", type="primary", key="delete_for_good", on_click=_delete, args=(entry.id,)):
        st.rerun()


def _delete(subject_id: str) -> None:
    try:
        resources.store().delete_subject(subject_id)
    except UserInputError as error:
        complain(error)


def _take(widget: str, file_name: str) -> None:
    chosen = st.session_state[widget]
    if chosen is None:
        return
    try:
        open_photo(chosen.getvalue(), file_name or chosen.name)
    except UserInputError as error:
        complain(error, beside="photo")


def _open_sample(sample: Sample) -> None:
    open_sample(sample)


def _open_saved(subject_id: str) -> None:
    try:
        open_saved(subject_id)
    except UserInputError as error:
        complain(error)
