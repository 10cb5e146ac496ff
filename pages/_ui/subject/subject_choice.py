"""Where a new subject comes from: a file, the camera or a sample; and a mask from a file where the networks fail."""

import math

import streamlit as st

from bgen_core.errors import BgenError, UserInputError
from bgen_core.subject.decoding.image_io import PHOTO_EXTENSIONS
from bgen_core.subject.samples.samples import SAMPLES, Sample
from pages._ui.app import resources
from pages._ui.app.room import warn_of_no_room
from pages._ui.subject.subject_draft import (
    complain,
    draft_in_hand,
    open_photo,
    open_sample,
    rounds,
    show_problem,
    take_mask,
)


def new_photo_popover() -> None:
    """Draw the popover in which a new photo is chosen; it closes with each photo that was taken."""
    with st.popover("New photo", width=132, icon=":material/add_photo_alternate:", key=f"photo_popover_{rounds()}"):
        origin = st.segmented_control(
            "Where from",
            ["File", "Camera", "Sample"],
            default="File",
            required=True,
            key="photo_origin",
            label_visibility="collapsed",
        )
        settings = resources.settings()
        warn_of_no_room(resources.store())
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


def mask_upload() -> None:
    """Draw the popover in which a mask for the photo is chosen; it closes with each that was taken."""
    with st.popover("Mask from a file", icon=":material/upload:", type="tertiary", key=f"mask_popover_{rounds()}"):
        st.file_uploader(
            "A mask of the photo's size: white is kept, or what is opaque",
            type=["png", "webp", "tif", "tiff", "bmp", "jpg", "jpeg"],
            key="mask_upload",
            on_change=_take_mask,
        )
        show_problem(beside="mask")


def _take(widget: str, file_name: str) -> None:
    chosen = st.session_state[widget]
    if chosen is None:
        return
    try:
        open_photo(chosen.getvalue(), file_name or chosen.name)
    except UserInputError as error:
        complain(error, beside="photo")


def _take_mask() -> None:
    chosen = st.session_state["mask_upload"]
    if chosen is None:
        return
    try:
        take_mask(draft_in_hand(), chosen.getvalue(), chosen.name)
    except BgenError as error:  # the photo may be a saved subject's
        complain(error, beside="mask")


def _open_sample(sample: Sample) -> None:
    open_sample(sample)
