"""Where a new subject comes from: a file, the camera or a sample; and a mask from a file where the networks fail."""

import math

import streamlit as st

from bgen_core.errors import BgenError, UserInputError
from bgen_core.subject.decoding.image_io import PHOTO_EXTENSIONS
from bgen_core.subject.samples.samples import SAMPLES, Sample
from pages._ui.app import resources
from pages._ui.app.room import warn_of_no_room
from pages._ui.shared.dropped_file import take_dropped_files
from pages._ui.subject.batch_review import many_photos_field
from pages._ui.subject.subject_draft import (
    complain,
    draft_in_hand,
    open_photo,
    open_sample,
    rounds,
    show_problem,
    take_mask,
)

_FIELD = "photo_field"
_LABEL = "New photo"


def new_photo_popover() -> None:
    """Draw the popover in which a new photo is chosen; it closes with each photo that was taken."""
    popover = f"photo_popover_{rounds()}"
    take_dropped_files(
        invitation="Drop a photo to cut its person out",
        button=popover,
        field=_FIELD,
        label=_LABEL,
        taken=rounds(),
        several=f"Several photos go into “Many photos at once”, under “{_LABEL}”.",
    )
    settings = resources.settings()
    with st.popover(_LABEL, width=132, icon=":material/add_photo_alternate:", key=popover):
        warn_of_no_room(resources.store())
        with st.container(key=_FIELD):
            st.file_uploader(
                f"A photo of a person, up to {settings.max_upload_mb:g} MB and {settings.max_megapixels:g} megapixels",
                type=PHOTO_EXTENSIONS,
                max_upload_size=math.ceil(settings.max_upload_mb),
                key="photo_upload",
                on_change=_take,
                args=("photo_upload", ""),
            )
        show_problem(beside="photo")
        st.caption("Or begin with a sample:")
        with st.container(horizontal=True, gap="xsmall"):
            for sample in SAMPLES:
                st.button(sample.name, help=sample.source, on_click=_open_sample, args=(sample,))
        many_photos_field()
        if st.toggle("Take one with the camera", key=f"camera_{rounds()}"):  # drawn, it asks for the camera
            st.camera_input(
                "A picture from this device's camera",
                key="photo_camera",
                label_visibility="collapsed",
                on_change=_take,
                args=("photo_camera", "Camera.jpg"),
            )


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
